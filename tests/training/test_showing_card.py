"""The model card: its header is YAML, its tables hold whatever names hold, and it is honest."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from watched_runs import beginning, evaluation, tell

from synthcpt.training.showing.card import model_card
from synthcpt.training.showing.metrics import MetricsLog, read_metrics
from synthcpt.training.showing.plain import code, markdown, plain, short_count

TOTALS = {"rows": 1200, "row_tokens": 360_000, "documents": 44, "source_tokens": 33_000}
WRITTEN = {
    "name": "books",
    "role": "synthetic",
    "path": "outputs/books",
    "tokens": 360_000,
    "read": 720_000,
    "settings": {"method": "entigraph", "method_version": 1, "backend": "vllm", "model": "Qwen/Qwen3-8B"},
    "manifest": {"totals": TOTALS},
}
REPLAY = {"name": "wiki", "role": "replay", "path": "hf:wikimedia/wikipedia:20231101.en:train", "tokens": 1_000_000}


@pytest.fixture
def events(tmp_path: Path) -> list[dict[str, Any]]:
    log = MetricsLog(tmp_path)
    log.began(beginning())
    log.evaluated(evaluation(0))
    tell(log, 1, 20)
    log.close()
    return read_metrics(tmp_path)


def header(card: str) -> dict[str, Any]:
    _, front, _ = card.split("---\n", 2)
    loaded: dict[str, Any] = yaml.safe_load(front)
    return loaded


def test_the_header_is_what_the_hub_reads(events: list[dict[str, Any]]) -> None:
    card = model_card(events, base_model="meta-llama/Llama-3.2-1B", sources=[WRITTEN, REPLAY])
    assert header(card) == {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "base_model": "meta-llama/Llama-3.2-1B",
        "base_model_relation": "finetune",
        "datasets": ["wikimedia/wikipedia"],
        "tags": ["synthcpt", "continued-pretraining", "synthetic", "entigraph"],
    }


def test_a_local_base_model_is_not_told_to_the_hub(events: list[dict[str, Any]], tmp_path: Path) -> None:
    card = model_card(events, base_model=str(tmp_path))
    assert "base_model" not in header(card)
    assert f"`{tmp_path}`" in card


def test_a_local_folder_that_looks_like_a_hub_name_is_local(
    events: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "mine").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert "base_model" not in header(model_card(events, base_model="models/mine"))


def test_data_method_paper_and_writer_are_named(events: list[dict[str, Any]]) -> None:
    card = model_card(events, base_model="a/b", sources=[WRITTEN, REPLAY])
    assert "| books | synthetic | 360,000 | 720,000 |" in card
    assert "| wiki | replay | 1,000,000 |  |" in card
    assert "method `entigraph` (Yang et al. 2024, Synthetic continued pretraining, arXiv:2409.07431)" in card
    assert "its texts written by `Qwen/Qwen3-8B` through `vllm`" in card
    assert "1,200 texts of about 360,000 tokens from 44 documents" in card
    assert "| tokens | 20,000 tokens read = 19,900 trained + 100 masked |" in card


def test_results_are_before_and_after_by_source(events: list[dict[str, Any]]) -> None:
    card = model_card(events, base_model="a/b", picture="loss.png")
    assert "| books | 500 | 3.0000 | 2.0000 | 0.9000 | 0.7000 |" in card
    assert "20 optimiser steps, 20,000 tokens." in card
    assert "](loss.png)" in card
    assert "](" not in model_card(events, base_model="a/b")


@pytest.mark.parametrize(
    ("backend", "honest"),
    [("extractive", "No language model wrote these texts"), ("mock", "These texts are simulated")],
)
def test_texts_of_no_language_model_are_called_that(events: list[dict[str, Any]], backend: str, honest: str) -> None:
    source = {**WRITTEN, "settings": {**WRITTEN["settings"], "backend": backend, "model": "x"}}  # type: ignore[dict-item]
    card = model_card(events, base_model="a/b", sources=[source])
    assert honest in card
    assert "written by `x`" not in card
    assert honest not in model_card(events, base_model="a/b", sources=[WRITTEN])


def test_limits_say_what_was_not_done(events: list[dict[str, Any]]) -> None:
    assert "Nothing general was replayed" in model_card(events, base_model="a/b", sources=[WRITTEN])
    assert "Nothing general was replayed" not in model_card(events, base_model="a/b", sources=[WRITTEN, REPLAY])
    unmeasured = [event for event in events if event["kind"] != "heldout"]
    assert "Nothing was held out" in model_card(unmeasured, base_model="a/b")


def test_the_recipe_is_yaml_whatever_it_holds(events: list[dict[str, Any]]) -> None:
    recipe = {"lr": 1e-5, "phases": [{"name": "a ``` b\n# no heading"}]}
    card = model_card(events, base_model="a/b", recipe=recipe)
    fenced = re.search(r"^(`{3,})yaml\n(.*?)^\1$", card, re.DOTALL | re.MULTILINE)
    assert fenced is not None
    assert yaml.safe_load(fenced[2]) == recipe
    assert len(fenced[1]) > 3


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    hostile = "a|b\n\n# head\n<script>alert(1)</script> [x](http://e.vil) ![i](j) `c` *d* ---\nbase_model: e/f"
    log = MetricsLog(tmp_path)
    log.began(beginning(model=hostile, audit=((hostile, hostile),), notes=(hostile,), devices=hostile))
    log.evaluated(evaluation(0, (hostile,)))
    tell(log, 1, 5, names=(hostile,))
    log.close()
    settings = {"method": hostile, "backend": hostile, "model": hostile}
    source = {"name": hostile, "role": hostile, "path": f"hf:{hostile}", "settings": settings}
    card = model_card(read_metrics(tmp_path), base_model=hostile, sources=[source])
    assert set(header(card)) == {"library_name", "pipeline_tag", "tags"}
    outside_code = re.sub(r"(?<!\\)(`+)(?!`).*?(?<![`\\])\1(?!`)", "", card, flags=re.DOTALL)
    assert not re.search(r"<script|(?<!\\)\]\(h|!\[i", outside_code)
    headings = [line for line in card.splitlines() if line.startswith("#")]
    assert [line[:4] for line in headings if line != headings[0]] == ["## D", "## R", "## H", "## R", "## L"]
    for table in re.findall(r"(?:^\|.*\n)+", card, re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1


def test_a_card_of_a_run_that_told_nothing_can_be_written() -> None:
    assert header(model_card([], base_model="a/b"))["base_model"] == "a/b"


def test_plain_text_has_one_line_and_no_control() -> None:
    assert plain("a\tb\r\n\x1b[31mc\u202ed\x00") == "a b [31mcd"
    assert plain("long enough", most=6) == "long…"
    assert markdown("a_b & <c>") == "a\\_b &amp; &lt;c&gt;"
    assert code("a`b``c") == "``` a`b``c ```"


def test_counts_are_short() -> None:
    assert [short_count(n) for n in (0, 999, 1000, 999_999, 1_236_000_000)] == ["0", "999", "1k", "1M", "1.24B"]
