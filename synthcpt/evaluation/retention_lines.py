"""What became of probed facts, in lines for a reader."""

from __future__ import annotations

from typing import Any


def retention_lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """A name and a value each, for a reader: the main figures, or why there are none."""
    lines = [("facts probed", f"{found['probes']:,} of {found['documents']:,} documents")]
    names = {
        "learnt": ("learnt in all", " nats"),
        "unread": ("facts never read, in all", " nats"),
        "effectivity": ("learnt by an exposure", " nats"),
        "effectivity_by_chance": ("the same of facts never read", " nats"),
        "decay_constant": ("share lost every tenfold of steps", ""),
    }
    for key, (name, unit) in names.items():
        if not (one := found.get(key)):
            continue
        lines.append((name, one["why"] if "why" in one else f"{_interval(one)}{unit}"))
    for steps, one in found.get("retainability", {}).items():
        lines.append((f"left after {steps.replace('_', ' ')}", _interval(one)))
    for groups, one in found.get("group_differences", {}).items():
        lines.append((f"share lost, {groups}", _interval(one)))
    return lines


def _interval(one: dict[str, Any]) -> str:
    return f"{one['value']:.3g} [{one['low']:.3g}, {one['high']:.3g}]"
