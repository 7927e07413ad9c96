"""Facts that say the same are merged, whatever their order; others are not."""

from __future__ import annotations

import random

import pytest

from synthcpt.text.facts import Fact, FactSource, merge_facts, merge_same, normal_form

DISTINCT = [
    "The Corrane Light was lit on 12 May 1841 by the keeper Arden Vale and his two sons.",
    "The Corrane Light was lit on 13 May 1841 by the keeper Arden Vale and his two sons.",
    "The Corrane Light was not lit on 12 May 1841 by the keeper Arden Vale and his two sons.",
    "The Corrane Light was lit on 12 May 1841 by the keeper Bellis Reach and his two sons.",
    "Arden Vale sold the old mill at the weir to Bellis Reach.",
    "Bellis Reach sold the old mill at the weir to Arden Vale.",
]
SAME = [
    "the Corrane Light was lit on 12 May 1841 by the keeper Arden Vale and his two sons",
    "The  Corrane Light was lit on 12 May 1841 by the keeper “Arden Vale” and his two sons.",
    "The Corrane Light was lit on 12 May 1841 by keeper Arden Vale and his two sons.",
]


def kept(facts: list[str]) -> set[str]:
    return {facts[group[0]] for group in merge_same(facts, 0.75)}


def test_merging_is_idempotent_and_free_of_order() -> None:
    facts = DISTINCT + SAME
    expected = kept(facts)
    assert kept(sorted(expected)) == expected
    for seed in range(20):
        shuffled = random.Random(seed).sample(facts, len(facts))
        assert kept(shuffled) == expected


def test_what_differs_in_a_number_a_date_a_name_a_negation_or_the_order_is_kept_apart() -> None:
    assert kept(DISTINCT) == set(DISTINCT)


def test_wordings_of_one_fact_are_merged_and_every_member_is_in_one_group() -> None:
    facts = [DISTINCT[0], *SAME]
    groups = merge_same(facts, 0.75)
    assert len(groups) == 1
    assert sorted(groups[0]) == [0, 1, 2, 3]


def test_similarity_one_merges_only_equal_words() -> None:
    assert len(merge_same([DISTINCT[0], *SAME], 1.0)) == 2


def test_merged_facts_keep_the_entities_they_name() -> None:
    facts = [Fact("Arden Vale met Bellis Reach.", (entity,)) for entity in ("Arden Vale", "Bellis Reach", "Corve Mill")]
    assert [fact.entities for fact in merge_facts(facts, 0.85)] == [("Arden Vale", "Bellis Reach")]


def test_normal_form_ignores_how_a_fact_is_written() -> None:
    assert normal_form("The  “North-East” wind.") == normal_form("north east wind")


def test_a_source_supports_what_it_says_and_tells_where() -> None:
    text = "The keeper lit the lamp. Rain fell on the harbour."
    source = FactSource(text, "Corrane")
    assert source.support("The keeper of Corrane lights a lamp.") > 0.5
    assert source.support("Bankers invented derivatives.") == 0
    start, end = source.span("Rain came down on the harbour.") or (0, 0)
    assert text[start:end] == "Rain fell on the harbour."
    assert source.span("Bankers invented derivatives.") is None


@pytest.mark.timeout(20)
def test_thousands_of_near_facts_end() -> None:
    facts = [f"the {'very ' * (n % 7)}old keeper number {chr(97 + n % 26)} slept well" for n in range(3000)]
    assert len(merge_same(facts, 0.85)) < 400
