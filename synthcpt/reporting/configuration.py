"""How to make a generation run again: its command, its settings, its files."""

from __future__ import annotations

from pathlib import Path

from synthcpt.reporting.elements import Html, code, disclosure, note, table
from synthcpt.reporting.gathering import RunFacts
from synthcpt.reporting.repeating import command_of, own_prompts


def configuration(found: RunFacts) -> str:
    settings, path = found.run.settings, found.run.path
    own = own_prompts(settings)
    parts = [
        "<p>The same configuration with the same answers gives the same files, byte for byte.</p>",
        code(f"synthcpt generate --config {path}/run.yaml --output {path}-again", "From this run's own settings"),
        code(command_of(settings, Path(f"{path}-again")), "Or by flags"),
    ]
    if own:
        parts.append(note(f"Made with prompts of your own, which --prompts must name again: {', '.join(own)}.", "warn"))
    text = (path / "run.yaml").read_text(encoding="utf-8")
    parts.append(disclosure("run.yaml", Html(code(text))))
    if found.run.complete:
        shards = [(one["file"], one["rows"], one["bytes"], one["sha256"]) for one in found.run.manifest["shards"]]
        listed = table(["file", "texts", "bytes", "SHA-256"], shards[:200], caption="Shards")
        parts.append(disclosure(f"Shards ({len(shards):,})", listed))
    return "".join(parts)
