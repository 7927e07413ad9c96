"""Facts, a sentence each: which of them say the same, and which sentence of a document one comes from."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil

from synthcpt.text import gates
from synthcpt.text.folding import is_spaceless
from synthcpt.text.locks import locked
from synthcpt.text.mentions import Haystack, canonical
from synthcpt.text.sentences import sentence_spans

_WORD = re.compile(r"\w+")
_STEM_CHARS = 6
_SHORT_WORD = 3
_MOST_PLACES = 50
_NEGATIONS = frozenset(["not", "no", "never", "nor", "neither", "without", "none", "nobody", "nothing", "hardly"])


@dataclass(slots=True)
class Fact:
    """One fact of a document.

    Attributes:
        text: the sentence.
        entities: what it is about; the first is the one it was listed with, others have it too.
        passage: the number of the passage it was found in.
        keys: the calls it came from.
        place: among the document's facts.
        context: what became of it when it was put into context: ``unchanged``, ``added``, or why it was left as it was.
        named: whether it names its entity.
        question, reverse: a question it answers, and one that its entity answers; empty for none.
        wordings: normal forms of the texts made of it.
        tired: the last call for other wordings brought nothing new.
    """

    text: str
    entities: tuple[str, ...]
    passage: int = 0
    keys: tuple[str, ...] = ()
    place: int = 0
    context: str = "unchanged"
    named: bool = True
    question: str = ""
    reverse: str = ""
    wordings: set[str] = field(default_factory=set)
    tired: bool = False


def merge_facts(facts: Sequence[Fact], similarity: float) -> list[Fact]:
    """One of each group that `merge_same` finds, with the entities of all that it names."""
    merged: list[Fact] = []
    for group in merge_same([fact.text for fact in facts], similarity):
        fact = facts[group[0]]
        owners = dict.fromkeys(name for number in sorted(group) for name in facts[number].entities)
        haystack = Haystack(fact.text)
        named = tuple(name for name in owners if gates.mentioned(haystack, name))
        fact.entities = named or fact.entities
        merged.append(fact)
    return merged


def normal_form(fact: str) -> str:
    """The form in which facts are the same but for case, spacing, quotes, hyphens and the mark at the end."""
    return " ".join(canonical(fact).replace("-", " ").replace('"', " ").split())


def merge_same(facts: Sequence[str], similarity: float) -> list[list[int]]:
    """Groups of facts that say the same, by number; the first of each group is the one to keep.

    Equal ones are merged, then those of one `normal_form`, then those whose words and pairs of neighbouring words have
    at least this Jaccard similarity, provided that their numbers, dates, names (in order) and negations are the same.
    Which facts are kept does not depend on their order, and merging what was kept merges nothing. The longest wording
    of a group is kept. Groups come in the order of their earliest members.

    Args:
        facts: one sentence each.
        similarity: 0 to 1; 1 for only those with the same words.
    """
    same: dict[str, list[int]] = defaultdict(list)
    for number, fact in enumerate(facts):
        same[normal_form(fact)].append(number)
    alike = [sorted(numbers, key=lambda n: (-len(facts[n]), facts[n], n)) for numbers in same.values()]
    alike.sort(key=lambda numbers: (-len(facts[numbers[0]]), facts[numbers[0]]))
    buckets: dict[tuple[object, ...], list[list[int]]] = defaultdict(list)
    for numbers in alike:
        buckets[_what_must_agree(facts[numbers[0]])].append(numbers)
    groups = [group for bucket in buckets.values() for group in _merge_near(facts, bucket, similarity)]
    return sorted(groups, key=min)


def _what_must_agree(fact: str) -> tuple[object, ...]:
    held = locked(fact)
    words = Counter(word for word in _WORD.findall(fact.lower()) if word in _NEGATIONS)
    contracted = fact.lower().count("n't") + fact.lower().count("n’t")
    numbers = tuple(numeral.readings for numeral in held.numerals)
    # In their order: who sold to whom is told by nothing else.
    return numbers, held.dates, tuple(held.names), frozenset(words.items()), contracted


def _merge_near(facts: Sequence[str], bucket: list[list[int]], similarity: float) -> list[list[int]]:
    """Greedily, the longest first; only facts that share one of their rarest features are compared."""
    features = [_features(facts[numbers[0]]) for numbers in bucket]
    counts = Counter(feature for own in features for feature in own)
    holders: dict[str, list[int]] = defaultdict(list)
    kept: list[tuple[frozenset[str], list[int]]] = []
    for own, numbers in zip(features, bucket, strict=True):
        # Two sets of this similarity share a feature among the few rarest of each.
        rare = sorted(own, key=lambda feature: (counts[feature], feature))
        rare = rare[: len(own) - ceil(similarity * len(own)) + 1]
        candidates = sorted({place for feature in rare for place in holders[feature]})
        near = [place for place in candidates if _jaccard(own, kept[place][0]) >= similarity]
        if near:
            kept[near[0]][1].extend(numbers)
            continue
        for feature in rare:
            holders[feature].append(len(kept))
        kept.append((own, list(numbers)))
    return [numbers for _, numbers in kept]


def _features(fact: str) -> frozenset[str]:
    words = _words(fact)
    return frozenset([*words, *(f"{left} {right}" for left, right in pairwise(words))])


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 1.0


def _words(text: str) -> list[str]:
    """Words; in scripts without spaces, characters."""
    found: list[str] = []
    for word in _WORD.findall(text.lower()):
        found += word if any(map(is_spaceless, word)) else [word]
    return found


class FactSource:
    """A document, prepared to tell which facts can come from it.

    Args:
        text: the document.
        title: counts as said, too.
    """

    def __init__(self, text: str, title: str = "") -> None:
        self._spans = sentence_spans(text)
        self._places: dict[str, list[int]] = defaultdict(list)
        for number, (start, end) in enumerate(self._spans):
            for stem in _stems(text[start:end]):
                self._places[stem].append(number)
        self._said = frozenset(self._places) | _stems(title)

    def support(self, fact: str) -> float:
        """The share of the fact's longer words that the document has, up to their endings; 1 where it has none."""
        stems = _stems(fact)
        return sum(stem in self._said for stem in stems) / len(stems) if stems else 1.0

    def span(self, fact: str) -> tuple[int, int] | None:
        """Character span of the sentence that shares most of the fact's rarer words, or None."""
        scores: dict[int, float] = defaultdict(float)
        for stem in sorted(_stems(fact)):
            places = self._places.get(stem, ())
            if len(places) <= _MOST_PLACES:
                for place in places:
                    scores[place] += 1 / len(places)
        return self._spans[min(scores, key=lambda place: (-scores[place], place))] if scores else None


def _stems(text: str) -> frozenset[str]:
    return frozenset(
        word if is_spaceless(word[0]) else word[:_STEM_CHARS]
        for word in _words(text)
        if len(word) > _SHORT_WORD or is_spaceless(word[0]) or word.isdigit()
    )
