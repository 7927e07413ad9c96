"""Answers to EntiGraph's requests: the entities of a document, and how two or three of them hang together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations, pairwise

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.writing import Draft, enumerate_names, paragraphs
from synthcpt.text.mentions import canonical

Slots = Mapping[str, str]

_SUMMARY_SENTENCES = (1, 5)
_WORDS_PER_SUMMARY_SENTENCE = 130
_FEWEST_SUMMARY_WORDS = 7
_SECTION_WORDS = (60, 130)
_MOST_NAMED = 4
_LONGEST_RUN = 4
_MOST_STEPS = 100


def entities(analysis: Analysis, _: Slots) -> str:
    """The document's summary and entities, as JSON."""
    return orjson.dumps({"summary": summary(analysis), "entities": list(analysis.entities)}).decode()


def pair(analysis: Analysis, slots: Slots) -> str:
    """Three sections: the first entity, the second, the two together."""
    return _sections(analysis, [_one_line(slots["first"]), _one_line(slots["second"])])


def triple(analysis: Analysis, slots: Slots) -> str:
    """Four sections: each of the three entities, the three together."""
    return _sections(analysis, [_one_line(slots[name]) for name in ("first", "second", "third")])


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "entigraph/entities": (entities, ("document",)),
    "entigraph/pair": (pair, ("document", "first", "second")),
    "entigraph/triple": (triple, ("document", "first", "second", "third")),
}
"""Prompt -> what answers it, and the slots it needs."""


def summary(analysis: Analysis) -> str:
    """A few of the document's own central sentences, each of which can be told alone, in order."""
    sentences = analysis.sentences
    fewest, most = _SUMMARY_SENTENCES
    count = max(fewest, min(most, 1 + round(analysis.words / _WORDS_PER_SUMMARY_SENTENCE)))
    alone = [n for n, s in enumerate(sentences) if s.kind == "prose" and (not s.leans or n in analysis.resolved)]
    full = [n for n in alone if len(sentences[n].text.split()) >= _FEWEST_SUMMARY_WORDS] or alone
    value = {n: analysis.weights[n] + 0.2 * (n == full[0]) - 0.3 * bool(sentences[n].label) for n in full}
    best = sorted(full, key=lambda n: (-value[n], n))[:count]
    if best:
        return paragraphs(analysis, sorted(best)).replace("\n\n", " ")
    return sentences[0].text[:400] if sentences else ""


def _sections(analysis: Analysis, names: Sequence[str]) -> str:
    writer = _Writer(analysis, names)
    together = writer.together()  # first, so that the sentences that tell of several are kept for it
    own = [(_heading(analysis, [name]), writer.alone(name)) for name in names]
    blocks = [*own, (_heading(analysis, names), together)]
    return "\n\n".join(f"{heading}\n\n{text}" for heading, text in blocks)


class _Writer:
    def __init__(self, analysis: Analysis, names: Sequence[str]) -> None:
        self._analysis = analysis
        self._names = list(dict.fromkeys(names))
        self._draft = Draft(analysis)
        self._where = {name: set(analysis.sentences_with(name)) for name in self._names}
        shortest, longest = _SECTION_WORDS
        self._words = max(shortest, min(longest, analysis.words // 5))

    def together(self) -> str:
        """What the document says of the names together: shared sentences, and what links those that share none."""
        shared = {n for one, other in combinations(self._names, 2) for n in self._where[one] & self._where[other]}
        common = self._draft.take(shared, self._value_together, self._words, self._most_shared(shared))
        common = self._draft.extend(common, self._words, ())
        told = [paragraphs(self._analysis, common)] if common else []
        for one, other in combinations(self._names, 2):
            here = self._where[one] & self._where[other]
            if not here or here.isdisjoint(common):
                told.append(self._link(one, other))
        return self._name_title_once("\n\n".join(part for part in told if part) or self._mention(self._names[0], []))

    def alone(self, name: str) -> str:
        """What the document says of one of the names, as far as the other sections do not say it."""
        others = [other for other in self._names if other != name]
        theirs = set().union(*(self._where[other] for other in others)) if others else set()
        value = self._value_alone(others)
        for numbers in (self._where[name] - theirs, self._where[name]):
            prose = [n for n in numbers if not self._draft.is_used(n) and self._is_prose(n)]
            listed = [n for n in numbers if not self._draft.is_used(n) and not self._is_prose(n)]
            taken = self._draft.take(prose, value, self._words) or self._draft.take(listed, value, self._words // 2)
            if taken:
                return paragraphs(self._analysis, self._draft.extend(taken, self._words, theirs))
        around = self._draft.take(self._around(name), value, self._words // 2, most=2)
        context = paragraphs(self._analysis, self._draft.extend(around, self._words // 2, theirs))
        if context and canonical(name) == canonical(self._analysis.title):
            return context
        return "\n\n".join(part for part in (self._mention(name, others), context) if part)

    def _most_shared(self, shared: set[int]) -> int:
        """Half of the shared sentences, where one of the names has no others to be told with."""
        dependent = any(self._where[name] and self._where[name] <= shared for name in self._names)
        return (len(shared) + 1) // 2 if dependent else len(shared)

    def _around(self, name: str) -> list[int]:
        """Sentences of the paragraphs that mention the name, which say what it stands among."""
        sentences = self._analysis.sentences
        blocks = {sentences[number].block for number in self._where[name]}
        return (
            [n for n in range(len(sentences)) if sentences[n].block in blocks and self._is_prose(n)] if blocks else []
        )

    def _is_prose(self, number: int) -> bool:
        return self._analysis.sentences[number].kind == "prose"

    def _value_together(self, number: int) -> float:
        return self._analysis.weights[number] + sum(number in where for where in self._where.values())

    def _value_alone(self, others: Sequence[str]) -> Callable[[int], float]:
        """Sentences count for more the nearer what else they name is to the other names."""
        distances = [self._analysis.distances(other) for other in others]

        def value(number: int) -> float:
            names = self._analysis.names_in(number)
            near = [max((1.0 / (1 + d[n]) for n in names if n in d), default=0.0) for d in distances]
            return self._analysis.weights[number] + 0.8 * sum(near)

        return value

    def _link(self, one: str, other: str) -> str:
        """How two names are connected that no sentence told so far shares."""
        if not self._where[one] or not self._where[other]:
            return ""
        if self._where[one] & self._where[other]:
            return self._mention(one, [], also=other)
        near = self._tell_step(one, other)
        if near:
            return paragraphs(self._analysis, near)
        path = self._analysis.path(one, other)
        if not self._analysis.english:
            return " – ".join(path or (one, other))
        both = f"{self._spoken(one)} and {self._spoken(other)}"
        if not path:
            return self._state(f"no passage names both {both}{self._apart(one, other)}.")
        if len(path) == 2:
            return self._told_apart(one, other, both)
        taken = [number for here, there in pairwise(path) for number in self._tell_step(here, there)]
        through = enumerate_names([self._spoken(name) for name in path[1:-1]])
        said = self._state(f"{both} are connected through {through}.")
        return "\n\n".join(part for part in (said, paragraphs(self._analysis, sorted(taken))) if part)

    def _apart(self, one: str, other: str) -> str:
        """What two names that never meet stand with."""
        among = [
            enumerate_names([self._spoken(n) for n in self._analysis.neighbours(name)[:3]]) for name in (one, other)
        ]
        if not all(among):
            return ""
        return f": {self._spoken(one)} is named together with {among[0]}, and {self._spoken(other)} with {among[1]}"

    def _told_apart(self, one: str, other: str, both: str) -> str:
        """Two names in one paragraph, far apart: one sentence of the paragraph for each that has others besides."""
        sentences, taken = self._analysis.sentences, list[int]()
        for name, partner in ((one, other), (other, one)):
            blocks = {sentences[n].block for n in self._where[partner]}
            near = [n for n in self._where[name] if sentences[n].block in blocks]
            if len(self._where[name]) > 1:
                taken += self._draft.take(near, lambda n: self._analysis.weights[n], self._words // 2, most=1)
        said = self._state(f"{both} are told of in one passage.")
        return "\n\n".join(part for part in (said, paragraphs(self._analysis, sorted(taken))) if part)

    def _name_title_once(self, text: str) -> str:
        """Statements after a section's first need not say again which document they are about."""
        opening = f"In {_shown_title(self._analysis)}, "
        first, *rest = text.split(opening)
        if len(rest) < 2:
            return text
        return first + opening + rest[0] + "".join(part[:1].upper() + part[1:] for part in rest[1:])

    def _tell_step(self, one: str, other: str) -> list[int]:
        """Sentences that name both, or else lead from one to the other within a paragraph."""
        here, there = (self._analysis.sentences_with(name)[:_MOST_STEPS] for name in (one, other))
        shared = {*here} & {*there}
        if shared:
            return self._draft.take(shared, lambda n: self._analysis.weights[n], self._words // 2, most=1)
        sentences = self._analysis.sentences
        for a, b in sorted(((a, b) for a in here for b in there), key=lambda ends: abs(ends[0] - ends[1])):
            if abs(a - b) > _LONGEST_RUN:
                return []
            if sentences[a].block == sentences[b].block and (
                run := self._draft.take_run(min(a, b), max(a, b), self._words)
            ):
                return run
        return []

    def _mention(self, name: str, others: Sequence[str], also: str = "") -> str:
        """A true sentence about where a name stands, for want of one of the document's own."""
        subject = self._spoken(name)
        if not self._where[name]:
            return self._state(f"{subject} is not mentioned by name.") if self._analysis.english else name
        keys = {canonical(known) for known in (name, also, *others)}
        beside = [other for other in self._analysis.neighbours(name) if canonical(other) not in keys][:_MOST_NAMED]
        among = [self._spoken(known) for known in beside]
        if not self._analysis.english:  # the phrases below are English
            return " – ".join(part for part in (name, also, *beside) if part)
        if also:
            along = f", along with {enumerate_names(among)}" if among else ""
            return self._state(f"{subject} and {self._spoken(also)} are named together{along}.")
        always = [self._spoken(other) for other in others if self._where[name] <= self._where[other]]
        if always:
            return self._state(f"{subject} is mentioned only in connection with {enumerate_names(always + among)}.")
        if among:
            return self._state(f"{subject} is named together with {enumerate_names(among)}.")
        return self._state(f"{subject} is mentioned by name.")

    def _state(self, said: str) -> str:
        """A statement about the document, which names it (unless it is what the statement names)."""
        if self._analysis.title and said.startswith(self._analysis.title):
            return said
        return f"In {_shown_title(self._analysis)}, {said}"

    def _spoken(self, name: str) -> str:
        return self._analysis.spoken(name)


def _heading(analysis: Analysis, names: Sequence[str]) -> str:
    title = _shown_title(analysis)
    if not analysis.english:
        return f"## {title}: {' – '.join(names)}"
    if len(names) == 1 and canonical(names[0]) == canonical(analysis.title):
        return f"## {title}"
    shown = enumerate_names(list(dict.fromkeys(names)))
    return f"## {shown[:1].upper()}{shown[1:]} in {title}"


def _shown_title(analysis: Analysis) -> str:
    title = analysis.title
    if not title:
        return "the document"
    return title if "*" in title or not analysis.english else f"*{title}*"


def _one_line(name: str) -> str:
    return " ".join(name.split())
