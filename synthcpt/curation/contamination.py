"""Which texts contain an evaluation question: runs of its words, not its answer.

GPT-3's rule (Brown et al. 2020, appendix C) on the questions' texts alone: what is to be learnt must contain the
answers. A question is looked for by its runs of 13 words; a shorter one as a whole, from 4 words on. (Runs of 8 words
of short questions find the documents' own words: "What is the mean range of the tide at Anstow at springs?" shares
eight with every text that tells the range.) Such runs as stand in texts of more than ten source documents are common
phrases and do not count. Documents are counted and not texts, because one document's rewrites repeat what a leaked
question would say.
"""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from synthcpt.curation.words import Hashes, WordHasher, run_hashes, run_hashes_each, words_of

FEWEST_WORDS = 4
"""A shorter question is not looked for: its words are anybody's."""

_FILTER_BITS = 20
_FILTER_SHIFT = np.uint64(64 - _FILTER_BITS)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to look for.

    Attributes:
        file: where it was read.
        id: its id there.
        text: as asked.
    """

    file: str
    id: str
    text: str


@dataclass(slots=True)
class _Lookup:
    """The runs of one length: sorted hashes, and whether anything begins with given bits, which is quick to see."""

    length: int
    runs: Hashes
    numbers: np.ndarray[tuple[int], np.dtype[np.int64]]
    filter: np.ndarray[tuple[int], np.dtype[np.bool_]]


class QuestionRuns:
    """All runs of words by which the questions are looked for.

    Args:
        questions: to look for.
        ngram_words: the length of a run.

    Attributes:
        questions: as given.
        run_texts: each run's words.
        askers: each run's questions, by place.
        too_short: questions of fewer than 4 words, by place; they are not looked for.
    """

    def __init__(self, questions: Iterable[Asked], ngram_words: int = 13) -> None:
        self.questions = list(questions)
        self.run_texts: list[str] = []
        self.askers: list[list[int]] = []
        self.too_short: list[int] = []
        hasher = WordHasher()
        known: dict[tuple[int, int], int] = {}
        for place, question in enumerate(self.questions):
            words = words_of(question.text)
            if len(words) < FEWEST_WORDS:
                self.too_short.append(place)
                continue
            length = min(ngram_words, len(words))
            for start, hashed in enumerate(run_hashes(hasher.hashes(question.text), length).tolist()):
                number = known.setdefault((length, hashed), len(known))
                if number == len(self.run_texts):
                    self.run_texts.append(" ".join(words[start : start + length]))
                    self.askers.append([])
                if place not in self.askers[number][-1:]:
                    self.askers[number].append(place)
        self._lookups = list(_lookups(known))

    def find(self, words: Hashes) -> list[int]:
        """The numbers of the runs that stand in a text, ascending."""
        found: list[int] = []
        each = run_hashes_each(words, [lookup.length for lookup in self._lookups])
        for lookup, hashes in zip(self._lookups, each, strict=False):
            begun = hashes[lookup.filter[hashes >> _FILTER_SHIFT]]
            if len(begun):
                at = np.minimum(np.searchsorted(lookup.runs, begun), len(lookup.runs) - 1)
                found += lookup.numbers[np.unique(at[lookup.runs[at] == begun])].tolist()
        return sorted(found)


def _lookups(known: dict[tuple[int, int], int]) -> Iterator[_Lookup]:
    by_length: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for (length, hashed), number in known.items():
        by_length[length].append((hashed, number))
    for length, pairs in sorted(by_length.items()):
        pairs.sort()
        runs = np.array([hashed for hashed, _ in pairs], dtype=np.uint64)
        seen = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)
        seen[runs >> _FILTER_SHIFT] = True
        yield _Lookup(length, runs, np.array([number for _, number in pairs], dtype=np.int64), seen)


class Overlap:
    """What was found of the questions in the texts.

    Args:
        runs: what is looked for.
        common_documents: a run in texts of more documents than this does not count.
    """

    def __init__(self, runs: QuestionRuns, common_documents: int) -> None:
        self.runs, self._common_documents = runs, common_documents
        self._rows, self._found = array("Q"), array("L")  # pairs, in ascending order: ten million fit
        self._documents: dict[int, set[int]] = defaultdict(set)

    def see(self, row: int, document: int, words: Hashes) -> None:
        """Look at one text; rows must ascend."""
        for number in self.runs.find(words):
            self._rows.append(row)
            self._found.append(number)
            if len(self._documents[number]) <= self._common_documents:
                self._documents[number].add(document)

    def is_common(self, number: int) -> bool:
        """Whether a run stands in texts of so many documents that it does not count; once all texts were seen."""
        return len(self._documents[number]) > self._common_documents

    @property
    def seen(self) -> int:
        """How many runs were found, common ones included."""
        return len(self._documents)

    def flagged(self) -> dict[int, int]:
        """Row -> the first run in it that counts."""
        flagged: dict[int, int] = {}
        for row, number in zip(self._rows, self._found, strict=True):
            if not self.is_common(number):
                flagged.setdefault(row, number)
        return flagged

    def report(self) -> Iterator[dict[str, object]]:
        """One entry a run that was found, in the questions' order."""
        texts = Counter(self._found)
        for number in sorted(texts):
            askers = [self.runs.questions[place] for place in self.runs.askers[number]]
            yield {
                "words": self.runs.run_texts[number],
                "questions": [{"file": one.file, "id": one.id, "text": one.text} for one in askers],
                "texts": texts[number],
                "documents": len(self._documents[number]),
                "common": self.is_common(number),
            }
