"""Small values that satisfy a JSON schema, made of given names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from synthcpt.records import Json

_ITEMS = 3
"""Items a list has where its schema does not say."""


class Instance:
    """One value of a schema of the kinds that pydantic writes.

    Args:
        schema: the schema; references into its ``$defs`` are followed.
        names: what strings are made of, in turn.
    """

    def __init__(self, schema: Mapping[str, Any], names: Sequence[str]) -> None:
        self._schema = schema
        self._names = cycle(names)

    def value(self) -> Json:
        """The value."""
        return self._of(self._schema)

    def _of(self, schema: Mapping[str, Any]) -> Json:
        if "$ref" in schema:
            return self._of(self._schema["$defs"][schema["$ref"].rsplit("/", 1)[-1]])
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                return self._of(schema[choice][0])
        return self._of_kind(schema)

    def _of_kind(self, schema: Mapping[str, Any]) -> Json:
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if kind == "object":
            return {name: self._of(part) for name, part in schema.get("properties", {}).items()}
        if kind == "array":
            count = min(max(_ITEMS, schema.get("minItems", 0)), schema.get("maxItems", _ITEMS))
            return [self._of(schema.get("items", {})) for _ in range(count)]
        if kind == "string":
            name = next(self._names)
            return f"{name} was there"[: schema.get("maxLength", 1000)].ljust(schema.get("minLength", 0), ".")
        least = schema.get("minimum", 1)
        return {"integer": least, "number": float(least), "boolean": True, "null": None}[kind]
