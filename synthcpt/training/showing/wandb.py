"""Figures sent to Weights & Biases, when asked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthcpt.errors import MissingExtra, UserError
from synthcpt.files import write_text
from synthcpt.training.reports import Beginning, Ending, EvaluationReport, StepReport
from synthcpt.training.showing.plain import plain
from synthcpt.training.showing.watcher import Watcher

RUN_ID = "wandb-run-id.txt"


class WandB(Watcher):
    """One Weights & Biases run for one training run, however often it is resumed: its id is in the run's folder.

    The key is wandb's own business (its login, or ``WANDB_API_KEY``); nothing of it is written here.
    ``WANDB_MODE=offline`` keeps everything in ``<output>/wandb``.

    Args:
        output: the run's folder.
        project: the project's name.
        recipe: the configuration to show beside the figures.

    Raises:
        MissingExtra: wandb is not installed.
    """

    def __init__(self, output: Path, project: str, recipe: Mapping[str, Any] | None = None) -> None:
        try:
            import wandb
        except ImportError as error:
            raise MissingExtra("wandb", "wandb", "send figures to Weights & Biases") from error
        self._wandb: Any = wandb
        self._output, self._project, self._recipe = output, project, dict(recipe or {})
        self._run: Any = None
        self._peak_flops: float | None = None
        self._finished_well = False

    def began(self, beginning: Beginning) -> None:
        """Start or resume the run.

        Raises:
            UserError: it cannot be started, as without a login.
        """
        self._peak_flops = beginning.peak_flops
        config = {
            **self._recipe,
            "model": beginning.model,
            "data": list(beginning.data),
            "parameters": beginning.parameters,
            "trainable_parameters": beginning.trainable_parameters,
            "devices": beginning.devices,
            "flops": beginning.flops_formula,
        }
        try:
            self._run = self._wandb.init(
                project=self._project, name=plain(self._output.resolve().name, most=120), id=self._id(beginning),
                resume="allow", dir=str(self._output), config=config,
                settings=self._wandb.Settings(console="off"),  # it would catch the panel's lines
            )  # fmt: skip
        except self._wandb.errors.Error as error:
            raise UserError(
                f"Weights & Biases cannot be started: {plain(str(error))} Log in with `wandb login`, keep its "
                "files here with WANDB_MODE=offline, or leave --wandb out."
            ) from error

    def stepped(self, report: StepReport) -> None:
        """A step's figures."""
        values: dict[str, float] = {
            "train/loss": report.loss,
            "train/lr": report.lr,
            "train/grad_norm": report.grad_norm,
            "train/tokens": report.tokens,
        }
        if report.step_s > 0:
            values["train/tokens_per_s"] = report.step_tokens / report.step_s
            if self._peak_flops:
                values["train/mfu"] = report.flops / report.step_s / self._peak_flops
        self._log(report.step, values)

    def evaluated(self, report: EvaluationReport) -> None:
        """The held-out losses."""
        values: dict[str, float] = {}
        for name, heldout in report.heldout.items():
            values[f"heldout/{plain(name)}/loss"] = heldout.loss
            values[f"heldout/{plain(name)}/bits_per_byte"] = heldout.bits_per_byte
        self._log(report.step, values)

    def ended(self, ending: Ending) -> None:  # noqa: ARG002
        """The run will be marked as finished."""
        self._finished_well = True

    def close(self) -> None:
        """Send what is left."""
        if self._run is not None:
            run, self._run = self._run, None
            run.finish(exit_code=0 if self._finished_well else 1)

    def _log(self, step: int, values: dict[str, float]) -> None:
        # A resumed run does some steps again; the server has them, and takes each step once.
        if self._run is None or step < self._run.step:
            return
        try:
            self._run.log(values, step=step)
        except self._wandb.errors.Error as error:
            raise UserError(f"Weights & Biases takes no more figures: {plain(str(error))}") from error

    def _id(self, beginning: Beginning) -> str:
        path = self._output / RUN_ID
        if beginning.from_step and path.exists():
            return path.read_text(encoding="utf-8").strip()
        identity = uuid.uuid4().hex[:12]
        write_text(path, identity + "\n")
        return identity
