"""Answers to requests for reading-comprehension tasks: asked by rules, answered in the passage's sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.writing import Draft, enumerate_names, paragraphs
from synthcpt.text.mentions import canonical

Slots = Mapping[str, str]
Asked = tuple[str, Sequence[int], str]
"""A question, the sentences it is about, and the answer; "" for the sentences themselves."""

_MOST_TASKS = 10
_SUMMARY_WORDS = 90
_EXPLANATION_WORDS = 80
_FEWEST_WORDS = 6
_SHORT_WORDS = 40
_GAP = "____"
_AROUND_GAP = frozenset(["", *' ,.;:!?()"“”'])
_COUNTS = ("no", "one", "two", "three", "four")


def questions(analysis: Analysis, slots: Slots) -> str:
    """Sentences with a name left out, to be filled in."""
    return _answer(analysis, slots, _gaps(analysis))


def summaries(analysis: Analysis, slots: Slots) -> str:
    """The passage in a sentence, in a few, and with regard to what it speaks of most."""
    return _answer(analysis, slots, _summaries(analysis))


def explanations(analysis: Analysis, slots: Slots) -> str:
    """What the passage says of each of its subjects."""
    return _answer(analysis, slots, _explanations(analysis))


def inferences(analysis: Analysis, slots: Slots) -> str:
    """What a statement shows: who or what has to do with whom."""
    return _answer(analysis, slots, _inferences(analysis))


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "reading_comprehension/questions": (questions, ("document",)),
    "reading_comprehension/summaries": (summaries, ("document",)),
    "reading_comprehension/explanations": (explanations, ("document",)),
    "reading_comprehension/inferences": (inferences, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _answer(analysis: Analysis, slots: Slots, asked: Iterator[Asked]) -> str:
    """The first of the tasks, as many as wanted, as JSON."""
    wanted = slots.get("count", "")
    count = min(_MOST_TASKS, int(wanted)) if wanted.isdigit() else _MOST_TASKS
    tasks: list[dict[str, str]] = []
    for question, numbers, answer in asked:
        if len(tasks) >= count:
            break
        told = answer or paragraphs(analysis, numbers).replace("\n\n", " ")
        if any(told == task["answer"] for task in tasks):
            continue
        evidence = max((analysis.sentences[number] for number in numbers), key=lambda sentence: len(sentence.text))
        tasks.append({"question": question, "answer": told, "evidence": evidence.text})
    return orjson.dumps({"tasks": tasks}).decode()


def _gaps(analysis: Analysis) -> Iterator[Asked]:
    for number in _weightiest(analysis):
        text = analysis.resolved.get(number, analysis.sentences[number].text)
        name = next(
            (name for name in reversed(analysis.names_in(number)) if _can_be_left_out(analysis, name, text)), ""
        )
        if not name:
            continue
        shown = text.replace(name, _GAP, 1)
        question = f"Which name belongs in the gap, according to {_account(analysis)}? {shown}"
        yield (question if analysis.english else f"{analysis.title}: {shown}".lstrip(": ")), [number], name


def _can_be_left_out(analysis: Analysis, name: str, text: str) -> bool:
    """A name in capitals, once in the sentence and not a part of a longer one, and not what the title gives away."""
    at = text.find(name)
    end = at + len(name)
    if at < 0 or text.count(name) > 1 or not name[:1].isupper() or canonical(name) in canonical(analysis.title):
        return False
    around = (text[at - 1 : at], text[end : end + 1])
    longer = text[end : end + 1] == " " and text[end + 1 : end + 2].isupper()
    before = text[:at].split()[-1:] or [""]
    return all(char in _AROUND_GAP for char in around) and not longer and not before[0][:1].isupper()


def _summaries(analysis: Analysis) -> Iterator[Asked]:
    best = _weightiest(analysis)
    account = _account(analysis)
    if not best:
        return
    first = min(best[:3])
    yield (f"Sum up {account} in a sentence." if analysis.english else _title(analysis)), [first], ""
    draft = Draft(analysis)
    few = draft.take(best, lambda number: analysis.weights[number], _SUMMARY_WORDS, 4)
    if analysis.english and 1 < len(few) < len(_COUNTS) and 2 * len(few) < len(analysis.sentences):
        yield f"Sum up {account} in {_COUNTS[len(few)]} sentences.", few, ""
    for name in analysis.entities if analysis.english else ():
        told = Draft(analysis).take(_telling(analysis, name), lambda n: analysis.weights[n], _SHORT_WORDS, 2)
        if told and canonical(name) not in canonical(analysis.title):
            yield f"Say in brief what {account} tells of {analysis.spoken(name)}.", told, ""


def _explanations(analysis: Analysis) -> Iterator[Asked]:
    draft = Draft(analysis)
    for name in analysis.entities:
        if canonical(name) in canonical(analysis.title):
            continue
        told = draft.take(_telling(analysis, name), lambda number: analysis.weights[number], _EXPLANATION_WORDS, 3)
        told = draft.extend(told, _EXPLANATION_WORDS, ())
        if sum(len(analysis.sentences[number].text.split()) for number in told) < _FEWEST_WORDS:
            continue
        spoken = analysis.spoken(name)
        question = f"Explain to a newcomer what {_account(analysis)} has to say of {spoken}."
        yield (question if analysis.english else name), told, ""


def _inferences(analysis: Analysis) -> Iterator[Asked]:
    """Two names that never share a sentence, and a third that each shares one with."""
    names = [name for name in analysis.entities if name[:1].isupper()] if analysis.english else []
    known = {name: set(analysis.sentences_with(name)) for name in names}
    told = set[frozenset[str]]()
    for one in names:
        for through in names:
            here = _first_told(analysis, known[one] & known[through])
            if through == one or here is None:
                continue
            for other in names:
                there = _first_told(analysis, known[other] & known[through])
                new = len({canonical(name) for name in (one, through, other)}) == 3 and told.isdisjoint(
                    [frozenset((one, other)), frozenset((one,)), frozenset((other,))]
                )
                if new and there is not None and known[one].isdisjoint(known[other]):
                    told |= {frozenset((one, other)), frozenset((one,)), frozenset((other,))}
                    yield _connection(analysis, (one, other, through), sorted({here, there}))


def _connection(analysis: Analysis, names: tuple[str, str, str], numbers: Sequence[int]) -> Asked:
    one, other, through = map(analysis.spoken, names)
    question = f"What connects {enumerate_names((one, other))} in {_account(analysis)}?"
    reason = paragraphs(analysis, numbers).replace("\n\n", " ")
    return question, numbers, f"{_capital(through)}. {reason}"


def _first_told(analysis: Analysis, numbers: set[int]) -> int | None:
    return next((number for number in sorted(numbers) if _is_told(analysis, number)), None)


def _telling(analysis: Analysis, name: str) -> list[int]:
    return [number for number in analysis.sentences_with(name) if analysis.sentences[number].kind == "prose"]


def _weightiest(analysis: Analysis) -> list[int]:
    """Sentences that can be told alone, the weightiest first."""
    told = [number for number in range(len(analysis.sentences)) if _is_told(analysis, number)]
    return sorted(told, key=lambda number: (-analysis.weights[number], number))


def _is_told(analysis: Analysis, number: int) -> bool:
    sentence = analysis.sentences[number]
    alone = not sentence.leans or number in analysis.resolved
    long_enough = not sentence.text.isascii() or len(sentence.text.split()) >= _FEWEST_WORDS
    return sentence.kind == "prose" and alone and long_enough and not sentence.label


def _account(analysis: Analysis) -> str:
    return f"the account of {analysis.title}" if analysis.title else "the passage"


def _title(analysis: Analysis) -> str:
    return analysis.title or "…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
