"""What a model knows of the documents, and what it forgot: questions, prompts, metrics, scores."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthcpt.evaluation.stage import Evaluation, evaluate

__all__ = ["Evaluation", "evaluate"]


def __getattr__(name: str) -> Any:
    """Imported when first used: the command's help must not wait for the stage."""
    if name in __all__:
        return getattr(import_module("synthcpt.evaluation.stage"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
