"""The command that makes a generation run again."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthcpt.errors import ConfigError
from synthcpt.methods.discovery import load_method

_FLAGS = (
    "text_field", "title_field", "id_field", "limit", "target_tokens", "truncation", "seed", "parts",
)  # fmt: skip
_SAMPLING = ("temperature", "max_tokens", "top_p")
_DEFAULTS = {"truncation": "retry", "seed": 0, "parts": 1}


def command_of(settings: Mapping[str, Any], output: Path) -> str:
    """The `synthcpt generate` command with what differs from the defaults, one flag a line, ready for a shell.

    Settings that have no flag (`min_p`, the user's own prompts) are not in it; run.yaml, given as `--config`, has the
    former, too.
    """
    words = [f"synthcpt generate --method {shlex.quote(str(settings['method']))}"]
    words += [f"--input {shlex.quote(str(one))}" for one in settings.get("input") or ()]
    words.append(f"--backend {shlex.quote(str(settings['backend']))}")
    if settings["backend"] not in ("extractive", "mock", "simulated") and settings.get("model"):
        words.append(f"--model {shlex.quote(str(settings['model']))}")
    if settings.get("base_url"):
        words.append(f"--base-url {shlex.quote(str(settings['base_url']))}")
    options = settings.get("backend_options") or {}
    words += [f"--backend-option {_assignment(name, value)}" for name, value in options.items() if name != "base_url"]
    words += [f"--set {_assignment(name, value)}" for name, value in _changed(settings).items()]
    words += [
        f"--{name.replace('_', '-')} {shlex.quote(str(settings[name]))}"
        for name in _FLAGS
        if settings.get(name) is not None and settings[name] != _DEFAULTS.get(name)
    ]
    sampling = settings.get("sampling") or {}
    words += [f"--{name.replace('_', '-')} {sampling[name]}" for name in _SAMPLING if name in sampling]
    prices = settings.get("prices") or {}
    words += [f"--price-{name} {price:g}" for name, price in prices.items()]
    words.append(f"--output {shlex.quote(str(output))}")
    return " \\\n  ".join(words)


def own_prompts(settings: Mapping[str, Any]) -> list[str]:
    """The prompts of the run that are not those shipped with this version."""
    from synthcpt.templates import PromptBook

    book, own = PromptBook(), []
    try:
        shipped = {f"{settings['method']}/{base}" for base in load_method(str(settings["method"])).prompts}
    except ConfigError:
        return []
    for name, told in (settings.get("prompts") or {}).items():
        if name not in shipped:
            own.append(str(name))
            continue
        prompt = book.load(name)
        if told != f"version {prompt.version}, {prompt.digest}":
            own.append(str(name))
    return own


def _changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The method's options that are not at their defaults."""
    given: dict[str, Any] = dict(settings.get("options") or {})
    try:
        defaults = load_method(str(settings["method"])).options().model_dump(mode="json")
    except ConfigError:
        return given  # a method of another version of synthcpt
    return {name: value for name, value in given.items() if name not in defaults or defaults[name] != value}


def _assignment(name: str, value: Any) -> str:
    plain = value if isinstance(value, str) and value.isidentifier() else json.dumps(value, ensure_ascii=False)
    return shlex.quote(f"{name}={plain}")
