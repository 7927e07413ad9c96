"""The prompts of an evaluation, as plain text for base models and as a chat for chat models."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import TypeAlias

import yaml

from synthcpt.errors import QuestionError
from synthcpt.evaluation.parsing import ANSWER_LABEL, QUESTION_LABEL, Verdict, letter
from synthcpt.evaluation.questions import Question
from synthcpt.evaluation.retrieval import Hit
from synthcpt.randomness import stream
from synthcpt.records import Document, Json, Message, Request, Sampling
from synthcpt.templates import PromptBook

PROMPTS = tuple(
    f"evaluation/{name}" for name in ("closed_book", "open_book", "retrieval", "choice", "choice_cot", "judge")
)
"""The prompt files, for `PromptBook.check_overrides`."""

REASONING_LABEL = "Reasoning:"

Said: TypeAlias = Callable[[Question], str]
"""What a demonstration's answer is."""

_NEXT_BLOCK = (f"\n{QUESTION_LABEL}", "\n\n")


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question, ready to be asked.

    Attributes:
        setting: as in answers.jsonl: ``closed_book``, ``open_book``, ``retrieval``, ``choice``, ``choice_cot``.
        pieces: the plain text for a base model, cut after what many questions share (the demonstrations, the
            document). It ends in a label; a continuation begins with a space.
        messages: the same as a chat, to be sent instead of the text.
        stop: strings that end a base model's answer; a chat needs none.
        sampling: the prompt file's own settings (temperature, most new tokens), without the stop strings.
        shots: the ids of the demonstrations.
    """

    setting: str
    pieces: tuple[str, ...]
    messages: tuple[Message, ...]
    stop: tuple[str, ...]
    sampling: Sampling
    shots: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The plain text for a base model."""
        return "".join(self.pieces)


class Shots:
    """Demonstrations for few-shot prompts: one order for all questions, so that they share their prompt's beginning.

    Args:
        questions: answered questions to draw from.
        count: how many a prompt shows.
        seed: fixes the order.
    """

    def __init__(self, questions: Sequence[Question], count: int, seed: int = 0) -> None:
        self.count = count
        self._order = list(questions)
        stream(seed, "evaluation", "shots").shuffle(self._order)

    def of(self, question: Question) -> tuple[Question, ...]:
        """The first in order that share neither the document nor the text with the question.

        Raises:
            QuestionError: there are too few of them.
        """
        fit = (shot for shot in self._order if not _shares(shot, question))
        chosen = tuple(shot for _, shot in zip(range(self.count), fit, strict=False))
        if len(chosen) < self.count:
            raise QuestionError(
                f"Only {len(chosen)} of {len(self._order)} demonstrations are about other documents than question "
                f"{question.id!r}, and {self.count} are to be shown. Give more demonstrations, or show fewer."
            )
        return chosen


def _shares(shot: Question, question: Question) -> bool:
    same_document = shot.document is not None and shot.document == question.document
    return same_document or shot.id == question.id or shot.text.casefold() == question.text.casefold()


class Prompter:
    """Makes the prompts of every setting.

    Args:
        book: the chat instructions; the shipped ones by default.
        frame: put "In the context of <title>, written by <author> in <year>" before a multiple-choice question whose
            meta has a title, as EntiGraph does on QuALITY (arXiv 2409.07431, section 4).
    """

    def __init__(self, book: PromptBook | None = None, *, frame: bool = True) -> None:
        self._book = book or PromptBook()
        self._frame = frame

    def closed_book(self, question: Question, shots: Sequence[Question] = ()) -> Prompt:
        """The question alone."""
        return self._free("closed_book", question, shots, "", {})

    def open_book(self, question: Question, document: Document, shots: Sequence[Question] = ()) -> Prompt:
        """The document first, so that a prefix cache holds it, the question last."""
        slots = {"title": document.title, "document": document.text}
        return self._free("open_book", question, shots, _as_head(document), slots)

    def retrieval(self, question: Question, hits: Sequence[Hit], shots: Sequence[Question] = ()) -> Prompt:
        """Passages before the question, the best (the first of ``hits``) last, as EntiGraph found best."""
        shown = [f"{hit.passage.title}\n{hit.passage.text}".strip() for hit in reversed(hits)]
        passages = "\n\n".join(shown)
        return self._free("retrieval", question, shots, passages + "\n\n" if shown else "", {"passages": passages})

    def choice(self, question: Question, shots: Sequence[Question] = (), document: Document | None = None) -> Prompt:
        """Lettered options, to be answered by a letter; with a document before it for an open book."""
        head = "" if document is None else _as_head(document)
        chat_head = f"## The document: {document.title}\n\n{document.text}\n\n## The question\n\n" if document else ""
        examples = "".join(f"{self._lettered(shot)}\n{ANSWER_LABEL} {gold_letter(shot)}\n\n" for shot in shots)
        pieces = (head, examples, f"{self._lettered(question)}\n{ANSWER_LABEL}")
        request = self._chat("choice", question, shots, {"document": chat_head}, gold_letter)
        return _prompt("choice", pieces, request, _NEXT_BLOCK, shots)

    def choice_cot(self, question: Question) -> Prompt:
        """Lettered options after five worked examples on famous novels, each with its reasoning; sampled N times."""
        shots = novels()
        examples = "".join(f"{self._lettered(shot)}\n{REASONING_LABEL} {_worked(shot)}\n\n" for shot in shots)
        pieces = (examples, f"{self._lettered(question)}\n{REASONING_LABEL}")
        request = self._chat("choice_cot", question, shots, {}, _worked)
        # The reasoning may have paragraphs, so only a next question ends it.
        return _prompt("choice_cot", pieces, request, _NEXT_BLOCK[:1], shots)

    def judge(self, question: Question, answer: str) -> Request:
        """Asks a judge whether an answer is right; its answer is a `Verdict`, held to its schema where that can be."""
        request = self._book.load("evaluation/judge").render(
            question=question.text, golds=list(question.answers), answer=answer.strip() or "(no answer)"
        )
        return Request(
            request.messages, request.sampling, Verdict.model_json_schema(), prompt=request.prompt, slots=request.slots
        )

    def asked(self, question: Question) -> str:
        """The question's text, framed by its source where that is wanted and known."""
        return framed(question) if self._frame and question.choices else question.text

    def _free(
        self, setting: str, question: Question, shots: Sequence[Question], head: str, slots: Mapping[str, str]
    ) -> Prompt:
        examples = "".join(f"{self._plain(shot)} {shot.answers[0]}\n\n" for shot in shots)
        request = self._chat(setting, question, shots, slots, lambda shot: shot.answers[0])
        return _prompt(setting, (head, examples, self._plain(question)), request, _NEXT_BLOCK, shots)

    def _plain(self, question: Question) -> str:
        return f"{QUESTION_LABEL} {self.asked(question)}\n{ANSWER_LABEL}"

    def _chat(
        self, setting: str, question: Question, shots: Sequence[Question], slots: Mapping[str, str], answer: Said
    ) -> Request:
        """The setting's chat: its instructions, a turn each way a demonstration, the question with what belongs to it.

        Demonstrations of free answers are asked without material: the material is the question's own.
        """
        asked = self._book.load(f"evaluation/{setting}")
        bare = self._book.load("evaluation/closed_book") if setting in ("open_book", "retrieval") else asked
        turns = []
        for shot in shots:
            shown = bare.render(**self._slots(shot, bare.slots), **dict.fromkeys(bare.slots & {"document"}, ""))
            turns += [shown.messages[-1], Message("assistant", (answer(shot),))]
        request = asked.render(**self._slots(question, asked.slots), **slots)
        return replace(request, messages=(*request.messages[:-1], *turns, request.messages[-1]))

    def _slots(self, question: Question, wanted: Container[str]) -> dict[str, str]:
        """The question, and its options where the prompt shows them."""
        slots = {"question": self.asked(question)}
        return slots | {"options": lettered(question.choices)} if "options" in wanted else slots

    def _lettered(self, question: Question) -> str:
        return f"{QUESTION_LABEL} {self.asked(question)}\n{lettered(question.choices)}"


def framed(question: Question) -> str:
    """'In the context of "Title", written by Author in Year, who ...'; the bare question where no title is known."""
    title, author, year = (str(question.meta.get(name) or "").strip() for name in ("title", "author", "year"))
    if not title:
        return question.text
    written = (f" by {author}" if author else "") + (f" in {year}" if year else "")
    return f'In the context of "{title}",{f" written{written}," if written else ""} {_lowered(question.text)}'


def _lowered(text: str) -> str:
    """With the first letter in lower case, unless it begins "I" or an acronym."""
    word = text.split(maxsplit=1)[0] if text.split() else ""
    return text if (len(word) == 1 and word == "I") or word[1:2].isupper() else text[:1].lower() + text[1:]


def lettered(choices: Sequence[str]) -> str:
    """One option a line: ``A. ...``."""
    return "\n".join(f"{letter(place)}. {choice}" for place, choice in enumerate(choices))


def gold_letter(question: Question) -> str:
    """The right option's letter.

    Raises:
        QuestionError: the question has no options.
    """
    if question.correct is None:
        raise QuestionError(f"Question {question.id!r} has no options to choose from. Ask it for a free answer.")
    return letter(question.correct)


def _worked(question: Question) -> str:
    return f"{question.meta['reasoning']}\n{ANSWER_LABEL} {gold_letter(question)}"


def _as_head(document: Document) -> str:
    return f"{document.title}\n\n{document.text}\n\n" if document.title else f"{document.text}\n\n"


def _prompt(
    setting: str, texts: Sequence[str], request: Request, stop: tuple[str, ...], shots: Sequence[Question]
) -> Prompt:
    pieces = tuple(text for text in texts if text)
    return Prompt(setting, pieces, request.messages, stop, request.sampling, tuple(shot.id for shot in shots))


@lru_cache(maxsize=1)
def novels() -> tuple[Question, ...]:
    """Five worked examples on famous novels in the public domain; the reasoning is in the meta."""
    source = resources.files("synthcpt.prompts").joinpath("evaluation", "novels.yaml")
    rows: list[dict[str, Json]] = yaml.safe_load(source.read_text(encoding="utf-8"))
    return tuple(
        Question(
            f"novel-{number}", row["question"], (row["choices"][place],), tuple(row["choices"]), place, row["title"],
            meta={name: row[name] for name in ("title", "author", "year", "reasoning")},
        )
        for number, row in enumerate(rows, start=1)
        for place in [ord(row["answer"]) - ord("A")]
    )  # fmt: skip
