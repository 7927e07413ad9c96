"""How well a training's probed facts were learnt and kept: effectivity, retainability, decay (arXiv:2406.11813)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from synthcpt.errors import DataCorrupt, UserError
from synthcpt.evaluation.decay import decay_difference, fit_decay
from synthcpt.evaluation.fact_curves import (
    FEWEST_MEASURED,
    WITHIN_STEPS,
    DecayPoints,
    FactCurve,
    as_if_read,
    decay_points,
    effectivities,
    without_outliers,
)
from synthcpt.files import write_text

RETENTION = "retention.json"
_MARKS = (10, 100, 1000, 10_000, 100_000)
_FEWEST_CLUSTERS = 5
_SHORTEST_DECADES = 1.0
_UNREAD = (
    "The training reads no text that is known to be made from the probes' documents. Give each probe the id of its "
    "document, as the corpus has it."
)


def measure_retention(
    folder: Path, *, within_steps: int = WITHIN_STEPS, seed: int = 0, resamples: int = 10_000
) -> dict[str, Any]:
    """What the probes of a training tell; reads ``probes.jsonl`` and ``probes.json``.

    ``learnt`` (nats from the first measurement to the last), ``effectivity`` (nats an exposure), ``decay_constant``
    (the share lost with every tenfold of steps) and ``retainability`` at 10, 100, ... steps after the peak each have
    ``value``, ``low``, ``high``, ``n`` and ``clusters``, intervals by resampling documents; where the measurements
    cannot say, they have ``why`` instead. The same stands under ``by_kind`` and ``by_group``, where probes are of
    several; ``group_differences`` has the second group's decay constant less the first's. All intervals
    are of this one training; another seed may turn a small difference around.

    Facts whose documents are not read are a control: ``unread`` is what became of them from the first measurement to
    the last, and ``effectivity_by_chance`` what the same measure finds for them at the others' exposures. Where that is
    more than half of the effectivity, peaks are chance, and neither retainability nor decay is told.

    Args:
        folder: the training's.
        within_steps: of an exposure, in which its peak is looked for.
        seed: of the resampling.
        resamples: how many.

    Raises:
        UserError: no probes were measured.
        DataCorrupt: the files do not fit one another.
    """
    curves, every = read_curves(folder)

    never_read = [curve for curve in curves if not len(curve.exposures)]

    def tell(some: Sequence[FactCurve]) -> dict[str, Any]:
        read, unread = ([c for c in some if bool(len(c.exposures)) == wanted] for wanted in (True, False))
        return _told(read, unread or never_read, every, within_steps, seed, resamples)

    found = {
        "probes": len(curves),
        "documents": len({curve.cluster for curve in curves}),
        "measured_every_steps": every,
        "steps": int(max(curve.steps[-1] for curve in curves)),
        **tell(curves),
        "by_kind": _by(curves, lambda curve: curve.kind, tell),
        "by_group": _by(curves, lambda curve: curve.group, tell),
    }
    differences = _group_differences(curves, within_steps, seed, resamples, found["by_group"])
    return {**found, "group_differences": differences} if differences else found


def write_retention(folder: Path) -> dict[str, Any]:
    """Measure and write `RETENTION`; see `measure_retention`."""
    found = measure_retention(folder)
    write_text(folder / RETENTION, json.dumps(found, indent=2) + "\n")
    return found


def read_curves(folder: Path) -> tuple[list[FactCurve], int]:
    """What was measured of each probe, and every how many steps.

    Raises:
        UserError: no probes were measured.
        DataCorrupt: the files do not fit one another.
    """
    from synthcpt.training.probe_log import PROBES, read_about, read_measurements

    about, rows = read_about(folder), read_measurements(folder)
    if about is None or not rows:
        raise UserError(f"No facts were probed in {folder}. Train with --probes FILE, and look at that training.")
    by_id: dict[str, list[dict[str, Any]]] = {probe["id"]: [] for probe in about["probes"]}
    try:
        for row in rows:
            by_id[row["id"]].append(row)
    except KeyError as error:
        raise DataCorrupt(f"{folder / PROBES} measures {error}, which probes.json does not name.") from error
    exposures = about["exposures"]
    curves = [
        FactCurve(
            np.array([row["step"] for row in mine], dtype=np.int64),
            np.array([row["logprob"] for row in mine], dtype=np.float64),
            np.array(exposures.get(probe["document"], []), dtype=np.int64),
            f"document {probe['document']}" if probe["document"] else f"probe {probe['id']}",
            probe["kind"],
            probe["group"],
        )
        for probe in about["probes"]
        if (mine := by_id[probe["id"]])
    ]
    return curves, int(about["every"])


def _told(
    read: list[FactCurve], unread: list[FactCurve], every: int, within_steps: int, seed: int, resamples: int
) -> dict[str, Any]:
    if not read:
        why = {"why": _UNREAD}
        return {"learnt": _change(unread, seed, resamples), "effectivity": why, "decay_constant": why}
    found = {
        "learnt": _change(read, seed, resamples),
        "effectivity": _effectivity(read, every, within_steps, seed, resamples),
    }
    if unread:
        same = _effectivity(as_if_read(unread, read), every, within_steps, seed, resamples)
        found |= {"unread": _change(unread, seed, resamples), "effectivity_by_chance": same}
    points = decay_points(read, within_steps)
    if chance := _by_chance(found):
        return {**found, "decay_constant": chance}
    found["decay_constant"] = _decay(points, every, within_steps, seed, resamples)
    found["retainability"] = {
        f"{mark}_steps": _mean(points.shares[here], _picked(points.clusters, here), seed, resamples)
        for mark in _MARKS
        if len(set(_picked(points.clusters, here := points.at(mark)))) >= _FEWEST_CLUSTERS
    }
    return found


def _by_chance(found: dict[str, Any]) -> dict[str, Any] | None:
    """The refusal of a decay constant where peaks are mostly chance."""
    taught, chance = (found.get(name, {}).get("value") for name in ("effectivity", "effectivity_by_chance"))
    if taught is None or chance is None or chance <= taught / 2:
        return None
    return {
        "why": f"The peaks are mostly chance: of the {taught:.3g} nats that an exposure seems to teach, {chance:.3g} "
        "are found for facts that are never read. Read each fact more often, or train longer or at a higher rate."
    }


def _change(curves: Sequence[FactCurve], seed: int, resamples: int) -> dict[str, Any]:
    changes = [curve.logprobs[-1] - curve.logprobs[0] for curve in curves]
    return _mean(changes, [curve.cluster for curve in curves], seed, resamples)


def _effectivity(
    curves: Sequence[FactCurve], every: int, within_steps: int, seed: int, resamples: int
) -> dict[str, Any]:
    gains = [(gain, curve.cluster) for curve in curves for gain in effectivities(curve, within_steps)]
    exposures = sum(len(curve.exposures) for curve in curves)
    if not gains:
        return {"why": _too_sparse("None of the exposures can be told from the next", every, within_steps)}
    if (documents := len({cluster for _, cluster in gains})) < _FEWEST_CLUSTERS:
        alone = f"Only {len(gains):,} of {exposures:,} exposures can be told from the next, of too few documents"
        return {"why": _too_sparse(f"{alone} ({documents}; {_FEWEST_CLUSTERS} are needed)", every, within_steps)}
    values = np.array([gain for gain, _ in gains])
    kept = without_outliers(values)
    estimate = _mean(values[kept], _picked([cluster for _, cluster in gains], kept), seed, resamples)
    return {**estimate, "exposures": exposures, "outliers": int((~kept).sum())}


def _decay(points: DecayPoints, every: int, within_steps: int, seed: int, resamples: int) -> dict[str, Any]:
    why = _no_line(points, every, within_steps)
    if why:
        return {"why": why}
    return {**asdict(fit_decay(points, seed=seed, resamples=resamples)), "outliers": points.outliers}


def _no_line(points: DecayPoints, every: int, within_steps: int) -> str:
    """Why no line can be drawn; "" where one can."""
    if not len(points.shares):
        return _too_sparse("No fact has a known peak after its last exposure", every, within_steps)
    if (documents := len(set(points.clusters))) < _FEWEST_CLUSTERS:
        return (
            f"Too few documents ({documents}; {_FEWEST_CLUSTERS} are needed) have facts that were learnt and still "
            "measured some time after their last exposure."
        )
    low, high = (10 ** float(edge) for edge in (points.log_t.min(), points.log_t.max()))
    if high < low * 10**_SHORTEST_DECADES:
        return (
            f"Facts are followed from {low:,.0f} to {high:,.0f} steps after their peak; a slope against log t needs a "
            "tenfold. Train on with other texts after the facts' last exposure, or probe more often."
        )
    return ""


def _too_sparse(what: str, every: int, within_steps: int) -> str:
    sentence = f"{what}: that takes {FEWEST_MEASURED} measurements within {within_steps} steps of it"
    wanted = within_steps // FEWEST_MEASURED
    if every > wanted:
        return f"{sentence}, and the probes were measured every {every:,}. Set probe_every={wanted // 2} or so."
    return f"{sentence} and before the document is read again. Spread its texts further apart, or probe more often."


def _by(
    curves: Sequence[FactCurve], name: Callable[[FactCurve], str], tell: Callable[[Sequence[FactCurve]], dict[str, Any]]
) -> dict[str, Any]:
    names = sorted({name(curve) for curve in curves})
    if len(names) < 2:
        return {}
    return {one or "other": tell([curve for curve in curves if name(curve) == one]) for one in names}


def _group_differences(
    curves: Sequence[FactCurve], within_steps: int, seed: int, resamples: int, by_group: dict[str, Any]
) -> dict[str, Any]:
    fitted = [name for name, told in by_group.items() if "value" in told["decay_constant"]]
    points = {
        name: decay_points([curve for curve in curves if (curve.group or "other") == name], within_steps)
        for name in fitted
    }
    found = {}
    for number, first in enumerate(fitted):
        for second in fitted[number + 1 :]:
            value, low, high = decay_difference(points[first], points[second], seed=seed, resamples=resamples)
            found[f"{second} less {first}"] = {"value": value, "low": low, "high": high}
    return found


def _mean(values: Any, clusters: Sequence[str], seed: int, resamples: int) -> dict[str, Any]:
    from synthcpt.statistics import mean_estimate

    return asdict(mean_estimate(values, clusters, seed=seed, resamples=resamples))


def _picked(names: Sequence[str], kept: Any) -> list[str]:
    return [name for name, keep in zip(names, kept.tolist(), strict=True) if keep]
