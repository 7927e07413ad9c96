"""Where every token of every source went: nothing is lost silently.

tokens of a source = left out at tokenising + held out + never reached by the budget + read at least once
tokens read        = trained + masked
slots              = tokens read + left empty
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synthcpt.packing.plan import Plan

_AT_ONCE = 1_000_000
"""Pieces looked at together, so that a plan of any size takes little memory."""


@dataclass(frozen=True, slots=True)
class PartAudit:
    """What became of one source.

    Attributes:
        name, role: of the source.
        tokens: it has, as tokenised.
        texts_dropped: texts left out when it was tokenised, by reason.
        heldout, unread: tokens held out, and tokens no step reaches.
        read: tokens read, passes over the same ones counted each.
        first_tokens: of those read, the first token of each piece, which nothing before it could predict.
        outside_spans: of those read, tokens outside the spans that carry loss.
    """

    name: str
    role: str
    tokens: int
    texts_dropped: Mapping[str, int] = field(default_factory=dict)
    heldout: int = 0
    unread: int = 0
    read: int = 0
    first_tokens: int = 0
    outside_spans: int = 0

    @property
    def trained(self) -> int:
        """Tokens that carry loss."""
        return self.read - self.first_tokens - self.outside_spans


@dataclass(frozen=True, slots=True)
class Audit:
    """The account of a plan.

    Attributes:
        parts: one a source.
        slots: windows times their length.
        collision_rate: the share of texts that share a window with another text of the same source document.
    """

    parts: tuple[PartAudit, ...]
    slots: int
    collision_rate: float

    @property
    def read(self) -> int:
        """Tokens read in all."""
        return sum(part.read for part in self.parts)

    @property
    def trained(self) -> int:
        """Tokens that carry loss."""
        return sum(part.trained for part in self.parts)

    @property
    def efficiency(self) -> float:
        """The share of slots that hold a token."""
        return self.read / self.slots

    def line(self) -> str:
        """The account in one line."""
        masked = self.read - self.trained
        firsts = sum(part.first_tokens for part in self.parts)
        return (
            f"{self.read:,} tokens read = {self.trained:,} trained + {masked:,} masked ({firsts:,} first of a text, "
            f"{masked - firsts:,} outside answers); {self.slots:,} slots, {self.efficiency:.2%} of them filled"
        )

    def facts(self) -> tuple[tuple[str, str], ...]:
        """Name and value, for tables."""
        facts = [("tokens", self.line())]
        for part in self.parts:
            facts.append((f"{part.role} {part.name}", _told(part, self.read)))
        facts.append(("same source in a window", f"{self.collision_rate:.2%} of texts"))
        return tuple(facts)

    def as_json(self) -> dict[str, Any]:
        """For the run's folder and the model card."""
        names = ("name", "role", "tokens", "heldout", "unread", "read", "trained", "first_tokens", "outside_spans")
        return {
            "parts": [
                {**{name: getattr(part, name) for name in names}, "texts_dropped": dict(part.texts_dropped)}
                for part in self.parts
            ],
            "read": self.read,
            "trained": self.trained,
            "slots": self.slots,
            "collision_rate": self.collision_rate,
        }


def _told(part: PartAudit, read: int) -> str:
    if part.role == "heldout":
        return f"{part.tokens:,} tokens, only measured on"
    passes = part.read / max(1, part.tokens - part.heldout - part.unread)
    told = f"{part.read:,} tokens ({part.read / read:.2%} of those read): {part.tokens - part.heldout:,} tokens"
    told += f", {passes:.2f} times" if part.unread == 0 else f", {part.unread:,} of them not reached"
    if part.heldout:
        told += f"; {part.heldout:,} held out"
    if part.texts_dropped:
        told += "; texts left out: " + ", ".join(f"{count:,} {reason}" for reason, count in part.texts_dropped.items())
    return told


def audit(plan: Plan) -> Audit:
    """The account of a plan, computed from its arrays and the stores."""
    firsts, outside, read, unread = (np.zeros(len(plan.part_names), dtype=np.int64) for _ in range(4))
    counted: set[int] = set()
    for number, store in enumerate(plan.stores):
        part = plan.parts_of_stores[number]
        for begin in range(0, len(plan.store), _AT_ONCE):
            here = begin + np.flatnonzero(plan.store[begin : begin + _AT_ONCE] == number)
            length = plan.length[here].astype(np.int64)
            trained = _trained(plan, number, here)
            read[part] += length.sum()
            firsts[part] += trained.first.sum()
            outside[part] += (length - trained.tokens - trained.first).sum()
        if part not in counted:  # a source with a store for each epoch has the same texts in all of them
            counted.add(part)
            met = np.zeros(store.texts, dtype=bool)
            for other in (n for n, p in enumerate(plan.parts_of_stores) if p == part):
                met[plan.text[plan.store == other]] = True
            met[plan.heldout_text[plan.heldout_store == number]] = True
            unread[part] += store.lengths()[~met].sum()
    heldout = np.zeros_like(read)
    for number in np.unique(plan.heldout_store):
        texts = plan.heldout_text[plan.heldout_store == number]
        heldout[plan.parts_of_stores[number]] += plan.stores[number].lengths()[texts].sum()
    dropped = {
        plan.parts_of_stores[i]: store.meta.get("dropped") or {} for i, store in reversed(list(enumerate(plan.stores)))
    }
    parts = tuple(
        PartAudit(
            part["name"], part["role"], int(part["tokens"]),
            {reason: _texts(what) for reason, what in dropped.get(i, {}).items()},
            int(heldout[i]), int(unread[i]), int(read[i]), int(firsts[i]), int(outside[i]),
        )
        for i, part in enumerate(plan.meta["parts"])
    )  # fmt: skip
    return Audit(parts, plan.windows * plan.window_tokens, float(plan.meta["collision_rate"]))


def _texts(dropped: Any) -> int:
    """How many texts a store dropped for a reason; it may tell tokens beside them."""
    return int(dropped["texts"] if isinstance(dropped, Mapping) else dropped)


@dataclass(frozen=True, slots=True)
class _Trained:
    """Of each piece: tokens that carry loss, and whether its first token would have, had it a text before it."""

    tokens: npt.NDArray[np.int64]
    first: npt.NDArray[np.int64]


def _trained(plan: Plan, number: int, pieces: npt.NDArray[np.int64]) -> _Trained:
    store = plan.stores[number]
    text = plan.text[pieces]
    start, length = plan.start[pieces].astype(np.int64), plan.length[pieces].astype(np.int64)
    spans = np.diff(store.loss_offsets)[text]
    tokens = np.where(spans == 0, length - 1, 0)
    first = (spans == 0).astype(np.int64)
    ranged = np.flatnonzero(spans)
    if len(ranged):
        which = np.repeat(ranged, spans[ranged])
        within = np.arange(len(which)) - np.repeat(np.cumsum(spans[ranged]) - spans[ranged], spans[ranged])
        ranges = store.loss_ranges[store.loss_offsets[text[which]] + within].astype(np.int64)
        low, high = ranges[:, 0] - start[which], ranges[:, 1] - start[which]
        np.add.at(first, which, ((low <= 0) & (high > 0)).astype(np.int64))
        np.add.at(tokens, which, np.maximum(0, np.minimum(high, length[which]) - np.maximum(low, 1)))
    return _Trained(tokens, first)
