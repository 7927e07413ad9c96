"""Finds the tasks that a text holds, each pair of sentences and each sentence claimed by one of them, within caps."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from synthcpt.text.mining.found import MINED, Found
from synthcpt.text.mining.phrases import definitions, keyword_sentences, topics
from synthcpt.text.mining.relations import causes, pairs
from synthcpt.text.mining.segments import Segments

Draw = Callable[[str], random.Random]
"""A purpose's random stream: ``mining`` for what is used, ``wording``, ``frame``, ``layout``. None knows of another."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is mined.

    Attributes:
        per_subtype: tasks of each subtype.
        sentence_chars: the least of a sentence that is related to another.
        keywords: how many words of the domain a sentence must hold.
        keyword_letters: the fewest letters of such a word.
        sentence_tokens: the most a sentence may have that is asked for by its keywords.
        more_connectives: go by those, too, that the paper does not list.
    """

    per_subtype: int = 2
    sentence_chars: int = 50
    keywords: int = 3
    keyword_letters: int = 10
    sentence_tokens: int = 100
    more_connectives: bool = False


def mine(segments: Segments, keywords: Set[str], limits: Limits, draw: Draw) -> list[Found]:
    """All tasks, in a fixed order; of more than the cap allows, a random choice."""
    found: dict[str, list[Found]] = {subtype: [] for subtype in MINED}
    for relation, causal, pair in pairs(segments, limits.sentence_chars, more=limits.more_connectives):
        task = _claim(relation, causal, pair, draw)
        found[task.subtype].append(task)
    claimed: set[int] = set()
    for tasks in (definitions(segments), topics(segments), causes(segments, more=limits.more_connectives)):
        _take(tasks, claimed, found)
    asked = keyword_sentences(
        segments, keywords, limits.keywords, limits.sentence_tokens, letters=limits.keyword_letters
    )
    _take(asked, claimed, found)
    return [task for subtype in MINED for task in _capped(found[subtype], limits.per_subtype, draw)]


def _claim(relation: str, causal: bool, pair: Found, draw: Draw) -> Found:
    """What a pair is used for, where it would do for two tasks: with both, each would give the other away."""
    premise, hypothesis = pair.places["premise"], pair.places["hypothesis"]
    if causal and draw("mining").random() < 0.5:
        return Found("cause_effect", {"cause": premise, "effect": hypothesis})
    if relation == "contradict" and draw("mining").random() < 0.5:
        return Found("different", pair.places)
    return pair


def _take(tasks: Iterable[tuple[int, Found]], claimed: set[int], found: dict[str, list[Found]]) -> None:
    for number, task in tasks:
        if number not in claimed:
            claimed.add(number)
            found[task.subtype].append(task)


def _capped(tasks: list[Found], most: int, draw: Draw) -> list[Found]:
    if len(tasks) <= most:
        return tasks
    chosen = sorted(draw("mining").sample(range(len(tasks)), most))
    return [tasks[place] for place in chosen]
