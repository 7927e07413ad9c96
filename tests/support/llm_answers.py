"""Answers a test server gives: plausible, true to the prompt's document, and always the same for the same chat."""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import Any

_TITLE = re.compile(r"^## The document: (.*)$", re.MULTILINE)
_BULLET = re.compile(r"^- (.+)$", re.MULTILINE)
_NAME = re.compile(r"\b[A-Z][\w'’-]+(?: (?:of (?:the )?)?[A-Z][\w'’-]+)*")
_SENTENCE = re.compile(r"[^.!?\n]{20,}[.!?]")
_CHARS_A_TOKEN = 4


def digest_of(messages: Any) -> str:
    """The identity of a chat, in hexadecimal: what answers and faults are drawn from."""
    return hashlib.blake2b(json.dumps(messages, sort_keys=True).encode(), digest_size=16).hexdigest()


def count_tokens(text: str) -> int:
    """The server's idea of a text's tokens."""
    return max(1, len(text) // _CHARS_A_TOKEN)


def shorten(text: str, max_tokens: int) -> str:
    """The text as far as the limit lets it go."""
    return text[: max_tokens * _CHARS_A_TOKEN]


def wants_json(body: dict[str, Any]) -> bool:
    """Whether the request asks for JSON, by its response_format or in the words of its system turn."""
    kind = (body.get("response_format") or {}).get("type")
    system = " ".join(_texts(body, "system"))
    return kind in ("json_schema", "json_object") or ("JSON object" in system and '"entities"' in system)


def answer_to(body: dict[str, Any], entities: int, answer_chars: int) -> str:
    """The text that answers a chat completion request: JSON where it wants JSON, else a titled text."""
    user = "\n".join(_texts(body, "user"))
    if not wants_json(body):
        return titled_text(user, digest_of(body.get("messages")), answer_chars)
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema") or {}
    properties = schema.get("properties") or {"entities": {}}
    if "entities" in properties:
        return json.dumps({"summary": summary(user), "entities": names_in(user, entities)}, ensure_ascii=False)
    return json.dumps(instance_of(schema, user), ensure_ascii=False)


def _texts(body: dict[str, Any], role: str) -> list[str]:
    messages = body.get("messages") or []
    return [message["content"] for message in messages if message.get("role") == role]


def names_in(text: str, count: int) -> list[str]:
    """The first so many names of a text, each once; long words make up for names that are missing."""
    document = text.split("\n## The entities", 1)[0].removeprefix("## The document: ")
    names = dict.fromkeys(_NAME.findall(document))
    names |= dict.fromkeys(re.findall(r"\b\w{7,}\b", document))
    return list(names)[:count]


def summary(text: str) -> str:
    """Its first two sentences."""
    return " ".join(sentence.strip() for sentence in _SENTENCE.findall(text)[:2]) or "A short document."


def titled_text(user: str, digest: str, answer_chars: int) -> str:
    """A text of about so many characters: a section an entity, made of the document's sentences."""
    title = _TITLE.search(user)
    heading = title.group(1).strip() if title else "Notes"
    document, _, tail = user.partition("\n## The entities")
    topics = _BULLET.findall(tail) or [heading]
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(document)] or ["There is little to tell."]
    rng = random.Random(digest)
    paragraphs = []
    for topic in topics:
        body, size = [f"This part of {heading} turns on {topic}."], 0
        while size < answer_chars // len(topics):
            sentence = rng.choice(sentences)
            body.append(sentence)
            size += len(sentence) + 1
        paragraphs.append(f"# {heading}: {topic}\n\n" + " ".join(body))
    return "\n\n".join(paragraphs)


def instance_of(schema: dict[str, Any], text: str) -> Any:
    """A small value that satisfies a JSON schema of the plain kinds; strings are taken from the text."""
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if kind == "object":
        return {name: instance_of(part, text) for name, part in schema.get("properties", {}).items()}
    if kind == "array":
        return [instance_of(schema.get("items", {}), text)] * max(2, schema.get("minItems", 0))
    plain: dict[str, Any] = {"integer": 1, "number": 0.5, "boolean": True, "null": None}
    return plain[kind] if kind in plain else summary(text)
