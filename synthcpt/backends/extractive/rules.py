"""Which rule answers which prompt: every module in ``answers/`` holds some, in its ``ANSWERS``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

from synthcpt.backends.extractive import answers
from synthcpt.backends.extractive.analysis import Analysis

Slots: TypeAlias = Mapping[str, str]
Rule: TypeAlias = Callable[[Analysis, Slots], str]


@cache
def rules() -> dict[str, tuple[Rule, tuple[str, ...]]]:
    """Prompt -> the rule, and the slots it needs.

    A rule gets the analysis of the slot ``document`` (of an empty text for a prompt without one) and all slots.
    """
    found: dict[str, tuple[Rule, tuple[str, ...]]] = {}
    for module in pkgutil.iter_modules(answers.__path__):
        found |= importlib.import_module(f"{answers.__name__}.{module.name}").ANSWERS
    return found
