"""Forgetting: how well a model still predicts general text that no training showed it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from synthcpt.backends import Backend, Scorer
from synthcpt.corpus import read_documents
from synthcpt.errors import ConfigError, PromptTooLong, QuestionError
from synthcpt.evaluation.calling import attempted
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.randomness import stream
from synthcpt.records import Document

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Row: TypeAlias = dict[str, Any]

_CHARS_A_TOKEN = 8
"""No text is longer: what is cut off here would not have fitted."""

_AT_ONCE = 500
"""Resamples drawn at a time, so that their indices take little room."""


def read_general(config: EvaluateConfig) -> dict[str, list[Document]]:
    """Name -> texts, the first `EvaluateConfig.general_limit` of each.

    Raises:
        CorpusError: a file is missing or broken.
        ConfigError: two of one name.
    """
    found: dict[str, list[Document]] = {}
    for given in config.general:
        name, equals, place = given.partition("=")
        if not equals or Path(given).exists():
            name, place = Path(given.rstrip("/")).stem, given
        if name in found:
            raise ConfigError(f"Two general texts are called {name!r}. Name them: --general NAME=PATH.")
        stream = read_documents([place], text_field=config.text_field)
        found[name] = [document for document, _ in zip(stream, range(config.general_limit), strict=False)]
    return found


def still_true(kept: Sequence[Row], texts: Mapping[str, Sequence[Document]]) -> list[Row]:
    """The rows of texts that are as they were, and those of names that are not asked for now."""
    known = {(name, document.id, _digest(document)) for name, documents in texts.items() for document in documents}
    return [row for row in kept if row["name"] not in texts or (row["name"], row["id"], row["text"]) in known]


def to_score(kept: Sequence[Row], texts: Mapping[str, Sequence[Document]]) -> list[tuple[str, Document]]:
    """The texts that have no row yet, each with its name."""
    known = {(row["name"], row["id"], row["text"]) for row in kept}
    return [
        (name, document)
        for name, documents in texts.items()
        for document in documents
        if (name, document.id, _digest(document)) not in known
    ]


class TextScoring:
    """Scores general texts.

    Args:
        backend: a started one.

    Raises:
        ConfigError: it scores no texts.
    """

    def __init__(self, backend: Backend) -> None:
        if not isinstance(backend, Scorer):
            raise ConfigError(
                f"The backend {backend.name} gives no log-probabilities of given texts, so that forgetting cannot be "
                "measured on general texts. Use --backend transformers or vllm."
            )
        self._scorer: Scorer = backend
        self._context_tokens = backend.capabilities.context_tokens

    async def row(self, name: str, document: Document) -> Row:
        """The row of one text: its nats, tokens and bytes, as far as it fits into the context.

        A text is scored after a line break, so that its first token counts in models without a first token, too.
        """
        text = document.text
        if self._context_tokens is not None:
            text = text[: _CHARS_A_TOKEN * self._context_tokens]
        while True:
            try:
                _, scored = await attempted(partial(self._scorer.score, ["\n", text]))
                break
            except PromptTooLong:
                text = text[: len(text) * 3 // 4]
        return {
            "name": name,
            "id": document.id,
            "text": _digest(document),
            "nats": round(-scored.total, 6),
            "tokens": len(scored.token_ids),
            "bytes": len(text.encode("utf-8", "surrogatepass")),
            "cut": len(text) < len(document.text),
        }


def general_scores(rows: Iterable[Row], *, seed: int, resamples: int) -> dict[str, dict[str, Any]]:
    """Name -> bits per byte with a 95% interval (bootstrap over texts), nats per token, and how much was read."""
    return {name: _scores(group, seed, resamples) for name, group in _by_name(rows).items()}


def general_differences(
    rows: Iterable[Row], baseline: Iterable[Row], *, seed: int, resamples: int
) -> dict[str, dict[str, Any]]:
    """Name -> the model's bits per byte minus the baseline's on the same texts: what was forgotten is above zero.

    The texts count as clusters; p by flipping the sign of their differences.

    Raises:
        QuestionError: the two read other parts of a text, as with other tokenizers or contexts.
    """
    theirs = _by_name(baseline)
    mine = {name: group for name, group in _by_name(rows).items() if name in theirs}
    return {name: _difference(group, theirs[name], seed, resamples) for name, group in mine.items()}


def _scores(rows: Sequence[Row], seed: int, resamples: int) -> dict[str, Any]:
    nats, sizes = _column(rows, "nats"), _column(rows, "bytes")
    bits = nats / math.log(2)
    low, high = _interval(bits, sizes, seed, resamples)
    tokens = sum(row["tokens"] for row in rows)
    return {
        "bits_per_byte": {
            "value": float(bits.sum() / sizes.sum()), "low": low, "high": high, "n": len(rows), "clusters": len(rows),
        },
        "nats_per_token": float(nats.sum() / tokens),
        "tokens": tokens,
        "bytes": int(sizes.sum()),
        "texts": len(rows),
        "cut": sum(row["cut"] for row in rows),
    }  # fmt: skip


def _difference(rows: Sequence[Row], baseline: Sequence[Row], seed: int, resamples: int) -> dict[str, Any]:
    from synthcpt.statistics import paired_difference

    known = {row["id"]: row for row in baseline}
    pairs = [(known[row["id"]], row) for row in rows if row["id"] in known]
    for other, row in pairs:
        if other["bytes"] != row["bytes"]:
            raise QuestionError(
                f"Of the general text {row['id']!r} the model read {row['bytes']:,} bytes and the baseline "
                f"{other['bytes']:,}: their contexts or tokenizers differ. Give both max_model_len in backend_options."
            )
    first, second, sizes = (
        _column([pair[0] for pair in pairs], "nats"),
        _column([pair[1] for pair in pairs], "nats"),
        _column([pair[1] for pair in pairs], "bytes"),
    )
    bits = (second - first) / math.log(2)
    low, high = _interval(bits, sizes, seed, resamples)
    # Sizes stay under a flip of signs, so the test of the mean of nats is that of the ratio, too.
    tested = paired_difference(first, second, seed=seed, resamples=resamples)
    return {
        "value": float(bits.sum() / sizes.sum()), "low": low, "high": high, "p_value": float(tested.p_value),
        "n": len(pairs), "clusters": len(pairs),
    }  # fmt: skip


def _interval(bits: NDArray[np.float64], sizes: NDArray[np.float64], seed: int, resamples: int) -> tuple[float, float]:
    """The middle 95% of bits per byte over resampled texts."""
    import numpy as np

    rng = np.random.default_rng(stream(seed, "evaluation", "general").getrandbits(64))
    found = []
    for begin in range(0, resamples, _AT_ONCE):
        drawn = rng.integers(0, len(bits), (min(_AT_ONCE, resamples - begin), len(bits)))
        found.append(bits[drawn].sum(1) / sizes[drawn].sum(1))
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    return float(low), float(high)


def _digest(document: Document) -> str:
    return blake2b(document.text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def _column(rows: Sequence[Row], name: str) -> NDArray[np.float64]:
    import numpy as np

    return np.array([row[name] for row in rows], dtype=np.float64)


def _by_name(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["name"], []).append(row)
    return groups
