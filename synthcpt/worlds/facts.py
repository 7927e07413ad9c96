"""What there is in a world: entities with attributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["person", "company"]
Half = Literal["old", "new"]

ATTRIBUTES: dict[Kind, tuple[str, ...]] = {
    "person": ("birthday", "birthplace", "university", "major", "employer"),
    "company": ("headquarters", "industry", "founded", "founder"),
}
"""Attributes of each kind, in the order in which a plain text tells them."""


@dataclass(frozen=True, slots=True)
class Fact:
    """That an entity's attribute has a value.

    Attributes:
        subject: the entity's name.
        attribute: one of `ATTRIBUTES` of its kind.
        value: as texts and answers write it.
    """

    subject: str
    attribute: str
    value: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A person or a company.

    Attributes:
        id: of its document, e.g. ``person-0042``.
        name: unique in the world.
        kind: what it is.
        half: ``old`` for what the student knows before injection, ``new`` for what is injected.
        pronoun: ``he``, ``she`` or ``it``.
        values: attribute -> value.
    """

    id: str
    name: str
    kind: Kind
    half: Half
    pronoun: str
    values: Mapping[str, str]

    @property
    def facts(self) -> tuple[Fact, ...]:
        """All that is true of it, in the plain order."""
        return tuple(Fact(self.name, attribute, self.values[attribute]) for attribute in ATTRIBUTES[self.kind])
