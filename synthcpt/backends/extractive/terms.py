"""Recurrent key terms: noun phrases by what stands before them, ranked on a graph of which words go together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from synthcpt.backends.extractive.lexicon import (
    DAYS,
    DETERMINERS,
    GENERIC,
    MONTHS,
    OPENING_WORDS,
    PERSON_NOUNS,
    STOPWORDS,
)
from synthcpt.text.abbreviations import word_set

_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*|\d[\d.,]*|[^\w\s]")
_BEFORE_NOUNS = DETERMINERS | word_set("of two three four five six seven eight nine ten many several both first")
_LONGEST_TERM_WORDS = 3
_FEWEST_LETTERS = 4
_FEW_SENTENCES = 8
"""In a text of fewer sentences a single word is a term when it comes twice, else three times."""
_NOT_NOUNS = ("ly", "ed", "ing", "'s", "’s")
_NOUNS_ALL_THE_SAME = word_set("shed bed seed weed building dredging mooring painting meeting landing wing ring king")


def term_scores(sentences: list[str], most: int) -> dict[str, float]:
    """The document's recurrent terms, lower case as it writes them, with a score; the best first.

    A term is counted where a determiner or "of" leads up to it, must recur, and scores by how often it occurs and
    by how many different words it stands with (its weight in the graph of neighbouring words).
    """
    phrases: Counter[str] = Counter()
    nouns: set[str] = set()
    graph = _word_graph()
    for text in sentences:
        for phrase in _phrases(text):
            if len(phrase) == 1:  # nothing between it and the determiner: a noun
                nouns.add(phrase[0])
            phrases.update([" ".join(phrase[-size:]) for size in range(1, len(phrase) + 1)])
            graph.add_edges_from((a, b) for a in phrase for b in phrase if a != b)
    merged = _merge_plurals(Counter({term: n for term, n in phrases.items() if " " in term or term in nouns}))
    scores = {
        term: _score(term, count, graph)
        for term, count in merged.items()
        if count >= (2 if " " in term or len(sentences) < _FEW_SENTENCES else 3)
    }
    ranked = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return dict(_without_parts(ranked, merged)[:most])


def _word_graph() -> Any:
    import networkx  # takes a tenth of a second to import

    return networkx.Graph()


def _score(term: str, count: int, graph: Any) -> float:
    words = term.split()
    ties: int = sum(graph.degree(word) for word in words if word in graph)
    return count * (1.0 + 0.25 * (len(words) - 1)) + 0.1 * min(ties, 10)


def _phrases(text: str) -> Iterator[list[str]]:
    """Runs of plain words after a determiner, ended by a stop word, a capital, a mark or a verb's ending."""
    words = _WORD.findall(text)
    for at, word in enumerate(words):
        if word.lower() not in _BEFORE_NOUNS:
            continue
        phrase: list[str] = []
        for following in words[at + 1 : at + 2 + _LONGEST_TERM_WORDS]:
            if not _may_be_noun(following, is_first=not phrase):
                break
            phrase.append(following)
        while phrase and not _may_be_head(phrase[-1]):
            phrase.pop()
        if phrase and len(phrase) <= _LONGEST_TERM_WORDS:
            yield phrase


def _may_be_noun(word: str, is_first: bool) -> bool:
    if not word[0].islower() or word in STOPWORDS or word in MONTHS or word in DAYS:
        return False
    return is_first or not word.endswith("ly")


def _may_be_head(word: str) -> bool:
    if word in GENERIC or word in PERSON_NOUNS or word in OPENING_WORDS or len(word) < _FEWEST_LETTERS:
        return False
    return word in _NOUNS_ALL_THE_SAME or not word.endswith(_NOT_NOUNS)


def _merge_plurals(phrases: Counter[str]) -> dict[str, int]:
    """Counts with plurals added to their singulars, under whichever form is the more frequent."""
    merged: dict[str, int] = {}
    for term, count in phrases.items():
        singular = _singular(term)
        if singular != term and singular in phrases:
            continue
        plurals = [form for form in (term + "s", term + "es") if form in phrases]
        total = count + sum(phrases[form] for form in plurals)
        merged[max([term, *plurals], key=lambda form: (phrases[form], form == term))] = total
    return merged


def _singular(term: str) -> str:
    if term.endswith(("ches", "shes", "sses", "xes")):
        return term[:-2]
    return term[:-1] if term.endswith("s") and not term.endswith(("ss", "us", "is")) else term


def _without_parts(ranked: list[tuple[str, float]], counts: dict[str, int]) -> list[tuple[str, float]]:
    """Without the tail of a longer term where it hardly occurs outside it, and without longer ones that are rarer."""
    longer: dict[str, int] = {}
    for term, count in counts.items():
        words = term.split()
        for size in range(1, len(words)):
            tail = " ".join(words[-size:])
            longer[tail] = max(longer.get(tail, 0), count if count > 1 else 0)
    kept: dict[str, float] = {}
    for term, score in ranked:
        words = term.split()
        tails = [" ".join(words[-size:]) for size in range(1, len(words))]
        if longer.get(term, 0) * 3 <= counts[term] * 2 and not any(tail in kept for tail in tails):
            kept[term] = score
    return list(kept.items())
