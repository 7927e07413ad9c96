"""What a written file must say for older readers, what is not written over, and which output layers may be left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_models import write_model

from synthcpt.errors import ConfigError, ModelError
from synthcpt.merging import merge


def silent_about_tying(folder: Path) -> Path:
    config = json.loads((folder / "config.json").read_text())
    del config["tie_word_embeddings"]
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def test_files_name_their_format_which_transformers_4_demands(llamas: list[Path], tmp_path: Path) -> None:
    merge("linear", llamas[:2], tmp_path / "out", shard_bytes=5_000)
    for file in (tmp_path / "out").glob("*.safetensors"):
        with safe_open(file, framework="pt") as opened:
            assert opened.metadata() == {"format": "pt"}


def test_a_merged_model_is_not_written_over_unasked(llamas: list[Path], tmp_path: Path) -> None:
    merge("linear", llamas[:2], tmp_path / "out")
    before = (tmp_path / "out" / "model.safetensors").read_bytes()
    with pytest.raises(ConfigError, match="not empty"):
        merge("linear", llamas[1:3], tmp_path / "out")
    assert (tmp_path / "out" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("swapped", [False, True])
def test_an_output_layer_of_its_own_is_not_lost_where_configurations_are_silent(swapped: bool, tmp_path: Path) -> None:
    tied = silent_about_tying(write_model(tmp_path / "tied", "llama", 0, tie_word_embeddings=True))
    untied = silent_about_tying(write_model(tmp_path / "untied", "llama", 1, tie_word_embeddings=False))
    with pytest.raises(ModelError, match=r"lm_head\.weight"):
        merge("linear", [untied, tied] if swapped else [tied, untied], tmp_path / "out")


@pytest.mark.parametrize("swapped", [False, True])
def test_an_output_layer_that_is_the_embedding_may_be_written_or_not(swapped: bool, tmp_path: Path) -> None:
    plain, doubled = (
        silent_about_tying(write_model(tmp_path / name, "gpt2", seed)) for seed, name in enumerate(("plain", "doubled"))
    )
    weights = load_file(doubled / "model.safetensors")
    weights["lm_head.weight"] = weights["transformer.wte.weight"].clone()
    save_file(weights, doubled / "model.safetensors", {"format": "pt"})
    merge("linear", [doubled, plain] if swapped else [plain, doubled], tmp_path / "out")
    assert "lm_head.weight" not in load_file(tmp_path / "out" / "model.safetensors")
