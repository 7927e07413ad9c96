"""Loading, growing, adapting and writing models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from trainings import VOCABULARY, given_ids, settings, some_parts, tiny_model, train, weights_of, write_tiny_model

from synthcpt.errors import ConfigError, ModelError, OutOfMemory
from synthcpt.packing.planning import make_plan
from synthcpt.training import memory, models, stage
from synthcpt.training.finishing import merged
from synthcpt.training.precision import dead_share


def loaded(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)


def logits(model: Any) -> torch.Tensor:
    with torch.no_grad():
        out: torch.Tensor = model(input_ids=torch.arange(20)[None] % VOCABULARY, use_cache=False).logits
    return out


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2", "gemma3"])
def test_the_final_model_is_loaded_by_transformers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_models: dict[str, Path], kind: str
) -> None:
    given_ids(monkeypatch, some_parts(12))
    seen = train(tiny_models[kind], tmp_path / "out", tokens=400)
    assert "synthcpt's attention" in seen.begun[0].notes[0]
    before, after = loaded(tiny_models[kind]), loaded(tmp_path / "out" / "model")
    assert after.config._attn_implementation != "synthcpt_isolated"
    assert after.config.use_cache is True
    assert not torch.allclose(logits(before), logits(after), atol=1e-3)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
@pytest.mark.parametrize("rslora", [False, True])
def test_merged_adapters_are_the_adapted_model(kind: str, rslora: bool, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = tiny_model(kind)
    config = settings(tmp_path, tmp_path, lora_rank=4, rslora=rslora)
    wrapped = models.add_adapters(model, config, train_embeddings=False)
    names = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert names, "adapters are trained"
    assert all("lora_" in name for name in names), "and nothing else is"
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    wanted = logits(model.eval())
    weights = merged(model, {name: tensor.detach() for name, tensor in model.state_dict().items()})
    plain = tiny_model(kind)
    plain.load_state_dict(weights)
    torch.testing.assert_close(logits(plain.eval()), wanted, rtol=1e-4, atol=1e-5)
    by_peft: Any = wrapped
    theirs = by_peft.merge_and_unload().state_dict()
    for name, weight in weights.items():
        torch.testing.assert_close(weight, theirs[name], rtol=1e-5, atol=1e-6)


def test_adapters_are_on_every_linear_layer_but_the_head(tmp_path: Path) -> None:
    model = tiny_model("llama").to(torch.bfloat16)
    models.add_adapters(model, settings(tmp_path, tmp_path, lora_rank=4), train_embeddings=True)
    adapted = {name.split(".lora_A")[0].rsplit(".", 1)[-1] for name, _ in model.named_parameters() if "lora_A" in name}
    assert adapted == {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}
    for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
        assert layer.weight.requires_grad, "added tokens must be learnt, to read and to write"
        assert layer.weight.dtype == torch.float32


def test_a_lora_training_merges_what_it_learnt(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch, some_parts(12))
    seen = train(llama, tmp_path / "out", lora_rank=4, tokens=400)
    begun = seen.begun[0]
    assert begun.trainable_parameters < begun.parameters / 4
    before, after = weights_of(llama), weights_of(tmp_path / "out" / "model")
    assert before.keys() == after.keys()
    moved = {name for name in before if not np.array_equal(before[name], after[name])}
    assert moved == {name for name in before if "_proj" in name}


@pytest.mark.parametrize("tied", [False, True])
def test_new_tokens_begin_at_the_mean_of_the_old(tied: bool) -> None:
    model = tiny_model("llama", tie_word_embeddings=tied)
    old = model.get_input_embeddings().weight.detach().clone()
    old_head = model.get_output_embeddings().weight.detach().clone()
    assert models.grow_vocabulary(model, VOCABULARY - 5) == 0
    assert models.grow_vocabulary(model, VOCABULARY + 3) == 8, "to a multiple of eight"
    embeddings, head = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    torch.testing.assert_close(embeddings[:VOCABULARY], old)
    torch.testing.assert_close(embeddings[VOCABULARY:], old.mean(0).expand(8, -1), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(head[VOCABULARY:], old_head.mean(0).expand(8, -1), rtol=1e-5, atol=1e-6)
    assert (embeddings is head) == tied
    assert model.config.vocab_size == VOCABULARY + 8


def test_weights_are_fp32_though_stored_in_bf16(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given_ids(monkeypatch, some_parts(12))
    model = tiny_model("llama").to(torch.bfloat16)
    model.save_pretrained(tmp_path / "bf16")
    config = settings(tmp_path / "bf16", tmp_path / "out", tokens=300, lr=1e-5)
    seen_dtypes = {p.dtype for p in models.load_model(config, torch.float32).parameters()}
    assert seen_dtypes == {torch.float32}
    train(tmp_path / "bf16", tmp_path / "out", tokens=300)
    assert loaded(tmp_path / "out" / "model").config.dtype == torch.float32, "asked for by this test's loader"
    from safetensors.torch import load_file

    assert {w.dtype for w in load_file(tmp_path / "out" / "model" / "model.safetensors").values()} == {torch.bfloat16}


def test_missing_weights_are_refused(tmp_path: Path, llama: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(llama / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    (tmp_path / "config.json").write_bytes((llama / "config.json").read_bytes())
    save_file(weights, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match=r"no weights for model\.layers\.1\.mlp\.up_proj\.weight"):
        models.load_model(settings(tmp_path, tmp_path), torch.float32)


@pytest.mark.parametrize("harm", ["no folder", "no config", "torn"])
def test_a_model_that_cannot_be_loaded_is_one_sentence(tmp_path: Path, llama: Path, harm: str) -> None:
    folder = tmp_path / "m"
    if harm != "no folder":
        folder.mkdir()
    if harm == "torn":
        (folder / "config.json").write_bytes((llama / "config.json").read_bytes())
        (folder / "model.safetensors").write_bytes((llama / "model.safetensors").read_bytes()[:100])
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        models.load_model(settings(folder, tmp_path), torch.float32)
    assert "\n" not in str(error.value)


def test_a_tokenizer_of_another_model_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given_ids(monkeypatch)
    model = write_tiny_model(tmp_path / "tiny", vocab_size=VOCABULARY - 20)
    with pytest.raises(ModelError, match=r"has 128 tokens and .* embeddings for 108: they do not belong together"):
        train(model, tmp_path / "out")


def test_windows_longer_than_the_model_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    with pytest.raises(ConfigError, match=r"Windows of 256 tokens are longer than .* can take \(128\)"):
        train(llama, tmp_path / "out", window_tokens=256)


def test_dead_updates_are_foreseen() -> None:
    """Against the real thing: one update of size lr on bf16 weights, and how many did not move."""
    torch.manual_seed(0)
    weights = torch.randn(200_000) * 0.02
    for lr in (5e-6, 1e-5, 1e-4):
        half = weights.to(torch.bfloat16)
        moved = (half + lr * torch.sign(torch.randn_like(weights))).to(torch.bfloat16)
        dead = float((moved == half).float().mean())
        assert dead_share([half], lr) == pytest.approx(dead, abs=0.02)
    assert dead_share([weights.to(torch.bfloat16)], 5e-6) == pytest.approx(0.92, abs=0.01)


def test_pure_bf16_is_refused_where_updates_would_vanish(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch, some_parts(12))
    with pytest.raises(ConfigError, match=r"9\d% of the weights would not move"):
        train(llama, tmp_path / "a", precision="pure_bf16", lr=5e-6)
    seen = train(llama, tmp_path / "b", precision="pure_bf16", lr=5e-6, allow_dead_updates=True, tokens=300)
    assert any("would not move" in note for note in seen.begun[0].notes)


def test_bf16_computes_in_half_and_learns_in_full(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch)
    full = train(llama, tmp_path / "full")
    half = train(llama, tmp_path / "half", precision="bf16")
    assert half.losses == pytest.approx(full.losses, abs=0.02)
    assert half.losses != full.losses
    mine, theirs = weights_of(tmp_path / "half" / "model"), weights_of(tmp_path / "full" / "model")
    for name in theirs:
        assert np.abs(mine[name] - theirs[name]).mean() < 0.01, name


def test_a_model_that_cannot_fit_is_refused_before_it_is_loaded() -> None:
    need = memory.memory_needed(0, 8_000_000_000, "bf16", 1, adapters=False, averages=False)
    assert need.total == 128_000_000_000
    with pytest.raises(OutOfMemory, match=r"119\.2 GiB .*What would fit: --recipe lora, .* or 2 such devices"):
        memory.check_memory(need, 80 << 30, adapters=False, processes=1)
    memory.check_memory(need, 140 << 30, adapters=False, processes=1)
    memory.check_memory(need, None, adapters=False, processes=1)
    lora = memory.memory_needed(8_000_000_000, 300_000_000, "bf16", 1, adapters=True, averages=False)
    assert lora.total == 16_000_000_000 + 16 * 300_000_000
    assert (memory.memory_there(torch.device("cpu")) or 0) > 1 << 30


def test_averages_of_the_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch)
    kept: list[dict[str, np.ndarray]] = []
    write = stage.write_checkpoint

    def keeping(folder: Path, state: Any, tensors: Any, *rest: Any) -> None:
        kept.append({name: t.detach().numpy().copy() for name, t in tensors.items() if name.startswith("weight.")})
        write(folder, state, tensors, *rest)

    monkeypatch.setattr(stage, "write_checkpoint", keeping)
    train(llama, tmp_path / "out", checkpoint_every=1, average_last=3, ema=0.5, precision="fp32")
    name = "model.norm.weight"
    mean = np.mean([weights[f"weight.{name}"] for weights in kept[-3:]], axis=0)
    np.testing.assert_allclose(weights_of(tmp_path / "out" / "model-average")[name], mean, rtol=1e-6)
    value = weights_of(llama)[name]
    for number, weights in enumerate(kept):
        decay = min(0.5, (1 + number) / (10 + number))
        value = decay * value + (1 - decay) * weights[f"weight.{name}"]
    np.testing.assert_allclose(weights_of(tmp_path / "out" / "model-ema")[name], value, rtol=1e-5)
    assert len(list((tmp_path / "out" / "checkpoints").iterdir())) == 3


def test_the_mean_over_texts_is_what_the_plan_holds(llama: Path, tmp_path: Path) -> None:
    config = settings(llama, tmp_path)
    plan = make_plan(some_parts(), config.amounts(), config.windows())
    assert plan.tokens == sum(int(length) for length in plan.length)
