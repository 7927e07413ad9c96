"""Questions with known answers: read from files of many shapes, and joined to the documents they ask about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal

from synthcpt.corpus.hub import HUB_PREFIX, hub_rows, parse_hub
from synthcpt.corpus.sources import HUB_KIND, Place, Source, find_sources
from synthcpt.corpus.tables import TABLES
from synthcpt.errors import QuestionError
from synthcpt.evaluation.matching import DocumentNames
from synthcpt.evaluation.nesting import spread
from synthcpt.evaluation.question_rows import AnswerMissing, FieldNames, Parsed, parse_row
from synthcpt.records import Document, Json

_MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what counts as its answer.

    Attributes:
        id: unique in its file; made of the question's own content where the file gives none.
        text: the question as asked.
        answers: the golds, any of which is right; the first is the one shown in demonstrations. Never empty.
        choices: the options of a multiple-choice question, without their letters; empty for a free answer.
        correct: the right option's place, from 0; None exactly where there are no choices.
        document: the id of the document that is asked about, the cluster of statistics; None where unknown.
        kind: a class of questions to report on by itself; may be empty.
        meta: the row's other fields; ``context``, ``title``, ``author`` and ``year`` are used where they are there.
    """

    id: str
    text: str
    answers: tuple[str, ...]
    choices: tuple[str, ...] = ()
    correct: int | None = None
    document: str | None = None
    kind: str = ""
    meta: Mapping[str, Json] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Matching:
    """Questions joined to a corpus.

    Attributes:
        questions: all of them in their order; `Question.document` is the corpus's id where one was found.
        matched: how many found their document.
        by: how many by what: ``id``, ``context``, ``file name``, ``meta`` or ``title``.
        unmatched: the ids of those that found none.
    """

    questions: tuple[Question, ...]
    matched: int
    by: Mapping[str, int]
    unmatched: tuple[str, ...]

    def __str__(self) -> str:
        """E.g. ``1,743 of 1,743 questions found their document``."""
        return f"{self.matched:,} of {len(self.questions):,} questions found their document"


def read_questions(
    inputs: str | Path | Sequence[str | Path],
    *,
    fields: Mapping[str, str] | None = None,
    first_choice: Literal[0, 1] | None = None,
) -> list[Question]:
    """All questions of files (JSONL, JSON, CSV, TSV, Parquet), folders of these, saved or Hub datasets (``hf:NAME``).

    The usual field names are found by themselves (see `question_rows.ROLES`): those of SQuAD, PopQA, QuALITY (a row an
    article, questions nested), WikiDYK (a row a fact, questions by kind), MMLU, ARC, and plain files. A right option
    may be given by its text, its letter or its place.

    Args:
        inputs: where they are.
        fields: role -> name of the field that holds it, for other names; see `question_rows.ROLES` for the roles.
        first_choice: what the first option's number is, where options are given by number. None takes 1 for QuALITY's
            ``gold_label`` and for ``answerKey``, and 0 otherwise.

    Raises:
        CorpusError: a file is missing or broken.
        QuestionError: no question, a row without question or answer, an option that is none, two questions of one id.
        ConfigError: an unknown role in ``fields``.
    """
    names = FieldNames(fields or {}, first_choice)
    questions: list[Question] = []
    places: dict[str, Place] = {}
    unanswered: list[Place] = []
    contexts: dict[str, str] = {}
    for place, row in _rows([str(inputs)] if isinstance(inputs, str | Path) else [str(given) for given in inputs]):
        for part in spread(row):
            try:
                parsed = parse_row(part, names, str(place))
            except AnswerMissing:
                unanswered.append(place)
                continue
            question = _question(parsed, contexts)
            question = _with_own_id(question, bool(parsed.id), place, places)
            places[question.id] = place
            questions.append(question)
    if unanswered:
        raise _unanswered(unanswered)
    if not questions:
        raise QuestionError(f"There is no question in {inputs}: its tables are empty. Name another file.")
    return questions


def _question(parsed: Parsed, contexts: dict[str, str]) -> Question:
    meta = dict(parsed.meta)
    if parsed.context:
        # Many questions on one text share one string.
        meta["context"] = contexts.setdefault(parsed.context, parsed.context)
    document = parsed.document or str(meta.get("title") or "") or None
    if document is None and parsed.context:
        document = f"context-{_digest(parsed.context)}"
    made = parsed.id or "q-" + _digest("\0".join((parsed.text, *parsed.answers, *parsed.choices, document or "")))
    return Question(made, parsed.text, parsed.answers, parsed.choices, parsed.correct, document, parsed.kind, meta)


def _with_own_id(question: Question, given: bool, place: Place, places: Mapping[str, Place]) -> Question:
    """A made id that is there already (the same question twice) gets a number; a given one is refused."""
    if question.id not in places:
        return question
    if given:
        raise QuestionError(
            f"Two questions have the id {question.id[:100]!r}: {places[question.id]} and {place}. Make the ids unique, "
            "or let them be made of the questions with --set \"fields={id: ''}\"."
        )
    number = 2
    while f"{question.id}-{number}" in places:
        number += 1
    return replace(question, id=f"{question.id}-{number}")


def _unanswered(places: Sequence[Place]) -> QuestionError:
    named = [str(place.number) for place in places if place.path == places[0].path][:_MOST_NAMED]
    numbers = ", ".join(named)
    more = f" and {len(places) - len(named):,} more" if len(places) > len(named) else ""
    one = len(places) == 1
    return QuestionError(
        f"{places[0].path}: {'a question has' if one else f'{len(places):,} questions have'} no answer "
        f"({places[0].unit}{'' if one else 's'} {numbers}{more}). Give each its answer, or take it out; if the answers "
        "are in a field of another name, name it with --set 'fields={answers: NAME}'."
    )


def _rows(inputs: Sequence[str]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for given in inputs:
        path = Path(given)
        if not given.startswith(HUB_PREFIX) and path.is_dir() and (path / "state.json").is_file():
            yield from _saved_rows(path)
            continue
        found = find_sources([given], Counter())
        readable = [source for source in found if source.kind in TABLES or source.kind == HUB_KIND]
        if not readable:
            raise QuestionError(
                f"{given} is no table of questions. Questions are read from {', '.join(TABLES)} files, e.g. one object "
                'a line: {"question": "...", "answer": "...", "document": "..."}.'
            )
        for source in readable:
            yield from _source_rows(source)


def _source_rows(source: Source) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if source.kind == HUB_KIND:
        for number, row in hub_rows(parse_hub(source.name)):
            yield Place(source.name, "row", number), row
        return
    table = TABLES[source.kind]
    for number, row in table.rows(source):
        yield Place(str(source.path), table.unit, number), row


def _saved_rows(folder: Path) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """A dataset saved by ``datasets.save_to_disk``."""
    import datasets
    import pyarrow

    try:
        dataset = datasets.load_from_disk(str(folder))
    except (datasets.exceptions.DatasetsError, pyarrow.ArrowException, OSError, ValueError) as error:
        raise QuestionError(f"The dataset in {folder} cannot be read: {error}. Save or fetch it anew.") from error
    for number, row in enumerate(dataset, start=1):
        yield Place(str(folder), "row", number), row


def match_documents(questions: Sequence[Question], documents: Sequence[Document]) -> Matching:
    """Find each question's document in a corpus.

    By, in this order: the document's id; its text (a question's ``context``); its path, file name or stem; its
    ``wiki_id``, ``article_id`` and the like in the meta; its title. A name that two documents share finds neither.
    """
    names = DocumentNames(documents)
    by: Counter[str] = Counter()
    joined, unmatched = [], []
    for question in questions:
        found = names.find(question.document, question.meta.get("context"), question.meta.get("title"))
        if found is None:
            unmatched.append(question.id)
            joined.append(question)
        else:
            by[found.by] += 1
            joined.append(replace(question, document=found.document))
    return Matching(tuple(joined), sum(by.values()), dict(by), tuple(unmatched))


def own_documents(questions: Sequence[Question]) -> list[Document]:
    """The texts that the questions bring along (``context``), as documents of one text each, in order.

    For an open book without a corpus; `match_documents` with these finds every such question's text.
    """
    texts = dict.fromkeys(str(question.meta["context"]) for question in questions if question.meta.get("context"))
    return [Document(f"context-{_digest(text)}", text) for text in texts]


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
