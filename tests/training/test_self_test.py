"""Packed texts see nothing of one another, and a model in which they do is found out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from trainings import VOCABULARY, tiny_model

from synthcpt.errors import ModelError
from synthcpt.packing.batches import NO_LOSS, Batch
from synthcpt.training import attention
from synthcpt.training.inputs import Inputs, make_inputs
from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.self_test import probe_isolation, random_texts, set_layout

CPU = torch.device("cpu")


def batch_of(lengths: list[int], *, seed: int = 0, parts: list[int] | None = None) -> Batch:
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, VOCABULARY, sum(lengths))
    positions = np.concatenate([np.arange(length) for length in lengths])
    last = positions + 1 == np.repeat(lengths, lengths)
    targets = np.where(last, NO_LOSS, np.roll(ids, -1))
    which = np.repeat(parts or [0] * len(lengths), lengths)
    return Batch(ids, targets, positions, np.array(lengths), which)


def loss_of(kind: str, **changes: Any) -> NextTokenLoss:
    torch.manual_seed(0)
    return NextTokenLoss(tiny_model(kind, **changes))


@pytest.mark.parametrize(
    ("kind", "layout"),
    [("llama", "isolated"), ("qwen3", "isolated"), ("gpt2", "isolated"), ("gemma3", "isolated"),
     ("gemma2", "positions"), ("mamba", "rows")],
)  # fmt: skip
def test_the_fastest_layout_that_isolates_is_found(kind: str, layout: str) -> None:
    loss = loss_of(kind).train()
    verdict = probe_isolation(loss)
    assert verdict.layout == layout
    assert verdict.error < 2e-4
    assert loss.training, "the mode is left as it was"
    assert ("NOT packed" in verdict.sentence()) == (layout == "rows")


@pytest.mark.parametrize("kind", ["llama", "qwen3", "gpt2", "gemma3"])
@pytest.mark.parametrize("layout", ["isolated", "positions", "rows"])
def test_the_loss_of_packed_texts_is_transformers_own_of_each_alone(kind: str, layout: Any) -> None:
    loss = loss_of(kind)
    model: Any = loss.model
    own = model.config._attn_implementation
    batch = batch_of([30, 3, 17, 40, 2])
    alone = []
    for begin, length in zip(np.cumsum(batch.lengths) - batch.lengths, batch.lengths, strict=True):
        ids = torch.from_numpy(batch.ids[begin : begin + length])[None]
        alone.append(float(model(input_ids=ids, labels=ids, use_cache=False).loss.detach()) * (int(length) - 1))
    set_layout(model, layout, own)
    inputs = make_inputs(batch, layout, CPU)
    for split in (False, True):
        loss.split_head = split
        total, losses = loss(inputs)
        assert float(total.detach()) == pytest.approx(sum(alone), rel=1e-5)
        assert float(losses.sum()) == pytest.approx(sum(alone), rel=1e-5)
        assert len(losses) == sum(length - 1 for length in (30, 3, 17, 40, 2))


@pytest.mark.parametrize("kind", ["llama", "gpt2", "gemma3"])
def test_gradients_are_those_of_the_texts_alone(kind: str) -> None:
    batch, loss = batch_of([25, 9, 14]), loss_of(kind)
    own = loss.model.config._attn_implementation
    gradients = []
    for layout, split in (("rows", False), ("isolated", True)):
        set_layout(loss.model, layout, own)  # type: ignore[arg-type]
        loss.split_head = split
        loss.zero_grad()
        inputs = make_inputs(batch, layout, CPU)  # type: ignore[arg-type]
        with attention.attending(inputs.stretches):
            loss(inputs)[0].backward()
        gradients.append({name: p.grad.clone() for name, p in loss.named_parameters() if p.grad is not None})
    assert gradients[0].keys() == gradients[1].keys()
    for name, expected in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], expected, rtol=1e-4, atol=1e-5)


def test_layers_computed_anew_on_the_way_back_still_isolate() -> None:
    loss = loss_of("llama").train()
    set_layout(loss.model, "isolated", "sdpa")
    inputs = make_inputs(batch_of([20, 30]), "isolated", CPU)
    found = []
    for checkpointing in (False, True):
        if checkpointing:
            loss.model.gradient_checkpointing_enable({"use_reentrant": False})
        loss.zero_grad()
        with attention.attending(inputs.stretches):
            loss(inputs)[0].backward()
        found.append(torch.cat([p.grad.flatten() for p in loss.parameters() if p.grad is not None]))
    torch.testing.assert_close(found[0], found[1])


@pytest.mark.parametrize("broken", ["stretches", "positions"])
def test_a_leak_is_found_out(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """Break the isolation under the test's feet: the layout must fail, and with all broken the model is refused."""

    def leaking(batch: Batch, layout: str, device: torch.device, *, pad_to: int = 0) -> Inputs:
        if layout == "isolated" and broken == "stretches" and len(batch.lengths) > 1:
            whole = np.array([batch.lengths.sum()])
            batch = Batch(batch.ids, batch.targets, batch.positions, whole, batch.parts)
        if layout == "positions" and len(batch.lengths) > 1:
            batch = Batch(batch.ids, batch.targets, np.arange(len(batch.ids)), batch.lengths, batch.parts)
        return make_inputs(batch, layout, device, pad_to=pad_to)  # type: ignore[arg-type]

    monkeypatch.setattr("synthcpt.training.self_test.make_inputs", leaking)
    loss = loss_of("llama")
    verdict = probe_isolation(loss)
    assert verdict.layout == ("rows" if broken == "stretches" else "isolated")
    if broken == "stretches":
        assert [layout for layout, _ in verdict.failed] == ["isolated", "positions"]
        with pytest.raises(ModelError, match="other logits for a text in a batch"):
            probe_isolation(loss, ["isolated", "positions"])


def test_an_encoder_is_refused() -> None:
    loss = loss_of("llama")
    for module in loss.modules():
        if hasattr(module, "is_causal"):
            module.is_causal = False
    set_layout(loss.model, "isolated", "sdpa")
    inputs = make_inputs(random_texts(loss.model), "isolated", CPU)
    with pytest.raises(attention.UnsupportedAttention, match="not causal"):
        loss(inputs)


def test_a_head_is_split_off_only_where_it_is_plain() -> None:
    for kind, changes, plain in (
        ("llama", {}, True), ("gpt2", {}, True), ("llama", {"tie_word_embeddings": True}, True), ("gemma2", {}, False),
    ):  # fmt: skip
        loss = loss_of(kind, **changes)
        layout = probe_isolation(loss).layout
        loss.find_head(make_inputs(random_texts(loss.model), layout, CPU))
        assert loss.split_head is plain


def test_padding_stretches_change_nothing() -> None:
    loss = loss_of("llama")
    set_layout(loss.model, "isolated", "sdpa")
    batch = batch_of([12, 20])
    plain, padded = (float(loss(make_inputs(batch, "isolated", CPU, pad_to=size))[0].detach()) for size in (0, 50))
    assert padded == pytest.approx(plain, rel=1e-6)


def test_noise_scales_with_the_text_and_not_with_the_row() -> None:
    torch.manual_seed(0)
    loss = NextTokenLoss(tiny_model("llama"), neftune=5.0)
    set_layout(loss.model, "isolated", "sdpa")
    embedded: list[torch.Tensor] = []
    loss.model.get_input_embeddings().register_forward_hook(lambda _m, _a, out: embedded.append(out.detach()))
    inputs = make_inputs(batch_of([4, 36]), "isolated", CPU)
    for training in (False, True):
        loss.train(training)
        loss(inputs)
    noise = (embedded[1] - embedded[0])[0].abs()
    short, long = 5 / (4 * 32) ** 0.5, 5 / (36 * 32) ** 0.5
    assert short * 0.9 < float(noise[:4].max()) <= short
    assert long * 0.9 < float(noise[4:].max()) <= long


def test_answers_alone_carry_loss_and_nothing_else_is_computed() -> None:
    loss = loss_of("llama")
    loss.split_head = True
    set_layout(loss.model, "isolated", "sdpa")
    batch = batch_of([20, 20])
    targets = np.full_like(batch.targets, NO_LOSS)
    targets[5:9] = batch.targets[5:9]
    inputs = make_inputs(Batch(batch.ids, targets, batch.positions, batch.lengths, batch.parts), "isolated", CPU)
    assert len(loss(inputs)[1]) == 4
    nothing = make_inputs(
        Batch(batch.ids, np.full_like(targets, NO_LOSS), batch.positions, batch.lengths, batch.parts), "isolated", CPU
    )
    total, losses = loss(nothing)
    assert float(total.detach()) == 0.0
    assert len(losses) == 0
    total.backward()
    assert all(p.grad is None or float(p.grad.abs().sum()) == 0 for p in loss.parameters())
