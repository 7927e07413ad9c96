"""What an evaluation reads: questions joined to their documents, demonstrations, and a hash of each."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import orjson

from synthcpt.backends import Backend, Scorer
from synthcpt.corpus import read_documents
from synthcpt.errors import ConfigError, QuestionError
from synthcpt.evaluation.asking import Shelf
from synthcpt.evaluation.config import SETTINGS, EvaluateConfig, Setting
from synthcpt.evaluation.prompting import Shots
from synthcpt.evaluation.questions import Question, match_documents, own_documents, read_questions
from synthcpt.evaluation.retrieval import PassageIndex, passages_of
from synthcpt.merging.finding import find_folder
from synthcpt.records import Document

_BLOCK_BYTES, _BLOCKS = 1 << 20, 64
_MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.model")


@dataclass(slots=True)
class Inputs:
    """What is asked about what.

    Attributes:
        questions: in order; joined to the documents where there are some.
        documents: the open book.
        shots: demonstrations, where there are some.
        asked: setting -> the questions that it asks.
        contents: a hash of each input; see `EvaluationFolder.begin`.
        notes: what a reader of the results should know.
    """

    questions: Sequence[Question] = ()
    documents: Sequence[Document] = ()
    shots: Shots | None = None
    asked: dict[Setting, Sequence[Question]] = field(default_factory=dict)
    contents: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def shelf(self, config: EvaluateConfig) -> Shelf:
        """The documents by id, and an index of their passages where a setting searches.

        Raises:
            MissingExtra: the search's package is not installed.
        """
        wanted = "retrieval" in self.asked
        index = PassageIndex(passages_of(self.documents, config.passage_chars)) if wanted else None
        return Shelf({document.id: document for document in self.documents}, index)


def read_inputs(config: EvaluateConfig, backend: Backend) -> Inputs:
    """Read all that is asked.

    Args:
        config: what is asked.
        backend: need not be started; it says by its kind which settings it can do.

    Raises:
        QuestionError, CorpusError, ConfigError, ModelError: something is missing or broken; the message says what.
    """
    inputs = Inputs(contents={"model": model_contents(config)})
    if not config.questions:
        return inputs
    read = partial(read_questions, fields=config.fields or None, first_choice=config.first_choice)
    questions = read(config.questions)[: config.limit]
    inputs.contents["questions"] = _digest(map(_as_json, questions))
    if config.demonstrations:
        shown = read(config.demonstrations)
        inputs.contents["demonstrations"] = _digest(map(_as_json, shown))
        if config.shots:
            _refuse_asked(shown, questions, config)
            inputs.shots = Shots(shown, config.shots, config.seed)
    inputs.documents = _documents(config, questions)
    inputs.questions = questions
    if inputs.documents:
        matching = match_documents(questions, inputs.documents)
        inputs.questions = matching.questions
        inputs.notes.append(f"{matching}.")
        inputs.contents["documents"] = _digest(f"{one.id}\0{one.title}\0{one.text}" for one in inputs.documents)
    inputs.asked = _asked(config, inputs, isinstance(backend, Scorer))
    return inputs


def _refuse_asked(shown: Sequence[Question], questions: Sequence[Question], config: EvaluateConfig) -> None:
    texts = {question.text.casefold() for question in questions}
    fresh = sum(question.text.casefold() not in texts for question in shown)
    if fresh < config.shots:
        raise QuestionError(
            f"Only {fresh} of the demonstrations are not asked themselves, and {config.shots} are to be shown. Give "
            "others with --demonstrations, or fewer --shots."
        )


def _documents(config: EvaluateConfig, questions: Sequence[Question]) -> list[Document]:
    if config.documents:
        fields = {"text_field": config.text_field, "title_field": config.title_field, "id_field": config.id_field}
        return list(read_documents(config.documents, **fields))
    wanted = {"open_book", "retrieval"} & set(config.settings or ())
    found = own_documents(questions) if wanted else []
    if wanted and not found:
        raise ConfigError(f"The setting {min(wanted)} needs the documents asked about: name them with --documents.")
    return found


def _asked(config: EvaluateConfig, inputs: Inputs, scores: bool) -> dict[Setting, Sequence[Question]]:
    """Setting -> its questions: those named, or all that the input and the backend allow."""
    known = {document.id for document in inputs.documents}
    fit: dict[Setting, Callable[[Question], bool]] = {
        "open_book": lambda question: question.document in known,
        "choice": lambda question: bool(question.choices),
        "choice_cot": lambda question: bool(question.choices),
    }
    chosen = config.settings or _possible(inputs, scores)
    found: dict[Setting, Sequence[Question]] = {}
    for name in sorted(chosen, key=list(SETTINGS).index):
        takes = fit.get(name)
        found[name] = [question for question in inputs.questions if takes is None or takes(question)]
        if found[name] or takes is None:
            continue
        if not config.settings:
            del found[name]
            inputs.notes.append(f"Not asked with the book open: no question found its document ({name}).")
            continue
        why = "no question found its document" if name == "open_book" else "no question has options"
        raise ConfigError(f"The setting {name} asks nothing: {why}.")
    return found


def _possible(inputs: Inputs, scores: bool) -> list[Setting]:
    chosen: list[Setting] = ["closed_book"]
    if inputs.documents:
        chosen.append("open_book")
        if find_spec("bm25s") is not None:
            chosen.append("retrieval")
        else:
            inputs.notes.append("Retrieval is left out: bm25s is not installed (pip install 'synthcpt[evaluate]').")
    if any(question.choices for question in inputs.questions):
        chosen += ["choice", "choice_cot"]
    if scores:
        chosen.append("likelihood")
    return chosen


def _as_json(question: Question) -> str:
    row = [question.id, question.text, question.answers, question.choices, question.correct, question.document]
    named = {name: question.meta.get(name) for name in ("context", "title", "author", "year")}
    return orjson.dumps([row, named], default=str).decode()


def _digest(texts: Iterable[str]) -> str:
    hasher = hashlib.blake2b(digest_size=16)
    for text in texts:
        encoded = text.encode("utf-8", "surrogatepass")
        hasher.update(len(encoded).to_bytes(8, "big") + encoded)
    return hasher.hexdigest()


def model_contents(config: EvaluateConfig) -> str:
    """A hash of the model's files; the name itself of one that a server has."""
    if config.base_url or config.backend not in (None, "vllm", "transformers"):
        return f"{config.base_url} {config.model}".strip()
    folder = find_folder(config.model)
    files = sorted({path for pattern in _MODEL_FILES for path in folder.glob(pattern)})
    facts = [(path.name, path.stat().st_size, _sampled(path)) for path in files if path.is_file()]
    return _digest([orjson.dumps(facts).decode()])


def _sampled(path: Path) -> str:
    """A hash of a file, of blocks spread over it where it is large: training changes nearly all weights."""
    hasher, size = hashlib.blake2b(digest_size=16), path.stat().st_size
    step = max(_BLOCK_BYTES, size // _BLOCKS)
    with path.open("rb") as file:
        for begin in range(0, size, step):
            file.seek(begin)
            hasher.update(file.read(_BLOCK_BYTES))
    return hasher.hexdigest()


def content_facts(config: EvaluateConfig, inputs: Inputs) -> dict[str, Any]:
    """All that the answers depend on, whatever the inputs are called."""
    return {**config.identity(), "contents": inputs.contents}
