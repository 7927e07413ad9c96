"""What the rules know of a document: its sentences, who and what they name, and how these hang together."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from functools import cached_property
from itertools import combinations
from typing import Any

from synthcpt.backends.extractive.lexicon import STOPWORDS, TITLES
from synthcpt.backends.extractive.names import NameFinder, merge_names
from synthcpt.backends.extractive.reading import LONGEST_SENTENCE_CHARS, Reading, Sentence
from synthcpt.backends.extractive.resolving import resolve_openings
from synthcpt.backends.extractive.terms import term_scores
from synthcpt.text.mentions import Haystack, canonical

_LAST_WORD = re.compile(r"([^\W\d_]+\.?) (?=\Z)")
_FAR = 1_000_000
_PARENTHESIS = re.compile(r"\s*\([^()]*\)\s*$")
_MOST_NODES = 150
_MOST_CANDIDATES = 400
_MOST_TERMS = 40
_ENOUGH_NAMES = 8
_MOST_ENTITIES = 60
_FEWEST_ENTITIES = 3
_ENTITIES_PER_ROOT_WORD = 0.75
"""7 or 8 entities for 100 words, 18 for 600, 53 for 5,000: longer texts come back to what they named before."""
_TERM_SHARE = 0.35
_IDEAL_SENTENCE_WORDS = 25


Forms = dict[str, list[tuple[str, list[int]]]]
"""Name -> the forms it occurs in, each with the numbers of the sentences."""


class Analysis:
    """A document, read.

    Attributes:
        title: the document's title as given, on one line; its first heading where none was given.
        sentences: its sentences in order.
        english: whether it is written in English.
        entities: the names and terms worth writing about, the most salient first.
        resolved: sentences whose opening pronoun could be replaced: number -> the sentence so changed.
    """

    def __init__(self, title: str, reading: Reading, given: dict[str, list[int]] | None = None) -> None:
        """``given``: names with the sentences they occur in, where a pipeline found them instead of the rules."""
        self.title = " ".join(title.split()) or (reading.headings[0] if reading.headings else "")
        self.sentences = reading.sentences
        self.english = reading.english
        self._texts = [f"{s.label}: {s.text}" if s.label else s.text for s in self.sentences]
        self._starts = [0]
        for text in self._texts:
            self._starts.append(self._starts[-1] + len(text) + 1)
        self._haystack = Haystack("\n".join(self._texts))
        self._headings = Haystack("\n".join((self.title, *reading.headings)))
        self._found: dict[str, tuple[int, ...]] = {}
        self._scores: dict[str, float] = {}
        self._distances: dict[str, dict[str, int]] = {}
        self._people: set[str] = set()
        self._spoken: dict[str, str] = {}
        self._collect(given)
        self.resolved = self._resolve() if self.english else {}
        self.entities = self._rank()

    def sentences_with(self, name: str) -> tuple[int, ...]:
        """The numbers of the sentences that mention a name (also under its short form, or as a resolved pronoun)."""
        known = self._found.get(name)
        if known is None:
            known = self._found.setdefault(name, self._search(name))
        return known

    def names_in(self, number: int) -> list[str]:
        """The names and terms a sentence mentions, the most salient first."""
        return self._names_by_sentence[number]

    @cached_property
    def words(self) -> int:
        """How many words the document's sentences have."""
        return sum(len(text.split()) for text in self._texts)

    @cached_property
    def weights(self) -> list[float]:
        """How much each sentence says of what the document is about, 0 to 1."""
        top = max((self._scores[name] for name in self._scores), default=1.0)
        weights: list[float] = []
        for number, text in enumerate(self._texts):
            words = max(len(text.split()), 1)
            said = sum(math.sqrt(self._scores[name] / top) for name in self._names_by_sentence[number][:6]) / 6
            length = min(words / _IDEAL_SENTENCE_WORDS, _IDEAL_SENTENCE_WORDS * 1.6 / words, 1.0)
            weights.append(min(1.0, 0.6 * said + 0.3 * length + (0.1 if number == 0 else 0.0)))
        return weights

    @cached_property
    def graph(self) -> Any:
        """The co-occurrence graph of the names: nearest where one sentence, or one that leans on it, names both."""
        import networkx  # takes a tenth of a second to import

        graph = networkx.Graph()
        graph.add_nodes_from(self._scores)
        for size, distance, runs in ((16, 2, self._blocks), (12, 1, self._groups)):
            for run in runs:
                names = list(dict.fromkeys(name for number in run for name in self._names_by_sentence[number]))
                graph.add_edges_from(combinations(names[:size], 2), weight=distance)
        return graph

    def distances(self, name: str) -> dict[str, int]:
        """How far each name that is connected to this one is from it."""
        known = self._distances.get(name)
        if known is None:
            import networkx  # see above

            graph = self._graph_with(name)
            found = networkx.single_source_dijkstra_path_length(graph, name, weight="weight")
            known = self._distances.setdefault(name, dict(found))
        return known

    def path(self, first: str, second: str) -> list[str]:
        """A shortest path between two names in the graph, both included; empty where there is none."""
        graph = self._graph_with(first, second)
        left = self.distances(second) if first in self.graph else {**self.distances(second), first: _FAR}
        here, path = first, [first]
        while here != second:
            ways = [
                (left[n] + edge["weight"], -self._scores.get(n, 0.0), n) for n, edge in graph[here].items() if n in left
            ]
            if not ways or (nearest := min(ways))[0] > left[here]:
                return []
            here = nearest[2]
            path.append(here)
        return path

    def _graph_with(self, *names: str) -> Any:
        """The graph, with a node for each of these names that the rules did not find themselves."""
        foreign = [name for name in names if name not in self.graph]
        if not foreign:
            return self.graph
        graph = self.graph.copy()
        for name in foreign:
            graph.add_node(name)
            for distance, runs in ((2, self._blocks), (1, self._groups)):
                near = {n for run in runs if not set(self.sentences_with(name)).isdisjoint(run) for n in run}
                beside = dict.fromkeys(other for n in sorted(near) for other in self._names_by_sentence[n])
                beside |= dict.fromkeys(o for o in foreign if not near.isdisjoint(self.sentences_with(o)))
                graph.add_edges_from(((name, other) for other in beside if other != name), weight=distance)
        return graph

    @cached_property
    def _groups(self) -> list[list[int]]:
        """Runs of sentences of which each but the first leans on the one before."""
        groups: list[list[int]] = []
        for number, sentence in enumerate(self.sentences):
            if groups and sentence.leans and self.sentences[number - 1].block == sentence.block:
                groups[-1].append(number)
            else:
                groups.append([number])
        return groups

    @cached_property
    def _blocks(self) -> list[list[int]]:
        """The sentences of each paragraph, list item or table row."""
        blocks: dict[int, list[int]] = {}
        for number, sentence in enumerate(self.sentences):
            blocks.setdefault(sentence.block, []).append(number)
        return list(blocks.values())

    def neighbours(self, name: str) -> list[str]:
        """Names that share a sentence with this one, the most salient first."""
        found = dict.fromkeys(
            other for number in self.sentences_with(name) for other in self._names_by_sentence[number]
        )
        found.pop(name, None)
        return sorted(found, key=lambda other: (-self._scores.get(other, 0.0), other))

    def spoken(self, name: str) -> str:
        """The name as it stands inside a sentence: with an article where the document writes one."""
        known = self._spoken.get(name)
        if known is None:
            known = self._spoken.setdefault(name, self._with_article(name))
        return known

    def _with_article(self, name: str) -> str:
        if not self.english or name[:4].lower() == "the ":
            return name
        text = "\n".join(self._texts)
        spans = self._haystack.find_all(name)
        articles = sum(text[max(0, start - 4) : start].lower() == "the " for start, _ in spans)
        return f"the {name}" if name[:1].islower() or articles * 2 > len(spans) else name

    def _search(self, name: str) -> tuple[int, ...]:
        spans = self._haystack.find_all(name)
        if " " not in name:
            spans = [span for span in spans if not self._is_inside_name(*span)] or spans
        return tuple(dict.fromkeys(bisect_right(self._starts, start) - 1 for start, _ in spans))

    def _is_inside_name(self, start: int, end: int) -> bool:
        """Whether a word is only a part of a longer name there, as "signal" is of "Signal Mount"."""
        text = self._haystack.text
        if not text[start].isupper():
            return False
        following = text[end + 1 : end + 2].isupper() and text[end] == " "
        before = _LAST_WORD.search(text, max(0, start - 24), start)
        preceded = before is not None and before[1][0].isupper() and before[1].lower().rstrip(".") not in TITLES
        return following or (preceded and before is not None and before[1].lower() not in STOPWORDS)

    def _collect(self, given: dict[str, list[int]] | None) -> None:
        """Find the names and terms and score each."""
        subject = self._subject()
        forms = self._named(subject) if given is None else {name: [(name, given[name])] for name in given}
        if subject:
            forms = _with_subject(forms, subject, self._search(subject))
        often = sorted(forms, key=lambda name: -sum(len(numbers) for _, numbers in forms[name]))[:_MOST_CANDIDATES]
        for name in [name for name in often if self._haystack.find(name)]:
            numbers = [number for _, found in forms[name] for number in found]
            self._found[name] = tuple(sorted({*numbers, *(self._search(name) if " " in name or given else ())}))
            self._scores[name] = self._salience(name, max(len(numbers), 1), name == subject)
        known = {canonical(name) for name in self._scores}
        terms = term_scores([s.text for s in self.sentences if s.kind == "prose"], _MOST_TERMS) if self.english else {}
        for term, score in terms.items():
            if canonical(term) not in known and self._search(term):
                self._found[term] = self._search(term)
                self._scores[term] = 0.6 * score + (1.0 if self._headings.find(term) else 0.0)
        first = {name: (self._haystack.find(name) or (0, 0))[0] for name in self._scores}
        best = sorted(self._scores, key=lambda name: (-self._scores[name], first[name], name))[:_MOST_NODES]
        self._scores = {name: self._scores[name] for name in best}

    def _named(self, subject: str) -> Forms:
        prose = [number for number, sentence in enumerate(self.sentences) if _is_told(sentence)]
        masked = [self._mask(self._texts[number], subject) for number in prose]
        known = frozenset([subject]) if subject and " " not in subject else frozenset()
        finder = NameFinder(masked, known)
        mentions = finder.mentions()
        names = merge_names(mentions, finder, frozenset([subject]))
        self._people = {name for name in names if _person_like(name, finder)}
        return {
            name: [(form, [prose[number] for number in mentions[form]]) for form in forms]
            for name, forms in names.items()
        }

    def _mask(self, text: str, subject: str) -> str:
        """A title that is no plain name would otherwise be cut up into the names that it holds."""
        if " " not in subject or all(word[:1].isupper() and word.isalpha() for word in subject.split()):
            return text
        return text.replace(subject, "it")

    def _subject(self) -> str:
        """What the title names, if the text mentions it as written there."""
        bare = _PARENTHESIS.sub("", self.title)
        for candidate in (bare, re.split(r"[,:]\s", bare)[0]):
            if 1 < len(candidate) <= 80 and any(candidate in text for text in self._texts):
                return candidate
        return ""

    def _salience(self, name: str, count: int, is_subject: bool) -> float:
        heading = 1.0 if self._headings.find(name) else 0.0
        first = self._found[name][0] / max(len(self.sentences), 1)
        words = min(len(name.split()), 3)
        return 1.0 + math.pow(count, 0.8) + heading + 0.4 * (1.0 - first) + 0.25 * words + (3.0 if is_subject else 0.0)

    def _resolve(self) -> dict[int, str]:
        people = self._people
        named: list[list[str]] = [[] for _ in self.sentences]
        for name, numbers in self._found.items():
            for number in numbers:
                named[number].append(name)

        def subject(number: int) -> str:
            text = self.sentences[number].text
            opening = [name for name in named[number] if text.startswith(name)]
            return (
                max(opening, key=len)
                if opening and not text[len(max(opening, key=len)) :].startswith(("'", "’"))
                else ""
            )

        resolved = resolve_openings(self.sentences, lambda number: [n for n in named[number] if n in people], subject)
        for number, (name, _) in resolved.items():
            self._found[name] = tuple(sorted({*self._found[name], number}))
        return {number: text for number, (_, text) in resolved.items()}

    @cached_property
    def _names_by_sentence(self) -> list[list[str]]:
        named: list[list[str]] = [[] for _ in self.sentences]
        for name in self._scores:
            for number in self._found[name]:
                named[number].append(name)
        return named

    def _rank(self) -> tuple[str, ...]:
        most = max(_FEWEST_ENTITIES, min(_MOST_ENTITIES, round(_ENTITIES_PER_ROOT_WORD * math.sqrt(self.words))))
        names = [name for name in self._scores if name[:1] != name[:1].lower() or not self.english]
        # One common word ("ship") says little of a document that has names enough.
        few_names = len(names) < _ENOUGH_NAMES
        terms = [name for name in self._scores if name not in set(names) and (few_names or " " in name)]
        room = max(round(most * _TERM_SHARE), most - len(names))
        chosen = set(names[: most - min(room, len(terms))]) | set(terms[:room])
        ranked = [name for name in self._scores if name in chosen]
        return tuple(ranked[:most])


def _with_subject(forms: Forms, subject: str, numbers: tuple[int, ...]) -> Forms:
    """With the title's own name first, under its full form, and without single words that are parts of it."""
    key, parts = canonical(subject), set(canonical(subject).replace(":", " ").split())
    rest = {name: found for name, found in forms.items() if canonical(name) != key}
    own = [entry for name, found in forms.items() if canonical(name) == key for entry in found]
    kept = {name: found for name, found in rest.items() if canonical(name) not in parts}
    return {subject: own or [(subject, list(numbers))], **kept}


def _is_told(sentence: Sentence) -> bool:
    return sentence.kind != "row" and len(sentence.text) <= LONGEST_SENTENCE_CHARS


def _person_like(name: str, finder: NameFinder) -> bool:
    return 2 <= len(name.split()) <= 4 and finder.may_be_person(name)
