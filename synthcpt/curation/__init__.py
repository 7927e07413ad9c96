"""Curation: finished runs in, one finished run out, of the texts that are worth training on."""

from __future__ import annotations

from synthcpt.curation.config import CurateConfig
from synthcpt.curation.selection import select_tokens
from synthcpt.curation.stage import curate

__all__ = ["CurateConfig", "curate", "select_tokens"]
