"""run.yaml of a curated run: what `synthcpt.generation.Run` and its readers look for, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthcpt import __version__
from synthcpt.curation.config import CurateConfig
from synthcpt.curation.contamination import Asked
from synthcpt.curation.reading import Inputs
from synthcpt.errors import UserError
from synthcpt.generation.run import Run
from synthcpt.packing.cache import content_key

CURATION = "curation"
"""The key of run.yaml that a curated run has and others have not."""


def run_settings(config: CurateConfig, inputs: Inputs, asked: Mapping[str, Sequence[Asked]]) -> dict[str, Any]:
    """All of run.yaml but the number of parts.

    Args:
        config: what to do.
        inputs: with what.
        asked: the questions of each file.
    """
    methods, backends, models = (_all_of(inputs, kind) for kind in ("method", "backend", "model"))
    return {
        "synthcpt": __version__,
        "method": ", ".join(methods),
        "methods": methods,
        # One simulated teacher makes the whole a simulated corpus, for everything that warns of such.
        "backend": "simulated" if "simulated" in backends else ", ".join(backends),
        "backends": backends,
        "model": ", ".join(models),
        "models": models,
        "seed": config.seed,
        "input": list(config.runs),
        CURATION: config.identity(),
        "questions": [
            {
                "path": path,
                "questions": len(read),
                "digest": content_key({"read": [[one.id, one.text] for one in read]}),
            }
            for path, read in asked.items()
        ],
        "runs": inputs.identity(),
        "prices": None,
        "corpus": _corpus(inputs),
        "target_tokens": config.target_tokens,
        "tokens_per_source_token": None,
    }


def identity(settings: dict[str, Any]) -> dict[str, Any]:
    """What decides the texts: settings and contents, not where things lie."""
    return {
        "synthcpt": settings["synthcpt"],
        **settings[CURATION],
        "against": [one["digest"] for one in settings["questions"]],
        "runs": [one["sha256"] for one in settings["runs"]],
    }


def _all_of(inputs: Inputs, kind: str) -> list[str]:
    """The runs' methods, say, each once; a curated run has several."""
    return list(
        dict.fromkeys(name for run in inputs.runs for name in run.settings.get(f"{kind}s", [run.settings[kind]]))
    )


def _corpus(inputs: Inputs) -> dict[str, Any]:
    """Of all runs; those of one corpus count it once."""
    corpora = {run.settings["corpus"]["digest"]: run.settings["corpus"] for run in inputs.runs}
    if len(corpora) == 1:
        return dict(next(iter(corpora.values())))
    return {
        "documents": sum(corpus["documents"] for corpus in corpora.values()),
        "source_tokens": sum(corpus["source_tokens"] for corpus in corpora.values()),
        "digest": content_key({"corpora": sorted(corpora)}),
    }


def is_curated(folder: Path) -> bool:
    """Whether a folder holds a curated run."""
    try:
        settings = Run(folder).settings
    except UserError:
        return False
    return isinstance(settings, dict) and CURATION in settings
