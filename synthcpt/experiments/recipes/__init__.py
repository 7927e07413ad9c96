"""The recipes that come with synthcpt, found by name."""

from __future__ import annotations

from pathlib import Path

from synthcpt.errors import ConfigError, near_match


def shipped_recipes() -> dict[str, Path]:
    """Name -> file."""
    return {path.stem: path for path in sorted(Path(__file__).parent.glob("*.yaml"))}


def find_recipe(name: str) -> Path:
    """The file that a name or a path means; a file wins.

    Raises:
        ConfigError: neither is there.
    """
    path, shipped = Path(name), shipped_recipes()
    if path.is_file():
        return path
    if name in shipped:
        return shipped[name]
    raise ConfigError(f"There is no recipe {name!r}: no such file, and no shipped recipe. {near_match(name, shipped)}")
