"""The embedded backend: a document's own sentences, by rules; no model, no network, no key."""

from synthcpt.backends.extractive.backend import ExtractiveBackend, ExtractiveOptions

__all__ = ["ExtractiveBackend", "ExtractiveOptions"]
