"""Finds the methods: every module in ``generators/`` is one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, cast

import synthcpt.generators
from synthcpt.errors import ConfigError, near_match
from synthcpt.methods.protocol import CorpusSurvey, MethodOptions
from synthcpt.records import Rejection, SyntheticDocument


@dataclass(frozen=True, slots=True)
class Method:
    """A method's module, looked into."""

    name: str
    summary: str
    paper: str
    when: str
    cost: str
    version: int
    prompts: tuple[str, ...]
    options: type[MethodOptions]
    generate: Callable[..., AsyncIterator[SyntheticDocument | Rejection]]
    survey: type[CorpusSurvey] | None
    doc: str


def method_names() -> list[str]:
    """All methods, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(synthcpt.generators.__path__))


def load_method(name: str) -> Method:
    """The method of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in method_names():
        raise ConfigError(f"There is no method {name!r}. {near_match(name, method_names())}")
    module = cast(Any, importlib.import_module(f"synthcpt.generators.{name}"))
    return Method(
        name=name,
        summary=module.SUMMARY,
        paper=module.PAPER,
        when=module.WHEN,
        cost=module.COST,
        version=module.VERSION,
        prompts=module.PROMPTS,
        options=module.Options,
        generate=module.generate,
        survey=getattr(module, "Survey", None),
        doc=module.__doc__ or "",
    )
