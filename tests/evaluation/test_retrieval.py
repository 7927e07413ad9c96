"""Passages and their ranking."""

from __future__ import annotations

import math
import sys
from itertools import pairwise

import pytest

from synthcpt.errors import MissingExtra
from synthcpt.evaluation.retrieval import Hit, Passage, PassageIndex, passages_of, recall
from synthcpt.records import Document


def index_of(*texts: str) -> PassageIndex:
    return PassageIndex(passages_of([Document(f"d{number}", text) for number, text in enumerate(texts)]))


def found(index: PassageIndex, query: str, count: int = 9) -> list[str]:
    return [hit.passage.document for hit in index.search(query, count)]


def test_passages_cover_a_document_in_pieces_of_about_one_size() -> None:
    text = " ".join(f"Sentence number {number} tells of the harbour." for number in range(60))
    passages = passages_of([Document("d", text, "T"), Document("e", "Short.")], passage_chars=500)
    assert [passage.document for passage in passages] == ["d"] * (len(passages) - 1) + ["e"]
    own = passages[:-1]
    assert own[0].start == 0
    assert own[-1].end == len(text)
    assert all(first.end == second.start for first, second in pairwise(own))
    assert all(300 < passage.end - passage.start <= 500 for passage in own)
    assert all(
        passage.text == text[passage.start : passage.end].strip() and passage.text.endswith(".") for passage in own
    )


def test_a_document_without_text_has_no_passage() -> None:
    assert passages_of([Document("d", " \n ")]) == []
    assert PassageIndex([]).search("anything", 3) == []


def test_scores_are_bm25() -> None:
    """Lucene's BM25 by hand: ln(1 + (N - n + .5) / (n + .5)) * tf / (tf + k1 (1 - b + b len / mean))."""
    index = index_of("quay quay crane", "quay lamp", "lamp lamp tower north")
    idf = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    expected = [idf * 2 / (2 + 1.5 * (0.25 + 0.75 * 3 / 3)), idf * 1 / (1 + 1.5 * (0.25 + 0.75 * 2 / 3))]
    hits = index.search("Quay?", 9)
    assert [hit.passage.document for hit in hits] == ["d0", "d1"]
    assert [hit.score for hit in hits] == pytest.approx(expected, rel=1e-5)


def test_a_query_finds_by_normalised_words_and_titles() -> None:
    index = PassageIndex(
        passages_of([Document("a", "It cost 41,500 crowns.", "Thorngate Quay"), Document("b", "A light.")])
    )
    assert found(index, "what cost 41500") == ["a"]
    assert found(index, "THORNGATE") == ["a"]
    assert found(index, "zebra") == []
    assert found(index, "") == []


def test_ties_stay_in_the_corpus_order_and_the_count_is_kept() -> None:
    index = index_of(*["lamp" if number % 3 else "lamp lamp" for number in range(900)], "a quay")
    assert found(index, "lamp", 400) == [
        *(f"d{number}" for number in range(0, 900, 3)),
        *(f"d{number}" for number in range(150) if number % 3),
    ]
    assert found(index, "quay", 9) == ["d900"]


def test_characters_of_spaceless_scripts_are_searched() -> None:
    assert found(index_of("灯台は北にある", "港は南にある"), "灯台はどこ")[0] == "d0"


def test_recall_looks_for_the_gold_document() -> None:
    hits = [Hit(Passage("a", "", 0, 1, "x"), 2.0), Hit(Passage("b", "", 0, 1, "y"), 1.0)]
    assert recall(hits, "b") == 1.0
    assert recall(hits[:1], "b") == 0.0
    assert recall([], "b") == 0.0
    assert math.isnan(recall(hits, None))


def test_without_the_package_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bm25s", None)
    with pytest.raises(MissingExtra, match=r"pip install 'synthcpt\[evaluate\]'"):
        PassageIndex([])
