"""What a model's words say: the letter it chose, and a judge's verdict."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal, TypeAlias

from pydantic import BaseModel, Field, field_validator

from synthcpt.randomness import stream
from synthcpt.text.json_answers import MalformedAnswer, parse_answer

Rule: TypeAlias = Literal["pick", "majority"]
"""How one answer is made of many samples; see `Tally.answer`."""

QUESTION_LABEL = "Question:"
"""How a question begins in plain text."""

ANSWER_LABEL = "Answer:"
"""How the line with the answer begins, in the demonstrations and in the chat instructions."""

_ANSWER_LINE = re.compile(
    r"^[^\w\n]*(?:(?:so|thus|therefore|hence),?[ ])?(?:the[ ])?(?:(?:final|correct|right|best)[ ])*"
    r"(?:answer|option|choice)[*_]*[ ]?(?:is:?|:|=)[*_]*\s*(?P<said>[^\n]*)$",
    re.IGNORECASE | re.MULTILINE,
)
_LAST_WORDS = re.compile(r"\banswer is:?(?P<said>[^\n.]{1,20})\.?\s*\Z", re.IGNORECASE)
_MARKS = re.compile(r"\\(?:boxed|text|textbf|mathrm)|[*_`$\"'“”‘’{}\[\]<>]")
_PREFIX = re.compile(r"\A(?:(?:the )?(?:option|choice|letter)s?\b\s*:?\s*)", re.IGNORECASE)
_ALONE = re.compile(r"\A\W*([A-Za-z])\W*\Z")
_MARKED = re.compile(r"\A\W*([A-Za-z])[).:] ")
_LIST_END = r"(?=\s*(?:\Z|[).,;&/]|\band\b|\bor\b))"
_LETTERS = re.compile(
    r"\A\(?(?P<letters>[A-Z](?:[A-Z]|\)?\s*(?:,\s*and\b|,\s*or\b|,|&|/|\band\b|\bor\b)\s*\(?[A-Z]" + _LIST_END + r")*)"
    r"(?P<rest>.*)\Z"
)
_AFTER_LETTERS = re.compile(r"\A(?:\Z|[).:,;–—-]+(?:\s|\Z)|[):]|\s+[(–—-])")
_JOINT = re.compile(r"[^A-Z]")


def answer_stops(letters: str = "ABCD") -> tuple[str, ...]:
    """The answer line for every order of every choice of letters: 64 strings for four.

    EntiGraph's evaluation stops at these (arXiv 2409.07431, its released code), on servers that return the stop string.
    Those asked here do not return it, and many allow no more than four: `Prompt.stop` ends after the line instead.
    """
    return tuple(
        f"{ANSWER_LABEL} {''.join(chosen)}\n"
        for size in range(1, len(letters) + 1)
        for chosen in permutations(letters, size)
    )


def parse_letters(text: str, options: int = 4) -> str | None:
    """The letters a text gives as its answer, in alphabetical order, e.g. ``"C"`` or ``"AC"``.

    The last line that begins with "Answer:" (or "The answer is") counts; without one, a text that ends in "the answer
    is X", or is nothing but a letter. Anything else was no attempt; so are letters that no option has, or named twice.

    Args:
        text: what the model wrote.
        options: how many options there are.
    """
    text = text.partition(f"\n{QUESTION_LABEL}")[0]  # a model may go on with questions of its own
    lines = [match["said"] for match in _ANSWER_LINE.finditer(text)]
    if lines:
        return _letters(lines[-1], options)
    ending = _LAST_WORDS.search(text)
    if ending:
        return _letters(ending["said"], options)
    alone = _ALONE.match(text) or _MARKED.match(text)
    return _known(alone[1].upper(), options) if alone else None


def _letters(said: str, options: int) -> str | None:
    plain = _PREFIX.sub("", _MARKS.sub("", said).strip())
    alone = _ALONE.match(plain)
    if alone:
        return _known(alone[1].upper(), options)
    found = _LETTERS.match(plain)
    if found is None:
        marked = _MARKED.match(plain)
        return _known(marked[1].upper(), options) if marked else None
    letters = _JOINT.sub("", found["letters"])
    # One letter may be followed by its option's words, unless it is a word itself: "A whale".
    worded = len(letters) == 1 and letters not in "AI" and found["rest"].startswith(" ")
    return _known(letters, options) if worded or _AFTER_LETTERS.match(found["rest"]) else None


def _known(letters: str, options: int) -> str | None:
    in_range = all(0 <= ord(letter) - ord("A") < options for letter in letters)
    return "".join(sorted(letters)) if letters and in_range and len(set(letters)) == len(letters) else None


@dataclass(frozen=True, slots=True)
class Tally:
    """What N samples of one multiple-choice question said.

    Attributes:
        samples: each one's letters; None for one that could not be read: not attempted.
        gold: the right letter. An answer of several letters is an attempt, and wrong.
    """

    samples: tuple[str | None, ...]
    gold: str

    @property
    def attempted(self) -> int:
        """How many samples gave an answer."""
        return sum(sample is not None for sample in self.samples)

    @property
    def correct(self) -> int:
        """How many gave the right one."""
        return self.samples.count(self.gold)

    @property
    def correct_of_all(self) -> float:
        """The share of right samples, an unreadable one counted as wrong; 0 without samples."""
        return self.correct / len(self.samples) if self.samples else 0.0

    @property
    def correct_of_attempted(self) -> float | None:
        """The share of right ones among those that could be read; None where none could."""
        return self.correct / self.attempted if self.attempted else None

    def answer(self, rule: Rule, *, seed: int = 0, question: str = "") -> str | None:
        """One answer of all samples; None where none could be read.

        Args:
            rule: ``pick``: one readable sample at random, as EntiGraph does (explicitly no majority vote);
                ``majority``: the most frequent one, the earliest of equally frequent ones.
            seed: where randomness starts.
            question: the question's id, which has a random stream of its own.
        """
        readable = [sample for sample in self.samples if sample is not None]
        if not readable:
            return None
        if rule == "majority":
            return Counter(readable).most_common(1)[0][0]
        return stream(seed, "evaluation", "pick", question).choice(readable)


def tally(texts: Sequence[str], gold: int, options: int) -> Tally:
    """The tally of what samples wrote, the right option given by its place."""
    return Tally(tuple(parse_letters(text, options) for text in texts), letter(gold))


def letter(place: int) -> str:
    """The letter of an option: 0 is A."""
    return chr(ord("A") + place)


class Verdict(BaseModel):
    """A mark from 0 to 2, with its reason."""

    reason: str = ""
    score: int = Field(ge=0, le=2)

    @field_validator("score", mode="before")
    @classmethod
    def _no_truth_value(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError("the score is 0, 1 or 2")
        return value


def parse_verdict(text: str) -> Verdict | None:
    """The judge's mark, 2 right, 1 partly, 0 wrong; None where its answer holds none.

    Knowledge-Instruct (arXiv 2504.05571) counts only 2.
    """
    try:
        return parse_answer(text, Verdict)
    except MalformedAnswer:
        return None
