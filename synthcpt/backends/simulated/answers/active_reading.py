"""Answers for Active Reading: strategies, and each carried out."""

from __future__ import annotations

from synthcpt.backends.simulated.questioning import to_json, wanted
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.studying import STRATEGIES, Strategy
from synthcpt.backends.simulated.teller import Teller

_USUAL_STRATEGIES = 8


def strategies(teller: Teller, slots: Slots) -> str:
    """Strategies that are not used yet."""
    return to_json({"strategies": _chosen(teller, slots)})


def task_strategies(teller: Teller, slots: Slots) -> str:
    """The same after the questions of a test."""
    asked = [teller.question(fact) for fact in teller.shuffled()]
    return to_json({"questions": asked, "strategies": _chosen(teller, slots)})


def apply(teller: Teller, slots: Slots) -> str:
    """What comes of a strategy; an account of all facts where it is none of those known here."""
    known = {strategy.name: strategy for strategy in STRATEGIES}
    strategy: Strategy | None = known.get(slots["strategy"].strip())
    if strategy is None or not teller.known.facts:
        return f"{teller.account(from_value=0.3)} {teller.account(from_value=0.6)}"
    return strategy.carry_out(teller)


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "active_reading/strategies": (strategies, ("document", "count", "known")),
    "active_reading/task_strategies": (task_strategies, ("document", "count", "known")),
    "active_reading/apply": (apply, ("document", "strategy")),
}
"""Prompt -> what answers it, and the slots it needs."""


def _chosen(teller: Teller, slots: Slots) -> list[dict[str, str]]:
    used = {name.strip() for name in slots["known"].split(";")}
    fresh = [strategy for strategy in STRATEGIES if strategy.name not in used]
    teller.rng.shuffle(fresh)
    most = wanted(slots["count"], _USUAL_STRATEGIES)
    return [{"name": one.name, "instructions": one.instructions} for one in fresh[:most]]
