"""The templates of mined tasks; their texts are data: ``templates.yaml`` among the prompts of reading comprehension."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

_SLOT = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True, slots=True)
class Template:
    """A text with slots.

    Attributes:
        source: as it is written.
        pieces: literals and slot names in turn, a literal first.
        slots: the names.
    """

    source: str
    pieces: tuple[str, ...]
    slots: frozenset[str]

    def fill(self, values: Mapping[str, str]) -> str:
        """The text with the slots filled; what is filled in is never read as a template."""
        filled = list(self.pieces)
        filled[1::2] = [values[name] for name in self.pieces[1::2]]
        return "".join(filled)


@dataclass(frozen=True, slots=True)
class TaskTemplate:
    """How a task is asked, and what its answer is: a slot, or the label of a relation."""

    ask: Template
    answer: Template
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Templates:
    """All templates.

    Attributes:
        frames: by the frame's name.
        handover: what may stand between the text and the tasks.
        handover_domain: more of it, for a run that names its domain.
        tasks: by subtype, and ``nli`` for those that ask for a label.
    """

    frames: Mapping[str, tuple[Template, ...]]
    handover: tuple[Template, ...]
    handover_domain: tuple[Template, ...]
    tasks: Mapping[str, tuple[TaskTemplate, ...]]


def parse(source: str) -> Template:
    """Read a template."""
    pieces = tuple(_SLOT.split(source))
    return Template(source, pieces, frozenset(pieces[1::2]))


@lru_cache(maxsize=1)
def templates() -> Templates:
    """The shipped templates."""
    path = resources.files("synthcpt.prompts").joinpath("reading_comprehension", "templates.yaml")
    data: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    tasks = {
        name: tuple(TaskTemplate(parse(ask), parse(group["answer"])) for ask in group["ask"])
        for name, group in data["tasks"].items()
    }
    label = parse("$label")
    tasks["nli"] = tuple(
        TaskTemplate(parse(ask), label, tuple(group["labels"])) for group in data["nli"] for ask in group["ask"]
    )
    return Templates(
        {name: tuple(map(parse, group)) for name, group in data["frames"].items()},
        tuple(map(parse, data["handover"])),
        tuple(map(parse, data["handover_domain"])),
        tasks,
    )
