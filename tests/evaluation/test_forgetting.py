"""Bits per byte of general texts: by hand, through a model, cut to the context, and against a baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from synthcpt.backends.base import Capabilities, ScoredPiece
from synthcpt.errors import ConfigError, PromptTooLong, QuestionError
from synthcpt.evaluation import evaluate
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.evaluation.forgetting import (
    TextScoring,
    general_differences,
    general_scores,
    read_general,
    still_true,
    to_score,
)
from synthcpt.records import Document

LN2 = math.log(2)


def row(name: str, number: int, bits: float, size: int, tokens: int = 10) -> dict[str, Any]:
    return {
        "name": name, "id": f"t{number}", "text": "x", "nats": bits * LN2, "tokens": tokens, "bytes": size, "cut": False
    }  # fmt: skip


def test_bits_are_summed_before_they_are_divided() -> None:
    rows = [row("wiki", 0, 10, 10), row("wiki", 1, 300, 100, tokens=40), row("code", 0, 8, 4)]
    found = general_scores(rows, seed=0, resamples=200)
    assert found["wiki"]["bits_per_byte"]["value"] == pytest.approx(310 / 110)  # and not the mean of 1 and 3
    assert found["wiki"]["nats_per_token"] == pytest.approx(310 * LN2 / 50)
    assert (found["wiki"]["tokens"], found["wiki"]["bytes"], found["wiki"]["texts"]) == (50, 110, 2)
    assert found["code"]["bits_per_byte"] == {"value": 2.0, "low": 2.0, "high": 2.0, "n": 1, "clusters": 1}


def test_the_interval_covers_what_it_should() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(100):
        sizes = rng.integers(50, 150, 60)
        needed = sizes * rng.normal(2, 0.5, 60)
        rows = [row("w", n, float(needed[n]), int(sizes[n])) for n in range(60)]
        bits = general_scores(rows, seed=1, resamples=300)["w"]["bits_per_byte"]
        covered += bits["low"] <= 2 <= bits["high"]
    assert 88 <= covered <= 99


def test_a_difference_is_paired_by_text() -> None:
    before = [row("wiki", n, 10 * n, 10) for n in range(1, 13)]
    after = [row("wiki", n, 10 * n + 1, 10) for n in range(1, 13)]
    found = general_differences(after, list(reversed(before)), seed=0, resamples=1000)["wiki"]
    # Texts differ by a factor of twelve; what was forgotten is the same in each, and so exactly known.
    assert [found[key] for key in ("value", "low", "high")] == pytest.approx([0.1, 0.1, 0.1])
    assert found["p_value"] < 0.01
    assert general_differences(before, before, seed=0, resamples=200)["wiki"]["p_value"] == 1.0
    with pytest.raises(QuestionError, match="contexts or tokenizers differ"):
        general_differences(after, [row("wiki", 1, 10, 9)], seed=0, resamples=200)


class Counting:
    """A token and a nat a word, and no more than a few words."""

    name = "counting"
    capabilities = Capabilities(context_tokens=10)

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        assert pieces[0] == "\n", "the first token of a text counts only after another"
        found = [ScoredPiece(tuple(range(len(p.split()))), (-1.0,) * len(p.split())) for p in pieces]
        if sum(len(piece.token_ids) for piece in found) > 10:
            raise PromptTooLong("too long")
        return found


async def test_a_long_text_is_cut_to_the_context() -> None:
    scoring = TextScoring(Counting())  # type: ignore[arg-type]
    short = await scoring.row("wiki", Document("a", "four words and é"))
    assert (short["nats"], short["tokens"], short["bytes"], short["cut"]) == (4.0, 4, 17, False)
    long = await scoring.row("wiki", Document("b", "word " * 1000))
    assert long["cut"]
    assert 7 <= long["tokens"] <= 10
    assert 5 * long["tokens"] - 5 <= long["bytes"] <= 5 * long["tokens"]


def test_a_backend_that_scores_nothing_is_refused() -> None:
    class Mute:
        name = "mute"
        capabilities = Capabilities()

    with pytest.raises(ConfigError, match="transformers or vllm"):
        TextScoring(Mute())  # type: ignore[arg-type]


def test_texts_have_names_and_are_scored_again_when_they_change(tmp_path: Path) -> None:
    (tmp_path / "wiki.txt").write_text("One text.\n")
    (tmp_path / "code.txt").write_text("Another text.\n")
    given = (str(tmp_path / "wiki.txt"), f"programs={tmp_path / 'code.txt'}")
    texts = read_general(EvaluateConfig(model="m", general=given))
    assert {name: [one.text.strip() for one in found] for name, found in texts.items()} == {
        "wiki": ["One text."], "programs": ["Another text."]
    }  # fmt: skip
    assert [name for name, _ in to_score([], texts)] == ["wiki", "programs"]
    (_, document), _ = to_score([], texts)
    import asyncio

    kept = [asyncio.run(TextScoring(Counting()).row("wiki", document)), row("old", 0, 1, 1)]  # type: ignore[arg-type]
    assert [name for name, _ in to_score(kept, texts)] == ["programs"]
    changed = {"wiki": [Document(document.id, "Changed.")]}
    assert to_score(kept, changed)
    assert [one["name"] for one in still_true(kept, changed)] == ["old"]
    with pytest.raises(ConfigError, match="Two general texts"):
        read_general(EvaluateConfig(model="m", general=(given[0], given[0])))


def test_an_untrained_model_needs_eight_bits_a_byte_and_a_trained_one_forgets(
    knowing_folder: Path, ignorant_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "wiki.jsonl").write_text("".join(f'{{"text": "The sea rose over wall {n}."}}\n' for n in range(8)))
    found = evaluate(
        model=knowing_folder, baseline=ignorant_folder, general=f"wiki={tmp_path / 'wiki.jsonl'}", resamples=200
    )
    assert isinstance(found, dict)
    wiki = found["forgetting"]["texts"]["wiki"]
    before = wiki["bits_per_byte"]["value"] - wiki["difference"]["value"]
    assert before == pytest.approx(math.log2(257), rel=0.05)
    assert wiki["texts"] == 8
    assert wiki["tokens"] == wiki["bytes"]
    assert found["scores"] == {}
    assert wiki["difference"]["p_value"] < 0.05
