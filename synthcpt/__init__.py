"""synthcpt: expand a small domain corpus into a large synthetic one, and train a language model on it.

    import synthcpt

    run = synthcpt.generate("entigraph", input="docs/", output="outputs/docs", model="Qwen/Qwen3-8B")
    run.dataset()

Names are imported when they are first used, so that `import synthcpt` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthcpt.curation import curate
    from synthcpt.errors import SynthcptError, UserError
    from synthcpt.evaluation import evaluate
    from synthcpt.experiments import read_recipe, run_experiment
    from synthcpt.generation import Run, generate, generate_async
    from synthcpt.records import Completion, Document, Rejection, Request, SyntheticDocument
    from synthcpt.reporting.write import write_report
    from synthcpt.training import train

__version__ = "0.1.0"

_HOMES = {
    "generate": "synthcpt.generation",
    "generate_async": "synthcpt.generation",
    "Run": "synthcpt.generation",
    "curate": "synthcpt.curation",
    "train": "synthcpt.training",
    "evaluate": "synthcpt.evaluation",
    "read_recipe": "synthcpt.experiments",
    "run_experiment": "synthcpt.experiments",
    "write_report": "synthcpt.reporting.write",
    "Document": "synthcpt.records",
    "Request": "synthcpt.records",
    "Completion": "synthcpt.records",
    "SyntheticDocument": "synthcpt.records",
    "Rejection": "synthcpt.records",
    "SynthcptError": "synthcpt.errors",
    "UserError": "synthcpt.errors",
}

__all__ = [
    "Completion",
    "Document",
    "Rejection",
    "Request",
    "Run",
    "SynthcptError",
    "SyntheticDocument",
    "UserError",
    "__version__",
    "curate",
    "evaluate",
    "generate",
    "generate_async",
    "read_recipe",
    "run_experiment",
    "train",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
