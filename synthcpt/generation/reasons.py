"""What the slugs mean under which texts, calls and documents are left out; a slug without words speaks for itself."""

from __future__ import annotations

REASONS = {
    "truncated": "the answer hit its token limit",
    "filtered": "the server's filter ended the answer",
    "refusal": "the model declined",
    "near_empty": "hardly any text",
    "copied": "mostly the document's own words",
    "language": "another language than the document's",
    "entity_missing": "an entity it should be about is not in it",
    "malformed_answer": "no valid JSON after repairs",
    "no_entities": "fewer than two entities found in the document",
    "empty_document": "the document has no text",
    "prompt_too_long": "longer than the model's context",
    "context_too_small": "the model's context leaves no room for a document",
    "request_rejected": "the server refused the request",
}
