"""The invented world: every fact known, one true answer a question, nothing of the new half in the old one's texts."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from synthcpt.errors import ConfigError, UserError
from synthcpt.randomness import stream
from synthcpt.worlds import Fact, biography, make_world, questions, read_world, sentence, write_world
from synthcpt.worlds.facts import ATTRIBUTES
from synthcpt.worlds.wordings import ASK, TELL

WORLD = make_world(64, seed=3)


def rows(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_seed_gives_one_world_and_another_seed_another() -> None:
    assert make_world(64, seed=3) == WORLD
    assert {entity.name for entity in make_world(64, seed=4).entities} != {entity.name for entity in WORLD.entities}


def test_more_people_change_nobody() -> None:
    for larger in (make_world(128, seed=3), make_world(96, seed=3, new=32), make_world(96, seed=3, new=64)):
        assert len(larger.entities) > len(WORLD.entities)
        for entity in WORLD.entities:
            assert larger.entity(entity.name) == entity


def test_the_halves_can_differ_in_size() -> None:
    world = make_world(96, seed=3, new=16)
    people = [entity for entity in world.half("new") if entity.kind == "person"]
    assert len(people) == 16
    assert len(world.half("old")) == 80 + 10


def test_names_are_unique_and_halves_are_equal() -> None:
    assert max(Counter(entity.name for entity in WORLD.entities).values()) == 1
    assert len(WORLD.half("old")) == len(WORLD.half("new"))


def test_nothing_of_one_half_leads_to_the_other() -> None:
    halves = {entity.name: entity.half for entity in WORLD.entities}
    for entity in WORLD.entities:
        for attribute in ("employer", "founder"):
            if attribute in entity.values:
                assert halves[entity.values[attribute]] == entity.half


@pytest.mark.parametrize("people", [0, 15, 10_000])
def test_a_size_that_cannot_be_is_refused(people: int) -> None:
    with pytest.raises(ConfigError, match="A world has 8 to"):
        make_world(people)


@pytest.mark.parametrize("attribute", sorted(TELL))
def test_every_wording_states_its_fact_once_and_no_two_are_alike(attribute: str) -> None:
    assert len(set(TELL[attribute])) == len(TELL[attribute]) >= 16
    for wording in TELL[attribute]:
        assert wording.count("{name}") == wording.count("{value}") == 1
        assert wording.endswith(".")


def test_pronouns_stand_in_the_case_that_the_wording_needs() -> None:
    def told(wording: str, called: str) -> str:
        attribute = next(name for name, wordings in TELL.items() if wording in wordings)
        return sentence(Fact("Ada Elm Ives", attribute, "V"), TELL[attribute].index(wording), called)

    assert told("The birthplace of {name} is {value}.", "she") == "Her birthplace is V."
    assert told("{value} employs {name}.", "he") == "V employs him."
    assert told("{value} is where {name} works.", "he") == "V is where he works."
    assert told("The town of {value} is the seat of {name}.", "it") == "The town of V is its seat."
    assert told("On {value}, {name} was born.", "she") == "On V, she was born."
    assert told("{name} works for {value}.", "") == "Ada Elm Ives works for V."


def test_a_plain_text_names_its_subject_once_and_states_each_fact_once() -> None:
    for entity in WORLD.entities:
        text = biography(entity, stream(0, "test", entity.id), permuted=False, full_names=False)
        assert text.count(entity.name) == 1
        for fact in entity.facts:
            assert text.count(fact.value) == 1
        places = [text.index(fact.value) for fact in entity.facts]
        assert places == sorted(places)


def test_a_varied_text_names_its_subject_in_every_sentence() -> None:
    entity = WORLD.entities[0]
    texts = {biography(entity, stream(0, "test", str(number))) for number in range(20)}
    assert len(texts) == 20
    places = [[text.index(fact.value) for fact in entity.facts] for text in texts]
    assert sum(one == sorted(one) for one in places) < 5
    for text in texts:
        assert text.count(entity.name) == len(entity.facts)


def test_questions_have_one_true_answer() -> None:
    for half in ("old", "new"):
        asked = questions(WORLD, half)
        assert len({question.id for question in asked}) == len(asked)
        assert {question.kind for question in asked} == {"forward", "reverse", "two-hop"}
        assert max(Counter(question.question for question in asked).values()) == 1
        assert {question.document for question in asked} <= {entity.id for entity in WORLD.half(half)}


def test_birthdays_that_two_people_share_are_not_asked_for() -> None:
    """So many people have some in common."""
    world = make_world(1000, seed=1)
    shared = Counter(entity.values["birthday"] for entity in world.entities if entity.kind == "person")
    assert max(shared.values()) > 1
    asked = [one for half in ("old", "new") for one in questions(world, half) if one.kind == "reverse"]
    assert max(Counter(one.question for one in asked).values()) == 1
    assert all(shared[one.question.split(" on ")[1][:-1]] == 1 for one in asked if one.attribute == "birthday")


def test_a_question_of_two_hops_is_answered_by_another_document() -> None:
    by_id = {entity.id: entity for entity in WORLD.entities}
    for question in questions(WORLD, "new"):
        if question.kind == "two-hop":
            own = by_id[question.document]
            through = [other for other in WORLD.entities if other.name in own.values.values()]
            assert [other.values.get(question.attribute) for other in through] == [question.answer]


def test_phrasings_ask_for_the_same() -> None:
    first, second = questions(WORLD, "new"), questions(WORLD, "new", phrasing=1)
    assert [question.answer for question in first] == [question.answer for question in second]
    assert all(len(ways) >= 2 for ways in ASK.values())
    assert set(ASK) == {attribute for attributes in ATTRIBUTES.values() for attribute in attributes}


def test_the_files_hold_the_new_half_once_and_the_old_half_often(tmp_path: Path) -> None:
    world = write_world(tmp_path, people=32, seed=1, texts=10)
    documents = rows(tmp_path / "documents.jsonl")
    assert [row["title"] for row in documents] == [entity.name for entity in world.half("new")]
    known = "\n".join(row["text"] for row in rows(tmp_path / "known" / "texts.jsonl"))
    for entity in world.half("old"):
        assert len(re.findall(rf"{re.escape(entity.name)}[^\n]*\.", known)) >= 10
    for entity in world.half("new"):
        assert entity.name not in known
    held = {row["text"] for row in rows(tmp_path / "known" / "heldout.jsonl")}
    assert held.isdisjoint(known.split("\n"))
    assert {row["id"] for row in rows(tmp_path / "questions.jsonl")}.isdisjoint(
        row["id"] for row in rows(tmp_path / "known" / "questions.jsonl")
    )


def test_a_world_is_read_back(tmp_path: Path) -> None:
    assert write_world(tmp_path, people=32, seed=1, texts=1) == read_world(tmp_path)
    with pytest.raises(UserError, match="holds no world"):
        read_world(tmp_path / "nothing")
