"""How well a free answer agrees with the golds: exact match, token F1, containment; and what counts as the answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.evaluation.normalise import content_words, words

_NEXT_QUESTION = re.compile(r"\b(?:Question|Q)\s?:")
_LABEL = re.compile(r"\A(?:(?:final )?answer|a)\s?:\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AnswerScores:
    """An answer against its golds; each is the best over the golds.

    Attributes:
        exact: 1.0 where the normalised answer is a normalised gold.
        f1: harmonic mean of the precision and recall of words, as in SQuAD.
        contains: 1.0 where a normalised gold stands in the answer as whole words.
    """

    exact: float
    f1: float
    contains: float


def score_answer(answer: str, golds: Sequence[str]) -> AnswerScores:
    """All three metrics of one answer."""
    return AnswerScores(exact_match(answer, golds), token_f1(answer, golds), contains(answer, golds))


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1.0 where the normalised answer is a normalised gold, and 0.0 elsewhere; see `normalise`."""
    said = content_words(answer)
    return float(bool(said) and any(said == content_words(gold) for gold in golds))


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """The best F1 of the answer's words against a gold's, each word counted as often as it stands in both."""
    return max((_f1(content_words(answer), content_words(gold)) for gold in golds), default=0.0)


def _f1(said: Sequence[str], gold: Sequence[str]) -> float:
    common = (Counter(said) & Counter(gold)).total()
    return 2 * common / (len(said) + len(gold)) if common else 0.0


def contains(answer: str, golds: Sequence[str]) -> float:
    """1.0 where some gold's words stand in the answer side by side; "art" does not stand in "part".

    Long answers gain by it: report it beside the others.
    """
    return float(any(_stands_in(gold, answer) for gold in golds))


def _stands_in(gold: str, answer: str) -> bool:
    # With articles as well: without them "vitamin A is" would lose what the gold "vitamin A" keeps.
    return _is_run(content_words(gold), content_words(answer)) or _is_run(words(gold), words(answer))


def _is_run(part: Sequence[str], whole: Sequence[str]) -> bool:
    size = len(part)
    return size > 0 and any(whole[at : at + size] == part for at in range(len(whole) - size + 1))


def first_line(completion: str) -> str:
    """What counts as the answer of a model that goes on writing: the first line that holds something.

    It ends where a next "Question:" or "Q:" begins, and loses a leading "Answer:".
    """
    started = _LABEL.sub("", completion.lstrip())
    line = started.partition("\n")[0]
    following = _NEXT_QUESTION.search(line)
    return line[: following.start()].strip() if following else line.strip()
