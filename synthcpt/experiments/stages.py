"""The steps of an experiment, each known by what goes into it: equal steps of several arms are one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

from synthcpt.packing.cache import default_cache, known_sha256

Kind = Literal["world", "student", "generate", "curate", "train", "evaluate"]

MARKER = "stage.json"
STAGES = "stages"
OUTPUT: dict[Kind, str] = {
    "world": "world", "student": "training", "generate": "run", "curate": "run", "train": "training",
    "evaluate": "evaluation",
}  # fmt: skip
"""The folder within a stage's folder that holds what it makes."""

_VERSION = 1
"""To be raised when a stage makes something else of the same settings."""


@dataclass(frozen=True, slots=True)
class From:
    """What another stage makes, as an input: its output folder, or a path within it."""

    stage: Stage
    path: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """One step.

    Attributes:
        kind: what it does.
        label: what people see, e.g. ``entigraph 400k seed 1``.
        settings: of the function that does it. Values may be or hold `From`.
        files: paths among the settings whose content counts, not their name.
        unkeyed: names of settings that change how it is computed and not what.
    """

    kind: Kind
    label: str
    settings: Mapping[str, Any]
    files: tuple[str, ...] = ()
    unkeyed: tuple[str, ...] = ()
    _key: list[str] = field(default_factory=list, repr=False)

    @property
    def key(self) -> str:
        """16 hexadecimal digits over the kind, the settings, the inputs' content and the keys of the stages before."""
        if not self._key:
            facts = {
                "version": _VERSION,
                "kind": self.kind,
                "settings": _named({k: v for k, v in self.settings.items() if k not in self.unkeyed}),
                "files": {path: digest(path) for path in sorted(set(self.files))},
            }
            for path in self.files:  # the content stands for the name
                facts["settings"] = _renamed(facts["settings"], path, facts["files"][path])
            facts["files"] = sorted(facts["files"].values())
            packed = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)
            self._key.append(hashlib.blake2b(packed, digest_size=8).hexdigest())
        return self._key[0]

    @property
    def before(self) -> tuple[Stage, ...]:
        """The stages whose output it reads."""
        return tuple(dict.fromkeys(one.stage for one in _inputs(self.settings)))

    def folder(self, root: Path) -> Path:
        """Where it works, below an experiment's folder."""
        return root / STAGES / f"{self.kind}-{self.key}"

    def output(self, root: Path) -> Path:
        """What it makes."""
        return self.folder(root) / OUTPUT[self.kind]

    def done(self, root: Path) -> dict[str, Any] | None:
        """What its marker says; None while it is not finished."""
        marker = self.folder(root) / MARKER
        if not marker.exists():
            return None
        told: dict[str, Any] = orjson.loads(marker.read_bytes())
        return told

    def resolved(self, root: Path) -> dict[str, Any]:
        """The settings with paths where other stages' outputs are meant."""
        found: dict[str, Any] = _resolved(dict(self.settings), root)
        return found


def digest(path: str) -> str:
    """A hash of a file's content or of all files in a folder; of the name itself where nothing lies there."""
    place = Path(path)
    cache = default_cache()
    if place.is_file():
        return known_sha256(place, cache)
    if not place.is_dir():
        return f"name:{path}"
    files = sorted(one for one in place.rglob("*") if one.is_file() and not one.name.startswith("."))
    listed = [(one.relative_to(place).as_posix(), known_sha256(one, cache)) for one in files]
    return hashlib.blake2b(orjson.dumps(listed), digest_size=16).hexdigest()


def _inputs(value: Any) -> Iterator[From]:
    if isinstance(value, From):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _inputs(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _inputs(one)


def _named(value: Any) -> Any:
    """Settings as JSON, with the key of the stage where its output is meant."""
    if isinstance(value, From):
        return f"<{value.stage.kind}-{value.stage.key}>{value.path}"
    if isinstance(value, Mapping):
        return {str(name): _named(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def _renamed(value: Any, path: str, content: str) -> Any:
    if isinstance(value, dict):
        return {name: _renamed(one, path, content) for name, one in value.items()}
    if isinstance(value, list):
        return [_renamed(one, path, content) for one in value]
    return f"<{content}>" if value == path else value


def _resolved(value: Any, root: Path) -> Any:
    if isinstance(value, From):
        place = value.stage.output(root)
        return str(place / value.path if value.path else place)
    if isinstance(value, Mapping):
        return {name: _resolved(one, root) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_resolved(one, root) for one in value]
    return value
