"""Answers for rephrasing: a passage's own sentences made shorter and plainer, ordered, condensed, or asked about."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.lexicon import STOPWORDS
from synthcpt.backends.extractive.questions import hideable
from synthcpt.backends.extractive.reading import Sentence
from synthcpt.backends.extractive.simpler import short_sentences
from synthcpt.backends.extractive.writing import paragraphs
from synthcpt.text.mentions import canonical

Slots = Mapping[str, str]

_LEAD_WORDS = 60
_MOST_TERMS = 6
_TERSE_SHARE = 0.75
_GAP = "____"

_FEWEST_ASKED_WORDS = 4
_ASIDE = re.compile(r" ?\([^()]*\)")
_CONNECTIVE = re.compile(
    r"^(?:However|Moreover|Furthermore|In fact|Indeed|Of course|Meanwhile|In addition|For example|Still|Then), "
)
_ARTICLE = re.compile(r"^(?:The|A|An) (?!(?:few|little|lot|number|hundred|thousand|million|dozen)\b)(?=\S)")
_IS_A = re.compile(r" (is|was|are|were) (?:a|an|the) ")
_DATE = re.compile(r"(In|On|By) ((?:\d{1,2} )?(?:[A-Z][a-z]+ )?(?:\d{1,2}, )?[12]\d{3}),? ")


def easy(analysis: Analysis, _: Slots) -> str:
    """Short sentences in plain words, in the passage's order."""
    parts = [_heading(analysis, "in plain words")]
    for group in _blocks(analysis):
        told = [_told(analysis, n, group) for n in group]
        if analysis.english and analysis.sentences[group[0]].kind == "prose":
            told = [" ".join(short_sentences(t, analysis.names_in(n))) for n, t in zip(group, told, strict=True)]
        parts.append(_block(analysis, group, told))
    return _joined(parts)


def wiki(analysis: Analysis, _: Slots) -> str:
    """A lead, then sections named after whom or what they tell of, then the names to look up."""
    numbers = [n for group in _blocks(analysis) for n in group]
    end = _lead_end(analysis, numbers)
    parts = [_heading(analysis, ""), paragraphs(analysis, numbers[:end])]
    title, named = canonical(analysis.title), list[str]()
    for section in _sections(analysis, numbers[end:]):
        known = {canonical(name) for name in named}
        names = [name for n in section for name in analysis.names_in(n)]
        name = next((name for name in _by_count(names) if canonical(name) not in known | {title}), "")
        parts += [f"## {_upper(name)}" if name else "", paragraphs(analysis, section)]
        named.append(name)
    terms = _terms(analysis)
    if analysis.english and len(terms) > 1:
        parts += ["## See also", "\n".join(f"- {_upper(term)}" for term in terms)]
    return _joined(parts)


def terse(analysis: Analysis, _: Slots) -> str:
    """Notes: the weightiest statements without asides, connectives and opening articles."""
    numbers = [n for group in _blocks(analysis) for n in group]
    room = max(30, round(_TERSE_SHARE * sum(len(analysis.sentences[n].text.split()) for n in numbers)))
    chosen = set[int]()
    for n in sorted(numbers, key=lambda n: (-analysis.weights[n], n)):
        needed = _with_needed(analysis, n, numbers)
        words = sum(len(analysis.sentences[k].text.split()) for k in needed - chosen)
        if not chosen or words <= room:
            chosen |= needed
            room -= words
    lines = []
    for group in _blocks(analysis):
        kept = [n for n in group if n in chosen]
        notes = [_note(_told(analysis, n, kept), analysis.english) for n in kept]
        lines += [f"- {'; '.join(run)}" for run in _runs(analysis, kept, notes)]
    if analysis.english:
        lines = [line if line.endswith(("?", "!")) else f"{line}." for line in lines]
    terms = _terms(analysis)
    last = f"Terms: {'; '.join(terms)}." if analysis.english and terms else ""
    return _joined([_heading(analysis, "in notes"), "\n".join(lines), last])


def questions(analysis: Analysis, _: Slots) -> str:
    """A question for each statement: what a thing is, what happened when, or which name fills a gap."""
    asked = [pair for group in _blocks(analysis) for pair in _asked(analysis, group)]
    labels = ("Question: ", "Answer: ") if analysis.english else ("", "")
    pairs = [f"{labels[0]}{question}\n{labels[1]}{answer}" for question, answer in asked]
    return _joined([_heading(analysis, "in questions and answers"), *pairs])


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "rephrase/easy": (easy, ("document",)),
    "rephrase/wiki": (wiki, ("document",)),
    "rephrase/terse": (terse, ("document",)),
    "rephrase/qa": (questions, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _blocks(analysis: Analysis) -> list[list[int]]:
    """The sentences of each block; what leans on a sentence of the passage before is left out."""
    sentences, groups = analysis.sentences, list[list[int]]()
    for number, sentence in enumerate(sentences):
        first = not groups or sentences[groups[-1][-1]].block != sentence.block
        follows = not first and groups[-1][-1] == number - 1
        if not _leans(analysis, number) or follows:
            groups[len(groups) if first else -1 :] = [[number] if first else [*groups[-1], number]]
    return groups or [[number] for number in range(len(sentences))]


def _told(analysis: Analysis, number: int, group: Sequence[int]) -> str:
    """A sentence, with a name for the pronoun it opens with where the one before it is not told."""
    sentence = analysis.sentences[number]
    text = sentence.text if number - 1 in group else analysis.resolved.get(number, sentence.text)
    return f"{sentence.label}: {text}" if sentence.label else text


def _block(analysis: Analysis, group: Sequence[int], told: Sequence[str]) -> str:
    listed = all(analysis.sentences[number].kind != "prose" for number in group)
    return "\n".join(f"- {text}" for text in told) if listed else " ".join(told)


def _lead_end(analysis: Analysis, numbers: Sequence[int]) -> int:
    """How many sentences the lead has: the first, those that lean on it, and more while there is room."""
    words = 0
    for at, number in enumerate(numbers):
        words += len(analysis.sentences[number].text.split())
        new_block = at > 0 and analysis.sentences[number].block != analysis.sentences[numbers[at - 1]].block
        if at and not _leans(analysis, number) and (words > _LEAD_WORDS or new_block):
            return at
    return len(numbers)


def _leans(analysis: Analysis, number: int) -> bool:
    sentence, title = analysis.sentences[number], analysis.title.split(" (")[0]
    return sentence.leans and number not in analysis.resolved and not (title and sentence.text.startswith(title))


def _sections(analysis: Analysis, numbers: Sequence[int]) -> list[list[int]]:
    """The sentences of each block."""
    sections = list[list[int]]()
    for number in numbers:
        goes_on = sections and analysis.sentences[sections[-1][0]].block == analysis.sentences[number].block
        sections[-1 if goes_on else len(sections) :] = [[*sections[-1], number] if goes_on else [number]]
    return sections


def _by_count(names: Sequence[str]) -> list[str]:
    return sorted(dict.fromkeys(names), key=lambda name: -names.count(name))


def _terms(analysis: Analysis) -> list[str]:
    title = canonical(analysis.title)
    names = [name for name in analysis.entities if name[:1] != name[:1].lower() and canonical(name) not in title]
    return names[:_MOST_TERMS]


def _with_needed(analysis: Analysis, number: int, numbers: Sequence[int]) -> set[int]:
    """A sentence with those before it that it leans on."""
    needed = {number}
    while _leans(analysis, number) and number - 1 in numbers:
        number -= 1
        needed.add(number)
    return needed


def _note(text: str, english: bool) -> str:
    """A sentence as a note."""
    if english:
        text = _ASIDE.sub("", text.removesuffix("."))
        text = _upper(_ARTICLE.sub("", _upper(_CONNECTIVE.sub("", text, count=1)), count=1))
    return text


def _runs(analysis: Analysis, numbers: Sequence[int], notes: Sequence[str]) -> Iterator[list[str]]:
    """Notes that lean on the one before stand in its line."""
    run = list[str]()
    for number, note in zip(numbers, notes, strict=True):
        if run and not _leans(analysis, number):
            yield run
            run = []
        run.append(_inside(note) if run else note)
    if run:
        yield run


def _inside(note: str) -> str:
    """A note as it stands after a semicolon."""
    first = note.split(" ", 1)[0].lower()
    return note[:1].lower() + note[1:] if first in STOPWORDS and first != "i" else note


def _asked(analysis: Analysis, group: Sequence[int]) -> Iterator[tuple[str, str]]:
    """Question and answer for each sentence that can be understood alone, with those that lean on it."""
    at, asked = 0, list[tuple[str, str]]()
    while at < len(group):
        end = at + 1
        while end < len(group) and group[end] == group[end - 1] + 1 and _leans(analysis, group[end]):
            end += 1
        first = analysis.sentences[group[at]]
        if end == at + 1 and len(first.text.split()) < _FEWEST_ASKED_WORDS and analysis.english:
            at = end
            continue
        told = [
            analysis.resolved.get(group[at], first.text),
            *(analysis.sentences[n].text for n in group[at + 1 : end]),
        ]
        asked.append((_question(analysis, group[at], first, told[0]), " ".join(told)))
        at = end
    for question, pairs in groupby(asked, key=lambda pair: pair[0]):
        yield question, " ".join(answer for _, answer in pairs)


def _question(analysis: Analysis, number: int, sentence: Sentence, text: str) -> str:
    """A question that the sentence answers."""
    title = canonical(analysis.title)
    named = analysis.names_in(number)
    hidden = next(hideable(analysis, number, text), None)
    gapped = f"{text[: hidden.start]}{_GAP}{text[hidden.end :]}" if hidden else ""
    if not analysis.english:
        return f"{gapped} {_GAP}?" if hidden else f"{analysis.title or text.split()[0]}?"
    others = [name for name in named if canonical(name) != title]
    about = others[0] if others else analysis.title
    if sentence.label:
        return f"What does {sentence.label} say{f' about {analysis.spoken(about)}' if about else ''}?"
    opening = max((name for name in named if text.startswith(name)), key=len, default="")
    if opening and (verb := _IS_A.match(text, len(opening))):
        return f"What {verb[1]} {opening}?" if verb[1] in ("are", "were") else f"Who or what {verb[1]} {opening}?"
    if dated := _DATE.match(text):
        account = f"According to the account of {analysis.title}, what" if analysis.title else "What"
        return f"{account} happened {dated[1].lower()} {dated[2]}?"
    if hidden:
        return f"Which {hidden.kind} is missing here? {gapped}"
    return f"What more is told of {analysis.spoken(about)}?" if about else "What more is told?"


def _heading(analysis: Analysis, english: str) -> str:
    if not analysis.title:
        return ""
    return f"# {analysis.title} {english}" if analysis.english and english else f"# {analysis.title}"


def _joined(parts: Sequence[str]) -> str:
    """Parts with an empty line between them, but for the items of one list."""
    text = ""
    for part in filter(None, parts):
        in_list = part.startswith("- ") and text.rsplit("\n", 1)[-1].startswith("- ")
        text += ("\n" if in_list else "\n\n" if text else "") + part
    return text


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
