"""Which function answers which prompt: every module in ``answers/`` holds some, in its ``ANSWERS``."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from functools import cache
from typing import TypeAlias

from synthcpt.backends.simulated import answers
from synthcpt.backends.simulated.teller import Teller

Slots: TypeAlias = Mapping[str, str]
Rule: TypeAlias = Callable[[Teller, Slots], str]


@cache
def rules() -> dict[str, tuple[Rule, tuple[str, ...]]]:
    """Prompt -> what answers it, and the slots it needs.

    A rule gets a teller of what the slots state, and all slots.
    """
    found: dict[str, tuple[Rule, tuple[str, ...]]] = {}
    for module in pkgutil.iter_modules(answers.__path__):
        found |= importlib.import_module(f"{answers.__name__}.{module.name}").ANSWERS
    return found
