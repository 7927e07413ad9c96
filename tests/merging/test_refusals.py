"""What cannot be merged is refused in a sentence that names it, and leaves nothing behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from small_models import VOCABULARY_SIZE, copied, edit_json, write_model, write_tokenizer

from synthcpt.errors import ConfigError, DataCorrupt, ModelError, UserError
from synthcpt.merging import merge
from synthcpt.merging.recipe import make_recipe


def change_tensors(folder: Path, **changes: torch.Tensor | None) -> None:
    """Replace, add or (None) remove tensors."""
    tensors: dict[str, Any] = load_file(folder / "model.safetensors") | {
        k.replace("__", "."): v for k, v in changes.items()
    }
    save_file(
        {k: v for k, v in tensors.items() if v is not None}, folder / "model.safetensors", metadata={"format": "pt"}
    )


@pytest.fixture
def pair(llamas: list[Path], tmp_path: Path) -> tuple[Path, Path]:
    """A model that is as it was, and one to break."""
    return llamas[0], copied(llamas[1], tmp_path / "second")


def refused(
    error: type[Exception], *words: str, models: Any, tmp_path: Path, method: str = "linear", **more: Any
) -> None:
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(error) as told:
        merge(method, models, tmp_path / "out", **more)
    for word in words:
        assert word in str(told.value)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"method": "slurp", "models": ["a", "b"]}, "Did you mean 'slerp'?"),
        ({"method": "slerp", "models": ["a", "b", "c"]}, "slerp takes two models; 3 were given"),
        ({"method": "linear", "models": ["a"]}, "two models or more; 1 was given"),
        ({"method": "residual", "models": ["a"], "base": "b"}, "then --base's instruct model; 1 was given"),
        ({"method": "ties", "models": ["a"]}, "name the base with --base"),
        ({"method": "linear", "models": ["a", "b"], "base": "c"}, "linear has no base"),
        ({"method": "linear", "models": ["a", "b"], "weights": [1]}, "1 weights were given for 2 models"),
        ({"method": "linear", "models": ["a", "b"], "weights": [1, -1]}, "sum above 0"),
        ({"method": "linear", "models": ["a", "b"], "weights": [1, float("nan")]}, "finite"),
        ({"method": "ties", "models": ["a", "b"], "base": "c", "weights": [1, 0]}, "must be above 0"),
        ({"method": "slerp", "models": ["a", "b"], "weights": [1, 1]}, "takes no weights"),
        ({"method": "slerp", "models": ["a", "b"], "options": {"t": 2}}, "from 0 to 1, not 2"),
        ({"method": "ties", "models": ["a"], "base": "b", "options": {"density": 0}}, "above 0 to 1, not 0"),
        ({"method": "ties", "models": ["a"], "base": "b", "options": {"lambda": "x"}}, "not 'x'"),
        ({"method": "ties", "models": ["a"], "base": "b", "options": {"desnity": 1}}, "Did you mean 'density'?"),
        ({"method": "linear", "models": ["a", "b"], "options": {"t": 1}}, "It has no options"),
        ({"method": "linear", "models": ["a", "b"], "alphas": [1]}, "Alphas belong to wise_ft"),
        ({"method": "wise_ft", "models": ["a"], "base": "b", "alphas": [0, 1.5]}, "from 0 (the base) to 1"),
        ({"method": "linear", "models": ["a", "b"], "dtype": "float8"}, "Did you mean 'float"),
    ],
)
def test_recipes_that_make_no_sense(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError) as told:
        make_recipe(**arguments)
    assert words in str(told.value)


def test_an_evaluation_needs_alphas(llamas: list[Path], tmp_path: Path) -> None:
    refused(ConfigError, "only wise_ft", models=llamas[:2], tmp_path=tmp_path, evaluate=lambda _: 1.0)


def test_no_such_folder(llamas: list[Path], tmp_path: Path) -> None:
    refused(ModelError, "There is no folder no/such/model", models=[llamas[0], "no/such/model"], tmp_path=tmp_path)
    refused(ModelError, "Hub cannot be reached", models=[llamas[0], "no-such/model"], tmp_path=tmp_path)
    refused(ModelError, "is a file", models=[llamas[0], llamas[1] / "config.json"], tmp_path=tmp_path)
    (tmp_path / "empty").mkdir()
    refused(ModelError, "has no config.json", models=[llamas[0], tmp_path / "empty"], tmp_path=tmp_path)


def test_another_architecture(llamas: list[Path], tmp_path: Path) -> None:
    other = write_model(tmp_path / "qwen3", "qwen3", 0)
    refused(ModelError, 'model_type is "llama"', '"qwen3"', models=[llamas[0], other], tmp_path=tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("tie_word_embeddings", True), ("rms_norm_eps", 1e-3), ("hidden_act", "gelu"),
     ("rope_parameters", {"rope_theta": 5e5, "rope_type": "default"})],
)  # fmt: skip
def test_a_setting_that_changes_the_computation(key: str, value: Any, pair: tuple[Path, Path], tmp_path: Path) -> None:
    edit_json(pair[1] / "config.json", **{key: value})
    refused(ModelError, "compute differently", key.partition("_parameters")[0], models=pair, tmp_path=tmp_path)


def test_rope_is_the_same_in_the_words_of_transformers_4(pair: tuple[Path, Path], tmp_path: Path) -> None:
    edit_json(
        pair[1] / "config.json", rope_parameters=None, rope_theta=10000.0, rope_scaling=None, torch_dtype="float32"
    )
    merge("linear", pair, tmp_path / "same")
    edit_json(pair[1] / "config.json", rope_theta=500000.0)
    refused(ModelError, "rope", models=pair, tmp_path=tmp_path)
    edit_json(pair[1] / "config.json", rope_theta=10000.0, rope_scaling={"type": "linear", "factor": 2.0})
    refused(ModelError, "rope", models=pair, tmp_path=tmp_path)


def test_another_context_length_is_noted(pair: tuple[Path, Path], tmp_path: Path) -> None:
    edit_json(pair[1] / "config.json", max_position_embeddings=64)
    merged = merge("linear", pair, tmp_path / "out")
    assert any("allows 32 positions" in note and "64" in note for note in merged.notes)


def test_a_missing_tensor_and_one_too_many(pair: tuple[Path, Path], tmp_path: Path) -> None:
    change_tensors(pair[1], model__norm__weight=None)
    refused(ModelError, "lacks the tensor model.norm.weight", str(pair[1]), models=pair, tmp_path=tmp_path)
    refused(ModelError, "has the tensor model.norm.weight", models=pair[::-1], tmp_path=tmp_path)


def test_a_tensor_of_another_shape(pair: tuple[Path, Path], tmp_path: Path) -> None:
    change_tensors(pair[1], model__norm__weight=torch.ones(17))
    refused(ModelError, "model.norm.weight has the shape [16]", "[17]", models=pair, tmp_path=tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_tensor_that_is_not_finite(value: float, pair: tuple[Path, Path], tmp_path: Path) -> None:
    change_tensors(pair[1], model__norm__weight=torch.tensor([1.0] * 15 + [value]))
    refused(ModelError, "model.norm.weight", str(pair[1]), "NaN or infinity", models=pair, tmp_path=tmp_path)


def test_a_result_too_large_for_its_dtype(pair: tuple[Path, Path], tmp_path: Path) -> None:
    change_tensors(pair[1], model__norm__weight=torch.full((16,), 1e6))
    refused(ModelError, "model.norm.weight", "too large for torch.float16", "--dtype bfloat16",
            models=pair, tmp_path=tmp_path, dtype="float16")  # fmt: skip


def test_a_lost_shard(llamas: list[Path], tmp_path: Path) -> None:
    sharded = write_model(tmp_path / "sharded", "llama", 1, shard="4KB")
    lost = sorted(sharded.glob("*.safetensors"))[1]
    lost.unlink()
    refused(ModelError, f"lacks its file {lost.name}", models=[llamas[0], sharded], tmp_path=tmp_path)


def test_a_shard_cut_short(pair: tuple[Path, Path], tmp_path: Path) -> None:
    file = pair[1] / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    refused(DataCorrupt, str(file), models=pair, tmp_path=tmp_path)


@pytest.mark.parametrize("target", ["../../secret.safetensors", 7])
def test_an_index_that_leads_elsewhere(target: Any, pair: tuple[Path, Path], tmp_path: Path) -> None:
    index = {"weight_map": {"model.norm.weight": target}}
    (pair[1] / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(DataCorrupt, "no index", models=pair, tmp_path=tmp_path)


def test_an_index_that_lists_what_is_not_there(pair: tuple[Path, Path], tmp_path: Path) -> None:
    index = {"weight_map": {"model.extra.weight": "model.safetensors"}}
    (pair[1] / "model.safetensors.index.json").write_text(json.dumps(index))
    refused(DataCorrupt, "model.extra.weight", models=pair, tmp_path=tmp_path)


def test_formats_that_are_not_merged(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (pair[1] / "model.safetensors").rename(pair[1] / "pytorch_model.bin")
    refused(ModelError, "no model.safetensors", "save_pretrained", models=pair, tmp_path=tmp_path)
    (pair[1] / "adapter_config.json").write_text("{}")
    refused(ModelError, "LoRA adapter", models=pair, tmp_path=tmp_path)
    (pair[1] / "adapter_config.json").unlink()
    edit_json(pair[1] / "config.json", quantization_config={"quant_method": "fp8"})
    refused(ModelError, "quantised", models=pair, tmp_path=tmp_path)


def test_another_vocabulary(pair: tuple[Path, Path], tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(VOCABULARY_SIZE - 8)]
    write_tokenizer(pair[1], [*words[:5], "other", *words[6:]])
    refused(ModelError, "token 5 is 'w5' in the one and 'other' in the other", models=pair, tmp_path=tmp_path)


def test_special_tokens_of_other_names_and_further_ones_are_noted(pair: tuple[Path, Path], tmp_path: Path) -> None:
    write_tokenizer(pair[1], [f"w{number}" for number in range(VOCABULARY_SIZE - 8)], added=("<turn>", "<more>"))
    notes = " ".join(merge("linear", pair, tmp_path / "out").notes)
    assert f"token 40 is '<end>' in {pair[0]} and '<turn>' in {pair[1]} (1 in all)" in notes
    assert f"{pair[1]} has tokens that {pair[0]} does not have (1 in all)" in notes


def test_a_model_without_a_tokenizer_is_noted(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (pair[1] / "tokenizer.json").unlink()
    assert "was not checked" in merge("linear", pair, tmp_path / "out").notes[0]


def test_a_grown_vocabulary_is_merged_by_wise_ft_and_residual_alone(llamas: list[Path], tmp_path: Path) -> None:
    grown = write_model(tmp_path / "grown", "llama", 0, vocab_size=VOCABULARY_SIZE + 8)
    refused(ModelError, "vocabulary was grown", models=[grown, llamas[1]], tmp_path=tmp_path)
    refused(ModelError, "vocabulary was grown", method="ties", models=[grown], base=llamas[1], tmp_path=tmp_path)
    refused(ModelError, "vocabulary was grown", method="wise_ft", models=[llamas[1]], base=grown, tmp_path=tmp_path)
    refused(ModelError, "shape", method="residual", models=[llamas[0], grown], base=llamas[1], tmp_path=tmp_path)


def test_a_folder_that_holds_something(pair: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    refused(ConfigError, "is not empty", "--overwrite", models=pair, tmp_path=tmp_path)
    refused(ConfigError, "no model", models=pair, tmp_path=tmp_path, overwrite=True)
    shutil.rmtree(out)
    out.write_text("")
    refused(ConfigError, "is a file", models=pair, tmp_path=tmp_path)


def test_a_merge_replaces_another_but_never_what_it_reads(pair: tuple[Path, Path], tmp_path: Path) -> None:
    merge("linear", pair, tmp_path / "out")
    merge("slerp", pair, tmp_path / "out", overwrite=True)
    assert json.loads((tmp_path / "out" / "merge.json").read_text())["method"] == "slerp"
    with pytest.raises(ConfigError, match="is read and lies in"):
        merge("linear", pair, pair[1], overwrite=True)
    with pytest.raises(ConfigError, match="is read and lies in"):
        merge("linear", pair, tmp_path, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "second"]


def test_no_room_is_said_before_anything_is_written(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    refused(UserError, "0.0 GB free", "Make room", models=pair, tmp_path=tmp_path)


def test_a_disk_that_fills_up_leaves_the_last_model_whole(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge("linear", pair, tmp_path / "out")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UserError, match="No space left"):
        merge("slerp", pair, tmp_path / "out", overwrite=True)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(
    pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge("linear", pair, tmp_path / "out")
    rename = Path.rename

    def fails_for_the_new(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp" and self.is_dir():
            raise OSError(13, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new)
    with pytest.raises(UserError, match="Permission denied"):
        merge("slerp", pair, tmp_path / "out", overwrite=True)
    assert json.loads((tmp_path / "out" / "merge.json").read_text())["method"] == "linear"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "second"]
