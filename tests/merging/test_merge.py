"""Models saved by transformers, merged as folders, loaded again: equal to the merge done in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from weakref import finalize

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from small_models import copied, load, logits, make_model, state, write_model

from synthcpt.merging import merge
from synthcpt.merging.formulas import slerp, ties
from synthcpt.merging.reading import Entry, ModelFolder
from synthcpt.merging.writing import write_weights

State = Mapping[str, torch.Tensor]


def ties_in_memory(models: list[State], base: State) -> dict[str, torch.Tensor]:
    """With one threshold for a whole task vector; the same numbers stored twice (a tied output layer) count once."""
    names = [name for name in base if name != "lm_head.weight" or not torch.equal(base[name], base[EMBEDDING[0]])]
    flat = [torch.cat([(model[name] - base[name]).flatten() for name in names]) for model in models]
    cuts = [vector.abs().sort(descending=True).values[int(0.2 * len(vector)) - 1].item() for vector in flat]
    return {name: ties(base[name], [model[name] for model in models], [1.0] * len(models), 1.0, cuts) for name in base}


EMBEDDING = ["model.embed_tokens.weight"]

IN_MEMORY: dict[str, Callable[[list[State], State], dict[str, torch.Tensor]]] = {
    "linear": lambda m, b: {n: (m[0][n] + m[1][n]) / 2 for n in b},
    "slerp": lambda m, b: {n: slerp(m[0][n], m[1][n], 0.5) for n in b},
    "task_arithmetic": lambda m, b: {n: b[n] + 0.4 * (m[0][n] - b[n] + m[1][n] - b[n]) for n in b},
    "ties": ties_in_memory,
    "wise_ft": lambda m, b: {n: (m[0][n] + b[n]) / 2 for n in b},
    "residual": lambda m, b: {n: m[0][n] + m[1][n] - b[n] for n in b},
    "last_k": lambda m, b: {n: (m[0][n] + m[1][n]) / 2 for n in b},
}
NEEDS_BASE = ("task_arithmetic", "ties", "wise_ft", "residual")


def folder_merge(method: str, models: list[Path], base: Path, output: Path, **more: Any) -> Any:
    given = models[:1] if method == "wise_ft" else models
    return merge(method, given, output, base=base if method in NEEDS_BASE else None, **more)


@pytest.mark.parametrize("method", IN_MEMORY)
def test_a_merged_llama_computes_what_the_merge_in_memory_does(method: str, llamas: list[Path], tmp_path: Path) -> None:
    first, second, base, _ = llamas
    folder_merge(method, [first, second], base, tmp_path / "merged")
    expected = IN_MEMORY[method]([state(first), state(second)], state(base))
    twin = make_model("llama", 99).eval()
    twin.load_state_dict(expected)
    torch.testing.assert_close(logits(load(tmp_path / "merged")), logits(twin), rtol=1e-4, atol=1e-4)
    assert (logits(twin) - logits(load(first))).abs().max() > 0.1


@pytest.mark.parametrize("kind", ["qwen3", "gpt2"])
@pytest.mark.parametrize("method", ["linear", "ties", "residual"])
def test_tied_embeddings(kind: str, method: str, tmp_path: Path) -> None:
    models = [write_model(tmp_path / f"{seed}", kind, seed) for seed in range(3)]
    folder_merge(method, models[:2], models[2], tmp_path / "merged")
    if kind == "gpt2":
        EMBEDDING[0] = "transformer.wte.weight"
    try:
        expected = IN_MEMORY[method]([state(models[0]), state(models[1])], state(models[2]))
    finally:
        EMBEDDING[0] = "model.embed_tokens.weight"
    merged = state(tmp_path / "merged")
    for name, tensor in expected.items():
        torch.testing.assert_close(merged[name], tensor, rtol=1e-5, atol=1e-6)


def test_bf16_stays_bf16_and_is_computed_in_fp32(tmp_path: Path) -> None:
    models = [write_model(tmp_path / f"{seed}", "llama", seed, dtype=torch.bfloat16) for seed in range(3)]
    merge("linear", models, tmp_path / "merged")
    states = [state(model) for model in models]
    merged = load(tmp_path / "merged").state_dict()
    for name, tensor in merged.items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, (sum(each[name] for each in states) / 3).to(torch.bfloat16))
    assert json.loads((tmp_path / "merged" / "config.json").read_text())["dtype"] == "bfloat16"


def test_another_dtype_when_asked(llamas: list[Path], tmp_path: Path) -> None:
    merge("linear", llamas[:2], tmp_path / "merged", dtype="bf16")
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    assert {tensor.dtype for tensor in load(tmp_path / "merged").state_dict().values()} == {torch.bfloat16}


def test_sharded_in_and_out(llamas: list[Path], tmp_path: Path) -> None:
    sharded = [write_model(tmp_path / f"{seed}", "llama", seed, shard="4KB") for seed in range(2)]
    assert len(list(sharded[0].glob("*.safetensors"))) > 2
    merge("linear", sharded, tmp_path / "a", shard_bytes=6000)
    merge("linear", [llamas[0], sharded[1]], tmp_path / "b")
    files = sorted((tmp_path / "a").glob("model-*-of-*.safetensors"))
    assert len(files) > 2
    assert max(file.stat().st_size for file in files) < 6000 + 3000  # the numbers, and a header
    index = json.loads((tmp_path / "a" / "model.safetensors.index.json").read_text())
    assert set(index["weight_map"].values()) == {file.name for file in files}
    assert index["metadata"]["total_size"] == sum(tensor.numel() * 4 for tensor in state(tmp_path / "a").values())
    one, many = state(tmp_path / "b"), state(tmp_path / "a")
    assert all(torch.equal(one[name], many[name]) for name in one)


@pytest.mark.parametrize(
    ("method", "options", "same_as"),
    [("slerp", {"t": 0}, 0), ("slerp", {"t": 1}, 1), ("residual", {"lambda": 0}, 0), ("task_arithmetic", None, 2)],
)
def test_identities(method: str, options: Any, same_as: int, llamas: list[Path], tmp_path: Path) -> None:
    models = llamas[:2] if method != "task_arithmetic" else [llamas[2]]
    folder_merge(method, models, llamas[2], tmp_path / "merged", options=options)
    expected = state(llamas[same_as])
    for name, tensor in state(tmp_path / "merged").items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-6)


def test_the_residual_on_the_base_itself_is_the_instruct_model(llamas: list[Path], tmp_path: Path) -> None:
    merge("residual", [llamas[0], llamas[1]], tmp_path / "merged", base=llamas[0])
    expected = state(llamas[1])
    for name, tensor in state(tmp_path / "merged").items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=1e-6)


def test_an_alpha_each_from_the_base_to_the_model(llamas: list[Path], tmp_path: Path) -> None:
    merged = merge("wise_ft", [llamas[0]], tmp_path / "sweep", base=llamas[1], alphas=[1, 0, 0.25])
    assert [path.name for path in merged.models] == ["alpha-0", "alpha-0.25", "alpha-1"]
    ends = state(llamas[1]), state(llamas[0])
    for path, alpha in zip(merged.models, (0, 0.25, 1), strict=True):
        for name, tensor in state(path).items():
            torch.testing.assert_close(tensor, (1 - alpha) * ends[0][name] + alpha * ends[1][name])


def test_an_evaluation_keeps_the_best_alpha_alone(llamas: list[Path], tmp_path: Path) -> None:
    seen: list[int] = []

    def nearest_to_a_half(folder: Path) -> float:
        seen.append(len(list(folder.parent.glob("*/model.safetensors"))))
        alpha = json.loads((folder / "merge.json").read_text())["alphas"][0]
        return -abs(alpha - 0.55)

    alphas = [0, 0.25, 0.5, 0.75, 1]
    merged = merge("wise_ft", [llamas[0]], tmp_path / "best", base=llamas[1], alphas=alphas, evaluate=nearest_to_a_half)
    assert max(seen) == 2
    assert list(merged.scores) == alphas
    facts = json.loads((tmp_path / "best" / "merge.json").read_text())
    assert facts["alphas"] == [0.5]
    assert facts["scores"]["0.75"] == pytest.approx(-0.2)
    assert not [path for path in (tmp_path / "best").iterdir() if path.is_dir()]
    name = "model.norm.weight"
    mean = (state(llamas[0])[name] + state(llamas[1])[name]) / 2
    torch.testing.assert_close(state(tmp_path / "best")[name], mean)


class Alive:
    """How many of the tensors shown to it were in memory at once at most."""

    def __init__(self) -> None:
        self.now, self.most = 0, 0

    def count(self, tensor: torch.Tensor) -> torch.Tensor:
        finalize(tensor, self._gone)
        self.now += 1
        self.most = max(self.most, self.now)
        return tensor

    def _gone(self) -> None:
        self.now -= 1


@pytest.mark.parametrize(("method", "models", "most"), [("linear", 5, 2), ("slerp", 2, 2), ("ties", 4, 5)])
def test_no_more_tensors_are_in_memory_for_more_layers_or_models(
    method: str, models: int, most: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive, read = Alive(), ModelFolder.tensor
    monkeypatch.setattr(ModelFolder, "tensor", lambda self, name: alive.count(read(self, name)))
    folders = [write_model(tmp_path / f"{seed}", "llama", seed, num_hidden_layers=6) for seed in range(models + 1)]
    folder_merge(method, folders[:models], folders[-1], tmp_path / "merged")
    assert 0 < alive.most <= most


def test_a_file_is_written_with_one_tensor_in_memory(tmp_path: Path) -> None:
    entries = {f"t{number:02d}": Entry((1 << 12,), "F32", "") for number in range(64)}
    alive = Alive()
    write_weights(tmp_path, entries, lambda name: alive.count(torch.full((1 << 12,), float(name[1:]))))
    assert alive.most <= 2
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        assert sorted(file.keys()) == sorted(entries)
        assert all((file.get_tensor(name) == float(name[1:])).all() for name in entries)


def test_files_are_laid_out_as_safetensors_reads_them_whatever_the_dtypes(tmp_path: Path) -> None:
    tensors = {
        "half": torch.tensor([1.5], dtype=torch.bfloat16), "flag": torch.tensor([True, False, True]),
        "count": torch.tensor(7), "wide": torch.eye(3, dtype=torch.float64), "none": torch.zeros(0, 4),
        "slanted": torch.arange(6.0).reshape(2, 3).T,
    }  # fmt: skip
    names = {torch.bfloat16: "BF16", torch.bool: "BOOL", torch.int64: "I64", torch.float64: "F64", torch.float32: "F32"}
    entries = {name: Entry(tuple(tensor.shape), names[tensor.dtype], "") for name, tensor in tensors.items()}
    write_weights(tmp_path, entries, tensors.__getitem__)
    back = load_file(tmp_path / "model.safetensors")
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensor) and back[name].dtype == tensor.dtype for name, tensor in tensors.items())


def test_ties_cuts_whole_task_vectors(llamas: list[Path], tmp_path: Path) -> None:
    """A tensor that changed a thousandfold keeps all its changes, the others none."""
    changed = copied(llamas[0], tmp_path / "changed")
    tensors = {name: tensor + 1e-3 for name, tensor in load_file(llamas[0] / "model.safetensors").items()}
    tensors["model.embed_tokens.weight"] += 10
    share = tensors["model.embed_tokens.weight"].numel() / sum(tensor.numel() for tensor in tensors.values())
    save_file(tensors, changed / "model.safetensors", metadata={"format": "pt"})
    merge("ties", [changed], tmp_path / "merged", base=llamas[0], options={"density": share * 0.999})
    before, after = state(llamas[0]), state(tmp_path / "merged")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == {"model.embed_tokens.weight"}


def test_progress_ends_at_the_whole(llamas: list[Path], tmp_path: Path) -> None:
    for method in ("linear", "ties", "wise_ft"):
        told: list[tuple[int, int]] = []
        more = {"alphas": [0.2, 0.4]} if method == "wise_ft" else {}
        folder_merge(
            method, llamas[:2], llamas[2], tmp_path / method, progress=lambda *now, told=told: told.append(now), **more
        )
        assert told == sorted(told)
        assert told[-1][0] == told[-1][1]


def test_the_same_merge_twice_is_the_same_file(llamas: list[Path], tmp_path: Path) -> None:
    for name in ("one", "two"):
        merge("ties", llamas[:2], tmp_path / name, base=llamas[2])
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
