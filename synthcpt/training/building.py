"""From a configuration to a model that can be trained, on every process: loaded, grown, adapted, spread, tried out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from synthcpt.errors import ConfigError, ModelError
from synthcpt.training import models, precision
from synthcpt.training.config import TrainConfig
from synthcpt.training.inputs import Layout, make_inputs
from synthcpt.training.memory import check_memory, memory_needed, memory_there
from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.processes import World, decoder_layers, fill, let_go, shard
from synthcpt.training.self_test import Verdict, probe_isolation, random_texts, set_layout


@dataclass(frozen=True, slots=True)
class Built:
    """A model ready for the first step.

    Attributes:
        loss: the model and its loss.
        adapted: peft's wrapper, where adapters are trained.
        precision: what is computed in what.
        autocast: bf16 is computed by autocast, since FSDP2 does not cast.
        layout: how texts are kept apart.
        notes: what was decided, for a reader.
        stored: the type the model came in, and is written in.
        own_attention: the attention it came with.
    """

    loss: NextTokenLoss
    adapted: nn.Module | None
    precision: precision.Precision
    autocast: bool
    layout: Layout
    notes: tuple[str, ...]
    stored: torch.dtype
    own_attention: str


def build(config: TrainConfig, world: World, vocabulary: int, added_tokens: int) -> Built:
    """Load the model and make it ready.

    Args:
        config: what to load and how to train it.
        world: this process.
        vocabulary: the largest token id of the data, and one more.
        added_tokens: tokens that the tokenizer was given for this data; their embeddings must learn.

    Raises:
        ModelError: it cannot be loaded, or cannot be trained.
        ConfigError: windows are longer than the model can take, or most updates would be lost in pure bf16.
        OutOfMemory: it cannot fit.
    """
    shape = models.load_config(config)
    check_length(config, shape)
    kind = precision.resolve(config.precision, world.device)
    half = kind == "pure_bf16" or (config.lora_rank > 0 and kind == "bf16")
    dtype = torch.bfloat16 if half else torch.float32
    _check_memory(config, world, shape, kind)

    notes: list[str] = []
    model, adapted = _prepared(
        config, models.load_model(config, dtype) if world.first else None, shape, dtype, vocabulary, added_tokens, notes
    )
    own_attention = str(model.config._attn_implementation)
    weights = None
    if world.size > 1:
        # All processes spread the same empty model, and take their rows from the first one's.
        weights = _state(model) if world.first else None
        model, adapted = _prepared(config, None, shape, dtype, vocabulary, added_tokens, [])
    _make_cheaper(model, config)
    loss = NextTokenLoss(model, neftune=config.neftune)
    if world.size == 1:
        loss.to(world.device)
    if world.size > 1 or (kind == "bf16" and not config.lora_rank):
        adapters = [parameter for parameter in model.parameters() if parameter.requires_grad and config.lora_rank]
        shard(loss, world, "fp32" if config.lora_rank else kind, adapters)
    if world.size > 1:
        fill(loss, weights, world)
    autocast = kind == "bf16" and config.lora_rank > 0
    if autocast:  # it casts what it must; peft would first make fp32 copies of every adapter's input
        for module in model.modules():
            if hasattr(module, "cast_input_dtype_enabled"):
                module.cast_input_dtype_enabled = False
    notes += _guard_updates(config, kind, loss)
    with torch.autocast(world.device.type, torch.bfloat16, enabled=autocast):
        verdict = _probe(config, loss, own_attention)
        loss.find_head(make_inputs(random_texts(model), verdict.layout, world.device))
    let_go(loss)
    if config.compile:
        _compile(model)
    notes.insert(0, verdict.sentence())
    stored = stored_dtype(config, shape)
    return Built(loss, adapted, kind, autocast, verdict.layout, tuple(notes), stored, own_attention)


def check_length(config: TrainConfig, shape: Any) -> None:
    """Refuse windows that are longer than the model can take.

    Raises:
        ConfigError: they are.
    """
    longest = getattr(shape, "max_position_embeddings", None) or getattr(shape, "n_positions", None)
    if longest and config.window_tokens > longest:
        raise ConfigError(
            f"Windows of {config.window_tokens:,} tokens are longer than {config.model} can take ({longest:,}). Set "
            f"--window-tokens {longest}."
        )


def _check_memory(config: TrainConfig, world: World, shape: Any, kind: precision.Precision) -> None:
    empty = models.empty_model(shape, torch.float32, trust_remote_code=config.trust_remote_code)
    total = models.parameter_count(list(empty.parameters()))
    adapters = 0
    if config.lora_rank:
        linear = [module for module in empty.modules() if isinstance(module, nn.Linear)]
        adapters = sum(config.lora_rank * (layer.in_features + layer.out_features) for layer in linear)
    need = memory_needed(
        total if adapters else 0, adapters or total, kind, world.size, adapters=bool(adapters), averages=config.ema > 0
    )
    check_memory(need, memory_there(world.device), adapters=bool(adapters), processes=world.size)


def _prepared(
    config: TrainConfig,
    model: nn.Module | None,
    shape: Any,
    dtype: torch.dtype,
    vocabulary: int,
    added_tokens: int,
    notes: list[str],
) -> tuple[nn.Module, nn.Module | None]:
    """The model (without weights where none is given) with room for the vocabulary, and with adapters where asked."""
    if model is None:
        model = models.empty_model(shape, dtype, trust_remote_code=config.trust_remote_code)
    embeddings: Any = model.get_input_embeddings()
    if vocabulary - added_tokens > (rows := embeddings.weight.shape[0]):
        raise ModelError(
            f"The tokenizer has {vocabulary - added_tokens:,} tokens and {config.model} embeddings for {rows:,}: they "
            "do not belong together. Put the model's own tokenizer into its folder."
        )
    if grown := models.grow_vocabulary(model, vocabulary):
        notes.append(f"The embeddings grew by {grown:,} rows for new tokens, which begin at the mean of the old ones.")
    adapted = models.add_adapters(model, config, train_embeddings=bool(added_tokens)) if config.lora_rank else None
    return model, adapted


def _state(model: nn.Module) -> dict[str, torch.Tensor]:
    """All parameters and buffers by name."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.detach() for name, tensor in named}


def _make_cheaper(model: nn.Module, config: TrainConfig) -> None:
    """What costs less memory or time, where asked for."""
    if config.liger:
        _apply_liger(model)
    if config.activation_checkpointing:
        enable: Any = model.gradient_checkpointing_enable
        enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if config.lora_rank:  # the frozen embeddings' output must ask for gradients, or none flow
            model.enable_input_require_grads()


def _compile(model: nn.Module) -> None:
    """Compile the layers' own computing: after the self-test, whose rows have another length than a training's.

    Their functions and not the modules, whose hooks FSDP2 gathers weights in.
    """
    for layer in decoder_layers(model):
        layer.forward = torch.compile(layer.forward)


def _apply_liger(model: nn.Module) -> None:
    from synthcpt.errors import MissingExtra

    try:
        from liger_kernel.transformers import _apply_liger_kernel_to_instance as apply
    except ImportError as error:
        raise MissingExtra("liger-kernel", "liger", "train with Liger's kernels") from error
    # The loss is ours: it takes trained tokens alone.
    apply(model=model, fused_linear_cross_entropy=False, cross_entropy=False)


def _guard_updates(config: TrainConfig, kind: precision.Precision, loss: NextTokenLoss) -> list[str]:
    """In pure bf16, say which share of the weights the updates would not move; refuse where it is most of them."""
    if kind != "pure_bf16":
        return []
    dead = precision.dead_share([p for p in loss.parameters() if p.requires_grad and p.dim() > 1], config.lr)
    told = (
        f"In pure bf16 at lr {config.lr:g}, {dead:.0%} of the weights would not move: their updates are rounded away."
    )
    if dead > precision.WORTH_REFUSING and not config.allow_dead_updates:
        raise ConfigError(
            f"{told} Train with --set precision=bf16 (fp32 weights, bf16 computing), raise lr, or insist with --set "
            "allow_dead_updates=true."
        )
    return [told] if dead > precision.WORTH_A_WARNING else []


def _probe(config: TrainConfig, loss: NextTokenLoss, own_attention: str) -> Verdict:
    """The self-test; without isolation there is nothing to prove but that rows work."""
    verdict = probe_isolation(loss)
    if not config.isolate and verdict.layout == "rows":
        raise ModelError(
            f"isolate=false needs a model that can be packed, and {config.model} cannot: {verdict.sentence()} Leave "
            "isolate at true."
        )
    set_layout(loss.model, verdict.layout, own_attention)
    return verdict


def stored_dtype(config: TrainConfig, shape: Any) -> torch.dtype:
    """The type the final model is written in: as asked, or the original's, which its configuration tells."""
    if config.save_dtype != "auto":
        return {"bf16": torch.bfloat16, "fp32": torch.float32}[config.save_dtype]
    stored = getattr(shape, "dtype", None) or torch.float32
    return stored if isinstance(stored, torch.dtype) else getattr(torch, str(stored).removeprefix("torch."))
