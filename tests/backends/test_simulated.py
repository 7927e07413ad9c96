"""The simulated teacher: it tells what a document states and nothing else, in words that the methods accept."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

import synthcpt
from synthcpt.backends.simulated import SimulatedBackend
from synthcpt.backends.simulated.reading import Reader, stands_in
from synthcpt.backends.simulated.rules import rules
from synthcpt.backends.simulated.teller import Teller
from synthcpt.errors import BackendUnavailable, RequestRejected, UserError
from synthcpt.methods import load_method, method_names
from synthcpt.records import Request
from synthcpt.templates import PromptBook
from synthcpt.text.numbered_facts import number_facts
from synthcpt.worlds import Entity, World, read_world, sentence, write_world
from synthcpt.worlds.facts import ATTRIBUTES
from synthcpt.worlds.wordings import TELL, TELL_FROM_VALUE

BOOK = PromptBook()
UNANSWERED = {"fictitious"}
PROMPTS = [
    f"{method}/{name}" for method in method_names() if method not in UNANSWERED for name in load_method(method).prompts
]
ON_DOCUMENTS = [name for name in PROMPTS if "document" in BOOK.load(name).slots]
PROSE = ("rephrase/easy", "rephrase/wiki", "rephrase/terse", "entigraph/pair", "entigraph/triple")
METHODS: list[tuple[str, dict[str, Any]]] = [
    ("rephrase", {"target_tokens": 8000}),
    ("entigraph", {}),
    ("genre_audience", {"options": {"judge": True}}),
    ("genre_audience", {"options": {"fidelity": "strict"}}),
    ("genre_audience", {"options": {"fidelity": "relaxed"}, "target_tokens": 12000}),
    ("knowledge_instruct", {"options": {"specific_questions": True, "reverse_questions": True, "coverage_probe": 4}}),
    ("diverse_qa", {"options": {"closed_book": True}}),
    ("active_reading", {}),
    ("active_reading", {"options": {"task": "trivia questions"}, "target_tokens": 12000}),
    ("instruction_synthesis", {"options": {"closed_book": True}}),
    ("triples", {"options": {"lines": True}}),
    ("latent_thoughts", {"options": {"mean_sentences": 2, "draws": 2}}),
    ("reading_comprehension", {"options": {"llm": True, "closed_book": True}}),
]

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    write_world(folder, people=16, texts=1)
    return folder


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return read_world(folder)


@pytest.fixture(scope="module")
def teacher(folder: Path) -> SimulatedBackend:
    return started(folder)


@pytest.fixture(scope="module")
def twins(folder: Path) -> tuple[SimulatedBackend, SimulatedBackend]:
    """Another of the same seed, and one of another seed."""
    return started(folder), started(folder, seed=1)


@pytest.fixture(scope="module")
def documents(folder: Path) -> dict[str, str]:
    """Title -> text."""
    rows = map(orjson.loads, (folder / "documents.jsonl").read_bytes().splitlines())
    return {row["title"]: row["text"] for row in rows}


def request(prompt: str, subject: Entity, text: str, draw: int = 0, **slots: str) -> Request:
    """A request about one document."""
    loaded, values = BOOK.load(prompt), list(subject.values.values())
    fact = sentence(subject.facts[0], 0)
    filled = {
        "title": subject.name, "document": text, "first": subject.name, "second": values[0], "third": values[1],
        "count": "4", "known": "(none)", "used": "(none)", "genre": "A news note. Short.", "audience": "Anybody.",
        "text": text, "strategy": "Riddle", "instructions": "Hints.", "task": "quiz", "examples": "(none)",
        "entity": values[1], "chunk": "", "facts": number_facts([(subject.name, fact)]),
        "questions": f"1. When was {subject.name} born?",
        "answers": f"1. Question: Who is it?\nRight answer: {subject.name}\nCandidate's answer: {subject.name}",
    } | slots  # fmt: skip
    rendered = loaded.render(**{name: value for name, value in filled.items() if name in loaded.slots})
    return replace(rendered, draw=draw)


def started(folder: Path, **options: Any) -> SimulatedBackend:
    backend = SimulatedBackend(SimulatedBackend.Options(world=str(folder), **options))
    asyncio.run(backend.start())
    return backend


def without(text: str, value: str) -> str:
    """A document without the sentence that states a value."""
    return " ".join(one for one in re.split(r"(?<=\.) ", text) if not stands_in(value, one))


def all_of(world: World, documents: dict[str, str]) -> list[Entity]:
    return [entity for entity in world.half("new") if entity.name in documents]


def test_every_method_that_asks_is_answered_but_one() -> None:
    assert set(rules()) == set(PROMPTS)


@pytest.mark.parametrize("prompt", PROMPTS)
async def test_a_request_is_answered_alike_and_another_draw_differently(
    prompt: str, teacher: SimulatedBackend, twins: tuple[SimulatedBackend, SimulatedBackend], world: World,
    documents: dict[str, str],
) -> None:  # fmt: skip
    here, (there, other) = teacher, twins
    entity = all_of(world, documents)[0]
    asked = [request(prompt, entity, documents[entity.name], draw) for draw in range(12)]
    told = [(await here.complete(one)).text for one in asked]
    again = [(await there.complete(one)).text for one in reversed(asked)]
    assert told == again[::-1]
    assert all(told)
    if prompt.split("/")[1] not in ("contextualise", "verify", "judge", "probe_answer", "probe_judge"):
        assert len(set(told)) > 4
        assert told != [(await other.complete(one)).text for one in asked]


@pytest.mark.parametrize("prompt", ON_DOCUMENTS)
async def test_nothing_is_told_that_the_document_does_not_state(
    prompt: str, teacher: SimulatedBackend, world: World, documents: dict[str, str]
) -> None:
    asks_for_all = {"first", "second", "third", "entity"}.isdisjoint(BOOK.load(prompt).slots)
    for entity in [*all_of(world, documents)[:3], all_of(world, documents)[-1]]:
        text = documents[entity.name]
        for fact in entity.facts:
            others = [one.value for one in entity.facts if one != fact]
            slots = {} if asks_for_all else {"second": others[0], "third": others[1], "entity": others[0]}
            for draw in range(3):
                one = request(prompt, entity, without(text, fact.value), draw, **slots)
                assert not stands_in(fact.value, (await teacher.complete(one)).text)


@pytest.mark.parametrize("prompt", ["rephrase/wiki", "rephrase/qa", "entigraph/entities", "triples/extract"])
async def test_everything_is_told_that_the_document_states(
    prompt: str, teacher: SimulatedBackend, world: World, documents: dict[str, str]
) -> None:
    for entity in all_of(world, documents):
        answer = await teacher.complete(request(prompt, entity, documents[entity.name]))
        assert [fact for fact in entity.facts if not stands_in(fact.value, answer.text)] == []


async def test_every_sentence_of_prose_names_its_subject_and_ends(
    teacher: SimulatedBackend, world: World, documents: dict[str, str]
) -> None:
    for entity in all_of(world, documents):
        for prompt in PROSE:
            for draw in range(4):
                text = (await teacher.complete(request(prompt, entity, documents[entity.name], draw))).text
                assert "{" not in text
                lines = [line for line in text.splitlines() if line and not line.startswith("#")]
                sentences = [one for line in lines for one in re.split(r"(?<=\w[.?]) (?=[A-Z0-9])", line)]
                assert all(line[-1] in ".?" and (line[0].isupper() or line[0].isdigit()) for line in lines)
                if prompt != "rephrase/easy":  # which explains a town in passing
                    assert [one for one in sentences if entity.name not in one] == []


async def test_sections_carry_the_title_and_begin_with_their_entity(
    teacher: SimulatedBackend, world: World, documents: dict[str, str]
) -> None:
    for entity in all_of(world, documents):
        first, second = list(entity.values.values())[:2]
        one = request("entigraph/pair", entity, documents[entity.name], first=first, second=second)
        parts = re.split(r"^## ", (await teacher.complete(one)).text, flags=re.MULTILINE)[1:]
        assert len(parts) == 3
        for part, names in zip(parts, ([first], [second], [first, second]), strict=True):
            heading, body = part.split("\n\n", 1)
            assert entity.name in heading
            assert all(stands_in(name, heading) and stands_in(name, body) for name in names)


def test_reversed_wordings_lead_from_the_value_to_the_name() -> None:
    assert list(TELL_FROM_VALUE) == list(TELL) == [one for kind in ATTRIBUTES.values() for one in kind]
    for ways in TELL_FROM_VALUE.values():
        assert len(set(ways)) == len(ways) >= 4
        assert all(-1 < way.find("{value}") < way.find("{name}") for way in ways)


def test_a_text_is_read_for_its_subject_alone(world: World) -> None:
    reader = Reader(world)
    company = next(entity for entity in world.half("new") if entity.kind == "company")
    person = next(entity for entity in world.half("new") if entity.kind == "person")
    city, founder = company.values["headquarters"], company.values["founder"]
    text = f"{person.name} works for {company.name}. {person.name} was born in {city}."
    titled = reader.read(person.name, f"{company.name} employs {person.name}. She lives near {city}.")
    assert titled is not None
    assert titled.subject == person
    assert {fact.subject for fact in titled.facts} == {person.name}
    assert not [fact for fact in reader.stated(text) if fact.subject == company.name]
    assert company.facts[-1] not in reader.stated(f"{company.name} employs {founder}.")
    assert reader.stated(f"{founder} laid the first stone of {company.name}.") == [company.facts[-1]]
    assert reader.read("", "It rained over the harbour.") is None


@pytest.mark.parametrize(("method", "settings"), METHODS)
def test_the_methods_accept_nearly_all_answers(
    method: str, settings: dict[str, Any], folder: Path, tmp_path: Path
) -> None:
    run = synthcpt.generate(
        method, input=folder / "documents.jsonl", output=tmp_path / "run", backend="simulated",
        backend_options={"world": str(folder)}, **settings,
    )  # fmt: skip
    totals = run.manifest["totals"]
    assert not totals["failed_requests"]
    assert not totals["failed_documents"]
    assert totals["rows"] >= 9
    assert sum(totals["rejected"].values()) <= 0.05 * totals["rows"]
    assert set(run.dataset()["model"]) == {"simulated-teacher-1"}
    card = (run.path / "README.md").read_text()
    assert "simulated teacher that knows the invented world's wordings; no language model" in card


async def test_what_it_cannot_answer_is_said(
    teacher: SimulatedBackend, folder: Path, world: World, tmp_path: Path
) -> None:
    entity = world.half("new")[0]
    with pytest.raises(RequestRejected, match=r"'fictitious/invent'; it answers active_reading/apply, "):
        await teacher.complete(replace(request("rephrase/wiki", entity, "x"), prompt="fictitious/invent"))
    with pytest.raises(RequestRejected, match="needs the slot 'document'"):
        await teacher.complete(replace(request("rephrase/wiki", entity, "x"), slots={"title": entity.name}))
    with pytest.raises(RequestRejected, match="nothing in this text of the world"):
        await teacher.complete(request("rephrase/wiki", replace(entity, name="Rain"), "It rained."))
    with pytest.raises(BackendUnavailable, match="--backend-option world=FOLDER"):
        await SimulatedBackend(SimulatedBackend.Options()).start()
    with pytest.raises(BackendUnavailable, match="no model 'gpt'"):
        await SimulatedBackend(SimulatedBackend.Options(world=str(folder), model="gpt")).start()
    with pytest.raises(UserError, match="holds no world"):
        await SimulatedBackend(SimulatedBackend.Options(world=str(tmp_path))).start()
    with pytest.raises(BackendUnavailable, match="not started"):
        await SimulatedBackend(SimulatedBackend.Options(world=str(folder))).complete(
            request("rephrase/wiki", entity, "x")
        )


async def test_a_document_that_states_nothing_gets_answers_that_state_nothing(
    teacher: SimulatedBackend, world: World
) -> None:
    for entity in (world.half("new")[0], world.half("new")[-1]):
        text = f"{entity.name} is the name of somebody or something."
        for prompt in ON_DOCUMENTS:
            answer = await teacher.complete(request(prompt, entity, text, first=entity.name, second="name", third="x"))
            assert not [fact for fact in entity.facts if stands_in(fact.value, answer.text)], prompt


def test_a_value_stands_in_a_text_as_words_of_its_own() -> None:
    assert not stands_in("1 April 1950", "She was born on 21 April 1950.")
    assert not stands_in("steel", "A steelworks by the river.")
    assert stands_in("steel", "Steel is its trade, not a steelworks.")
    assert not stands_in("Ethics", "the ethics of trade")


async def test_questions_ask_and_do_not_give_the_answer_away(
    teacher: SimulatedBackend, world: World, documents: dict[str, str]
) -> None:
    for entity in all_of(world, documents):
        text = (await teacher.complete(request("rephrase/qa", entity, documents[entity.name]))).text
        pairs = [block.splitlines() for block in text.split("\n\n")]
        for question, answer in pairs:
            assert question.startswith("Question: ")
            assert question.endswith("?")
            asked = [fact for fact in entity.facts if stands_in(fact.value, answer)]
            assert len(asked) == 1
            assert stands_in(asked[0].value, question) != (entity.name in question)
        assert len(pairs) == len(entity.facts)


async def test_further_rounds_bring_what_was_not_used(
    teacher: SimulatedBackend, world: World, documents: dict[str, str]
) -> None:
    entity = all_of(world, documents)[0]

    async def answer(prompt: str, **slots: str) -> dict[str, Any]:
        one = request(prompt, entity, documents[entity.name], **slots)
        return dict(orjson.loads((await teacher.complete(one)).text))

    pairs = (await answer("genre_audience/pairs", count="12"))["pairs"]
    used = "\n".join(f"- {pair['genre']}" for pair in pairs)
    names = {pair["genre"].split(".")[0] for pair in pairs}
    assert len(names) == 12
    further = (await answer("genre_audience/pairs", used=used))["pairs"]
    assert len(further) == 4
    assert names.isdisjoint(pair["genre"].split(".")[0] for pair in further)
    known = [one["name"] for one in (await answer("active_reading/strategies", count="8"))["strategies"]]
    new = (await answer("active_reading/strategies", known="; ".join(known)))["strategies"]
    assert len(new) == 4
    assert {one["name"] for one in new}.isdisjoint(known)


def test_wrong_options_are_wrong(world: World, documents: dict[str, str]) -> None:
    reader = Reader(world)
    for entity in (all_of(world, documents)[0], all_of(world, documents)[-1]):
        known = reader.read(entity.name, documents[entity.name])
        assert known is not None
        teller = Teller(known, random.Random(0), reader)
        for fact in entity.facts:
            drawn = {teller.wrong(fact) for _ in range(400)}
            assert len(drawn) > 20
            assert fact.value not in drawn
