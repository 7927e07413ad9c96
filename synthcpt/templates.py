"""Prompt files: plain text with named slots, checked before the first call.

A prompt is one Markdown file, ``<method>/<name>.md``:

    ---
    version: 1
    shared: [title, document]      # slots whose values many requests have in common
    sampling: {max_tokens: 2048}   # the prompt's own defaults; a run's settings win
    new_tokens: 700                # how long a strong model's answer is, for forecasts
    ---
    === system ===
    You write ...
    === user ===
    # $title

    $document

    Write about $first.

Slots are ``$name`` or ``${name}``, ``$$`` is a dollar sign; braces mean nothing, so JSON and LaTeX stay plain, and
what is filled in is never read as a template again.
"""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast

import yaml
from pydantic import BaseModel, Field, ValidationError

from synthcpt.errors import PromptError, near_match
from synthcpt.records import Message, Request, Sampling

_HEADER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)
_TURN = re.compile(r"^=== (system|user|assistant) ===\n", re.MULTILINE)
_SAMPLING_KEYS = {"temperature", "max_tokens", "top_p", "top_k", "min_p", "stop"}
_HEADER_KEYS = {"version", "shared", "sampling", "new_tokens"}

Piece = tuple[Literal["literal", "slot"], str]


@dataclass(frozen=True, slots=True)
class Prompt:
    """A parsed prompt file.

    Attributes:
        name: ``<method>/<name>``.
        version: the file's own version number.
        digest: a hash of the file's bytes, for run.yaml.
        turns: role and pieces of each message.
        slots: every slot's name.
        shared: the slots whose values many requests have in common.
        sampling: the prompt's own sampling defaults.
        new_tokens: how long a strong model's answer is, where the prompt's author knows.
    """

    name: str
    version: int
    digest: str
    turns: tuple[tuple[str, tuple[Piece, ...]], ...]
    slots: frozenset[str]
    shared: frozenset[str]
    sampling: Mapping[str, Any]
    new_tokens: int | None = None

    def render(self, /, **values: Any) -> Request:
        """The request for these slot values; each value is used as ``str(value)``.

        Lists become one bullet a line.

        Raises:
            PromptError: a slot without a value, or a value without a slot.
        """
        if values.keys() != self.slots:
            _complain_about_slots(self, values)
        messages = tuple(Message(cast(Any, role), self._parts(pieces, values)) for role, pieces in self.turns)
        return Request(messages, _sampling(tuple(self.sampling.items())), prompt=self.name, slots=values)

    def _parts(self, pieces: tuple[Piece, ...], values: Mapping[str, Any]) -> tuple[str, ...]:
        """Up to the last shared slot piece by piece, then all the rest as one."""
        texts = [text if kind == "literal" else _as_text(values[text]) for kind, text in pieces]
        end = _end_of_shared(pieces, self.shared)
        return (*texts[:end], "".join(texts[end:]))


class PromptBook:
    """The prompts of one run: the shipped ones, overridden file by file by the user's folder."""

    def __init__(self, override_dir: Path | None = None) -> None:
        if override_dir is not None and not override_dir.is_dir():
            raise PromptError(f"There is no folder {override_dir} to take prompts from.")
        self._override_dir = override_dir
        self._loaded: dict[str, Prompt] = {}

    def load(self, name: str) -> Prompt:
        """The prompt ``<method>/<name>``, read once.

        Raises:
            PromptError: there is none, or its file is malformed.
        """
        if name not in self._loaded:
            self._loaded[name] = self._read(name)
        return self._loaded[name]

    def _read(self, name: str) -> Prompt:
        method, _, base = name.partition("/")
        if self._override_dir is not None:
            path = self._override_dir / method / f"{base}.md"
            if path.is_file():
                return parse_prompt(name, _read_text(path), str(path))
        shipped = resources.files("synthcpt.prompts").joinpath(method, f"{base}.md")
        if not shipped.is_file():
            raise PromptError(f"There is no prompt {name!r}.")
        return parse_prompt(name, shipped.read_text(encoding="utf-8"), f"the shipped prompt {name}")

    def check_overrides(self, method: str, names: Sequence[str]) -> None:
        """Complain about a file in the user's folder that no prompt of the method is named after.

        Raises:
            PromptError: naming the file and the nearest prompt.
        """
        folder = self._override_dir / method if self._override_dir else None
        if self._override_dir is not None and (folder is None or not folder.is_dir()):
            raise PromptError(
                f"{self._override_dir} has no folder {method!r}; prompts are looked for in "
                f"{self._override_dir / method}/<name>.md ({', '.join(names)})."
            )
        for path in sorted(folder.glob("*.md")) if folder else []:
            if path.stem not in names:
                raise PromptError(f"{path}: {method} has no prompt {path.stem!r}. {near_match(path.stem, names)}")


def parse_prompt(name: str, text: str, where: str) -> Prompt:
    """Read a prompt file's text; ``where`` names it in errors.

    Raises:
        PromptError: a bad header, no user turn, a malformed slot.
    """
    text = text.replace("\r\n", "\n")
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    header = _HEADER.match(text)
    settings = _read_header(header.group(1), where) if header else {}
    body = text[header.end() :] if header else text
    marks = list(_TURN.finditer(body))
    if not marks or body[: marks[0].start()].strip():
        raise PromptError(f"{where}: the text must start with a line '=== system ===' or '=== user ==='.")
    ends = [mark.start() for mark in marks[1:]] + [len(body)]
    turns = tuple(
        (mark.group(1), _pieces(body[mark.end() : end].strip("\n"), where))
        for mark, end in zip(marks, ends, strict=True)
    )
    if turns[-1][0] != "user":
        raise PromptError(f"{where}: the last turn must be '=== user ==='.")
    slots = frozenset(piece for _, pieces in turns for kind, piece in pieces if kind == "slot")
    header_values, sampling = _header_values(settings, where)
    shared = frozenset(header_values.shared)
    if shared - slots:
        raise PromptError(f"{where}: 'shared' names {sorted(shared - slots)}, which the text has no slot for.")
    return Prompt(name, header_values.version, digest, turns, slots, shared, sampling, header_values.new_tokens)


class _Header(BaseModel):
    version: int = 1
    shared: tuple[str, ...] = ()
    sampling: Sampling = Sampling()
    new_tokens: int | None = Field(None, ge=1)


def _header_values(settings: Mapping[str, Any], where: str) -> tuple[_Header, dict[str, Any]]:
    """The header in its proper types, and the sampling settings that it gives."""
    try:
        values = _Header.model_validate(settings)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(step) for step in first["loc"])
        raise PromptError(f"{where}: {name!r} in the header: {first['msg']}, not {first['input']!r}.") from error
    return values, {key: getattr(values.sampling, key) for key in settings.get("sampling", ())}


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise PromptError(f"{path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"{path} is not UTF-8 text.") from error


def _read_header(source: str, where: str) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(source) or {}
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: a date such as 2020-99-99
        raise PromptError(f"{where}: the header is not YAML: {error}") from error
    if not isinstance(settings, dict):
        raise PromptError(f"{where}: the header must be 'name: value' lines.")
    for key in settings:
        if key not in _HEADER_KEYS:
            raise PromptError(f"{where}: unknown header key {key!r}. {near_match(str(key), _HEADER_KEYS)}")
    settings = {key: value for key, value in settings.items() if value is not None}
    sampling = settings.get("sampling", {})
    for key in sampling if isinstance(sampling, dict) else ():
        if key not in _SAMPLING_KEYS:
            raise PromptError(f"{where}: unknown sampling key {key!r}. {near_match(str(key), _SAMPLING_KEYS)}")
    return settings


def _pieces(text: str, where: str) -> tuple[Piece, ...]:
    pieces: list[Piece] = []
    end = 0
    literal = ""
    for match in string.Template.pattern.finditer(text):
        literal += text[end : match.start()]
        end = match.end()
        name = match.group("named") or match.group("braced")
        if match.group("escaped"):
            literal += "$"
        elif name:
            pieces += [("literal", literal), ("slot", name)]
            literal = ""
        else:
            line = text.count("\n", 0, match.start()) + 1
            raise PromptError(f"{where}: a lone '$' in line {line} of a turn; write '$$' for a dollar sign.")
    pieces.append(("literal", literal + text[end:]))
    return tuple(piece for piece in pieces if piece[1])


@lru_cache(maxsize=64)
def _end_of_shared(pieces: tuple[Piece, ...], shared: frozenset[str]) -> int:
    """The number of pieces up to and with the last shared slot."""
    return 1 + max((i for i, (kind, text) in enumerate(pieces) if kind == "slot" and text in shared), default=-1)


@lru_cache(maxsize=64)
def _sampling(values: tuple[tuple[str, Any], ...]) -> Sampling:
    return Sampling(**dict(values))


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (list, tuple)):
        return "\n".join(f"- {item}" for item in value)
    return str(value)


def _complain_about_slots(prompt: Prompt, values: Mapping[str, Any]) -> None:
    missing, unknown = prompt.slots - values.keys(), values.keys() - prompt.slots
    if missing:
        name = sorted(missing)[0]
        raise PromptError(f"Prompt {prompt.name} has a slot ${name} that nothing fills. {near_match(name, values)}")
    raise PromptError(f"Prompt {prompt.name} lacks the slot(s) {', '.join('$' + name for name in sorted(unknown))}.")
