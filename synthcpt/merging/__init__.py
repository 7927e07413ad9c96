"""Combining the weights of models that share an architecture.

    from synthcpt.merging import merge

    merge("residual", ["outputs/books-8b", "Qwen/Qwen3-8B"], "outputs/books-8b-chat", base="Qwen/Qwen3-8B-Base")

The formulas are functions of tensors in `synthcpt.merging.formulas`; around them weights are read and written tensor by
tensor. Names are imported when they are first used: the list of methods costs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthcpt.merging.branch_and_merge import Branch, Merge, Round, schedule
    from synthcpt.merging.formulas import average_states, average_tensors
    from synthcpt.merging.methods import METHODS
    from synthcpt.merging.stage import Merged, merge

_HOMES = {
    "Branch": "synthcpt.merging.branch_and_merge",
    "METHODS": "synthcpt.merging.methods",
    "Merge": "synthcpt.merging.branch_and_merge",
    "Merged": "synthcpt.merging.stage",
    "Round": "synthcpt.merging.branch_and_merge",
    "average_states": "synthcpt.merging.formulas",
    "average_tensors": "synthcpt.merging.formulas",
    "merge": "synthcpt.merging.stage",
    "schedule": "synthcpt.merging.branch_and_merge",
}

__all__ = [
    "METHODS",
    "Branch",
    "Merge",
    "Merged",
    "Round",
    "average_states",
    "average_tensors",
    "merge",
    "schedule",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
