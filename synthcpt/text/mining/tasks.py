"""Puts found tasks into words: one template a kind, so that the tasks of a kind stand as examples of each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from synthcpt.records import Json
from synthcpt.text.abbreviations import word_set
from synthcpt.text.mining.found import TYPES, Found
from synthcpt.text.mining.miner import Draw
from synthcpt.text.mining.segments import Span, one_line
from synthcpt.text.mining.templates import TaskTemplate, templates

CLASSIFY_SHARE = 0.8
"""Relations between sentences are asked for by a label this often, else by the second sentence, as in the paper."""
REVERSED_SHARE = 0.2
"""Of the tasks on keywords, those that ask for the words of a sentence, and not for a sentence with the words."""

_RELATIONS = ("entail", "neutral", "contradict")
_CAPITALISED = frozenset(("premise", "hypothesis", "effect", "cause"))
_INSIDE = frozenset(("term", "subject"))
_ARTICLES = word_set("The A An This These That Those Its His Her Their Our My Some Any Each Every")


class Task(NamedTuple):
    """A task in words.

    Attributes:
        subtype: as found.
        form: ``classify`` for a label, ``generate`` for a span of the text, ``reversed`` the other way round;
            ``written`` where a model wrote it.
        question: what is asked.
        answer: what is answered.
        span: where the answer stands in the text; None for labels and lists of words.
        sources: where else the question draws from: slot -> place.
    """

    subtype: str
    form: str
    question: str
    answer: str
    span: Span | None
    sources: Mapping[str, Span]

    @property
    def type(self) -> str:
        """The paper's type of task."""
        return TYPES.get(self.subtype, "written")

    @property
    def text(self) -> str:
        """Question and answer, as they are trained on."""
        gap = "\n" if self.form == "written" else " "
        return f"{self.question}{gap}{self.answer}"

    def describe(self, base: int) -> dict[str, Json]:
        """The task without its words, for a row's provenance; ``base`` is where the text starts in its document."""
        span = None if self.span is None else (self.span[0] + base, self.span[1] + base)
        return {
            "type": self.type, "subtype": self.subtype, "form": self.form, "answer": span,
            "label": self.answer if self.form == "classify" else None,
            "sources": {slot: (start + base, end + base) for slot, (start, end) in self.sources.items()},
        }  # fmt: skip


_LEANING = word_set(
    """he she it they this that these those his her hers its their theirs such here there both another other others
    each either neither then later afterwards meanwhile however instead i we you my our your"""
)
_OPENING_CHARS = 40


def stands_alone(task: Task, text: str) -> bool:
    """Whether a task can be understood without the text: what it quotes begins with no word that points elsewhere."""
    if task.form == "written":
        return True
    places = [*task.sources.values(), *([task.span] if task.span else [])]
    opening = (text[start : min(end, start + _OPENING_CHARS)].split(None, 1)[0] for start, end in places)
    return all(word.strip(",\"'“‘").lower() not in _LEANING for word in opening)


def word_blocks(text: str, found: Sequence[Found], draw: Draw) -> list[list[Task]]:
    """The tasks in words, a list each kind."""
    kinds: dict[str, list[Found]] = {}
    classify = draw("wording").random() < CLASSIFY_SHARE if found else False
    for one in found:
        kinds.setdefault("nli" if classify and one.subtype in _RELATIONS else one.subtype, []).append(one)
    if "keywords" in kinds and draw("wording").random() < REVERSED_SHARE:
        kinds["keywords_reversed"] = kinds.pop("keywords")
    return [_block(text, kind, members, draw) for kind, members in kinds.items()]


def _block(text: str, kind: str, found: Sequence[Found], draw: Draw) -> list[Task]:
    template = draw("wording").choice(templates().tasks[kind])
    form = {"nli": "classify", "keywords_reversed": "reversed"}.get(kind, "generate")
    if kind == "nli":  # else the labels would always come in one order
        found = draw("wording").sample(found, len(found))
    return [_task(text, form, template, one) for one in found]


def _task(text: str, form: str, template: TaskTemplate, found: Found) -> Task:
    values = {slot: _worded(slot, text[start:end]) for slot, (start, end) in found.places.items()}
    if found.words:
        values["keywords"] = ", ".join(found.words)
    if template.labels:
        values["label"] = template.labels[_RELATIONS.index(found.subtype)]
    answered = template.answer.pieces[1]
    sources = {slot: place for slot, place in found.places.items() if slot != answered}
    question, answer = template.ask.fill(values), template.answer.fill(values)
    if question[-1] in ".?!":
        answer = answer[:1].upper() + answer[1:]
    return Task(found.subtype, form, question, answer, found.places.get(answered), sources)


def _worded(slot: str, text: str) -> str:
    """As it stands in a task: on one line, a statement with a capital, a term without that of its article."""
    line = one_line(text)
    if slot in _CAPITALISED:
        return line[:1].upper() + line[1:]
    if slot in _INSIDE and line.split(" ", 1)[0] in _ARTICLES:
        return line[:1].lower() + line[1:]
    return line
