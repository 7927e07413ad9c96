"""A training from its configuration to its final model, in the order in which things happen."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from synthcpt.errors import ConfigError
from synthcpt.files import write_text
from synthcpt.packing.plan import Plan
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.training import folder as places
from synthcpt.training.building import Built, build
from synthcpt.training.checkpoints import Checkpoint, checkpoint_folder, checkpoint_steps, write_checkpoint
from synthcpt.training.config import TrainConfig
from synthcpt.training.data import IDENTITY, Data, other_texts, prepare_data
from synthcpt.training.finishing import write_models
from synthcpt.training.flops import Flops, dense_peak_flops, flops_per_token, mean_attended_tokens
from synthcpt.training.loop import Loop
from synthcpt.training.models import parameter_count
from synthcpt.training.optimiser import Averages, Optimiser
from synthcpt.training.probe_log import forget_probes
from synthcpt.training.probes import Probe, read_probes
from synthcpt.training.probing import Prober, make_prober
from synthcpt.training.processes import World, joined
from synthcpt.training.reports import Beginning, Ending, Observer
from synthcpt.training.showing.watcher import Watcher


@dataclass(slots=True)
class Training:
    """One training.

    Args:
        config: all settings.
        overwrite: throw away what the folder holds of another training.
        watch: makes who is told, on the first process, once the folder is ours.
    """

    config: TrainConfig
    overwrite: bool = False
    watch: Callable[[], Observer] | None = None
    _stop: bool = field(default=False, init=False)

    def run(self) -> Path:
        """Train, or go on; gives back the final model's folder. A finished training is left as it is.

        Raises:
            UserError: something the user can mend.
            TrainingFailed: the loss is not finite, or memory ran out; the last checkpoint is whole.
            Interrupted: Ctrl-C or SIGTERM; a checkpoint was written.
        """
        if self.config.threads:
            torch.set_num_threads(self.config.threads)
        with joined() as world:
            if not world.first:
                world.wait()
                return self._train(world, Watcher())
            with places.held(self.config.output):
                places.begin(self.config, overwrite=self.overwrite)
                finished = places.read_finished(self.config.output)
                world.wait()
                observer = self.watch() if self.watch and not finished else Watcher()
                try:
                    return self._train(world, observer)
                finally:
                    observer.close()

    def _train(self, world: World, observer: Observer) -> Path:
        if places.read_finished(self.config.output):
            return self.config.output / places.MODEL
        started_s = time.monotonic()
        asked = self.config.probes
        probes = read_probes(asked, self.config.probe_limit, self.config.seed) if asked else []
        data = prepare_data(self.config, world, observer.noted)
        config = self.config.model_copy(update={"model": data.model})
        built = build(config, world, data.vocabulary, len(data.added_tokens))
        embeddings = _embeddings(built)
        optimiser = Optimiser(built.loss, self.config, world, embeddings)
        averages = Averages(optimiser.parameters, self.config.ema) if self.config.ema else None
        step = self._restore(optimiser, averages, data.plan, world)
        flops = _flops(built, data.plan, self.config)
        observer.began(self._beginning(built, data, flops, step, world))
        prober = self._prober(probes, data, step, world, observer)
        loop = Loop(
            self.config, data.plan, built.loss, optimiser, averages, world, built.layout,
            max(1, micro_tokens(self.config, world) // self.config.window_tokens), built.autocast, observer,
            flops.per_token, lambda done: self._checkpoint(done, optimiser, averages, data, world),
            lambda: self._stop, step, prober,
        )  # fmt: skip
        with self._listening(), closing(prober) if prober else nullcontext():
            loop.run()
        model = write_models(self.config, built, optimiser, averages, data.tokenizer, world)
        if world.first:
            self._finish(model, data, observer, time.monotonic() - started_s)
        world.wait()
        return model

    def _prober(self, probes: list[Probe], data: Data, step: int, world: World, observer: Observer) -> Prober | None:
        if not probes:
            if step == 0 and world.first:
                forget_probes(self.config.output)
            return None
        tokenizer = TextTokenizer(data.tokenizer, bos=self.config.bos)
        prober, told = make_prober(self.config, probes, data.plan, tokenizer, step, world)
        if told:
            observer.noted(told)
        return prober

    def _restore(self, optimiser: Optimiser, averages: Averages | None, plan: Plan, world: World) -> int:
        """Go on from the newest checkpoint, or begin from a branch's; gives back the steps done."""
        checkpoints = self.config.output / places.CHECKPOINTS
        if steps := checkpoint_steps(checkpoints):
            with Checkpoint(checkpoint_folder(checkpoints, steps[-1])) as checkpoint:
                if checkpoint.state.get("plan") != plan.meta.get(IDENTITY):  # the plan was deleted and made anew
                    raise other_texts(self.config.output)
                optimiser.load(checkpoint)
                if averages is not None:
                    averages.load(checkpoint, world, checkpoint.state["step"])
                return int(checkpoint.state["step"])
        if self.config.branch:
            with Checkpoint(find_branch(self.config.branch)) as checkpoint:
                optimiser.load(checkpoint)
            if averages is not None:
                averages.restart()
        return 0

    def _checkpoint(self, done: int, optimiser: Optimiser, averages: Averages | None, data: Data, world: World) -> None:
        state = {
            "step": done,
            "optimiser_steps": optimiser.steps,
            "tokens": int(data.plan.step_tokens[done - 1]) if done else 0,
            "processes": world.size,
            "plan": data.plan.meta.get(IDENTITY),
        }
        tensors = optimiser.tensors() | (averages.tensors() if averages else {})
        keep = max(self.config.keep_checkpoints, self.config.average_last)
        write_checkpoint(self.config.output / places.CHECKPOINTS, state, tensors, world, keep)

    def _beginning(self, built: Built, data: Data, flops: Flops, step: int, world: World) -> Beginning:
        model, plan = built.loss.model, data.plan
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        cuda = world.device.type == "cuda"
        name = torch.cuda.get_device_name(world.device) if cuda else "cpu"
        dtype = "fp32" if built.precision == "fp32" else "bf16"
        peak = dense_peak_flops(name, dtype)
        return Beginning(
            model=self.config.model,
            output=str(self.config.output),
            data=plan.part_names,
            parameters=parameter_count(list(model.parameters())),
            trainable_parameters=parameter_count(trained),
            steps=plan.steps,
            tokens=plan.tokens,
            from_step=step,
            batch_tokens=plan.batch_windows * plan.window_tokens,
            devices=f"{world.size} x {name}" if world.size > 1 or cuda else f"cpu, {torch.get_num_threads()} threads",
            flops_formula=flops.told(peak, dtype),
            peak_flops=peak * world.size if peak else None,
            audit=data.account.facts(),
            notes=(*built.notes, *data.notes),
        )

    def _finish(self, model: Path, data: Data, observer: Observer, wall_s: float) -> None:
        plan = data.plan
        facts = {"steps": plan.steps, "tokens": plan.tokens, "model": places.MODEL, "audit": data.account.as_json()}
        extra = {
            "base_model": self.config.model,
            "sources": data.sources(),
            "recipe": self.config.model_dump(mode="json"),
        }
        observer.ended(Ending(plan.steps, plan.tokens, str(model), wall_s, extra))
        write_text(self.config.output / places.FINISHED, json.dumps(facts, indent=2, sort_keys=True) + "\n")

    @contextmanager
    def _listening(self) -> Iterator[None]:
        """The first Ctrl-C or SIGTERM ends the training after its step, with a checkpoint; the second at once."""

        def stop(_number: int, _frame: Any) -> None:
            if self._stop:
                raise KeyboardInterrupt
            self._stop = True

        before: dict[int, Any] = {}
        try:
            for number in (signal.SIGINT, signal.SIGTERM):
                before[int(number)] = signal.signal(number, stop)
        except ValueError:  # not the main thread: the caller listens, or nobody
            pass
        try:
            yield
        finally:
            for signal_number, handler in before.items():
                signal.signal(signal_number, handler)


def micro_tokens(config: TrainConfig, world: World) -> int:
    """Slots that one process computes at once: as asked, or 16k on a GPU and 4k on a CPU, or the batch's share."""
    asked = config.micro_tokens or (16_384 if world.device.type == "cuda" else 4_096)
    return max(config.window_tokens, min(asked, config.batch_tokens // world.size))


def find_branch(branch: str) -> Path:
    """The checkpoint that ``RUN`` or ``RUN@STEP`` names.

    Raises:
        ConfigError: there is none.
    """
    run, _, wanted = branch.partition("@")
    checkpoints = Path(run) / places.CHECKPOINTS
    steps = checkpoint_steps(checkpoints)
    if not steps:
        raise ConfigError(f"There is no checkpoint in {run} to branch from.")
    if wanted and (not wanted.isdecimal() or int(wanted) not in steps):
        raise ConfigError(f"{run} has no checkpoint of step {wanted}; it has {', '.join(map(str, steps))}.")
    return checkpoint_folder(checkpoints, int(wanted) if wanted else steps[-1])


def _embeddings(built: Built) -> tuple[torch.nn.Parameter, ...]:
    layers = (built.loss.model.get_input_embeddings(), built.loss.model.get_output_embeddings())
    return tuple(layer.weight for layer in layers if layer is not None)


def _flops(built: Built, plan: Plan, config: TrainConfig) -> Flops:
    model = built.loss.model
    shape: Any = model.config
    inputs: Any = model.get_input_embeddings()
    tied = model.get_output_embeddings() is not None and model.get_output_embeddings().weight is inputs.weight
    looked_up = 0 if tied else inputs.weight.numel()
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    lengths = plan.length if config.isolate else [plan.window_tokens]
    heads = getattr(shape, "num_attention_heads", 1)
    width = getattr(shape, "head_dim", None) or shape.hidden_size // heads
    return flops_per_token(
        frozen=frozen - looked_up if config.lora_rank else 0,
        trained=trained if config.lora_rank else trained - looked_up,
        layers=getattr(shape, "num_hidden_layers", 0),
        attention_width=heads * width,
        attended_tokens=mean_attended_tokens(lengths),
    )
