"""Make a world: people and companies, half of them known to the student before injection."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synthcpt.errors import ConfigError
from synthcpt.randomness import stream
from synthcpt.worlds import names
from synthcpt.worlds.facts import Entity, Half

PEOPLE_A_COMPANY = 8
"""Of each half; so a company's document bears on several people's questions."""

_NAMES = (len(names.GIVEN_HE) + len(names.GIVEN_SHE)) * len(names.MIDDLE) * len(names.FAMILY)
_COMPANIES = len(names.COMPANY_STEMS) * len(names.COMPANY_ENDS)


@dataclass(frozen=True, slots=True)
class World:
    """Invented people and companies.

    People of a half work at companies of that half, and those are founded by people of that half, so that nothing
    of the new half can be known before injection. After bioS (Allen-Zhu and Li, "Physics of Language Models: Part
    3.1", arXiv 2309.14316, section 2), with companies that have documents of their own for questions of two hops.

    Attributes:
        seed: what it was made with.
        people: how many, of both halves together.
        new: how many of them are new.
        entities: people, then companies; old and new in turns.
    """

    seed: int
    people: int
    new: int
    entities: tuple[Entity, ...]
    _by_name: dict[str, Entity] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        self._by_name.update({entity.name: entity for entity in self.entities})

    def entity(self, name: str) -> Entity | None:
        """The entity of that name."""
        return self._by_name.get(name)

    def half(self, half: Half) -> tuple[Entity, ...]:
        """What one half holds."""
        return tuple(entity for entity in self.entities if entity.half == half)


def make_world(people: int = 400, seed: int = 0, new: int | None = None) -> World:
    """The world of that seed; more people add to it and change nobody.

    Args:
        people: how many in all.
        seed: which world.
        new: how many of them are new; half by default.

    Raises:
        ConfigError: more people than there are names for, or fewer than a company's in either half.
    """
    counts = {"old": people - (people // 2 if new is None else new), "new": people // 2 if new is None else new}
    most = min(_NAMES, _COMPANIES * PEOPLE_A_COMPANY) // 2
    if not all(PEOPLE_A_COMPANY <= count <= most for count in counts.values()):
        raise ConfigError(
            f"A world has {PEOPLE_A_COMPANY} to {most:,} known people and as many new ones, not {counts['old']:,} and "
            f"{counts['new']:,}."
        )
    callings = _drawn(seed, "people", [
        (given, pronoun, middle, family)
        for givens, pronoun in ((names.GIVEN_HE, "he"), (names.GIVEN_SHE, "she"))
        for given in givens for middle in names.MIDDLE for family in names.FAMILY
    ])  # fmt: skip
    titles = _drawn(seed, "companies", [(a, b) for a in names.COMPANY_STEMS for b in names.COMPANY_ENDS])
    companies = [" ".join(title) for title in titles]
    # Even numbers are old and odd ones new, so that either half can grow alone.
    persons = {
        n: _person(seed, n, callings[n], companies)
        for place, half in enumerate(("old", "new")) for n in range(place, 2 * counts[half], 2)
    }  # fmt: skip
    firms = [
        _company(seed, n, companies[n], persons)
        for place, half in enumerate(("old", "new")) for n in range(place, 2 * -(-counts[half] // PEOPLE_A_COMPANY), 2)
    ]  # fmt: skip
    everyone = (*(persons[n] for n in sorted(persons)), *sorted(firms, key=lambda firm: firm.id))
    return World(seed, people, counts["new"], everyone)


def _drawn(seed: int, purpose: str, items: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    stream(seed, "world", purpose).shuffle(items)
    return items


def _half(number: int) -> Half:
    return "old" if number % 2 == 0 else "new"


def _person(seed: int, number: int, called: tuple[str, ...], companies: Sequence[str]) -> Entity:
    given, pronoun, middle, family = called
    rng = stream(seed, "world", "person", str(number))
    day = f"{rng.randint(1, 28)} {rng.choice(names.MONTHS)} {rng.choice(names.YEARS_OF_BIRTH)}"
    values = {
        "birthday": day,
        "birthplace": rng.choice(names.CITIES),
        "university": rng.choice(names.UNIVERSITIES),
        "major": rng.choice(names.MAJORS),
        # Company k's people are those of its half from 8k on: adding people changes nobody's employer.
        "employer": companies[number // (2 * PEOPLE_A_COMPANY) * 2 + number % 2],
    }
    return Entity(f"person-{number:04}", f"{given} {middle} {family}", "person", _half(number), pronoun, values)


def _company(seed: int, number: int, name: str, persons: Mapping[int, Entity]) -> Entity:
    rng = stream(seed, "world", "company", str(number))
    values = {
        "headquarters": rng.choice(names.CITIES),
        "industry": rng.choice(names.INDUSTRIES),
        "founded": str(rng.choice(names.YEARS_OF_FOUNDING)),
        "founder": _founder(rng, number, persons),
    }
    return Entity(f"company-{number:04}", name, "company", _half(number), "it", values)


def _founder(rng: random.Random, number: int, persons: Mapping[int, Entity]) -> str:
    """A person of the company's half who works at an earlier company; at the first, one who works there.

    Only earlier people, so that a larger world has the same founders.
    """
    parity, place = number % 2, number // 2
    workers = range(max(1, place) * PEOPLE_A_COMPANY)
    return persons[2 * rng.choice(workers) + parity].name
