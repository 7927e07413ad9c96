"""Files that a page is made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml

from synthcpt.errors import DataCorrupt


def read_mapping(path: Path, writer: str) -> dict[str, Any]:
    """A YAML or JSON file of names and values; empty where there is none.

    Args:
        path: the file.
        writer: what writes such files, for the message, e.g. ``a training``.

    Raises:
        DataCorrupt: it is neither, or holds something else.
    """
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        told = orjson.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise DataCorrupt(f"{path} cannot be read.") from error
    if not isinstance(told, dict):
        raise DataCorrupt(f"{path} is not what {writer} writes.")
    return told
