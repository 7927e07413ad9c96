"""Requests as bytes for the wire, and answers from bytes: tolerant of what servers really send."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from synthcpt.backends.openai_dialect import Dialect
from synthcpt.backends.openai_errors import Endpoint, complaint_of, error_for
from synthcpt.errors import TransientError
from synthcpt.records import Completion, FinishReason, Json, Request, Sampling
from synthcpt.text.reasoning import strip_reasoning

_FINISH_REASONS: dict[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "length": "length",
    "max_tokens": "length",
    "content_filter": "content_filter",
}
_MOST_TOKENS = 2**40


def encode_request(request: Request, model: str, dialect: Dialect, extra_body: Mapping[str, Json]) -> bytes:
    """The JSON body of one chat completion call.

    Lone surrogates, which UTF-8 cannot carry, are sent as U+FFFD; all other text goes as it is.
    """
    return _dumped(_body(request, model, dialect) | dict(extra_body))


def encode_text(prompt: str, sampling: Sampling, model: str, extra_body: Mapping[str, Json]) -> bytes:
    """The JSON body of one plain completion call, which goes on with a text."""
    body = {"model": model, "prompt": prompt, **_drawing(sampling, "max_tokens")}
    return _dumped(body | dict(extra_body))


def _dumped(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return orjson.dumps(_without_surrogates(body))


def _drawing(sampling: Sampling, limit_field: str) -> dict[str, Any]:
    """The fields that say how to draw."""
    fields: dict[str, Any] = {"temperature": sampling.temperature}
    if sampling.max_tokens is not None:
        fields[limit_field] = sampling.max_tokens
    for name in ("top_p", "top_k", "min_p"):
        value = getattr(sampling, name)
        if value is not None:
            fields[name] = value
    if sampling.stop:
        fields["stop"] = sampling.stop
    return fields


def _body(request: Request, model: str, dialect: Dialect) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": message.role, "content": message.text} for message in request.messages],
        **_drawing(request.sampling, dialect.limit_field),
    }
    if request.schema is not None and dialect.schema_mode != "none":
        body["response_format"] = _response_format(request.schema, dialect)
    if dialect.thinking_switch:
        body["chat_template_kwargs"] = {"enable_thinking": False}
    return body


def _response_format(schema: Mapping[str, Json], dialect: Dialect) -> dict[str, Any]:
    if dialect.schema_mode == "json_object":
        return {"type": "json_object"}
    strict = dialect.schema_mode == "json_schema_strict"
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": strict}}


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_surrogates(item) for item in value]
    return value


def clean(text: str) -> str:
    """The text with each lone surrogate made U+FFFD, and each surrogate pair the character it stands for."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def decode_answer(body: bytes, request: Request, endpoint: Endpoint, model: str) -> Completion:
    """The completion in an HTTP 200 body.

    Raises:
        BackendError: it holds an error object instead; of the class that its code stands for.
        TransientError: it is not JSON, is cut short, or holds no choice.
    """
    payload, choice = _choice(body, "message", dict, endpoint, model)
    message = choice["message"]
    text, finish_reason = _text_of(message.get("content")), _finish_reason(choice.get("finish_reason"))
    refusal = message.get("refusal")
    if not text and isinstance(refusal, str) and refusal:
        text, finish_reason = clean(refusal), "content_filter"
    counted = _counted(payload, "".join(turn.text for turn in request.messages), text)
    return Completion(strip_reasoning(text), finish_reason, *counted, _answered_by(payload, model))


def decode_text(body: bytes, prompt: str, endpoint: Endpoint, model: str) -> Completion:
    """The continuation in an HTTP 200 body of a plain completion call, as it is.

    Raises:
        BackendError, TransientError: as `decode_answer`.
    """
    payload, choice = _choice(body, "text", str, endpoint, model)
    text = clean(choice["text"])
    counted = _counted(payload, prompt, text)
    return Completion(text, _finish_reason(choice.get("finish_reason")), *counted, _answered_by(payload, model))


def _choice(
    body: bytes, held: str, kind: type[Any], endpoint: Endpoint, model: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer and its first choice, which holds something of a kind."""
    payload = _load(body, endpoint)
    if isinstance(payload, dict) and payload.get("error"):
        raise error_for(complaint_of(_inner_status(payload["error"]), payload), {}, endpoint, model)
    choices = payload.get("choices") if isinstance(payload, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get(held), kind):
        raise TransientError(f"{endpoint.shown} answered without a choice: {_beginning(body, endpoint)}")
    if choice.get("finish_reason") in ("error", "abort"):
        raise TransientError(f"{endpoint.shown} broke the answer off.")
    return payload, choice


def _load(body: bytes, endpoint: Endpoint) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    try:
        # The standard parser is slower but takes lone surrogates and NaN, which Python servers write.
        return json.loads(body)
    except (ValueError, RecursionError):
        message = f"{endpoint.shown} answered {len(body)} bytes that are no whole JSON: {_beginning(body, endpoint)}"
    raise TransientError(message)


def _beginning(body: bytes, endpoint: Endpoint) -> str:
    return endpoint.quote(body[:4000].decode("utf-8", "replace")) or "(nothing)"


def _inner_status(error: Any) -> int:
    """The HTTP-like code in an error that came with status 200, else 502: worth another attempt."""
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 502


def _counted(payload: dict[str, Any], prompt: str, text: str) -> tuple[int, int, int]:
    """Prompt, completion and cached tokens, estimated where the server counts nothing."""
    usage = payload.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    prompt_tokens, completion_tokens = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt_tokens is None:
        prompt_tokens = _estimate(prompt)
    if completion_tokens is None:
        completion_tokens = _estimate(text)
    details = usage.get("prompt_tokens_details")
    cached_tokens = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return prompt_tokens, completion_tokens, min(cached_tokens or 0, prompt_tokens)


def _answered_by(payload: dict[str, Any], model: str) -> str:
    named = payload.get("model")
    return clean(named) if isinstance(named, str) and named else model


def _text_of(content: Any) -> str:
    """A message's content, which is text, null, or a list of text parts; other parts are left out."""
    if isinstance(content, str):
        return content if content.isascii() else clean(content)
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") if isinstance(part, dict) else part for part in parts]
    return clean("".join(text for text in texts if isinstance(text, str)))


def _finish_reason(value: Any) -> FinishReason:
    return _FINISH_REASONS.get(value, "other") if isinstance(value, str) else "other"


def _count(value: Any) -> int | None:
    """A token count as servers write it, or None where there is none to believe."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int(value) if 0 <= value <= _MOST_TOKENS else None


def _estimate(text: str) -> int:
    from synthcpt.text.tokens import estimate_tokens  # only where a server counts nothing

    return estimate_tokens(text)
