"""Which rule answers which prompt. A method adds a file of its own and one line here."""

from __future__ import annotations

from collections.abc import Callable

from synthcpt.backends.extractive import entigraph
from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.entigraph import Slots

Rule = Callable[[Analysis, Slots], str]

RULES: dict[str, tuple[Rule, tuple[str, ...]]] = {
    **entigraph.ANSWERS,
}
"""Prompt -> (the rule, the slots it needs besides title and document)."""
