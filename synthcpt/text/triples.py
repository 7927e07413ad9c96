"""Facts as subject, relation and object: whether the text bears one out, how it reads, what can be counted."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from synthcpt.text.abbreviations import word_set
from synthcpt.text.folding import is_spaceless
from synthcpt.text.gates import Verdict
from synthcpt.text.mentions import Haystack, canonical
from synthcpt.text.sentences import sentence_spans

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_STOP = re.compile(r"[.!?…。！？।؟۔]['\"”’»)\]」』]*$")
_NEGATIONS = word_set(
    """not never no none nobody nothing neither nor without cannot nicht kein keine keinen keiner keinem nie niemals
    ohne ne pas jamais aucun aucune sans nunca jamás sin ningún ninguno ninguna não nem sem non mai senza niet geen
    nooit inte aldrig utan ikke aldri не нет никогда без"""
)
_QUALIFIERS = word_set(
    """may might could perhaps possibly probably maybe allegedly reportedly supposedly apparently presumably purportedly
    about approximately roughly nearly almost around circa ca some least most planned expected proposed intended
    scheduled supposed vielleicht wahrscheinlich angeblich etwa ungefähr fast mindestens höchstens environ peut-être
    probablement presque quizás probablemente casi aproximadamente"""
)
_ONLY_BEFORE_NUMBERS = word_set("about around some almost nearly most least")
_PRONOUNS = word_set(
    """i he she it they we you him her them us me his hers its their theirs this that these those who which one er sie
    es wir ihr ihm ihn ihnen il elle ils elles lui on él ella ellos ellas lo la"""
)
_MOST_CHARS = 600
_LONGEST_QUOTE_SENTENCES = 3
_MOST_MENTIONS = 20
_ENGLISH_SHARE = 0.2
_ENGLISH = word_set("the a an of and in to was is were by on for with at from as it that his her had which")


@dataclass(frozen=True, slots=True)
class Triple:
    """A fact.

    Attributes:
        subject, relation, object: as the model wrote them, on one line.
        sentence: characters of the text that state it; empty as long as it is not verified.
    """

    subject: str
    relation: str
    object: str
    sentence: tuple[int, int] = (0, 0)

    @property
    def form(self) -> tuple[str, str, str]:
        """What two triples that say the same have in common."""
        return canonical(self.subject), canonical(self.relation), canonical(self.object)

    def statement(self) -> str:
        """The fact as a sentence."""
        text = _join(_join(self.subject, self.relation), self.object)
        return text[:1].upper() + text[1:] + ("" if _STOP.search(text) else "。" if is_spaceless(text[-1]) else ".")


class Evidence:
    """A text that triples are checked against.

    Args:
        text: what the triples were read from.
        opening: the title and how the document begins, where a name may stand that the text only points at.
    """

    def __init__(self, text: str, opening: str = "") -> None:
        self._text, self._haystack, self._opening = text, Haystack(text), Haystack(opening)
        self._starts = [start for start, _ in sentence_spans(text)] or [0]

    def verify(self, triple: Triple, quote: str) -> Triple | Verdict:
        """The triple with the sentence that states it, or why it cannot be kept.

        Both ends must occur in the text, one of them in the sentence; every number must be the sentence's own; and what
        the sentence says with a "not" or a "probably" between the ends, the triple must say so, too.

        Args:
            triple: what to check.
            quote: the sentence that the model names as the source.
        """
        verdict = _malformed(triple)
        if verdict:
            return verdict
        subjects, objects = (self._haystack.find_all(end) for end in (triple.subject, triple.object))
        for name, found in ((triple.subject, subjects), (triple.object, objects)):
            if not found and not self._opening.find(name):
                return Verdict("end_not_in_text", f"{name!r} does not occur in the text")
        span = self._sentence(quote, subjects, objects)
        if span is None:
            return Verdict("no_source_sentence", f"no sentence holds {triple.subject!r} and {triple.object!r}")
        start, end = span
        sentence = self._text[start:end]
        verdict = _numbers_changed(triple, sentence)
        verdict = verdict or _lost(triple, sentence, *_between(span, subjects, objects))
        return verdict or Triple(triple.subject, triple.relation, triple.object, span)

    def _sentence(
        self, quote: str, subjects: Sequence[tuple[int, int]], objects: Sequence[tuple[int, int]]
    ) -> tuple[int, int] | None:
        """The quoted sentence if it holds an end, else the first that holds both."""
        quoted = self._haystack.find(quote) if quote.strip() else None
        if quoted:
            first, last = self._number(quoted[0]), self._number(quoted[1] - 1)
            span = self._span(first, last)
            if last - first < _LONGEST_QUOTE_SENTENCES and any(_is_in(place, span) for place in (*subjects, *objects)):
                return span
        shared = {self._number(start) for start, _ in subjects} & {self._number(start) for start, _ in objects}
        return self._span(min(shared), min(shared)) if shared else None

    def _number(self, place: int) -> int:
        return max(0, bisect_right(self._starts, place) - 1)

    def _span(self, first: int, last: int) -> tuple[int, int]:
        start = self._starts[first]
        end = self._starts[last + 1] if last + 1 < len(self._starts) else len(self._text)
        text = self._text[start:end]
        return start + len(text) - len(text.lstrip()), start + len(text.rstrip())


def _malformed(triple: Triple) -> Verdict | None:
    subject, _, thing = triple.form
    if not (subject and triple.relation.strip() and thing):
        return Verdict("incomplete", "a part of it is empty")
    if max(map(len, (triple.subject, triple.relation, triple.object))) > _MOST_CHARS:
        return Verdict("too_long", f"a part of it has more than {_MOST_CHARS} characters")
    for end in (subject, thing):
        if end in _PRONOUNS:
            return Verdict("pronoun", f"{end!r} does not say who or what")
    if subject == thing:
        return Verdict("same_ends", "its two ends are one")
    return None


def _numbers_changed(triple: Triple, sentence: str) -> Verdict | None:
    """A number that is not the sentence's; the subject may come from elsewhere."""
    known = set(_NUMBER.findall(sentence)) | set(_NUMBER.findall(triple.subject))
    strange = [number for number in _NUMBER.findall(f"{triple.relation} {triple.object}") if number not in known]
    return Verdict("number_changed", f"{strange[0]} is not in the sentence") if strange else None


def _between(
    span: tuple[int, int], subjects: Sequence[tuple[int, int]], objects: Sequence[tuple[int, int]]
) -> tuple[int, int]:
    """The part of a sentence from one end of the fact to the other, in the sentence's characters.

    An end that stands elsewhere in the text is a pronoun here, most likely the sentence's first word.
    """
    here = [[place for place in places if _is_in(place, span)][:_MOST_MENTIONS] for places in (subjects, objects)]
    pairs = [(min(a[0], b[0]), max(a[1], b[1])) for a in here[0] for b in here[1]]
    if pairs:
        start, end = min(pairs, key=lambda pair: pair[1] - pair[0])
    else:
        start, end = span[0], max(place[1] for places in here for place in places)
    return start - span[0], end - span[0]


def _lost(triple: Triple, sentence: str, start: int, end: int) -> Verdict | None:
    """A negation or a qualifier that stands between the ends and that the triple does not have."""
    own = _words(f"{triple.subject} {triple.relation} {triple.object}")
    between = _words(sentence[start:end])
    negated = [word for word in between if _is_negation(word)]
    if negated and not any(map(_is_negation, own)):
        return Verdict("negation_lost", f"the sentence says {negated[0]!r}")
    for number, word in enumerate(between):
        if word in _QUALIFIERS and word not in own and (word not in _ONLY_BEFORE_NUMBERS or _counts(sentence, word)):
            return Verdict("qualifier_lost", f"the sentence says {between[number]!r}")
    return None


def _counts(sentence: str, word: str) -> bool:
    """Whether the word stands before a number: "about 300", and not "about the sea"."""
    return re.search(rf"(?i)\b{word}\W{{1,2}}(?:[$£€]\s?)?\d", sentence) is not None


def _is_negation(word: str) -> bool:
    return word in _NEGATIONS or word.endswith(("n't", "n’t"))


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _is_in(place: tuple[int, int], span: tuple[int, int]) -> bool:
    return span[0] <= place[0] and place[1] <= span[1]


def _join(left: str, right: str) -> str:
    tight = not left or not right or (is_spaceless(left[-1]) and is_spaceless(right[0]))
    return left + ("" if tight else " ") + right


class Count(NamedTuple):
    """A question that a count of triples answers, and the triples, by number, that it counts."""

    question: str
    answer: str
    triples: tuple[int, ...]


def counts(triples: Sequence[Triple], title: str) -> Iterator[Count]:
    """Questions on how many objects a subject and a relation have, and how many subjects a relation and an object.

    In English; see `looks_english`. Only counts of two and more are asked for.
    """
    for end, kept in ((2, (0, 1)), (0, (1, 2))):
        groups: dict[tuple[str, ...], dict[str, int]] = {}
        for number, triple in enumerate(triples):
            form = triple.form
            groups.setdefault(tuple(form[part] for part in kept), {}).setdefault(form[end], number)
        for members in groups.values():
            if len(members) > 1:
                yield _count([(number, triples[number]) for number in members.values()], title, of_objects=end == 2)


def _count(members: Sequence[tuple[int, Triple]], title: str, *, of_objects: bool) -> Count:
    triple = members[0][1]
    pattern = f"{triple.subject} {triple.relation} ..." if of_objects else f"... {triple.relation} {triple.object}"
    where = f"In *{title}*, how" if title and "*" not in title else "How"
    ends = [member.object if of_objects else member.subject for _, member in members]
    question = f'{where} many different answers complete "{pattern}", and which are they?'
    return Count(question, f"{len(ends)}: {'; '.join(ends)}.", tuple(number for number, _ in members))


def looks_english(texts: Iterable[str]) -> bool:
    """Whether the commonest English words make up as much of the texts as they do of English."""
    words = [word for text in texts for word in _words(text[:20_000])]
    return sum(map(_ENGLISH.__contains__, words)) >= _ENGLISH_SHARE * max(1, len(words))
