"""What a merged model's folder says of how it was made: to readers, and to whoever makes it again."""

from __future__ import annotations

import json
import re
import shlex
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from synthcpt.merging.recipe import Recipe

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)


def merge_facts(
    recipe: Recipe, notes: Sequence[str], *, alpha: float | None = None, scores: Mapping[float, float] | None = None
) -> str:
    """The merge.json of a folder: arguments that repeat the merge, and what was noted.

    Args:
        recipe: what was done.
        notes: on differences between the models.
        alpha: of this folder's model; None where it has none, or several.
        scores: of each alpha that was tried.
    """
    from synthcpt import __version__

    facts: dict[str, Any] = {
        "synthcpt": __version__,
        "method": recipe.method.name,
        "models": list(recipe.models),
        "base": recipe.base,
        "weights": list(recipe.weights) or None,
        "options": dict(recipe.options),
        "alphas": ([alpha] if alpha is not None else list(recipe.alphas)) or None,
        "dtype": recipe.dtype,
        "notes": list(notes),
    }
    if scores is not None:
        facts["scores"] = {f"{each:g}": score for each, score in scores.items()}
    return json.dumps(facts, indent=2, ensure_ascii=False) + "\n"


def model_card(recipe: Recipe, notes: Sequence[str], alpha: float | None = None) -> str:
    """The README.md of a merged model, with the header that the Hugging Face Hub reads.

    Args:
        recipe: what was done.
        notes: on differences between the models.
        alpha: of this model, for wise_ft.
    """
    method = recipe.method
    named = [*recipe.models, *([recipe.base] if recipe.base is not None else [])]
    header: dict[str, Any] = {"library_name": "transformers", "tags": ["merge", "synthcpt", method.name]}
    if on_hub := [name for name in dict.fromkeys(named) if _HUB_NAME.fullmatch(name)]:
        header |= {"base_model": on_hub, "base_model_relation": "merge"}
    weights = [f", weight {weight:g}" for weight in recipe.weights] or [""] * len(recipe.models)
    rows = [f"- {_code(name)}{weight}" for name, weight in zip(recipe.models, weights, strict=True)]
    rows += [f"- {_code(recipe.base)}, the base"] if recipe.base is not None else []
    settings = [*recipe.options.items(), *([("alpha", alpha)] if alpha is not None else [])]
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---",
        "# A merged model",
        f"The weights of the models below, merged by `{method.name}` ({method.paper}):",
        f"    {method.formula}",
        "\n".join(rows),
        *([", ".join(f"{name} = {value:g}" for name, value in settings)] if settings else []),
        *(["## To know\n\n" + "\n".join(f"- {_escaped(note)}" for note in notes)] if notes else []),
        f"Computed in fp32, tensor by tensor, with synthcpt. To make it again:\n\n    {_command(recipe, alpha)}",
        "A merge inherits the licences of all its models, and their faults: evaluate it before you use it.",
    ]
    return "\n\n".join(parts) + "\n"


def _command(recipe: Recipe, alpha: float | None) -> str:
    words = ["synthcpt", "merge", recipe.method.name, *recipe.models, "--output", "merged"]
    words += ["--base", recipe.base] if recipe.base is not None else []
    words += ["--weights", ",".join(f"{weight!r}" for weight in recipe.weights)] if recipe.weights else []
    words += [word for name, value in recipe.options.items() for word in ("--set", f"{name}={value!r}")]
    words += ["--alphas", f"{alpha!r}"] if alpha is not None else []
    words += ["--dtype", recipe.dtype] if recipe.dtype else []
    return _plain(shlex.join(words))


def _plain(text: str) -> str:
    """On one line and without control or bidirectional characters."""
    shown = (letter if unicodedata.category(letter)[0] not in "CZ" or letter == " " else " " for letter in text)
    return " ".join("".join(shown).split())


def _code(text: str) -> str:
    """As code in Markdown, whatever backticks it has."""
    line = _plain(text)
    longest = max((len(run) for run in re.findall(r"`+", line)), default=0)
    fence, pad = "`" * (longest + 1), " " if longest else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|~$&])", r"\\\1", _plain(text))
