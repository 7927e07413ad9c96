"""From the names a model listed to the entities of a document."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.text.entities import Entity, Grounding, ground_entities
from synthcpt.text.mentions import canonical

TEXT = (
    "Ada Ellinghaus kept the Corrane Light. The Corrane Light was old, and Ellinghaus’s hand shook. "
    "The World Health Organization came to Corrane, and the harbour-masters of Skerrow met Ben Vane."
)
words = st.sampled_from(["Ada", "Ben", "Vane", "the", "Light", "light", "Ellinghaus", "(WHO)", "WHO", "“", "'s", "漢"])
names = st.lists(words, max_size=4).map(" ".join) | st.text(max_size=8)


def ground(listed: list[str], text: str = TEXT, *, keep: bool = False) -> Grounding:
    return ground_entities([(0, name) for name in listed], [text], keep_ungrounded=keep)


def found(listed: list[str], text: str = TEXT) -> list[str]:
    return [entity.name for entity in ground(listed, text).entities]


@pytest.mark.parametrize(
    "variants",
    [
        ["Corrane Light", "corrane light", "CORRANE LIGHT"],
        ["Corrane Light", "the Corrane Light"],
        ["Corrane Light", "Corrane Light's"],
        ["Corrane Light", "“Corrane Light”"],
        ["Corrane  Light", "Corrane\nLight", " Corrane Light "],
        ["Ada Ellinghaus", "Ellinghaus"],
        ["Ellinghaus", "Ada Ellinghaus"],
        ["Ellinghaus", "Ada Ellinghaus", "Dr Ada Ellinghaus"],
        ["World Health Organization (WHO)", "WHO", "World Health Organization"],
    ],
)
def test_variants_of_a_name_are_one_entity_under_its_fullest_form(variants: list[str]) -> None:
    (entity,) = ground(variants).entities
    fullest = max((" ".join(name.split()) for name in variants), key=len)
    assert entity.name == fullest
    assert entity.aliases == {canonical(name) for name in variants}


@pytest.mark.parametrize(
    "apart",
    [
        ["Ada Ellinghaus", "Carl Ellinghaus", "Ellinghaus"],
        ["Corrane Light", "Corrane"],
        ["Corrane Light", "light"],
        ["Ada Ellinghaus", "Ben Vane"],
    ],
)
def test_what_may_be_several_things_is_left_alone(apart: list[str]) -> None:
    text = TEXT + " Carl Ellinghaus saw a light."
    assert sorted(found(apart, text)) == sorted(apart)


def test_a_short_form_of_two_letters_is_left_alone() -> None:
    assert len(found(["Li Vi", "Vi"], "Li Vi met Vi.")) == 2


def test_each_entity_is_found_in_the_text() -> None:
    (light,) = ground(["The Corrane Light"]).entities
    assert light.mentions == 2
    assert light.span is not None
    assert TEXT[slice(*light.span)] == "Corrane Light"


def test_mentions_by_any_alias_count_once_each() -> None:
    text = "Ada Ellinghaus came. Ellinghaus sat. Ada left. Ellinghaus spoke."
    (entity,) = ground(["Ada Ellinghaus", "Ellinghaus", "ELLINGHAUS"], text).entities
    assert entity.span == (0, 14)
    assert entity.mentions == 3, "the short form inside the full name is no mention of its own"


def test_a_name_whose_words_alone_occur_has_no_span() -> None:
    (entity,) = ground(["masters of the harbour"]).entities
    assert (entity.mentions, entity.span, sorted(entity.passages)) == (0, None, [0])


def test_a_name_that_occurs_nowhere_is_dropped_and_told() -> None:
    grounding = ground(["Corrane Light", "Atlantis", "Zog the Great"])
    assert [entity.name for entity in grounding.entities] == ["Corrane Light"]
    assert grounding.ungrounded == ["Atlantis", "Zog the Great"]


def test_or_kept_last_for_the_passage_it_was_listed_with() -> None:
    named = [(1, "Atlantis"), (0, "Corrane Light")]
    grounding = ground_entities(named, [TEXT, "Nothing."], keep_ungrounded=True)
    assert [entity.name for entity in grounding.entities] == ["Corrane Light", "Atlantis"]
    assert grounding.entities[1] == Entity("Atlantis", frozenset({"atlantis"}), frozenset({1}), 0, None)
    assert grounding.ungrounded == []


@pytest.mark.parametrize("junk", ["", "  ", "...", "“”", "x" * 201, "Corrane Light " * 20])
def test_what_is_no_name_is_passed_over(junk: str) -> None:
    assert ground([junk], keep=True) == Grounding([], [])


def test_the_most_prominent_comes_first_and_equals_stay_as_listed() -> None:
    text = "Ada met Ben and Carl. Ben met Dora. Ben and Dora left."
    assert found(["Carl", "Ada", "Dora", "Ben"], text) == ["Ben", "Dora", "Carl", "Ada"]
    assert found(["Ada", "Carl", "Ben", "Dora"], text) == ["Ben", "Dora", "Ada", "Carl"]


def test_passages_and_the_first_mention_over_several_passages() -> None:
    passages = ["Nothing here.", "Ada met Ben.", "Then Ada left. Ada!"]
    (ada,) = ground_entities([(2, "Ada")], passages, keep_ungrounded=False).entities
    assert (sorted(ada.passages), ada.mentions, ada.span) == ([1, 2], 3, (0, 3))


@given(st.lists(st.tuples(st.integers(0, 1), names), max_size=8), st.lists(names, max_size=12), st.booleans())
@settings(deadline=None)
def test_every_name_ends_in_one_place_and_spans_point_at_the_text(
    named: list[tuple[int, str]], written: list[str], keep: bool
) -> None:
    passages = [" ".join(written), ", ".join(reversed(written))]
    grounding = ground_entities(named, passages, keep_ungrounded=keep)
    aliases = [alias for entity in grounding.entities for alias in entity.aliases]
    assert len(aliases) == len(set(aliases))
    listed = {canonical(" ".join(name.split())) for _, name in named} - {""}
    assert set(aliases) <= listed
    if keep:
        assert set(aliases) == listed
    mentions = [entity.mentions for entity in grounding.entities]
    assert mentions == sorted(mentions, reverse=True)
    for entity in grounding.entities:
        assert (entity.span is None) == (entity.mentions == 0)
        if entity.span is not None:
            assert any(canonical(passage[slice(*entity.span)]) in entity.aliases for passage in passages)


def test_thousands_of_names_are_merged_in_linear_time() -> None:
    listed = [f"Name{i} Of{i} Place{i}" for i in range(20_000)] + ["Place7"]
    assert len(ground(listed, "").ungrounded) == 20_000
