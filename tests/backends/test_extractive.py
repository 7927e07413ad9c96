"""The embedded backend: its texts are the document's own, can be read alone, and come out alike each time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pytest

from synthcpt.backends.base import backend_class
from synthcpt.backends.extractive import ExtractiveBackend
from synthcpt.backends.extractive import backend as backend_module
from synthcpt.errors import BackendUnavailable, MissingExtra, RequestRejected
from synthcpt.records import Request
from synthcpt.templates import PromptBook
from synthcpt.text.mentions import find_mention

TITLE = "Dorothea Vane, Seventh Harbour Master"
DOCUMENT = """\
Dorothea Vane was born on the island of Brannay in February 1914. She crossed to Skerrow in the steamer Countess Hesk, \
and entered the Quillan School of Seamanship. Captain Vane left it in May 1932, second to Simeon Achard.

## The Long Watch

The Merrow Mail Line took Vane on as a fourth mate in 1933. However, it kept her waiting for promotion. The mail line \
gave her the steamer Merrow Pilgrim in 1948.

- **Ferrow.** When Magnus Ferrow retired in 1957 the Wardens received five applications. He advised none of them.
- no sentence at all

| Harbour Master | In office |
|---|---|
| Captain Petra Lindqvane | 1993–2011 |

On Monday the Wardens met at Vane House. "I saw the fog. It lifted," said Petra Lindqvane of the Wardens. \
The harbour was quiet, and the dredger lay at the quay. They had bought the dredger from Orrhaven in 1958. \
No other dredger was as slow. The Harbour at Anstow kept the dredger Patience of Orr until 1990.
"""


def make_backend(**options: str) -> ExtractiveBackend:
    return ExtractiveBackend(ExtractiveBackend.Options(**options))


def make_request(prompt: str, names: Sequence[str] = (), title: str = TITLE, document: str = DOCUMENT) -> Request:
    slots = dict(zip(("first", "second", "third"), names, strict=False))
    return PromptBook().load(prompt).render(title=title, document=document, **slots)


def answer(prompt: str, names: Sequence[str] = (), title: str = TITLE, document: str = DOCUMENT) -> str:
    return asyncio.run(make_backend().complete(make_request(prompt, names, title, document))).text


def entities(document: str = DOCUMENT, title: str = TITLE) -> list[str]:
    found: list[str] = json.loads(answer("entigraph/entities", (), title, document))["entities"]
    return found


def sections(text: str) -> dict[str, str]:
    """Heading -> body."""
    pieces = re.split(r"^## (.*)\n", text, flags=re.MULTILINE)
    assert pieces[0] == ""
    return dict(zip(pieces[1::2], map(str.strip, pieces[2::2]), strict=True))


def test_it_is_the_backend_of_its_name_and_says_what_made_a_text() -> None:
    backend = make_backend()
    assert backend_class("extractive") is ExtractiveBackend
    assert backend.model == "extractive-1"
    assert backend.capabilities.schema
    completion = asyncio.run(backend.complete(make_request("entigraph/entities")))
    assert (completion.model, completion.finish_reason) == ("extractive-1", "stop")
    assert completion.prompt_tokens > len(DOCUMENT) // 6
    assert completion.completion_tokens > len(completion.text) // 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("On Monday Anna Berg sailed. In May the sea froze.", ["Anna Berg"]),
        ("Then Captain Anna Berg sailed. Berg slept, and so did Anna.", ["Anna Berg"]),
        ("Here Anna Berg and Carl Berg slept. Nobody woke Berg.", ["Anna Berg", "Carl Berg"]),
        ("Ten sailors saw the Harbour of Orr. The Harbour was at the harbour.", ["Harbour of Orr"]),
        ("Lately Anna Berg was sad. Sailing helped. Produced by Carl Dahl, a film came.", ["Anna Berg", "Carl Dahl"]),
        ("There I'd met Anna Berg, and so I'd say.", ["Anna Berg"]),
        ("The smith Ambrose Lyle of Vessing sat.", ["Ambrose Lyle", "Vessing"]),
        ("The boy saw Anna Berg's Fram in the Kattegat.", ["Anna Berg", "Fram", "Kattegat"]),
        ("The law was By-law 31 of 1972. By 5 June By-law 4 was gone.", ["By-law 31", "By-law 4"]),
        ("The song by M. H. Murray and the man from St. Ives won.", ["M. H. Murray", "St. Ives"]),
        ("# The Long Watch\n\nThe mate woke Anna Berg.\n\n## Captain Dahl Returns", ["Anna Berg"]),
        ("The French and the Hindi-language film of the Indian Ministry of Ports came.", ["Ministry of Ports"]),
    ],
)
def test_names_are_told_from_other_capitals(text: str, expected: list[str]) -> None:
    assert sorted(entities(text, "Letters")) == sorted(expected)


def test_a_term_that_recurs_is_an_entity_and_one_that_does_not_is_none() -> None:
    text = "The dredger was slow. The crew loved the dredger. Each spring the dredger went out in fog."
    found = entities(text, "A letter")
    assert "dredger" in found
    assert "fog" not in found


def test_one_common_word_is_no_entity_of_a_document_with_names_enough() -> None:
    found = entities()
    assert "dredger" not in found
    assert sum(name[0].isupper() for name in found) >= 8


def test_every_entity_stands_in_the_document_and_the_subject_leads() -> None:
    found = entities()
    assert found[0] == "Dorothea Vane"
    assert len(found) == len({name.casefold() for name in found})
    assert all(find_mention(name, DOCUMENT) for name in found)


@pytest.mark.parametrize(("words", "fewest", "most"), [(100, 3, 8), (600, 8, 20)])
def test_longer_documents_have_more_entities(words: int, fewest: int, most: int) -> None:
    names = [f"Anna{chr(97 + i)} Berg{chr(97 + j)}sen" for i in range(20) for j in range(20)]
    text = " ".join(f"Then the miller met {name} near the old bridge." for name in names[: words // 10])
    assert fewest <= len(entities(text, "The Miller")) <= most


def test_the_summary_is_sentences_of_the_document_that_can_be_told_alone() -> None:
    summary = json.loads(answer("entigraph/entities"))["summary"]
    assert summary.startswith("Dorothea Vane was born on the island of Brannay in February 1914.")
    assert not re.search(r"(However|He|They)\b", summary)


def test_a_pair_has_three_titled_sections_and_a_triple_four() -> None:
    pair = sections(answer("entigraph/pair", ["Dorothea Vane", "Wardens"]))
    triple = sections(answer("entigraph/triple", ["Dorothea Vane", "Wardens", "dredger"]))
    assert list(pair) == [
        f"Dorothea Vane in *{TITLE}*",
        f"Wardens in *{TITLE}*",
        f"Dorothea Vane and Wardens in *{TITLE}*",
    ]
    assert len(triple) == 4
    assert list(triple)[3] == f"Dorothea Vane, Wardens and dredger in *{TITLE}*"


def test_no_section_of_any_pair_is_empty_leans_back_or_says_a_thing_twice() -> None:
    for names in combinations(entities(), 2):
        told = sections(answer("entigraph/pair", names))
        assert len(told) == 3
        for body in told.values():
            assert body
            assert not re.match(r"(She|He|They|It|However|\"|no )", body), body
        paragraphs = [line for body in told.values() for line in body.split("\n\n")]
        assert len(paragraphs) == len(set(paragraphs))
        for sentence in re.findall(r"[^.\n]{40,}\.", answer("entigraph/pair", names)):
            assert answer("entigraph/pair", names).count(sentence) == 1, sentence


def test_sentences_keep_their_order_and_stay_apart_from_headings_lists_and_tables() -> None:
    for names in combinations(entities(), 2):
        for body in sections(answer("entigraph/pair", names)).values():
            assert "Long Watch" not in body
            assert "|" not in body
            assert "**" not in body
            years = [body.index(year) for year in ("1914", "1933", "1948", "1990") if year in body]
            assert years == sorted(years)


def test_the_weightiest_sentence_does_not_come_before_its_turn() -> None:
    text = (
        "The sun fell on Anna Berg.\n\nThe town of Orrhaven gave Anna Berg, the painter of ships, a house by the sea."
    )
    told = answer("entigraph/pair", ["Anna Berg", "Atlantis"], "Letters", text)
    assert told.index("The sun") < told.index("The town")


def test_what_is_said_of_a_name_depends_on_the_other_name() -> None:
    text = "\n\n".join(
        f"In the year {1900 + i} the painter Anna Berg {deed} in the town that she had come to love best of all, at "
        f"length and with her whole heart{' beside ' + who if who else ''}."
        for i, (deed, who) in enumerate([("sang", "Carl Dahl"), ("swam", ""), ("slept", "Elsa Falk"), ("sat", "")] * 3)
    )
    text += "\n\nThe boy Gus Holm knew Carl Dahl well.\n\nThe girl Ida Juul knew Elsa Falk well."
    holm = sections(answer("entigraph/pair", ["Anna Berg", "Gus Holm"], "T", text))["Anna Berg in *T*"]
    juul = sections(answer("entigraph/pair", ["Anna Berg", "Ida Juul"], "T", text))["Anna Berg in *T*"]
    assert "Carl Dahl" in holm
    assert "Elsa Falk" not in holm
    assert "Elsa Falk" in juul
    assert "Carl Dahl" not in juul


def test_a_quotation_of_several_sentences_is_not_torn() -> None:
    text = 'The pilot Anna Berg said: "I saw the fog. It lifted at Orrhaven." The boat came.'
    told = answer("entigraph/pair", ["Orrhaven", "Atlantis"], "Letters", text)
    assert 'The pilot Anna Berg said: "I saw the fog. It lifted at Orrhaven."' in told


ICE = "The Fram lay in the ice at that time of year."


@pytest.mark.parametrize(
    "sentence",
    [
        "However, the harbour was closed.",
        "The other ship sank at dawn.",
        "In 1962 she fitted the harbour with radio.",
        "In Anstow he met a pilot.",
        "Before that day the port was free.",
        "Both were built of oak.",
        "The longest was that of a barque.",
        "In two days they threw it into the sea.",
        '"No," said the keeper.',
        "As Deputy he had laid down the course.",
        "I had the gauge house.",
        "Octavius Penn hired her in 1884.",
        "about a boy who is poor.",
    ],
)
def test_a_sentence_that_leans_on_the_one_before_is_told_with_it(sentence: str) -> None:
    text = f"{ICE} {sentence[:-1]} with Anna Berg.\n\n" + "The sea was quiet, and the sky was not. " * 9
    told = sections(answer("entigraph/pair", ["Anna Berg", "Atlantis"], "Letters", text))
    assert told["Anna Berg in *Letters*"].startswith(ICE)


@pytest.mark.parametrize(
    "sentence",
    [
        "When Magnus Ferrow retired, he slept.",
        "The captain knew his ship.",
        "The drum was raised when it blew.",
        "Nine ships were lost.",
        "In May the harbour froze.",
        "Octavius Penn said that Elsa Falk knew him.",
    ],
)
def test_a_sentence_that_can_be_told_alone_is(sentence: str) -> None:
    text = f"{ICE} {sentence[:-1]} with Anna Berg.\n\n" + "The sea was quiet, and the sky was not. " * 9
    told = sections(answer("entigraph/pair", ["Anna Berg", "Atlantis"], "Letters", text))
    assert told["Anna Berg in *Letters*"].startswith(sentence[:-1])


def test_different_pairs_have_different_texts() -> None:
    pairs = list(combinations(entities()[:8], 2))
    assert len({re.sub("## .*", "", answer("entigraph/pair", names)) for names in pairs}) > 0.9 * len(pairs)


def test_names_that_no_sentence_shares_are_linked_through_a_third() -> None:
    text = (
        "Anna Berg taught Carl Dahl. Nobody knew of it.\n\nCarl Dahl married Elsa Falk. It rained.\n\nGus Holm slept."
    )
    told = sections(answer("entigraph/pair", ["Anna Berg", "Elsa Falk"], "Letters", text))
    together = told["Anna Berg and Elsa Falk in *Letters*"]
    assert together.startswith("In *Letters*, Anna Berg and Elsa Falk are connected through Carl Dahl.")
    assert "Anna Berg taught Carl Dahl." in together
    assert "Carl Dahl married Elsa Falk." in together
    apart = answer("entigraph/pair", ["Anna Berg", "Gus Holm"], "Letters", text)
    assert "no passage names both Anna Berg and Gus Holm" in apart


def test_a_name_the_document_lacks_is_said_to_be_missing() -> None:
    told = sections(answer("entigraph/pair", ["Dorothea Vane", "Atlantis"]))
    assert told[f"Atlantis in *{TITLE}*"] == f"In *{TITLE}*, Atlantis is not mentioned by name."


def test_an_opening_pronoun_gives_way_to_the_name_it_must_stand_for() -> None:
    text = "The Offering is a 2023 film by Oliver Park. It stars Nick Blood. It is said that ghosts stars."
    told = answer("entigraph/pair", ["Nick Blood", "Atlantis"], "The Offering", text)
    assert "The Offering stars Nick Blood." in told
    assert "The Offering is said" not in answer("entigraph/pair", ["ghosts", "Atlantis"], "The Offering", text)


def test_an_ambiguous_pronoun_is_left_to_its_sentence() -> None:
    text = "Anna Berg met Elsa Falk at Orrhaven. She had built a boat there."
    told = answer("entigraph/pair", ["boat", "Atlantis"], "Letters", text)
    assert "Anna Berg had built" not in told
    assert "Orrhaven. She had built" in told


def test_a_run_in_heading_goes_before_what_it_speaks_of() -> None:
    text = "**Mungo Teale.** I had the gauge house on the North Mole. My pen went up the paper at Anstow."
    told = answer("entigraph/pair", ["Mungo Teale", "Anstow"], "The Storm", text)
    assert "Mungo Teale: I had the gauge house" in told or "Mungo Teale: My pen" in told


def test_a_table_row_is_told_with_its_column_headings_where_no_prose_is_left() -> None:
    text = "These are the masters of the port:\n\n"
    text += "| Master | Years |\n|---|---|\n| Petra Lindqvane | 1993 |\n| A. Quillan | 1883 |"
    told = sections(answer("entigraph/pair", ["Petra Lindqvane", "A. Quillan"], "Masters", text))
    assert told["Petra Lindqvane in *Masters*"] == "- Master: Petra Lindqvane; Years: 1993"


@pytest.mark.parametrize(
    "document",
    [
        "",
        "\n \n",
        "Marit Ellinghaus is a pilot in Anstow.",
        "港务局成立于1847年。当时岛议会通过了港口条例。",
        "الميناء مغلق اليوم بسبب العاصفة. عاد القارب.",
        "Der Hafen wurde 1847 gegründet. Elias Thorngate war der erste Meister. Er baute den Kai.",
        "```python\ndef f(x):\n    return {1: [2]}\n```\nclass A:\n    x = 1;\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "HELLO WORLD THIS IS LOUD. " * 5,
        "." * 50_000,
        "[*_`#|" * 5_000,
    ],
)
def test_any_document_is_answered(document: str) -> None:
    found = entities(document, "")
    names = [*found, "Alpha", "Beta"][:2]
    told = sections(answer("entigraph/pair", names, "", document))
    assert len(told) == 3
    assert all(told.values())


def test_a_document_in_another_language_gets_no_english_phrases() -> None:
    text = "Der Hafen wurde 1847 gegründet. Elias Thorngate baute den Kai.\n\nIn Brannay regnete es."
    told = answer("entigraph/pair", ["Elias Thorngate", "Brannay"], "Der Hafen", text)
    assert told.startswith("## Der Hafen: Elias Thorngate\n")
    assert not re.search(r"\b(is|the|and|named)\b", told)


def test_answers_do_not_depend_on_what_was_asked_before() -> None:
    text = "It was there that the painter Anna Berg bought red boats.\n\nThat is when Carl Dahl sold red boats."

    async def run(asked_before: Sequence[Sequence[str]]) -> str:
        backend = make_backend()
        for names in asked_before:
            await backend.complete(make_request("entigraph/pair", names, "T", text))
        return (await backend.complete(make_request("entigraph/pair", ["Anna Berg", "Carl Dahl"], "T", text))).text

    fresh = asyncio.run(run([]))
    assert "no passage names both" in fresh
    assert asyncio.run(run([["red boats", "sold"], ["Anna Berg", "red boats"], ["Atlantis", "Carl Dahl"]])) == fresh


@pytest.mark.parametrize("inline_chars", [3, 3_000])
def test_a_document_is_read_once_for_all_its_requests_and_few_are_kept(
    monkeypatch: pytest.MonkeyPatch, inline_chars: int
) -> None:
    read: list[str] = []
    read_document = backend_module.read_document
    monkeypatch.setattr(backend_module, "read_document", lambda text: (read.append(text), read_document(text))[1])
    monkeypatch.setattr(backend_module, "_MOST_ANALYSES", 2)
    monkeypatch.setattr(backend_module, "_INLINE_CHARS", inline_chars)
    documents = ["Anna Berg sat.", "Anna Berg ran.", "Anna Berg ate."]

    async def run(backend: ExtractiveBackend, document: str) -> None:
        await backend.complete(make_request("entigraph/pair", ["Anna Berg", "Oslo"], "T", document))

    async def main() -> None:
        backend = make_backend()
        await asyncio.gather(*(run(backend, documents[0]) for _ in range(5)))
        assert read == documents[:1]
        for document in [*documents, documents[0]]:
            await run(backend, document)

    asyncio.run(main())
    assert read == [*documents, documents[0]]


def test_an_unknown_prompt_is_refused_with_those_it_answers() -> None:
    request = Request((), prompt="knowledge/facts")
    with pytest.raises(RequestRejected, match=r"cannot answer the prompt 'knowledge/facts'.*entigraph/pair"):
        asyncio.run(make_backend().complete(request))


def test_a_prompt_without_a_slot_it_needs_is_refused() -> None:
    request = Request((), prompt="entigraph/pair", slots={"title": "T", "document": "D", "first": "A"})
    with pytest.raises(RequestRejected, match="'second'"):
        asyncio.run(make_backend().complete(request))


def test_a_model_it_is_not_is_refused_at_the_start() -> None:
    with pytest.raises(BackendUnavailable, match="has no model 'gpt-9'"):
        asyncio.run(make_backend(model="gpt-9").start())
    asyncio.run(make_backend(model="extractive-1").start())


def test_a_missing_spacy_pipeline_is_named() -> None:
    with pytest.raises(BackendUnavailable, match=r"'no_such_pipeline'.*spacy download no_such_pipeline"):
        asyncio.run(make_backend(spacy_model="no_such_pipeline").start())


def test_missing_spacy_is_an_extra_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "spacy", None)
    with pytest.raises(MissingExtra, match=r"synthcpt\[spacy\]"):
        asyncio.run(make_backend(spacy_model="any").start())


def test_a_pipeline_that_was_not_started_is_refused() -> None:
    with pytest.raises(BackendUnavailable, match="not started"):
        asyncio.run(make_backend(spacy_model="any").complete(make_request("entigraph/entities")))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_spacy_pipeline_finds_the_names_and_sentences(tmp_path: Path) -> None:
    spacy = pytest.importorskip("spacy")
    pipeline = spacy.blank("en")
    ruler = pipeline.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": "THING", "pattern": "sea mist"}, {"label": "DATE", "pattern": "May 1932"}])
    pipeline.add_pipe("sentencizer", config={"punct_chars": [";"]})
    pipeline.to_disk(tmp_path / "ruled")
    text = "At dawn the sea mist rose over Anstow in May 1932; Petra Lindqvane rang the bell."

    async def run() -> tuple[str, str]:
        backend = make_backend(spacy_model=str(tmp_path / "ruled"))
        await backend.start()
        completion = await backend.complete(make_request("entigraph/entities", (), "T", text))
        return backend.model, completion.text

    model, told = asyncio.run(run())
    assert model == f"extractive-1+{tmp_path / 'ruled'}"
    assert json.loads(told)["entities"] == ["sea mist"]
