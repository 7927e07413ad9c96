"""What loss curves show, worked out from a run's metrics: no drawing here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synthcpt.training.showing.plain import plain, short_count

_SPIKE = 1.6  # times the usual range above it, before a spike is cut off
_TITLE_CHARS, _NAME_CHARS = 72, 40


@dataclass(frozen=True, slots=True)
class Series:
    """Values over tokens; both of shape (points,)."""

    tokens: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]

    @property
    def points(self) -> int:
        """How many."""
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class Curves:
    """All that a picture shows.

    Attributes:
        title, subtitle: one line each, harmless.
        loss, smoothed, lr: of the steps.
        heldout: by source.
        phases: name -> tokens read when it began.
    """

    title: str
    subtitle: str
    loss: Series
    smoothed: Series
    lr: Series
    heldout: Mapping[str, Series] = field(default_factory=dict)
    phases: Mapping[str, float] = field(default_factory=dict)

    def loss_range(self) -> tuple[float, float, tuple[float, float] | None]:
        """The lowest and highest loss to make room for, and the top of a spike that is left out: tokens and loss."""
        told = [self.loss.values, *(series.values for series in self.heldout.values())]
        low = min(float(values.min()) for values in told if len(values))
        usual = float(np.quantile(self.loss.values, 0.99)) if self.loss.points > 100 else float(self.loss.values.max())
        heldout = [float(series.values.max()) for series in self.heldout.values() if series.points]
        # The first losses of a run are its story, not a spike; so is what lasts for more than a hundredth of it.
        high = max([usual, float(self.loss.values[0]), *heldout])
        peak = int(self.loss.values.argmax())
        top = float(self.loss.values[peak])
        if top <= low + _SPIKE * (high - low):
            return low, max(high, top), None
        return low, high, (float(self.loss.tokens[peak]), top)


def read_curves(events: Sequence[Mapping[str, Any]]) -> Curves:
    """The curves in a run's metrics; values that were not finite are left out."""
    begin = next((event for event in events if event["kind"] == "begin"), {})
    steps = [event for event in events if event["kind"] == "step"]
    loss = _series((step["tokens"], step["loss"]) for step in steps)
    heldout: dict[str, list[tuple[float, float | None]]] = {}
    for event in events:
        if event["kind"] == "heldout":
            for name, figures in event["heldout"].items():
                heldout.setdefault(plain(name), []).append((event["tokens"], figures["loss"]))
    phases: dict[str, float] = {}
    for step in steps:
        phases.setdefault(plain(step.get("phase") or ""), step["tokens"] - step["step_tokens"])
    data = [plain(name, most=_NAME_CHARS) for name in begin.get("data", ())] or list(heldout)
    if len(", ".join(data)) > _NAME_CHARS and len(data) > 1:
        data = [f"{len(data)} sources"]
    facts = [f"{len(steps):,} steps, {short_count(steps[-1]['tokens'])} tokens" if steps else ""]
    if begin.get("parameters"):
        facts.insert(0, f"{short_count(begin['parameters'])} parameters")
    return Curves(
        title=plain(" on ".join(filter(None, (_model_name(begin), ", ".join(data)))), most=_TITLE_CHARS),
        subtitle="Training and held-out loss; " + ", ".join(filter(None, facts)),
        loss=loss,
        smoothed=smoothed(loss),
        lr=_series((step["tokens"], step["lr"]) for step in steps),
        heldout={name: series for name, points in heldout.items() if (series := _series(points)).points},
        phases=phases,
    )


def smoothed(series: Series) -> Series:
    """A Gaussian mean over about a hundredth of the steps to either side; a run of few steps stays as it is."""
    radius = series.points // 50
    if radius < 2:
        return series
    offsets = np.arange(-radius, radius + 1)
    weights = np.exp(-0.5 * (offsets / (radius / 2.5)) ** 2)
    total = np.convolve(series.values, weights, "same")
    return Series(series.tokens, total / np.convolve(np.ones(series.points), weights, "same"))


def thinned(series: Series, most: int) -> Series:
    """At most about this many points, with the highest and the lowest of every stretch among them."""
    if series.points <= most:
        return series
    kept: list[int] = [0]
    for stretch in np.array_split(np.arange(series.points), most // 2):
        low, high = (int(stretch[pick]) for pick in (series.values[stretch].argmin(), series.values[stretch].argmax()))
        kept += sorted({low, high})
    places = np.unique([*kept, series.points - 1])
    return Series(series.tokens[places], series.values[places])


def spread(wanted: Sequence[float], apart: float) -> list[float]:
    """Places from 0 to 1 near the wanted ones, in their order and at least so far apart, or as far as there is room."""
    count = len(wanted)
    apart = min(apart, 1.0 / max(1, count - 1)) if count > 1 else 0.0
    order = sorted(range(count), key=lambda i: (wanted[i], i))
    # Least squares under the order: subtract each one's share of the gaps, pool neighbours that cross, add it back.
    pools: list[list[float]] = []
    for rank, i in enumerate(order):
        pools.append([wanted[i] - rank * apart, 1.0])
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (a, m), (b, n) = pools[-2:]
            pools[-2:] = [[(a * m + b * n) / (m + n), m + n]]
    levels = [value for value, size in pools for _ in range(int(size))]
    highest = 1.0 - (count - 1) * apart
    places = [0.0] * count
    for rank, i in enumerate(order):
        places[i] = min(highest, max(0.0, levels[rank])) + rank * apart
    return places


def _series(points: Any) -> Series:
    kept = [(float(tokens), float(value)) for tokens, value in points if value is not None and math.isfinite(value)]
    pairs = np.asarray(kept, dtype=np.float64).reshape(len(kept), 2)
    return Series(pairs[:, 0], pairs[:, 1])


def _model_name(begin: Mapping[str, Any]) -> str:
    return plain(str(begin.get("model", "")).rstrip("/").rsplit("/", 1)[-1], most=_NAME_CHARS)
