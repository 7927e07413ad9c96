"""Answers to the requests of Active Reading: ways to study that need no more than the document's own sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.lexicon import MONTHS, STOPWORDS
from synthcpt.backends.extractive.questions import hideable
from synthcpt.backends.extractive.writing import Draft, enumerate_names, paragraphs
from synthcpt.text.mentions import Haystack, canonical

Slots = Mapping[str, str]

_MOST_LINES = 12
_FEWEST_LINES = 2
_FEWEST_WORDS = 30
_SECTION_WORDS = 110
_MOST_COMPARED = 12
_MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec"
_MONTH = "|".join(sorted(month.capitalize() for month in MONTHS))
_DATE = re.compile(
    rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th)? )?(?:({_MONTH})\.?,? (?:(\d{{1,2}}),? )?)?"
    r"((?:1[0-9]|20)\d\d)\b(?![,.]\d|[\w%-])"
)
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_NUMBER = re.compile(
    r"(?<![\w.,:/-])(?:[$£€₹] ?)?\d{1,3}(?:[\d,]{0,12}\d)?(?:\.\d{1,6})?(?![\w:/-])%?(?: [a-z-]{2,20}\b){0,2}"
)


class _Strategy(NamedTuple):
    name: str
    instructions: str
    task_words: str
    write: Callable[[Analysis], str]


def strategies(analysis: Analysis, slots: Slots) -> str:
    """Those of the rules' strategies that the document has material for, as JSON; those that fit the task first."""
    known = {canonical(name) for name in slots.get("known", "").split(";")}
    wanted = int(slots["count"]) if slots.get("count", "").isdecimal() else len(_STRATEGIES)
    task = set(re.findall(r"\w+", slots.get("task", "").lower()))
    usable = [one for one in _STRATEGIES if canonical(one.name) not in known and one.write(analysis)]
    usable.sort(key=lambda one: -len(task.intersection(one.task_words.split())))
    named = [{"name": one.name, "instructions": one.instructions} for one in usable[:wanted]]
    return orjson.dumps({"strategies": named}).decode()


def task_strategies(analysis: Analysis, slots: Slots) -> str:
    """The same, and questions on the document's names."""
    asked = [_question(analysis, name) for name in analysis.entities[:_MOST_LINES]] if analysis.english else []
    return orjson.dumps({"questions": asked, **orjson.loads(strategies(analysis, slots))}).decode()


def apply(analysis: Analysis, slots: Slots) -> str:
    """What the strategy of that name comes to; of a foreign one, the outline."""
    asked = canonical(slots["strategy"])
    chosen = next((one for one in _STRATEGIES if canonical(one.name) == asked), _STRATEGIES[0])
    return chosen.write(analysis) or _outline(analysis)


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "active_reading/strategies": (strategies, ("document",)),
    "active_reading/task_strategies": (task_strategies, ("document",)),
    "active_reading/apply": (apply, ("document", "strategy")),
}
"""Prompt -> what answers it, and the slots it needs."""


def _outline(analysis: Analysis) -> str:
    """The weightiest sentences, in order."""
    told = _told(analysis)
    most = max(3, min(_MOST_LINES, len(told) // 2 + 1))
    best = sorted(told, key=lambda n: (-analysis.weights[n], n))[:most]
    return _headed(analysis, "The key facts of {}", [f"- {told[n]}" for n in sorted(best)])


def _timeline(analysis: Analysis) -> str:
    """The dated sentences, each under its first date, in the order of the dates."""
    if not analysis.english:
        return ""
    dated: list[tuple[tuple[int, int, int], int, str]] = []
    for number, text in _told(analysis).items():
        date = _DATE.search(text)
        if date:
            month = _month_number(date[2])
            day = int(date[1] or date[3] or 0) if month else 0
            shown = date[0] if month else date[4]
            dated.append(((int(date[4]), month, day), number, f"- **{shown}**: {text}"))
    if len({date for date, _, _ in dated}) < _FEWEST_LINES:
        return ""
    return _long_enough(_headed(analysis, "A timeline of {}", [line for _, _, line in sorted(dated)]))


def _who_is_who(analysis: Analysis) -> str:
    """The names, each with the first sentence that mentions it."""
    if not analysis.english:
        return ""
    told = _told(analysis)
    plain = {number: Haystack(_PARENTHESIS.sub("", text)) for number, text in told.items()}
    introduced: dict[int, list[str]] = {}
    for name in _names(analysis):
        where = [n for n in analysis.sentences_with(name) if n in told and plain[n].find(name)]
        if where:
            introduced.setdefault(where[0], []).append(name)
    lines = [f"- **{enumerate_names(introduced[n])}**: {told[n]}" for n in sorted(introduced)]
    if len(lines) < _FEWEST_LINES:
        return ""
    return _long_enough(_headed(analysis, "Who is who and what is what in {}", lines))


def _blanks(analysis: Analysis) -> str:
    """Sentences with a name or a year left out, and then the answers."""
    if not analysis.english:
        return ""
    told = _told(analysis)
    best = sorted(told, key=lambda n: (-analysis.weights[n], n))
    items: dict[int, tuple[str, str]] = {}
    asked: set[str] = set()
    for number in best:
        text = told[number]
        hidden = next((one for one in hideable(analysis, number, text) if canonical(one.text) not in asked), None)
        if hidden and len(items) < _MOST_LINES:
            asked.add(canonical(hidden.text))
            items[number] = (f"{text[: hidden.start]}_____{text[hidden.end :]}", hidden.text)
    if len(items) < _FEWEST_LINES:
        return ""
    chosen = [items[n] for n in sorted(items)]
    questions = [f"{place}. {text}" for place, (text, _) in enumerate(chosen, 1)]
    answers = [f"{place}. {answer}" for place, (_, answer) in enumerate(chosen, 1)]
    return _long_enough(_headed(analysis, "Fill in the blanks: {}", [*questions, "", "The answers:", "", *answers]))


def _numbers(analysis: Analysis) -> str:
    """The sentences with numbers other than years, each under its numbers."""
    if not analysis.english:
        return ""
    lines = []
    for text in _told(analysis).values():
        dates = [date.span() for date in _DATE.finditer(text)]
        found = [_trimmed(n[0]) for n in _NUMBER.finditer(text) if not any(a <= n.start() < b for a, b in dates)]
        found = [figure for figure in dict.fromkeys(found) if figure]
        if found:
            lines.append(f"- **{'; '.join(found)}**: {text}")
    if len(lines) < _FEWEST_LINES:
        return ""
    return _long_enough(_headed(analysis, "Numbers to remember from {}", lines))


def _comparison(analysis: Analysis) -> str:
    """What is told of one name alone, of another alone, and of both."""
    if not analysis.english:
        return ""
    pair = _to_compare(analysis)
    if pair is None:
        return ""
    draft, (one, other) = Draft(analysis), pair
    here, there = (set(analysis.sentences_with(name)) for name in pair)
    parts = []
    for label, numbers in (("Both", here & there), (one, here - there), (other, there - here)):
        taken = draft.take(numbers, lambda n: analysis.weights[n], _SECTION_WORDS)
        parts.append((label, paragraphs(analysis, taken)) if taken else (label, ""))
    if not all(text for label, text in parts if label != "Both"):
        return ""
    spoken = enumerate_names([analysis.spoken(name) for name in pair])
    title = f"{spoken[:1].upper()}{spoken[1:]} compared, in {{}}"
    told = [f"**{label}**\n\n{text}" for label, text in (*parts[1:], parts[0]) if text]
    return _long_enough(_headed(analysis, title, ["\n\n".join(told)]))


def _cards(analysis: Analysis) -> str:
    """A question on each name, and what the document says of it."""
    if not analysis.english:
        return ""
    draft = Draft(analysis)
    cards: list[str] = []
    for name in analysis.entities:
        where = [n for n in analysis.sentences_with(name) if analysis.sentences[n].kind == "prose"]
        taken = draft.take(where, lambda n: analysis.weights[n], _SECTION_WORDS // 2, most=2)
        answer = paragraphs(analysis, taken).replace("\n\n", " ")
        if Haystack(answer).find(name.split()[-1]) and len(cards) < _MOST_LINES:
            cards.append(f"Question: {_question(analysis, name)}\nAnswer: {answer}")
    if len(cards) < _FEWEST_LINES:
        return ""
    return _long_enough(_headed(analysis, "Question cards on {}", ["\n\n".join(cards)]))


_STRATEGIES = (
    _Strategy(
        "Outline of the key facts",
        "Choose the sentences that carry most of what the document is about and list them in its order, one a line.",
        "summary facts main",
        _outline,
    ),
    _Strategy(
        "Timeline",
        "Collect everything that the document dates, put it in the order of time, and head each entry with its date.",
        "when dates date years year history order timeline",
        _timeline,
    ),
    _Strategy(
        "Who is who",
        "List the people, places and works that occur, each with the statement that introduces it.",
        "who people names places where person",
        _who_is_who,
    ),
    _Strategy(
        "Fill-in-the-blank quiz",
        "Leave a name, a date or a number out of each important statement, and give the answers below the statements.",
        "trivia quiz short blanks factual",
        _blanks,
    ),
    _Strategy(
        "Numbers to remember",
        "Pick out every quantity, size, price and count, and repeat beside it what it measures.",
        "numbers many much quantities amounts figures financial",
        _numbers,
    ),
    _Strategy(
        "Comparison of two things",
        "Take the two names of which most is told, set down what holds for each alone, and then what joins them.",
        "compare comparison difference contrast relations",
        _comparison,
    ),
    _Strategy(
        "Question cards",
        "Ask of each name in turn what is told of it, and answer from the document in whole sentences.",
        "questions question trivia answers answer factual",
        _cards,
    ),
)


def _told(analysis: Analysis) -> dict[int, str]:
    """The sentences that can be read alone: number -> as they are told alone."""
    told: dict[int, str] = {}
    for number, sentence in enumerate(analysis.sentences):
        text = analysis.resolved.get(number, "" if sentence.leans else sentence.text)
        if text and sentence.kind == "prose":
            told[number] = f"{sentence.label}: {text}" if sentence.label else text
    return told


def _headed(analysis: Analysis, heading: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    title = analysis.title or "the document"
    shown = f"*{title}*" if analysis.english and analysis.title and "*" not in title else title
    return f"## {heading.format(shown) if analysis.english else analysis.title or '–'}\n\n" + "\n".join(lines)


def _long_enough(text: str) -> str:
    return text if len(text.split()) >= _FEWEST_WORDS else ""


def _month_number(name: str | None) -> int:
    return _MONTHS.index(name[:3].lower()) // 3 + 1 if name else 0


def _trimmed(figure: str) -> str:
    """A number with its unit, as far as the words after it are one."""
    number, *words = figure.split()
    kept: list[str] = []
    for word in words:
        if word in STOPWORDS and word not in ("million", "hundred", "thousand"):
            break
        kept.append(word)
    if not kept and number.isdecimal() and len(number) < 2:
        return ""
    return " ".join((number, *kept))


def _to_compare(analysis: Analysis) -> tuple[str, str] | None:
    """Two names of which something is told of each without the other; rather two that also meet."""
    told, names = _told(analysis), _names(analysis)[:_MOST_COMPARED]
    where = {name: {n for n in analysis.sentences_with(name) if n in told} for name in names}
    best: tuple[tuple[int, int], tuple[str, str]] | None = None
    for one, other in combinations(names, 2):
        alone = min(len(where[one] - where[other]), len(where[other] - where[one]))
        value = (min(alone, 3), len(where[one] & where[other]))
        if alone and (best is None or value > best[0]):
            best = (value, (one, other))
    return best[1] if best else None


def _names(analysis: Analysis) -> list[str]:
    """The proper names, without the title's own."""
    return [name for name in analysis.entities if name[:1].isupper() and not _is_title(analysis, name)]


def _is_title(analysis: Analysis, name: str) -> bool:
    return canonical(name) in (canonical(analysis.title), canonical(_PARENTHESIS.sub("", analysis.title)))


def _question(analysis: Analysis, name: str) -> str:
    """A question that holds of any name."""
    if _is_title(analysis, name) or not analysis.title:
        return f"What is told of {analysis.spoken(name)}?"
    return f"What does *{analysis.title}* tell of {analysis.spoken(name)}?".replace("**", "*")
