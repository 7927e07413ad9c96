"""What a run is: the resolved settings in run.yaml, and the refusal to mix two runs in one folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from synthcpt import __version__
from synthcpt.backends import Backend, BackendOptions
from synthcpt.config import GenerateConfig
from synthcpt.errors import PromptError, RunMismatch
from synthcpt.methods import Method, MethodOptions
from synthcpt.templates import Prompt, PromptBook

NOT_IDENTITY = frozenset(
    {
        "synthcpt",
        "input",
        "corpus",
        "target_tokens",
        "tokens_per_source_token",
        "base_url",
        "limit",
        "prices",
        "backend_options",
        "text_field",
        "title_field",
        "id_field",
    }
)
"""Keys of run.yaml that may differ between the commands of one run; corpus and target are compared on their own."""

_SECRETS = re.compile(r"(?:^|(?<=://))[^/?#]*@|[?#].*$")
"""A password before the host, and whatever follows the path: keys are put there too."""


def load_prompts(book: PromptBook, method: Method) -> dict[str, Prompt]:
    """All prompts of a method, parsed, the user's in place of the shipped ones.

    Raises:
        PromptError: malformed, or with other slots than the shipped prompt has.
    """
    shipped = PromptBook()
    book.check_overrides(method.name, method.prompts)
    prompts = {}
    for base in method.prompts:
        name = f"{method.name}/{base}"
        prompts[name], original = book.load(name), shipped.load(name)
        if prompts[name].slots != original.slots:
            raise PromptError(
                f"The prompt {name} must have the slots {_slots(original)}; yours has {_slots(prompts[name])}."
            )
    return prompts


def resolve(
    config: GenerateConfig,
    method: Method,
    options: MethodOptions,
    backend: Backend,
    backend_options: BackendOptions,
    prompts: Mapping[str, Prompt],
) -> dict[str, Any]:
    """run.yaml but for the corpus: everything that the texts depend on, with defaults filled in."""
    return {
        "synthcpt": __version__,
        "method": method.name,
        "method_version": method.version,
        "options": options.model_dump(mode="json"),
        "backend": backend.name,
        "model": backend.model,
        "backend_options": {
            name: _SECRETS.sub("", str(value)) if name == "base_url" else value
            for name, value in sorted(config.backend_options.items())
        },
        "answers_shaped_by": {name: getattr(backend_options, name) for name in sorted(backend_options.SHAPING)},
        "base_url": _SECRETS.sub("", config.base_url),
        "sampling": config.sampling(),
        "truncation": config.truncation,
        "prompts": {name: f"version {prompt.version}, {prompt.digest}" for name, prompt in sorted(prompts.items())},
        "seed": config.seed,
        "input": list(config.input),
        "text_field": config.text_field,
        "title_field": config.title_field,
        "id_field": config.id_field,
        "limit": config.limit,
        "target_tokens": config.target_tokens,
        "prices": config.prices(),
    }


def render(settings: Mapping[str, Any]) -> str:
    """run.yaml's text."""
    text = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True, width=110)
    if yaml.safe_load(text) != settings:  # unescaped, PyYAML loses such characters as U+0085
        text = yaml.safe_dump(dict(settings), sort_keys=False, width=110)
    return "# Written by synthcpt: what this run was made with, enough to repeat it.\n" + text


def check_same(before: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Refuse to go on with a run under other settings.

    Raises:
        RunMismatch: listing each difference.
    """
    differences = [
        f"  {name}: the run has {_short(old)}, this command says {_short(new)}"
        for name, old, new in _leaves(before, now)
        if old != new
    ]
    if differences:
        raise RunMismatch(
            f"{where} holds a run made otherwise:\n" + "\n".join(differences) + "\nGive another --output, undo the "
            "difference, or start this one again with --overwrite."
        )


def _leaves(before: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    leaves: list[tuple[str, Any, Any]] = []
    for name in dict.fromkeys((*before, *now)):
        old, new = before.get(name), now.get(name)
        if not prefix and name in NOT_IDENTITY:
            continue
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            leaves += _leaves(old, new, f"{prefix}{name}.")
        else:
            leaves.append((f"{prefix}{name}", old, new))
    return leaves


def _slots(prompt: Prompt) -> str:
    return ", ".join("$" + slot for slot in sorted(prompt.slots)) or "none"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
