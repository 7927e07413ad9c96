"""Which optional fields a server takes: found out on its first refusal, then remembered.

OpenAI-compatible servers differ in three things a run needs: how an answer is held to a JSON schema, whether
thinking can be switched off, and what the limit on new tokens is called. Each starts at what most servers take;
a refusal (HTTP 400 or 422) moves it one rung down, and the first success settles it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import product
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

from synthcpt.backends.openai_errors import Complaint
from synthcpt.records import Json, Request

SchemaMode: TypeAlias = Literal["json_schema_strict", "json_schema", "json_object", "none"]
LimitField: TypeAlias = Literal["max_tokens", "max_completion_tokens"]
Feature: TypeAlias = Literal["thinking_switch", "schema_mode", "limit_field"]

MAX_FALLBACKS = 8
"""The most further attempts one refused call makes."""

_RUNGS: tuple[SchemaMode, ...] = ("json_schema_strict", "json_schema", "json_object", "none")
_LIMITS: tuple[LimitField, LimitField] = ("max_tokens", "max_completion_tokens")
_UNSUPPORTED = {"unsupported_parameter", "unknown_parameter", "unsupported_value", "extra_forbidden"}
_FEATURE_OF: dict[str, Feature] = {
    "chat_template_kwargs": "thinking_switch",
    "response_format": "schema_mode",
    "max_tokens": "limit_field",
    "max_completion_tokens": "limit_field",
}

_log = logging.getLogger(__name__)


class Dialect(NamedTuple):
    """How a request is put to one server.

    Attributes:
        thinking_switch: send ``chat_template_kwargs: {"enable_thinking": false}``.
        schema_mode: how the answer is held to the request's schema.
        limit_field: what the limit on new tokens is called.
    """

    thinking_switch: bool
    schema_mode: SchemaMode
    limit_field: LimitField


class Dialects:
    """What one server has shown to take.

    Args:
        thinking_switch: whether to try switching thinking off.
        limit_field: the name to try first.
        json_mode: ``auto`` to find out, or the one mode to use, whatever the server says.
    """

    def __init__(self, thinking_switch: bool, limit_field: LimitField, json_mode: str) -> None:
        self._plain = Dialect(thinking_switch, "none", limit_field)
        self._json_mode = json_mode
        self._modes: dict[bytes, SchemaMode] = {}
        self._settled: set[tuple[Dialect, bytes]] = set()
        self._proven: set[Feature] = set()

    @property
    def schema(self) -> bool:
        """Whether answers are held to schemas: true until the server has refused it for each schema asked."""
        held = [mode.startswith("json_schema") for mode in self._modes.values()]
        return self._json_mode in ("auto", "json_schema") and (not held or any(held))

    def best(self, request: Request) -> Dialect:
        """The dialect to put a request in, by all that is known."""
        if request.schema is None:
            return self._plain
        return self._plain._replace(schema_mode=self._mode(request.schema))

    def _mode(self, schema: Mapping[str, Json]) -> SchemaMode:
        return self._modes.get(_key(schema)) or self._rungs(schema)[0]

    def _rungs(self, schema: Mapping[str, Json]) -> tuple[SchemaMode, ...]:
        """The modes to try, best first."""
        if self._json_mode == "auto":
            return _RUNGS if fits_strict_mode(schema) else _RUNGS[1:]
        wanted: Any = self._json_mode
        return ("json_schema_strict",) if wanted == "json_schema" and fits_strict_mode(schema) else (wanted,)

    def accept(self, request: Request, dialect: Dialect) -> None:
        """Remember that the server answered a request in this dialect."""
        key = b"" if request.schema is None else _key(request.schema)
        if (dialect, key) in self._settled:
            return
        before = self.best(request)
        if before != dialect:
            _log.warning("The server refuses %s; going on without.", _difference(before, dialect))
        self._settled.add((dialect, key))
        self._plain = dialect._replace(schema_mode="none")
        self._proven |= {"thinking_switch"}
        if request.sampling.max_tokens is not None:
            self._proven |= {"limit_field"}
        if request.schema is not None:
            self._modes[key] = dialect.schema_mode

    def fallback(self, request: Request, tried: list[Dialect], complaint: Complaint) -> Dialect | None:
        """What to try after a refusal, or None where the request itself is at fault.

        Where the server names the field it refuses, only that one changes. Where it does not, whatever has never
        succeeded is suspected, the fewest changes first.
        """
        named = {_feature(field, complaint) for field in complaint.fields}
        if len(tried) > MAX_FALLBACKS or None in named:
            return None
        for candidate in self._candidates(request, tried[-1] if named else tried[0], named):
            if candidate not in tried:
                return candidate
        return None

    def _candidates(self, request: Request, sent: Dialect, named: set[Feature | None]) -> list[Dialect]:
        suspects = named or {"thinking_switch", "schema_mode", "limit_field"} - self._settled_features(request)
        switches = (True, False) if sent.thinking_switch and "thinking_switch" in suspects else (sent.thinking_switch,)
        modes: tuple[SchemaMode, ...] = (sent.schema_mode,)
        if request.schema is not None and "schema_mode" in suspects:
            rungs = self._rungs(request.schema)
            modes = rungs[rungs.index(sent.schema_mode) :]
        limits: tuple[LimitField, ...] = (sent.limit_field,)
        if request.sampling.max_tokens is not None and "limit_field" in suspects:
            limits = (sent.limit_field, _LIMITS[1 - _LIMITS.index(sent.limit_field)])
        # Weighed so that thinking goes first and the name of the limit last: servers know `max_tokens`, mostly.
        ways = sorted(
            product(enumerate(switches), enumerate(modes), enumerate(limits)),
            key=lambda way: (way[0][0] + way[1][0] + 3 * way[2][0], way[2][0], way[1][0]),
        )
        return [Dialect(switch, mode, limit) for (_, switch), (_, mode), (_, limit) in ways]

    def _settled_features(self, request: Request) -> set[Feature]:
        known = request.schema is not None and _key(request.schema) in self._modes
        return self._proven | ({"schema_mode"} if known else set())


def _feature(field: str, complaint: Complaint) -> Feature | None:
    feature = _FEATURE_OF.get(field.split(".")[0].split("[")[0])
    if feature == "limit_field" and complaint.slugs and not complaint.slugs & _UNSUPPORTED:
        return None  # the limit's value is wrong (beyond the context), not its name
    return feature


def _difference(before: Dialect, after: Dialect) -> str:
    return ", ".join(
        f"{name}={old}" for name, old, new in zip(Dialect._fields, before, after, strict=True) if old != new
    )


def _key(schema: Mapping[str, Json]) -> bytes:
    return orjson.dumps(schema)


def fits_strict_mode(schema: Json) -> bool:
    """Whether OpenAI's strict mode takes a schema: every object closed, every property required."""
    if isinstance(schema, list):
        return all(fits_strict_mode(item) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    properties = schema.get("properties")
    if isinstance(properties, Mapping) or schema.get("type") == "object":
        names = set(properties or {})
        if schema.get("additionalProperties") is not False or set(schema.get("required", ())) != names:
            return False
    return all(fits_strict_mode(value) for value in schema.values())
