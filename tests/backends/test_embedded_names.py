"""The embedded backend tells a place from what is named after it."""

from __future__ import annotations

import pytest

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.reading import read_document


def where(text: str, name: str) -> tuple[int, ...]:
    analysis = Analysis("The Beds", read_document(text))
    assert name in analysis.entities
    return analysis.sentences_with(name)


@pytest.mark.parametrize(
    ("longer", "place"),
    [("Pell Jetty", "Pell"), ("the Skerrow Packet", "Skerrow"), ("Anstow Harbour Authority", "Anstow")],
)
def test_a_place_is_not_what_is_named_after_it(longer: str, place: str) -> None:
    text = f"The boats came to {longer} in spring. A biologist of note lived at {place} for years."
    assert where(text, longer.removeprefix("the ")) == (0,)
    assert where(text, place)[-1] == 1


@pytest.mark.parametrize(
    ("full", "short"),
    [("Marit Ellinghaus", "Marit"), ("Universal Pictures", "Universal"), ("Rosalind Oake", "Oake")],
)
def test_people_and_companies_go_by_a_part_of_their_names(full: str, short: str) -> None:
    assert where(f"The light was bought by {full} in spring. It was kept by {short} for years.", full) == (0, 1)


def test_only_a_person_is_meant_by_a_pronoun() -> None:
    text = "The boat lay off Desperation Road in the spring. Ada Lisle bought it. She had it painted."
    assert Analysis("The Beds", read_document(text)).resolved[2].startswith("Ada Lisle had it")
    text = "Desperation Road was long in spring. She had it painted by the town."
    assert not Analysis("The Beds", read_document(text)).resolved
