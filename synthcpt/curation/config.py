"""The settings of a curation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from synthcpt.config import parse_count, validate
from synthcpt.errors import ConfigError


class CurateConfig(BaseModel):
    """All that `synthcpt curate` can be told; field names are the settings' names everywhere."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runs: tuple[str, ...] = Field(min_length=1, description="the folders of finished runs")
    output: Path = Field(description="the folder to write")

    exact: bool = Field(True, description="drop texts that are another one again, but for case and white space")
    near: bool = Field(True, description="drop near-duplicates among the texts of one document, method and prompt")
    jaccard: float = Field(0.9, gt=0, le=1, description="near-duplicates share this much of their shingles")
    shingle_words: int = Field(5, ge=1, le=50, description="words of a shingle")
    permutations: int = Field(128, ge=16, le=1024, description="of MinHash, which proposes what is then compared")
    source_copies: Literal["keep", "drop"] = Field(
        "keep", description="copies of a document that a method adds on purpose: keep them, or drop them as duplicates"
    )

    against: tuple[str, ...] = Field((), description="files of evaluation questions that no text may contain")
    ngram_words: int = Field(
        13,
        ge=4,
        le=50,
        description="a text contains a question if so many words in a row agree, or all of a shorter one's",
    )
    common_documents: int = Field(
        10, ge=1, description="word runs of a question in texts of more source documents than this are common phrases"
    )

    min_tokens: int | None = Field(None, ge=1, description="drop shorter texts")
    max_tokens: int | None = Field(None, ge=1, description="drop longer texts")
    max_repetition: float | None = Field(
        0.5, ge=0, le=1, description="drop texts of whose 10-word runs more than this share are repeats; none: keep"
    )
    language: tuple[str, ...] = Field((), description="keep texts in these languages only, e.g. en; all where empty")

    max_per_document: int | None = Field(None, ge=1, description="keep at most so many texts of a source document")
    target_tokens: int | None = Field(None, ge=1, description="keep about so many tokens in all, e.g. 10M")
    balance: Literal["documents", "proportional"] = Field(
        "documents", description="a choice takes equal tokens of documents and methods, or of each the same share"
    )
    seed: int = Field(0, description="of the choice; smaller targets' texts are among larger ones'")

    @field_validator("runs", "against", "language", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if isinstance(value, (str, Path)):
            return (str(value),)
        return tuple(str(item) for item in value) if isinstance(value, (list, tuple)) else value

    @field_validator("target_tokens", mode="before")
    @classmethod
    def _read_count(cls, value: Any) -> Any:
        return parse_count(value) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check(self) -> CurateConfig:
        if self.min_tokens and self.max_tokens and self.min_tokens > self.max_tokens:
            raise ConfigError(f"min_tokens ({self.min_tokens}) is more than max_tokens ({self.max_tokens}).")
        return self

    def identity(self) -> dict[str, Any]:
        """The settings that decide what is kept; where runs, questions and output lie is not among them."""
        return self.model_dump(mode="json", exclude={"runs", "output", "against"})


def make_curate_config(values: Mapping[str, Any]) -> CurateConfig:
    """The configuration of these values.

    Raises:
        ConfigError: an unknown name (the nearest known one is suggested), or a value out of range.
    """
    return validate(CurateConfig, values)
