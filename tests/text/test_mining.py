"""The miner finds what the paper lists, at the edges too, turns nothing around, and takes linear time."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from corpora import EXAMPLE

from synthcpt.randomness import stream
from synthcpt.text import mining
from synthcpt.text.mining import FEWEST_LETTERS, MOST_LETTERS, choose_letters
from synthcpt.text.mining.templates import templates
from synthcpt.text.tokens import estimate_tokens

A = "The river rose by 3.5 metres in the spring of 1911, as Dr. Vale noted."
B = "the mill at Corve, which had stood for a century, was closed at once."
C = "the wardens kept the weir of Corve open all the same, at a great cost."
KEYWORDS = frozenset(["sedimentation", "hydrography", "groundwater", "embankment"])
WORDS = "The hydrography of the lower valley and its groundwater are shaped by sedimentation and every embankment."
DENSE = (
    f"{A} Therefore, {B} However, {C} In addition, a lower sluice was built by the harbour authority in 1912. "
    "In other words, the harbour authority gave the whole valley a second and lower sluice. In hydrology, a weir is "
    "defined as the low dam that stands above a mill. The bridge at Bellis Reach was closed due to the flood. "
    f"{WORDS} The leaflet by Hugo Fennimore is about the history of the old port and its quays. {A} But {C} Thus {B}"
)


def mined(text: str, keywords: frozenset[str] = KEYWORDS, seed: int = 0, **limits: Any) -> list[mining.Found]:
    streams: dict[str, random.Random] = {}

    def draw(purpose: str) -> random.Random:
        return streams.setdefault(purpose, stream(seed, purpose))

    return mining.mine(mining.segments(text), keywords, mining.Limits(**limits), draw)


def told(text: str, found: mining.Found) -> tuple[str, dict[str, str]]:
    return found.subtype, {slot: text[start:end] for slot, (start, end) in found.places.items()}


PAIRS = {
    "Yes, ": {"entail"}, "Therefore, ": {"entail", "cause_effect"}, "Therefore ": {"entail", "cause_effect"},
    "Thus, ": {"entail", "cause_effect"}, "Accordingly, ": {"entail", "cause_effect"},
    "Hence, ": {"entail", "cause_effect"}, "For this reason, ": {"entail", "cause_effect"}, "Maybe, ": {"neutral"},
    "Furthermore, ": {"neutral"}, "Additionally, ": {"neutral"}, "Moreover, ": {"neutral"},
    "In addition, ": {"neutral"}, "Also, ": {"neutral"}, "Secondly, ": {"neutral"},
    "No, ": {"contradict", "different"}, "However, ": {"contradict", "different"}, "But ": {"contradict", "different"},
    "On the contrary, ": {"contradict", "different"}, "In contrast, ": {"contradict", "different"},
    "Whereas, ": {"contradict", "different"}, "Similarly, ": {"similar"}, "Equally, ": {"similar"},
    "In other words, ": {"similar"}, "Namely, ": {"similar"}, "That is to say, ": {"similar"},
    "I.e. ": {"similar"}, "Scilicet, ": {"similar"}, "In other word, ": {"similar"},
}  # fmt: skip


@pytest.mark.parametrize("connective", PAIRS)
def test_every_connective_of_the_paper_relates_two_sentences_that_stand_at_the_edges(connective: str) -> None:
    subtypes = set()
    for seed in range(12):
        (found,) = mined(f"{A} {connective}{B}", seed=seed)
        subtype, places = told(f"{A} {connective}{B}", found)
        subtypes.add(subtype)
        assert set(places.values()) == {A, B}
        if subtype == "cause_effect":
            assert places == {"cause": A, "effect": B}
    assert subtypes == PAIRS[connective], "a pair is claimed by one of its tasks, at times by the other"


NOT_RELATED = [
    "No man says so but ",
    "However hard it rained, ",
    "In contrast to the mill, ",
    "Thus far ",
    "Yes men say ",
]


@pytest.mark.parametrize("opening", NOT_RELATED)
def test_words_that_are_no_connectives_there_relate_nothing(opening: str) -> None:
    assert not mined(f"{A} {opening}{B}")


def test_a_sentence_is_premise_and_hypothesis_of_its_two_neighbours() -> None:
    text = f"{A} Therefore, {B} However, {C}"
    for seed in range(8):
        places = [set(told(text, found)[1].values()) for found in mined(text, seed=seed)]
        assert sorted(map(sorted, places)) == sorted(map(sorted, [{A, B}, {B, C}]))


@pytest.mark.parametrize("text", [f"{A}\n\nHowever, {C}", f"# The weir\nHowever, {C}", f"Short one. However, {C}"])
def test_what_is_not_said_of_one_another_is_not_paired(text: str) -> None:
    assert not mined(text)


ONE_SENTENCE = {
    "The bridge at Bellis Reach was closed due to the flood.": ("The bridge at Bellis Reach was closed", "the flood"),
    "Due to rain, wind and fog, the regatta was called off.": ("the regatta was called off", "rain, wind and fog"),
    "The ferry did not run on account of the ice, and stayed in port.": ("The ferry did not run", "the ice"),
    "However, sales of the oysters fell largely owing to the cold.": ("sales of the oysters fell", "the cold"),
    "The long delay in spring was due to the ice.": ("The long delay in spring", "the ice"),
    f"{A} This was due to a sudden thaw.": (A.rstrip("."), "a sudden thaw"),
}


@pytest.mark.parametrize("text", ONE_SENTENCE)
def test_causes_are_found_inside_a_sentence_and_not_turned_around(text: str) -> None:
    (found,) = mined(text)
    effect, cause = ONE_SENTENCE[text]
    assert told(text, found) == ("effect_cause", {"cause": cause, "effect": effect})


UNCLEAR = [
    "The ferry to the island is due to arrive at noon in the harbour.",
    "The regatta of the oyster smacks took place in May after delays due to the storm.",
    "They watched the ferry from Vessing due to arrive at noon in the harbour.",
    "He paid the large sums owing to the company in the following year.",
    "The closure of the bridge was not due to the flood in the valley.",
    "The roads that were closed due to floods that nobody had foreseen are open.",
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_causes_that_are_not_told_clearly_are_left_alone(text: str) -> None:
    assert not mined(text)


def test_further_connectives_are_an_option() -> None:
    text = f"{A} Nevertheless, {C} The weir was lost because the river had frozen over."
    assert not mined(text)
    assert {found.subtype for found in mined(text, more_connectives=True)} >= {"effect_cause"}
    assert len(mined(text, more_connectives=True)) == 2


def test_definitions_have_terms_of_several_words() -> None:
    text = (
        "In hydrology, a broad-crested weir is defined as a low dam whose crest is long. It is defined as a thing here."
    )
    (found,) = mined(text)
    places = {"term": "a broad-crested weir", "definition": "a low dam whose crest is long."}
    assert told(text, found) == ("definition", places)
    text = "The weir's definition is the low dam that stands above a mill."
    assert told(text, mined(text)[0])[1]["term"] == "The weir"


@pytest.mark.parametrize("verb", ["talks about", "is about", "was about"])
def test_topics_need_a_subject_and_an_about_that_is_no_nearly(verb: str) -> None:
    text = f"The leaflet by Hugo Fennimore {verb} the history of the old port."
    places = {"subject": "The leaflet by Hugo Fennimore", "topic": "the history of the old port."}
    assert told(text, mined(text)[0]) == ("topic", places)
    for other in ("20 metres long and half as wide.", "to be sold to the harbour authority."):
        assert not mined(f"The leaflet by Hugo Fennimore {verb} {other}")
    assert not mined(f"The leaflet, by Hugo Fennimore, {verb} the history of the old port.")


def test_keywords_are_whole_words_of_the_domain_three_to_a_sentence_that_is_not_too_long() -> None:
    (found,) = mined(WORDS)
    assert (found.subtype, found.words) == ("keywords", ("hydrography", "groundwater", "sedimentation"))
    assert not mined(WORDS, frozenset(["sedimentation", "hydrography", "hydro", "embankments"]))
    assert not mined(WORDS.replace("shaped", "shaped, " + "and shaped " * 100))


def test_no_more_of_a_subtype_than_the_cap_and_not_always_the_first() -> None:
    text = " ".join(f"The road to the {n}th mill of the valley was closed due to the flood." for n in range(9))
    chosen = {tuple(found.places["effect"] for found in mined(text, seed=seed)) for seed in range(20)}
    assert {len(places) for places in chosen} == {2}
    assert len(chosen) > 5
    assert len(mined(text, per_subtype=4)) == 4


def test_frames_come_as_often_as_the_paper_says_and_the_cut_is_free_of_the_template() -> None:
    segments = mining.segments(" ".join(f"This is what sentence number {n} of the text says." for n in range(7)))
    frames, cuts = Counter[str](), Counter[tuple[str, int]]()
    draws = 4000
    for seed in range(draws):
        rng = stream(seed, "frame")
        framed = mining.frame(segments, "A title", lambda _, rng=rng: rng, first=True, most_tokens=2048)
        frames[framed.name] += 1
        if framed.name == "completion":
            source = next(t.source for t in templates().frames["completion"] if _made(t.fill, segments, framed))
            cuts[source, framed.tasks[0].span[0]] += 1
    for name, share in {"summary": 0.4, "completion": 0.1, "both": 0.4, "neither": 0.1}.items():
        assert frames[name] / draws == pytest.approx(share, abs=0.03)
    sources, places = ({key[side] for key in cuts} for side in (0, 1))
    assert len(places) == 6
    assert len(cuts) > 0.95 * len(sources) * len(places), "every template meets every cut"
    expected = sum(cuts.values()) / (len(sources) * len(places))
    chi_square = sum((cuts[one, place] - expected) ** 2 / expected for one in sources for place in places)
    assert chi_square < 85  # 47 degrees of freedom: 1 in 1,700


def _made(fill: Any, segments: mining.Segments, framed: mining.Framed) -> bool:
    cut = framed.tasks[0].span[0]
    return fill({"first": f"# A title\n\n{segments.text[:cut].rstrip()}", "rest": segments.text[cut:]}) == framed.text


def test_relations_are_asked_by_label_four_times_in_five_whatever_the_frame() -> None:
    text, forms = f"{A} However, {C}", Counter[tuple[str, str]]()
    for seed in range(3000):
        streams = {name: stream(seed, name) for name in ("mining", "wording", "frame")}
        segments = mining.segments(text)
        framed = mining.frame(segments, "A title", streams.__getitem__, first=True, most_tokens=999)
        found = mining.mine(segments, KEYWORDS, mining.Limits(), streams.__getitem__)
        for (task,) in mining.word_blocks(text, found, streams.__getitem__):
            if task.subtype == "contradict":
                forms[framed.name, task.form] += 1
    for name in ("summary", "both", "completion", "neither"):
        share = forms[name, "classify"] / (forms[name, "classify"] + forms[name, "generate"])
        assert share == pytest.approx(0.8, abs=0.09)


def test_every_subtype_has_templates_of_its_own_with_the_slots_it_needs() -> None:
    slots = {
        "topic": {"subject"}, "keywords": {"keywords"}, "keywords_reversed": {"sentence"}, "definition": {"term"},
        "cause_effect": {"cause"}, "effect_cause": {"effect"}, "nli": {"premise", "hypothesis"},
        **{name: {"premise"} for name in ("entail", "neutral", "contradict", "similar", "different")},
    }  # fmt: skip
    tasks = templates().tasks
    assert set(tasks) == set(slots)
    for name, group in tasks.items():
        assert len({template.ask.source for template in group}) == len(group) >= 4
        assert all(template.ask.slots == slots[name] for template in group)
        assert all(len(template.labels) == (3 if name == "nli" else 0) for template in group)
        assert all(all(isinstance(label, str) for label in template.labels) for template in group)
    for name, wanted in {"summary": {"text", "title"}, "both": {"first", "rest", "title"}, "neither": {"text"}}.items():
        assert all(frame.slots == wanted for frame in templates().frames[name])


def test_where_room_is_short_every_kind_has_its_first_task_before_any_has_its_second() -> None:
    def task(kind: str, number: int) -> mining.Task:
        return mining.Task(kind, "generate", f"What says {kind} number {number}?", "It says so.", None, {})

    blocks = [[task(kind, number) for number in range(3)] for kind in ("topic", "definition", "similar")]
    framed = mining.Framed("neither", "The text.", 3, ())
    room = 3 + 4 * (estimate_tokens(blocks[0][0].text) + 1) + 16
    composed = mining.compose(framed, blocks, "", room, lambda _: random.Random(1))
    assert {one.subtype for one in composed.tasks} == {"topic", "definition", "similar"}
    assert 3 <= len(composed.tasks) < 6
    assert len(composed.tasks) + len(composed.left_out) == 9
    assert estimate_tokens(composed.text) <= composed.tokens + 2 <= room + 2


def test_passages_cover_a_text_and_fit_where_parts_of_it_are_dense() -> None:
    text = f"{DENSE}\n\n" * 3 + "| 1 | 2 | 3 | 4 |\n" * 200 + "🎬" * 500 + f"\n\n{DENSE}" * 3
    spans = mining.fitting_spans(text, 300)
    assert [start for start, _ in spans] == [0, *(end for _, end in spans[:-1])]
    assert spans[-1][1] == len(text)
    assert max(estimate_tokens(text[start:end]) for start, end in spans) <= 300


HOSTILE = {
    "dots": "." * 40_000, "spaces": "a" + " " * 40_000 + "b", "marks": "?!" * 20_000, "lines": ".\n" * 20_000,
    "due": "due to " * 20_000, "however": "However, " * 20_000, "quotes": '"' * 40_000, "about": "is about, " * 9_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_mined_in_a_moment_and_gives_nothing(name: str) -> None:
    assert not mined(HOSTILE[name])


def test_the_survey_depends_on_the_sentences_alone(tmp_path: Path) -> None:
    texts = [path.read_text() for path in sorted(EXAMPLE.iterdir())]
    samples = []
    for order in (texts, texts[::-1], texts + texts[:5]):
        sample = mining.SentenceSample(most=50)
        for text in order:
            sample.add(text)
        samples.append(sample.sentences())
    assert samples[0] == samples[1] == samples[2]
    assert len(samples[0]) == 50
    every = mining.SentenceSample()
    for text in texts:
        every.add(text)
    assert len(every.sentences()) > 500
    keywords = mining.domain_keywords(every.sentences(), frozenset())
    assert keywords == sorted(set(keywords))
    assert {"lighthouse", "apprentice"} <= set(keywords)
    assert all(len(word) >= 10 for word in keywords)
    assert set(mining.domain_keywords(every.sentences(), frozenset(["lighthouse"]))) == {*keywords} - {"lighthouse"}
    assert min(map(len, mining.domain_keywords(every.sentences(), frozenset(), 7))) == 7


def test_half_a_word_is_no_keyword() -> None:
    stems = ["photosynthes", "electrochem", "thermodynam", "neurotransm"]
    words = [stem + ending for stem in stems for ending in ("izing", "ized", "is", "ical", "ist", "istic", "izer")]
    keywords = mining.domain_keywords(
        [f"the {one} of a {other} there" for one in words for other in words], frozenset()
    )
    assert keywords
    assert set(keywords) <= set(words)


@pytest.mark.parametrize("sentences", [[], ["."], ["one two"], ["x" * 9000], ["sedimentation\ud800 \0 ▁sedimentation"]])
def test_a_corpus_too_small_to_train_on_has_few_words_or_none(sentences: list[str]) -> None:
    assert set(mining.domain_keywords(sentences, frozenset())) <= {"sedimentation", "x" * 9000}


def test_pieces_that_the_tokenizer_has_are_left_out(tmp_path: Path) -> None:
    import sentencepiece

    vocabulary = {"Ġgroundwater": 1, "▁Hydrography": 2}
    (tmp_path / "tokenizer.json").write_bytes(orjson.dumps({"model": {"vocab": vocabulary}}))
    (tmp_path / "unigram.json").write_bytes(orjson.dumps({"model": {"vocab": [["▁groundwater", -1.0]]}}))
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["groundwater flows", "groundwater rests", "our groundwater"] * 40),
        model_prefix=str(tmp_path / "own"), vocab_size=60, hard_vocab_limit=False, minloglevel=2,
    )  # fmt: skip
    assert mining.known_words(str(tmp_path)) == {"groundwater", "hydrography"}
    assert "groundwater" in mining.known_words(str(tmp_path / "unigram.json"))
    assert "groundwater" in mining.known_words(str(tmp_path / "own.model"))
    assert "government" in mining.known_words("")


def test_a_small_corpus_takes_shorter_words_for_its_own() -> None:
    long, short = [f"{'l' * 10}{n:04d}" for n in range(1000)], [f"{'s' * 4}{n:04d}" for n in range(1000)]
    assert choose_letters(long) == MOST_LETTERS
    assert choose_letters([*long[:999], "s" * 9]) == MOST_LETTERS - 1
    assert choose_letters([*long[:10], *short]) == choose_letters([]) == FEWEST_LETTERS
