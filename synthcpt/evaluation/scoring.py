"""From answers to scores: estimates with intervals, by kind, and paired differences from a baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from synthcpt.errors import QuestionError
from synthcpt.evaluation.measures import METRICS, Metric, Row
from synthcpt.evaluation.tables import score_table as score_table

if TYPE_CHECKING:
    from synthcpt.statistics import Difference, Estimate

Score: TypeAlias = dict[str, float | int | None]
"""``value``, ``low``, ``high``, ``n``, ``clusters``; None where a number is not finite."""


def scores(rows: Iterable[Row], *, seed: int = 0, resamples: int = 10_000) -> dict[str, dict[str, Score]]:
    """Setting -> metric -> score, each with its interval by cluster bootstrap over documents.

    A question without a document is a cluster of its own. A metric that no row of a setting has is left out.

    Args:
        rows: as in answers.jsonl.
        seed: of the bootstrap.
        resamples: how many.
    """
    return {
        setting: _scores_of(group, seed, resamples) for setting, group in _grouped(rows, lambda row: row["setting"])
    }


def scores_by_kind(
    rows: Iterable[Row], *, seed: int = 0, resamples: int = 10_000
) -> dict[str, dict[str, dict[str, Score]]]:
    """Setting -> kind -> metric -> score, as `scores`; a setting whose questions are all of one kind is left out."""
    found = {}
    for setting, group in _grouped(rows, lambda row: row["setting"]):
        kinds = dict(_grouped(group, lambda row: row.get("kind") or "other"))
        if len(kinds) > 1:
            found[setting] = {kind: _scores_of(kinds[kind], seed, resamples) for kind in sorted(kinds)}
    return found


def differences(
    rows: Iterable[Row], baseline: Iterable[Row], *, seed: int = 0, resamples: int = 10_000
) -> dict[str, dict[str, dict[str, Any]]]:
    """Setting -> metric -> the model's score minus the baseline's, over the questions that both answered.

    ``value``, ``low``, ``high``, ``n``, ``clusters``; ``p_value`` by sign-flips of whole clusters; ``p_holm`` corrected
    for all metrics of all settings here (Holm 1979); for metrics of right or wrong also ``only_baseline`` and
    ``only_model``, the questions that only one got right, and ``p_mcnemar``, exact, which takes questions as
    independent.

    Raises:
        QuestionError: nothing was answered by both, or a question's golds differ between the two.
    """
    from synthcpt.statistics import holm

    pairs = _paired(rows, baseline)
    found = {
        setting: {
            name: _difference(metric, group, seed, resamples)
            for name, metric in METRICS.items()
            if metric.compared and any(_both(metric, pair) for pair in group)
        }
        for setting, group in pairs.items()
    }
    tested = {f"{setting}/{name}": facts for setting, metrics in found.items() for name, facts in metrics.items()}
    corrected = holm({key: facts["p_value"] for key, facts in tested.items() if facts["p_value"] is not None})
    for key, facts in tested.items():
        facts["p_holm"] = corrected.get(key)
    return found


def _scores_of(rows: Sequence[Row], seed: int, resamples: int) -> dict[str, Score]:
    from synthcpt.statistics import mean_estimate

    found: dict[str, Score] = {}
    for name, metric in METRICS.items():
        valued = [(value, _cluster(row)) for row in rows if (value := metric.read(row)) is not None]
        if valued:
            values, clusters = zip(*valued, strict=True)
            found[name] = _as_score(mean_estimate(values, clusters, seed=seed, resamples=resamples))
    return found


def _difference(metric: Metric, pairs: Sequence[tuple[Row, Row]], seed: int, resamples: int) -> dict[str, Any]:
    from synthcpt.statistics import mcnemar, paired_difference

    both = [(values, _cluster(pair[1])) for pair in pairs if (values := _both(metric, pair))]
    first, second = zip(*(values for values, _ in both), strict=True)
    clusters = [cluster for _, cluster in both]
    facts: dict[str, Any] = dict(
        _as_score(paired := paired_difference(first, second, clusters, seed=seed, resamples=resamples))
    )
    facts["p_value"] = _finite(paired.p_value)
    if {*first, *second} <= {0.0, 1.0}:
        exact = mcnemar(first, second)
        facts |= {
            "only_baseline": exact.only_first, "only_model": exact.only_second, "p_mcnemar": _finite(exact.p_value)
        }  # fmt: skip
    return facts


def _paired(rows: Iterable[Row], baseline: Iterable[Row]) -> dict[str, list[tuple[Row, Row]]]:
    """Setting -> (the baseline's row, the model's) of each question that both answered, in the model's order."""
    known = {(row["setting"], row["id"]): row for row in baseline}
    pairs: dict[str, list[tuple[Row, Row]]] = {}
    for row in rows:
        other = known.get((row["setting"], row["id"]))
        if other is None:
            continue
        if list(other.get("golds") or ()) != list(row.get("golds") or ()):
            raise QuestionError(
                f"Question {row['id']!r} has other golds in the baseline's answers. Evaluate both with the same file."
            )
        pairs.setdefault(row["setting"], []).append((other, row))
    if not pairs:
        raise QuestionError(
            "The baseline and the model answered no question in common, so there is nothing to compare. Evaluate both "
            "with the same questions and settings."
        )
    return pairs


def _both(metric: Metric, pair: tuple[Row, Row]) -> tuple[float, float] | None:
    first, second = metric.read(pair[0]), metric.read(pair[1])
    return None if first is None or second is None else (first, second)


def _cluster(row: Row) -> str:
    """The document; a question without one stands for itself."""
    return f"document {row['document']}" if row.get("document") else f"question {row['id']}"


def _as_score(estimate: Estimate | Difference) -> Score:
    return {
        "value": _finite(estimate.value),
        "low": _finite(estimate.low),
        "high": _finite(estimate.high),
        "n": estimate.n,
        "clusters": estimate.clusters,
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> list[tuple[str, list[Row]]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return list(groups.items())
