"""An experiment's `results.json` as values a page can rely on: what is missing or not finite is None."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from synthcpt.errors import DataCorrupt
from synthcpt.reporting.charts.numbers import Form, number, percent, points, signed

RESULTS = "results.json"
_NOT_SHARES = ("logprob", "nats", "bits", "perplexity")


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to spend tokens.

    Attributes:
        name: in the recipe.
        title: for readers.
        control: base, raw and the like, not a method.
        method: the generator; None for controls without one.
        teacher: the model that answered the method's requests.
        simulated: the teacher is simulated.
        place: in the results' order, which decides its colour.
    """

    name: str
    title: str
    control: bool
    method: str | None
    teacher: str | None
    simulated: bool
    place: int

    @property
    def label(self) -> str:
        """Its title, marked where its teacher is simulated."""
        return f"{self.title} (simulated)" if self.simulated else self.title


@dataclass(frozen=True, slots=True)
class Measured:
    """A value with its interval; p values where it is a difference."""

    value: float | None
    low: float | None = None
    high: float | None = None
    p_holm: float | None = None
    over: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an arm reached with a budget, all seeds together; see the results' ``points``.

    Attributes:
        tokens: synthetic tokens, or for controls the tokens read; None for what was not trained.
        forgetting: what was lost, above zero where something was.
        forgotten: of what, e.g. ``accuracy lost``; empty for bits per byte of general text above the base model's.
        cost: of generating, in US dollars.
    """

    arm: str
    budget: int | None
    tokens: float | None
    seeds: int
    accuracy: Measured
    gain: Measured
    by_kind: Mapping[str, Measured]
    forgetting: Measured
    forgotten: str
    cost: float | None
    tokens_per_point: float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Second minus first, at one budget."""

    first: str
    second: str
    budget: int | None
    difference: Measured


@dataclass(frozen=True, slots=True)
class Fit:
    """A curve through an arm's outcomes, and whether its asymptote may be quoted."""

    arm: str
    law: str
    weight: float | None
    curve: Sequence[tuple[float, float]]
    band: Sequence[tuple[float, float, float]]
    quoted: bool
    asymptote: Measured
    why: str


@dataclass(frozen=True, slots=True)
class Results:
    """The whole of it; `cells` stay as they are in the file."""

    name: str
    description: str
    simulated: bool
    setting: str
    metric: str
    chance: float | None
    complete: bool
    arms: Sequence[Arm]
    cells: Sequence[Mapping[str, Any]]
    outcomes: Sequence[Outcome]
    comparisons: Sequence[Comparison]
    fits: Sequence[Fit]

    def arm(self, name: str) -> Arm:
        """The arm of that name; one that nobody described is a method of its name."""
        found = next((arm for arm in self.arms if arm.name == name), None)
        return found or Arm(name, name, False, None, None, False, len(self.arms))

    def of(self, arm: str) -> list[Outcome]:
        """An arm's outcomes, by tokens."""
        return sorted((one for one in self.outcomes if one.arm == arm), key=lambda one: one.tokens or 0.0)

    @property
    def untrained(self) -> list[Outcome]:
        """Outcomes without tokens: the base model's."""
        return [one for one in self.outcomes if one.tokens is None]

    @property
    def trained(self) -> list[Arm]:
        """Arms with outcomes over tokens, in the results' order."""
        return [arm for arm in self.arms if any(one.tokens is not None for one in self.of(arm.name))]

    @property
    def kinds(self) -> list[str]:
        """The questions' kinds, in the order they first come."""
        return list(dict.fromkeys(kind for one in self.outcomes for kind in one.by_kind))

    @property
    def is_share(self) -> bool:
        """Whether the metric is a share of questions, told in per cent."""
        return not any(word in self.metric for word in _NOT_SHARES)

    @property
    def form(self) -> Form:
        """How its values are told."""
        return percent if self.is_share else number

    @property
    def change(self) -> Form:
        """How its differences are told."""
        return points if self.is_share else signed

    @property
    def metric_name(self) -> str:
        """The metric for a reader, e.g. ``closed-book exact match``."""
        told = {"exact": "exact match", "f1": "token F1", "contains": "contains the answer", "correct": "accuracy"}
        return f"{self.setting.replace('_', '-')} {told.get(self.metric, self.metric)}".strip()

    @property
    def forgotten(self) -> str:
        """What forgetting was measured by, with its unit."""
        what = next((one.forgotten for one in self.outcomes if one.forgotten), "")
        if "accuracy" in what:
            return f"{what} (points)"
        return "bits per byte of general text above the base model's"

    @property
    def forgotten_form(self) -> Form:
        """How it is told."""
        return points if "accuracy" in self.forgotten else signed

    def control_for(self, outcome: Outcome) -> Measured:
        """The arm against its control at the same budget: raw text, else another control, else what it gained on."""
        against = [
            one for one in self.comparisons
            if one.second == outcome.arm and one.budget == outcome.budget and self.arm(one.first).control
        ]  # fmt: skip
        against.sort(key=lambda one: (not self.is_raw(self.arm(one.first)), self.arm(one.first).place))
        return against[0].difference if against else outcome.gain

    def is_raw(self, arm: Arm) -> bool:
        """Whether an arm is raw continued pretraining."""
        return arm.control and "raw" in f"{arm.name} {arm.title}".lower()


def read_results(folder: Path) -> Results | None:
    """The results of an experiment; None where it has none yet.

    Raises:
        DataCorrupt: the file is not what an experiment writes.
    """
    path = folder / RESULTS
    if not path.exists():
        return None
    try:
        return parse_results(orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataCorrupt(f"{path} is not what an experiment writes. Run the experiment again to renew it.") from error


def parse_results(told: Mapping[str, Any]) -> Results:
    """The same, from the file's content.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it has another shape.
    """
    metric = told.get("metric") or {}
    arms = [_arm(arm, place) for place, arm in enumerate(told["arms"])]
    making = {arm.name for arm in arms if arm.method} | {str(one["arm"]) for one in told["points"]}
    making -= {arm.name for arm in arms if not arm.method}
    return Results(
        str(told["name"]), str(told.get("description") or ""), bool(told.get("simulated")),
        str(metric.get("setting", "")), str(metric.get("name", "accuracy")), finite(told.get("chance")),
        bool(told.get("complete", True)), arms, list(told.get("cells") or ()),
        [_outcome(one, str(one["arm"]) in making) for one in told["points"]],
        [
            Comparison(first := str(one["first"]), str(one["second"]), one.get("budget_tokens"), _measured(one, first))
            for one in told.get("comparisons") or ()
        ],
        _best([_fit(fit) for fit in told.get("fits") or ()]),
    )  # fmt: skip


def finite(value: Any) -> float | None:
    """A number, or None for what is none or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def _arm(told: Mapping[str, Any], place: int) -> Arm:
    name = str(told["name"])
    return Arm(
        name, str(told.get("title") or name), told.get("kind") == "control", told.get("method"), told.get("teacher"),
        bool(told.get("simulated")), place,
    )  # fmt: skip


def _measured(told: Mapping[str, Any] | None, over: str = "") -> Measured:
    told = told or {}
    value, low, high, p_holm = (finite(told.get(name)) for name in ("value", "low", "high", "p_holm"))
    return Measured(value, low, high, p_holm, str(told.get("over") or over))


def _tokens(told: Mapping[str, Any], made: bool) -> float | None:
    """Made texts are counted once however often they are read; an arm that makes none is told by what it reads."""
    names = ("synthetic_tokens", "trained_tokens", "budget_tokens")
    order = names if made else ("trained_tokens", "budget_tokens", "synthetic_tokens")
    return next((tokens for name in order if (tokens := finite(told.get(name)))), None)


def _outcome(told: Mapping[str, Any], made: bool) -> Outcome:
    return Outcome(
        str(told["arm"]), told.get("budget_tokens"), _tokens(told, made), int(told.get("seeds") or 0),
        _measured(told.get("accuracy")), _measured(told.get("gain")),
        {str(kind): _measured(one) for kind, one in (told.get("by_kind") or {}).items()},
        _measured(told.get("forgetting")), str((told.get("forgetting") or {}).get("what") or ""),
        finite(told.get("cost")), finite(told.get("tokens_per_point")),
    )  # fmt: skip


def _best(fits: Sequence[Fit]) -> list[Fit]:
    """Of several laws of an arm the one with the most weight by AICc."""
    best: dict[str, Fit] = {}
    for fit in fits:
        if fit.arm not in best or (fit.weight or 0.0) > (best[fit.arm].weight or 0.0):
            best[fit.arm] = fit
    return list(best.values())


def _fit(told: Mapping[str, Any]) -> Fit:
    asymptote = told.get("asymptote") or {}
    return Fit(
        str(told["arm"]), str(told.get("law", "")), finite(told.get("weight")),
        [(float(x), float(y)) for x, y in told.get("curve") or () if finite(y) is not None],
        [(float(x), float(a), float(b)) for x, a, b in told.get("band") or () if None not in (finite(a), finite(b))],
        bool(asymptote.get("quoted")), _measured(asymptote), str(asymptote.get("why") or ""),
    )  # fmt: skip
