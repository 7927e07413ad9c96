"""Forgetting by the tasks of lm-evaluation-harness, where it is installed; document by document, so that two pair."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeAlias

from synthcpt.errors import ConfigError, MissingExtra, near_match
from synthcpt.evaluation.config import EvaluateConfig

Row: TypeAlias = dict[str, Any]
"""``task``, ``metric`` (with its filter, where that is not "none"), ``doc_id``, ``value``, ``better`` (1 or -1)."""


def check_harness(config: EvaluateConfig) -> None:
    """See that the tasks can be run, before a model is loaded.

    Raises:
        MissingExtra: lm-evaluation-harness is not installed.
        ConfigError: there is no such task, or the model is behind a server.
    """
    if find_spec("lm_eval") is None:
        raise MissingExtra("lm-eval", "lm-eval", "run tasks of lm-evaluation-harness")
    if config.base_url or config.backend not in (None, "vllm", "transformers"):
        raise ConfigError("Tasks of lm-evaluation-harness are run with a model in this process, not through a server.")
    manager = _manager(config)
    for task in config.tasks:
        if task not in manager.all_tasks:
            raise ConfigError(f"lm-evaluation-harness has no task {task!r}. {near_match(task, manager.all_tasks)}")


def run_tasks(
    config: EvaluateConfig, folder: Path, backend: str, tasks: Sequence[str], batch_size: int | None
) -> list[Row]:
    """What the model does on each document of each task.

    Args:
        config: for the device, the dtype and the seed.
        folder: the model's.
        backend: ``vllm`` or ``transformers``.
        tasks: by their names in the harness.
        batch_size: for transformers.
    """
    import lm_eval

    seeds = dict.fromkeys(("random_seed", "numpy_random_seed", "torch_random_seed", "fewshot_random_seed"), config.seed)
    found = lm_eval.simple_evaluate(
        model=_model(config, folder, backend, batch_size),
        tasks=list(tasks),
        limit=config.task_limit,
        log_samples=True,
        # Intervals are made here, of pairs.
        bootstrap_iters=0,
        task_manager=_manager(config),
        **seeds,
    )
    return list(_rows(found or {}))


def _manager(config: EvaluateConfig) -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=str(config.task_folder) if config.task_folder else None)


def _model(config: EvaluateConfig, folder: Path, backend: str, batch_size: int | None) -> Any:
    arguments: dict[str, Any] = {
        "pretrained": str(folder), "dtype": config.dtype, "trust_remote_code": config.trust_remote_code,
    }  # fmt: skip
    if backend == "vllm":
        from lm_eval.models.vllm_causallms import VLLM

        return VLLM(**arguments, batch_size="auto", seed=config.seed)
    import torch
    from lm_eval.models.huggingface import HFLM

    device = config.device if config.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    return HFLM(**arguments, device=device, batch_size=batch_size or 16)


def _rows(found: Mapping[str, Any]) -> Iterator[Row]:
    """A row a task, document and metric, of the metrics that are one number a document."""
    better: Mapping[str, Mapping[str, bool | None]] = found.get("higher_is_better", {})
    for task, samples in sorted(found.get("samples", {}).items()):
        for sample in samples:
            filtered = sample.get("filter", "none")
            for metric in sample.get("metrics", ()):
                value = sample.get(metric)
                if not isinstance(value, bool | int | float) or not math.isfinite(value):
                    continue
                yield {
                    "task": task,
                    "metric": metric if filtered == "none" else f"{metric},{filtered}",
                    "doc_id": int(sample["doc_id"]),
                    "value": float(value),
                    "better": -1 if better.get(task, {}).get(metric) is False else 1,
                }


def task_scores(rows: Sequence[Row], *, seed: int, resamples: int) -> dict[str, dict[str, dict[str, Any]]]:
    """Task -> metric -> mean over documents with its 95% interval; the task's own aggregate may weigh otherwise."""
    from synthcpt.statistics import mean_estimate

    found: dict[str, dict[str, dict[str, Any]]] = {}
    for (task, metric), group in _grouped(rows).items():
        estimate = mean_estimate([row["value"] for row in group.values()], seed=seed, resamples=resamples)
        found.setdefault(task, {})[metric] = {
            "value": float(estimate.value), "low": float(estimate.low), "high": float(estimate.high),
            "n": estimate.n, "clusters": estimate.clusters,
        }  # fmt: skip
    return found


def task_differences(
    rows: Sequence[Row], baseline: Sequence[Row], *, seed: int, resamples: int
) -> dict[str, dict[str, dict[str, Any]]]:
    """Task -> metric -> the model minus the baseline, paired by document; p_holm over all tasks and metrics here."""
    from synthcpt.statistics import holm, mcnemar, paired_difference

    theirs, found = _grouped(baseline), dict[str, dict[str, dict[str, Any]]]()
    for (task, metric), mine in _grouped(rows).items():
        both = [doc for doc in mine if doc in theirs.get((task, metric), {})]
        if not both:
            continue
        first = [theirs[task, metric][doc]["value"] for doc in both]
        second = [mine[doc]["value"] for doc in both]
        paired = paired_difference(first, second, seed=seed, resamples=resamples)
        facts: dict[str, Any] = {
            "value": float(paired.value), "low": float(paired.low), "high": float(paired.high),
            "n": paired.n, "clusters": paired.clusters, "p_value": float(paired.p_value),
        }  # fmt: skip
        if {*first, *second} <= {0.0, 1.0}:
            exact = mcnemar(first, second)
            facts |= {"only_baseline": exact.only_first, "only_model": exact.only_second, "p_mcnemar": exact.p_value}
        found.setdefault(task, {})[metric] = facts
    tested = {f"{task}/{metric}": facts for task, metrics in found.items() for metric, facts in metrics.items()}
    for key, corrected in holm({key: facts["p_value"] for key, facts in tested.items()}).items():
        tested[key]["p_holm"] = corrected
    return found


def _grouped(rows: Sequence[Row]) -> dict[tuple[str, str], dict[int, Row]]:
    groups: dict[tuple[str, str], dict[int, Row]] = {}
    for row in rows:
        groups.setdefault((row["task"], row["metric"]), {})[row["doc_id"]] = row
    return groups
