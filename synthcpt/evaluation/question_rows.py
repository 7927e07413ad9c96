"""From a row of some published set to a question's parts."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from synthcpt.corpus.cleaning import clean_line, clean_text
from synthcpt.errors import ConfigError, QuestionError, near_match
from synthcpt.evaluation.golds import gold_texts, option_place, options_of
from synthcpt.records import Json

ROLES: dict[str, tuple[str, ...]] = {
    "question": ("question", "prompt", "query", "question_text", "problem", "input"),
    "answers": (
        "answers", "answer", "possible_answers", "correct_answer", "correct_answers", "gold_answers", "golds", "gold",
        "targets", "target", "references", "reference", "answer_aliases", "aliases",
    ),
    "choices": ("choices", "options", "endings"),
    "correct": (
        "gold_label", "answerKey", "answer_key", "answer_index", "answer_idx", "correct_index", "correct_option",
        "correct", "label",
    ),
    "document": (
        "document", "document_id", "doc_id", "doc", "context_id", "article_id", "wiki_id", "passage_id", "s_wiki_title",
    ),
    "context": ("context", "passage", "article", "fact", "paragraph"),
    "id": ("id", "question_id", "qid", "question_unique_id", "uid", "case_id", "_id", "uuid"),
    "kind": ("kind", "question_type", "type", "category", "relation", "prop"),
}  # fmt: skip
"""What a question has -> the names it is looked for under. `answers` takes all that are there, the rest the first."""

_FROM_ONE = frozenset({"gold_label", "answerKey", "answer_key"})
"""Fields whose numbers count options from 1: QuALITY's and ARC's."""
_LAST_RESORT = frozenset({"targets", "target", "references", "reference"})
"""Fields of answers that may be something else beside a field that is one for certain."""
_LONGEST_NAME_CHARS = 300
_SHOWN_FIELDS = 30
_LETTERED = re.compile(r"(?:(?:option|choice|ending)[_ ]?)?([A-H])|(?:option|choice|ending)[_ ]?([a-h]|[0-8])")


class AnswerMissing(Exception):
    """A question without an answer; the reader collects these to name all their lines at once."""


@dataclass(frozen=True, slots=True)
class FieldNames:
    """Which fields hold what, beside the usual names.

    Raises:
        ConfigError: a role that does not exist.
    """

    given: Mapping[str, str]
    first_choice: Literal[0, 1] | None = None

    def __post_init__(self) -> None:
        for role in self.given:
            if role not in ROLES:
                raise ConfigError(f"A question has no {role!r}. {near_match(role, ROLES)}")

    def of(self, role: str, row: Mapping[str, Any], place: str) -> list[str]:
        """The row's fields for a role: the one that was named, or the usual ones that hold something.

        Raises:
            QuestionError: the one that was named is not there.
        """
        if role not in self.given:
            found = [name for name in ROLES[role] if not is_empty(row.get(name))]
            return [name for name in found if name not in _LAST_RESORT] or found
        name = self.given[role]
        if name and name not in row:
            raise QuestionError(
                f"{place} has no field {name!r} (fields: {role}). {near_match(name, _shown(row))}".rstrip()
            )
        return [name] if name and not is_empty(row[name]) else []


@dataclass(frozen=True, slots=True)
class Parsed:
    """A question's parts; as in `Question`, but `id`, `document` and `context` may be empty."""

    id: str
    text: str
    answers: tuple[str, ...]
    choices: tuple[str, ...]
    correct: int | None
    document: str
    context: str
    kind: str
    meta: Mapping[str, Json] = field(default_factory=dict)


def parse_row(row: Mapping[str, Any], names: FieldNames, place: str) -> Parsed:
    """A question's parts.

    Raises:
        QuestionError: there is no question in the row, or its right option cannot be told.
        AnswerMissing: there is no answer.
    """
    used = {role: names.of(role, row, place) for role in ROLES}
    text = _question_text(row, used["question"], place)
    choices, columns = _choices(row, used["choices"])
    if choices:
        correct, answers, read = _choice(row, used, choices, names, place)
    else:
        correct, read = None, used["answers"]
        answers = _distinct(gold for name in read for gold in gold_texts(row[name]))
    if not answers:
        raise AnswerMissing
    document, context = _document(row, used)
    taken = {name for role in ("question", "choices", "document", "context", "id", "kind") for name in used[role][:1]}
    return Parsed(
        id=_label(row[used["id"][0]]) if used["id"] else "",
        text=text,
        answers=answers,
        choices=choices,
        correct=correct,
        document=document,
        context=context,
        kind=_kind(row, used["kind"]),
        meta=_meta(row, {*taken, *read, *columns}),
    )


def _question_text(row: Mapping[str, Any], found: Sequence[str], place: str) -> str:
    text = clean_text(row[found[0]]).strip() if found and isinstance(row[found[0]], str) else ""
    if text:
        return text
    shown = _shown(row)
    near = [name for name in shown if near_match(name, ROLES["question"]).startswith("Did you mean")]
    hint = f" Is it {near[0]!r}?" if near and not found else ""
    raise QuestionError(
        f"{place} has no question: none of the fields {', '.join(ROLES['question'])} holds a text. "
        f"Its fields are: {', '.join(shown) or 'none'}.{hint} Name the one that does with "
        "--set 'fields={question: NAME}'."
    )


def _choices(row: Mapping[str, Any], found: Sequence[str]) -> tuple[tuple[str, ...], set[str]]:
    """The options, and the columns they were read from where each has its own."""
    for name in found:
        options = options_of(row[name])
        if len(options) > 1:
            return options, {name}
    columns = {match[1] or match[2]: name for name in row if (match := _LETTERED.fullmatch(name))}
    texts = [_label(row[columns[letter]]) for letter in sorted(columns)]
    # Columns without an option stand at the end: a question may have fewer than its table provides for.
    while texts and not texts[-1]:
        texts.pop()
    return (tuple(texts), set(columns.values())) if len(texts) > 1 and all(texts) else ((), set())


def _choice(
    row: Mapping[str, Any], used: Mapping[str, Sequence[str]], choices: tuple[str, ...], names: FieldNames, place: str
) -> tuple[int, tuple[str, ...], list[str]]:
    """The right option's place, the golds, and the fields that told."""
    fields = [*used["correct"], *used["answers"]]
    if not fields:
        raise AnswerMissing
    for name in fields:
        first = names.first_choice if names.first_choice is not None else int(name in _FROM_ONE)
        correct = option_place(row[name], choices, first, number_first=name in used["correct"], row=row)
        if correct is not None:
            return correct, (choices[correct],), [name]
    raise QuestionError(
        f"{place}: {clean_line(str(row[fields[0]]))[:80]!r} (field {fields[0]!r}) is none of the {len(choices)} "
        "options: neither its text, nor its letter, nor its number. If options are counted from 1, say so with "
        "--set first_choice=1."
    )


def _document(row: Mapping[str, Any], used: Mapping[str, Sequence[str]]) -> tuple[str, str]:
    """The document's name, and its text where the row brings it; a "document" may be either."""
    name = _label(row[used["document"][0]]) if used["document"] else ""
    context = row[used["context"][0]] if used["context"] else ""
    if isinstance(context, list | tuple):
        context = "\n\n".join(str(part) for part in context)
    context = clean_text(context).strip() if isinstance(context, str) else ""
    if len(name) > _LONGEST_NAME_CHARS:
        context, name = context or clean_text(str(row[used["document"][0]])).strip(), ""
    return name, context


def _kind(row: Mapping[str, Any], found: Sequence[str]) -> str:
    if found:
        return _label(row[found[0]])
    if row.get("difficult") in (0, 1, "0", "1"):  # QuALITY's hard subset
        return "hard" if int(row["difficult"]) else "easy"
    return ""


def _meta(row: Mapping[str, Any], used: set[str]) -> dict[str, Json]:
    """The other fields, as far as JSON holds them."""
    meta = {}
    for name, value in row.items():
        if name in used or value is None or isinstance(value, bytes):
            continue
        try:
            meta[str(name)] = orjson.loads(orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS))
        except orjson.JSONEncodeError:
            continue  # what JSON cannot hold tells nothing here
    return meta


def _distinct(texts: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))


def _label(value: Any) -> str:
    """A name on one line; 3.0 is "3", because a nullable integer column holds floats."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return clean_line(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing: absent, an empty text or list, or pandas' NaN."""
    return value is None or value in ("", [], {}) or (isinstance(value, float) and not math.isfinite(value))


def _shown(row: Mapping[str, Any]) -> list[str]:
    return [clean_line(str(name))[:60] for name in list(row)[:_SHOWN_FIELDS]]
