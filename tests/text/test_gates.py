"""What is kept out of the data, in several languages, and what is not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthcpt.records import Completion
from synthcpt.text.gates import Source, lacks_mention, mentioned, nearly_empty, refused, truncated
from synthcpt.text.mentions import Haystack

ENGLISH = (
    "The harbour of Skerrow was built in the winter of 1871 by the brothers who had come from the islands. "
    "They had brought the stone with them, and it was said in the town that the wall would not stand a year. "
    "It has stood for more than a century, and the boats that lie behind it are as many as they ever were. "
)
ENGLISH_TOO = (
    "In the years after the great storm, most of the people of the town went to live on the hill above the bay, "
    "and only the keeper of the light and his family were left by the water. "
)
GERMAN = (
    "Der Hafen von Skerrow wurde im Winter des Jahres 1871 von den Brüdern gebaut, die von den Inseln gekommen "
    "waren. Sie hatten die Steine mitgebracht, und in der Stadt hieß es, die Mauer werde kein Jahr lang stehen. "
    "Sie steht seit mehr als einem Jahrhundert, und die Boote, die hinter ihr liegen, sind so viele wie früher. "
)
SPANISH = (
    "El puerto de Skerrow fue construido en el invierno de 1871 por los hermanos que habían venido de las islas. "
    "Trajeron consigo la piedra, y en el pueblo se decía que el muro no duraría un año. Ha resistido más de un "
    "siglo, y las barcas que descansan detrás de él son tantas como siempre. "
)
RUSSIAN = (
    "Гавань Скерроу была построена зимой 1871 года братьями, приехавшими с островов. Они привезли с собой камень, "
    "и в городе говорили, что стена не простоит и года. Она стоит уже больше века. "
)
CHINESE = (
    "斯凯罗港建于一八七一年冬天，由来自岛屿的兄弟们建造。"
    "他们带来了石头，镇上的人说这堵墙撑不过一年。它已经屹立了一个多世纪。"
)
JAPANESE = (
    "スケロウの港は一八七一年の冬に、島から来た兄弟によって築かれた。"
    "彼らは石を持って来たが、町では壁は一年ともたないと言われた。"
)
LANGUAGES = {"en": ENGLISH, "de": GERMAN, "es": SPANISH, "ru": RUSSIAN, "zh": CHINESE, "ja": JAPANESE}

any_text = st.text(st.characters(exclude_categories=()), max_size=80) | st.text(
    alphabet="aä ภ漢かア한ا\u0301\u200d\ud800#*'’\n", max_size=80
)


def completion(finish_reason: Any) -> Completion:
    return Completion("text", finish_reason, 10, 2048)


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [("stop", None), ("length", "truncated"), ("content_filter", "filtered"), ("other", "filtered")],
)
def test_only_an_answer_that_ended_of_itself_passes(finish_reason: str, reason: str | None) -> None:
    verdict = truncated(completion(finish_reason))
    assert (verdict and verdict.reason) == reason


def test_the_verdict_says_where_it_was_cut() -> None:
    assert "2048 tokens" in str(truncated(completion("length")))


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but I can’t help with that.",
        "I am sorry, I cannot do this.",
        "I cannot write about this.",
        "I can't write about this.",
        "I won't do that.",
        "I'm not able to read the document.",
        "I'm unable to help.",
        "I am an AI language model.",
        "As an AI, I have no opinions.",
        "Sorry, but there is no document.",
        "Unfortunately, I do not see a text.",
        "I apologize, but the text is missing.",
        "I apologise for that.",
        "  **I'm sorry**, but no.",
        '"I cannot help."',
        "# I'm sorry\n\nBut no.",
        "> As an AI model, no.",
        "Je suis désolé, je ne peux pas.",
        "Je ne peux pas vous aider.",
        "Lo siento, no puedo ayudar.",
        "Es tut mir leid, das geht nicht.",
        "Ich kann leider nicht helfen.",
        "Ich kann nicht helfen.",
        "Mi dispiace, non posso.",
        "Desculpe, não posso.",
        "对不起，我不能这样做。",
        "抱歉，我无法回答。",
        "申し訳ありませんが、お答えできません。",
    ],
)
def test_refusals(text: str) -> None:
    verdict = refused(text)
    assert verdict
    assert verdict.reason == "refusal"


@pytest.mark.parametrize(
    "text",
    [
        *LANGUAGES.values(),
        "Ada Vane was sorry, and she said: I'm sorry, I cannot stay.",
        "The keeper apologised. I am told so.",
        "Icann is an organisation.",
        "I came, I saw.",
        "Unfortunately, it rained.",
        "As an aid to memory, the wardens kept a book.",
        "Sorrel grows on the wall.",
        "",
    ],
)
def test_what_is_no_refusal(text: str) -> None:
    assert refused(text) is None


def test_only_the_first_words_are_a_refusal() -> None:
    assert refused(ENGLISH * 3 + "I'm sorry, I cannot go on.") is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_of_some_length_is_not_nearly_empty_in_any_language(language: str) -> None:
    assert nearly_empty(LANGUAGES[language], 20) is None
    verdict = nearly_empty(LANGUAGES[language], 500)
    assert verdict
    assert verdict.reason == "near_empty"


@pytest.mark.parametrize("text", ["", " \n\t ", "Three short words", "* " * 5, "一二三四", "สวัสดี", "…"])
def test_nearly_empty_texts(text: str) -> None:
    assert nearly_empty(text, 6)


def test_the_least_number_of_words_is_enough() -> None:
    assert nearly_empty("one two three", 3) is None
    assert nearly_empty("one two", 3) == ("near_empty", "2 words, 3 needed")
    assert nearly_empty("", 0) is None


def test_a_copy_is_recognised_whatever_its_spacing_and_case() -> None:
    source = Source(ENGLISH)
    for copy in (ENGLISH, ENGLISH.upper(), ENGLISH.replace(" ", "\n  ")):
        verdict = source.copied(copy, 0.5)
        assert verdict
        assert verdict.reason == "copied"
        assert "100%" in verdict.detail


def test_a_text_in_its_own_words_is_no_copy() -> None:
    assert Source(ENGLISH).copied(ENGLISH_TOO, 0.0) is None


def test_the_share_that_is_copied_decides() -> None:
    half = " ".join(ENGLISH.split()[:32] + ENGLISH_TOO.split()[:32])
    assert Source(ENGLISH).copied(half, 0.4)
    assert Source(ENGLISH).copied(half, 0.5) is None
    assert Source(ENGLISH).copied(ENGLISH, 1.0) is None


def test_a_text_shorter_than_a_run_is_no_copy() -> None:
    assert Source(ENGLISH).copied("The harbour of Skerrow was built in", 0.0) is None
    assert Source("").copied(ENGLISH, 0.0) is None


@pytest.mark.parametrize("source", LANGUAGES)
@pytest.mark.parametrize("answer", LANGUAGES)
def test_another_language_is_told_from_the_sources(source: str, answer: str) -> None:
    verdict = Source(LANGUAGES[source] * 3).other_language(LANGUAGES[answer] * 2)
    if source == answer:
        assert verdict is None
    elif {source, answer} != {"zh", "ja"}:
        assert verdict
        assert verdict.reason == "language"


def test_another_text_in_the_same_language_passes() -> None:
    assert Source(ENGLISH).other_language(ENGLISH_TOO) is None


@pytest.mark.parametrize("text", ["", "Der Hafen.", "1871 1872 1873", "£$%&/()= " * 20])
def test_too_little_text_is_in_no_language(text: str) -> None:
    assert Source(ENGLISH).other_language(text) is None


def test_foreign_names_do_not_make_another_language() -> None:
    assert Source(ENGLISH).other_language("The poem 春望 of 杜甫 was read to the people of the town. " * 5) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Corrane Light", "At the corrane  light."),
        ("the Wardens", "Seven wardens met."),
        ("Ada Vane", "Vane, whose first name was Ada, stands."),
        ("harbour wardens", "a warden of the harbour"),
        ("Hafenmeister", "des Hafenmeisters"),
        ("маяк Корран", "у Коррана стоял маяка"),
        ("東京湾", "東京湾の港"),
        ("O'Connor", "O’Connor’s boat"),
    ],
)
def test_names_that_are_mentioned(name: str, text: str) -> None:
    assert lacks_mention(text, [name]) is None
    assert mentioned(Haystack(text), name)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Corrane Light", "The light of Skerrow."),
        ("Ada", "Adare is a town."),
        ("law", "The outlaw's lawn."),
        ("東京湾", "東京の港"),
        ("...", "Wait... what?"),
        ("Ada", ""),
    ],
)
def test_names_that_are_not(name: str, text: str) -> None:
    verdict = lacks_mention(text, [name])
    assert verdict
    assert verdict.reason == "entity_missing"


def test_the_missing_name_is_told() -> None:
    assert lacks_mention("Ada Vane stood there.", ["Ada Vane", "Corrane Light"]) == (
        "entity_missing",
        "'Corrane Light' is not mentioned",
    )
    assert lacks_mention("Ada Vane stood there.", []) is None


@given(any_text, any_text, st.integers(0, 40), st.integers(1, 10))
@settings(deadline=None)
def test_no_text_breaks_a_gate(text: str, other: str, min_words: int, ngram_words: int) -> None:
    source = Source(other * 20, ngram_words)
    source.copied(text * 20, 0.5)
    source.other_language(text * 20)
    refused(text)
    nearly_empty(text, min_words)
    lacks_mention(text, [other, text[:10]])


@given(any_text.filter(str.strip), st.integers(1, 8))
def test_a_text_is_a_copy_of_itself_and_in_its_own_language(text: str, ngram_words: int) -> None:
    source = Source(text * 8, ngram_words)
    assert source.other_language(text * 8) is None
    assert bool(source.copied(text * 8, 0.99)) == (len((text * 8).split()) >= ngram_words)


@pytest.mark.parametrize(
    "piece", ["a ", "#*> ", "i'm ", "あ", "ก", "ﷺ", "\n", "。", "a\u0301", "'", "Corrane ", "the and of ", "\0", "😀"]
)
def test_two_megabytes_of_one_thing_take_linear_time(piece: str) -> None:
    text = piece * (2_000_000 // len(piece.encode()))
    source = Source(text)
    source.copied(text, 0.5)
    source.other_language(text)
    Source(ENGLISH).other_language(text)
    refused(text)
    nearly_empty(text, 10**9)
    assert lacks_mention(text, [piece * 3, "Corrane Light", "no such name"])


def test_japanese_is_one_language_however_much_of_it_is_kana() -> None:
    source = Source("有田善太郎氏一九一一年長崎市出生。港湾局職員、後に港長。造船所取締役兼任。" * 3)
    assert (
        source.other_language("ありたさんは、ながさきでうまれました。みなとではたらいて、のちに港長になりました。" * 3)
        is None
    )
    assert (
        source.other_language("Arita was born at Nagasaki and worked in the harbour, of which he became the master.")
        is not None
    )
