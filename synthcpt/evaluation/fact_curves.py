"""From one fact's log-probability over a training to what each exposure gave and how much of it stayed.

After Chang et al. 2024 (arXiv:2406.11813), section 3, with l(s) the mean log-probability of a probe's target after s
steps:

* t_max is the measured step with the largest l among the `WITHIN_STEPS` steps from an exposure on;
* effectivity of an exposure is l(t_max) less l before it;
* retainability t steps after the peak of the last exposure is (l(t_max + t) - l(before)) / (l(t_max) - l(before)), with
  "before" the last measurement before the first exposure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

WITHIN_STEPS = 50
FEWEST_MEASURED = 3
"""Measurements within `WITHIN_STEPS` of an exposure: with fewer the largest says little of where the peak is."""
_OUTLYING = 2.0
"""Interquartile ranges beyond the quartiles; the paper's published code has 2."""
_BINS_A_DECADE = 8


@dataclass(frozen=True, slots=True)
class FactCurve:
    """What was measured of one probe.

    Attributes:
        steps: done at each measurement, ascending.
        logprobs: at each, in nats.
        exposures: the steps that read its document, counted from 1, ascending: what step k taught shows after k steps.
        cluster: its document, or itself where that is unknown.
        kind, group: as in the probe.
    """

    steps: Ints
    logprobs: Floats
    exposures: Ints
    cluster: str
    kind: str = ""
    group: str = ""


def effectivities(curve: FactCurve, within_steps: int = WITHIN_STEPS) -> list[float]:
    """What each exposure gave, in nats.

    Left out are exposures that are not told apart from their neighbours: nothing was measured between it and the one
    before it, or fewer than `FEWEST_MEASURED` times before the next one.
    """
    found = []
    edges = [0, *curve.exposures.tolist(), np.iinfo(np.int64).max]
    for number, (earlier, step) in enumerate(pairwise(edges[:-1])):
        before = _last_before(curve, step)
        after = _after(curve, step, min(within_steps, edges[number + 2] - step))
        if before is not None and curve.steps[before] >= earlier and after is not None:
            found.append(float(curve.logprobs[after] - curve.logprobs[before]))
    return found


def retained(curve: FactCurve, within_steps: int = WITHIN_STEPS) -> tuple[Ints, Floats]:
    """Steps since the peak that followed the last exposure, and the share of what was learnt that is left then.

    Empty where the fact is not read, nothing was measured before that or too little near the peak, or where it was not
    learnt: a share of no gain is no number.
    """
    nothing = np.zeros(0, dtype=np.int64), np.zeros(0)
    if not len(curve.exposures):
        return nothing
    before = _last_before(curve, int(curve.exposures[0]))
    peak = _after(curve, int(curve.exposures[-1]), within_steps)
    if before is None or peak is None:
        return nothing
    gain = curve.logprobs[peak] - curve.logprobs[before]
    if not gain > 0:
        return nothing
    return curve.steps[peak + 1 :] - curve.steps[peak], (curve.logprobs[peak + 1 :] - curve.logprobs[before]) / gain


def as_if_read(unread: Sequence[FactCurve], read: Sequence[FactCurve]) -> list[FactCurve]:
    """Facts that are never read, each with the exposures of one that is, in turns.

    Their effectivity is what chance makes of the definition: the best of many measurements of a curve that wanders is
    above the one before them, whatever was read.
    """
    if not read:
        return []
    return [replace(one, exposures=other.exposures) for one, other in zip(unread, cycle(read), strict=False)]


def _last_before(curve: FactCurve, step: int) -> int | None:
    """The last measurement that knows nothing of a step yet."""
    at = int(np.searchsorted(curve.steps, step)) - 1
    return at if at >= 0 else None


def _after(curve: FactCurve, step: int, within_steps: int) -> int | None:
    """The largest of the measurements after a step and of so many steps."""
    low, high = np.searchsorted(curve.steps, [step, step + within_steps]).tolist()
    return low + int(np.argmax(curve.logprobs[low:high])) if high - low >= FEWEST_MEASURED else None


def without_outliers(values: Floats) -> NDArray[np.bool_]:
    """Which values lie within the quartiles, widened by twice the range between them; gains near zero make the rest."""
    if not len(values):
        return np.zeros(0, dtype=np.bool_)
    low, high = np.percentile(values, [25, 75])
    margin = _OUTLYING * (high - low)
    return np.asarray((values >= low - margin) & (values <= high + margin))


@dataclass(frozen=True, slots=True)
class DecayPoints:
    """Retainability by the logarithm of time: a point a probe and stretch of time.

    Attributes:
        log_t: log10 of the steps since the peak, a mean over the stretch.
        shares: what is left, a mean over the stretch.
        bins: the number of the stretch; stretch k is of 10^(k/8) to 10^((k+1)/8) steps.
        clusters: of each point.
        outliers: points left out.
    """

    log_t: Floats
    shares: Floats
    bins: Ints
    clusters: tuple[str, ...]
    outliers: int

    def at(self, steps: int) -> NDArray[np.bool_]:
        """The points of the stretch that holds this time."""
        return np.asarray(self.bins == bin_of(np.array([steps]))[0])


def bin_of(t: NDArray[np.integer[Any]]) -> Ints:
    """The stretch of each time in steps, from 1; rounded, so that 10 and 100 begin stretches."""
    return np.asarray(np.floor(np.round(np.log10(t) * _BINS_A_DECADE, 9)), dtype=np.int64)


def decay_points(curves: list[FactCurve], within_steps: int = WITHIN_STEPS) -> DecayPoints:
    """All curves' retainabilities, each averaged over stretches of log t, without the outliers of each stretch.

    The paper fits R at every single step, of which the latest decade has nine tenths; here every stretch of log t
    counts alike, so that a line is not drawn by its end alone.
    """
    rows: list[tuple[float, float, int, str]] = []
    for curve in curves:
        t, shares = retained(curve, within_steps)
        bins = bin_of(t)
        for number in np.unique(bins).tolist():
            here = bins == number
            rows.append((float(np.log10(t[here]).mean()), float(shares[here].mean()), number, curve.cluster))
    log_t, shares = (np.array([row[column] for row in rows], dtype=np.float64) for column in (0, 1))
    numbers = np.array([row[2] for row in rows], dtype=np.int64)
    kept = np.zeros(len(rows), dtype=np.bool_)
    for number in np.unique(numbers):
        here = np.flatnonzero(numbers == number)
        kept[here] = without_outliers(shares[here])
    clusters = tuple(row[3] for row, keep in zip(rows, kept.tolist(), strict=True) if keep)
    return DecayPoints(log_t[kept], shares[kept], numbers[kept], clusters, int((~kept).sum()))
