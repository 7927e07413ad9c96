"""What a server said instead of a completion, as errors of synthcpt's own tree.

Decisions rest on the HTTP status and on the `code`, `type` and `param` fields of the answer, which are data;
the message is only quoted.
"""

from __future__ import annotations

import math
import re
import reprlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

import orjson

from synthcpt.errors import (
    BackendError,
    BackendUnavailable,
    OverloadError,
    PromptTooLong,
    RequestRejected,
    TransientError,
)

QUOTE_CHARS = 300
"""How much of a server's own words goes into a message."""

_QUOTA = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "insufficient_balance"}
_TOO_LONG = {"context_length_exceeded", "exceed_context_size_error", "string_above_max_length"}
_TOO_LONG_FIELDS = {"input_tokens", "input_text"}  # what vLLM names as the fault
_FILTERED = {"content_filter", "content_policy_violation"}
_OVERLOADED = {429, 503, 529}
_RETRIED = {408, 409, 425}
_WRONG_ADDRESS = {404, 405, 410}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s|d)")
_SHORT = reprlib.Repr()
_SHORT.maxstring = QUOTE_CHARS
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where requests go, as far as error messages need to know.

    Attributes:
        shown: the base URL without user, password or query.
        key_env: the environment variable that holds the key.
        secrets: what must never be quoted.
    """

    shown: str
    key_env: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def quote(self, text: str) -> str:
        """A stranger's words made fit for a message: one short printable line without our secrets."""
        for secret in self.secrets:
            text = text.replace(secret, "[secret]")
        line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * QUOTE_CHARS]).split())
        return line if len(line) <= QUOTE_CHARS else line[: QUOTE_CHARS - 3] + "..."


class Complaint(NamedTuple):
    """A server's refusal.

    Attributes:
        status: the HTTP status.
        message: the server's words, unshortened.
        slugs: its `code` and `type` fields, as far as they are text.
        fields: the request fields it names as the fault.
    """

    status: int
    message: str
    slugs: frozenset[str]
    fields: tuple[str, ...]


def read_complaint(status: int, body: bytes) -> Complaint:
    """Understand an error body in the shapes servers use; any bytes at all give a complaint."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return Complaint(status, body[:4000].decode("utf-8", "replace"), frozenset(), ())
    return complaint_of(status, payload)


def complaint_of(status: int, payload: Any) -> Complaint:
    """As `read_complaint`, of a body that has been decoded."""
    if isinstance(payload, list) and payload:  # Google's servers wrap the object in a list
        payload = payload[0]
    error = payload.get("error", payload) if isinstance(payload, dict) else payload
    if not isinstance(error, dict):
        return Complaint(status, error if isinstance(error, str) else _as_text(error), frozenset(), ())
    message = error.get("message") or error.get("detail") or error
    slugs = frozenset(value for value in (error.get("code"), error.get("type")) if isinstance(value, str))
    param = error.get("param")
    fields = (param,) if isinstance(param, str) and param else tuple(_invalid_fields(error))
    return Complaint(status, message if isinstance(message, str) else _as_text(message), slugs, fields)


def _invalid_fields(error: Mapping[str, Any]) -> Iterable[str]:
    """The fields a FastAPI-like server lists under ``detail``: ``{"loc": ["body", "field", ...]}``."""
    message = error.get("message")
    detail = error.get("detail") or (message.get("detail") if isinstance(message, dict) else None)
    for entry in detail if isinstance(detail, list) else []:
        location = entry.get("loc") if isinstance(entry, dict) else None
        if isinstance(location, list) and len(location) > 1 and isinstance(location[1], str):
            yield location[1]


def _as_text(value: Any) -> str:
    """JSON of any shape, depth and size as a short text."""
    return _SHORT.repr(value)


def error_for(complaint: Complaint, headers: Mapping[str, str], endpoint: Endpoint, model: str) -> BackendError:
    """The error that a non-completion stands for; to be raised by the caller."""
    status, slugs = complaint.status, complaint.slugs
    said = f"{endpoint.shown} answered {status}: {endpoint.quote(complaint.message) or '(nothing)'}"
    if slugs & _FILTERED:
        return RequestRejected(f"The provider's filter refused this request. {said}")
    if slugs & _QUOTA or status == 402:
        return BackendUnavailable(f"The account has no credit left. {said}")
    if status in (401, 403):
        return BackendUnavailable(f"The server refused the key in the variable {endpoint.key_env}. {said}")
    if status in _WRONG_ADDRESS:
        return BackendUnavailable(
            f"{said}. Asked for model {model!r} at {endpoint.shown}/chat/completions: check the model's name, and "
            f"that base_url ends where the API starts (often with /v1)."
        )
    if 300 <= status < 400:
        return BackendUnavailable(f"{endpoint.shown} redirects elsewhere; set base_url to the final address.")
    if status in _OVERLOADED:
        return OverloadError(said, pause_s(headers))
    if status in _RETRIED or (status >= 500 and status != 501):
        return TransientError(said, pause_s(headers))
    if slugs & _TOO_LONG or _TOO_LONG_FIELDS.intersection(complaint.fields):
        return PromptTooLong(f"The prompt does not fit the context of {model!r}. {said}")
    return RequestRejected(said)


def pause_s(headers: Mapping[str, str]) -> float | None:
    """How long the server asks us to wait, in seconds; None where it does not say or talks nonsense."""
    exact = _number(headers.get("retry-after-ms"))
    if exact is not None:
        return exact / 1000
    after = headers.get("retry-after")
    if after is not None:
        wait_s = _number(after)
        return wait_s if wait_s is not None else _until(after, headers.get("date"))
    return _rate_limit_reset_s(headers)


def _rate_limit_reset_s(headers: Mapping[str, str]) -> float | None:
    """Time until the exhausted limit (requests, tokens) is whole again; the soonest where none says it is used up."""
    resets: dict[str, float] = {}
    for kind in ("requests", "tokens"):
        wait_s = _duration_s(headers.get(f"x-ratelimit-reset-{kind}"))
        if wait_s is not None:
            resets[kind] = wait_s
    spent = [s for kind, s in resets.items() if _number(headers.get(f"x-ratelimit-remaining-{kind}")) == 0]
    if spent:
        return max(spent)
    return min(resets.values(), default=None)


def _duration_s(text: str | None) -> float | None:
    """``6m0s``, ``12ms``, ``1.5s`` or plain seconds."""
    if text is None:
        return None
    parts = _DURATION.findall(text)
    if parts and "".join(number + unit for number, unit in parts) == text.strip():
        return float(sum(float(number) * _SECONDS[unit] for number, unit in parts))
    return _number(text)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _until(date: str, server_now: str | None) -> float | None:
    """Seconds to an HTTP date, by the server's own clock where it tells the time."""
    try:
        then = parsedate_to_datetime(date).timestamp()
        now = parsedate_to_datetime(server_now).timestamp() if server_now else time.time()
    except (ValueError, OverflowError):
        return None
    return max(0.0, then - now)
