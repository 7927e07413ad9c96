"""Mines reading-comprehension tasks from plain text by rules, in linear time, and puts them into words."""

from synthcpt.text.mining.composing import Composed, Framed, compose, frame, plain
from synthcpt.text.mining.found import MINED, TYPES, Found
from synthcpt.text.mining.miner import Limits, mine
from synthcpt.text.mining.passages import fitting_spans
from synthcpt.text.mining.segments import Segments, Span, is_english, segments
from synthcpt.text.mining.tasks import Task, stands_alone, word_blocks
from synthcpt.text.mining.vocabulary import (
    FEWEST_LETTERS,
    MOST_LETTERS,
    SentenceSample,
    choose_letters,
    domain_keywords,
    known_words,
)
from synthcpt.text.mining.written import Judged, judge_written

__all__ = [
    "FEWEST_LETTERS",
    "MINED",
    "MOST_LETTERS",
    "TYPES",
    "Composed",
    "Found",
    "Framed",
    "Judged",
    "Limits",
    "Segments",
    "SentenceSample",
    "Span",
    "Task",
    "choose_letters",
    "compose",
    "domain_keywords",
    "fitting_spans",
    "frame",
    "is_english",
    "judge_written",
    "known_words",
    "mine",
    "plain",
    "segments",
    "stands_alone",
    "word_blocks",
]
