"""Loading a model for training, growing its vocabulary, giving it adapters, and writing it out again."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from synthcpt.backends.local_model import quietly
from synthcpt.errors import ModelError
from synthcpt.training.config import TrainConfig

_PAD_VOCABULARY_TO = 8
"""New embedding matrices have a multiple of this many rows, as tensor cores like them."""


def load_config(config: TrainConfig) -> Any:
    """The model's configuration.

    Raises:
        ModelError: there is no such model, or it is no causal language model.
    """
    from transformers import AutoConfig

    with explained(config.model):
        return AutoConfig.from_pretrained(config.model, trust_remote_code=config.trust_remote_code)


def load_model(config: TrainConfig, dtype: torch.dtype) -> nn.Module:
    """The model on the CPU, all weights in ``dtype``.

    Without a dtype transformers would load weights as they are stored, which is bf16 for most models, and AdamW's small
    updates would be rounded away.

    Raises:
        ModelError: it cannot be loaded; weights are missing.
    """
    from transformers import AutoModelForCausalLM

    with explained(config.model):
        if config.from_scratch:
            torch.manual_seed(config.seed)
            shape = load_config(config)
            return _as_module(
                AutoModelForCausalLM.from_config(shape, dtype=dtype, trust_remote_code=config.trust_remote_code)
            )
        model, told = AutoModelForCausalLM.from_pretrained(
            config.model, dtype=dtype, trust_remote_code=config.trust_remote_code, output_loading_info=True
        )
    if missing := sorted(told["missing_keys"]):
        raise ModelError(
            f"{config.model} has no weights for {missing[0]} ({len(missing):,} are missing in all), and training would "
            "start from random ones there. Is the download whole, and is it a causal language model?"
        )
    return _as_module(model)


def empty_model(shape: Any, dtype: torch.dtype, *, trust_remote_code: bool) -> nn.Module:
    """The model of a configuration without weights, for processes that get theirs from the first one."""
    from transformers import AutoModelForCausalLM

    shape = copy.deepcopy(shape)  # transformers notes the dtype in it
    with torch.device("meta"):
        return _as_module(AutoModelForCausalLM.from_config(shape, dtype=dtype, trust_remote_code=trust_remote_code))


def _as_module(model: Any) -> nn.Module:
    module: nn.Module = model
    module.config.use_cache = False
    return module


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what goes wrong while a model is loaded into one sentence.

    Raises:
        ModelError: always instead of an error of transformers' or safetensors' own.
    """
    from safetensors import SafetensorError

    try:
        with quietly():
            yield
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        advice = (
            "Its folder must hold config.json and the weights of a causal language model."
            if Path(name).exists()
            else "There is no such folder; a model of the Hub needs its exact name and, at first, the network."
        )
        raise ModelError(f"The model {name!r} cannot be loaded: {first} {advice}") from error


def grow_vocabulary(model: nn.Module, tokens: int) -> int:
    """Embeddings for at least so many tokens; the new rows are the mean of the old ones, input and output alike.

    The mean keeps the new tokens' first logits ordinary (Hewitt 2021); where the model has rows to spare, nothing
    is done.

    Returns:
        How many rows were added.
    """
    embeddings: Any = model.get_input_embeddings()
    rows = embeddings.weight.shape[0]
    if tokens <= rows:
        return 0
    resize: Any = model.resize_token_embeddings
    resize(tokens, pad_to_multiple_of=_PAD_VOCABULARY_TO, mean_resizing=False)
    with torch.no_grad():
        for layer in {
            id(layer): layer for layer in (model.get_input_embeddings(), model.get_output_embeddings())
        }.values():
            if layer is not None and layer.weight.shape[0] > rows:
                layer.weight[rows:] = layer.weight[:rows].float().mean(dim=0).to(layer.weight.dtype)
                if getattr(layer, "bias", None) is not None:
                    layer.bias[rows:] = layer.bias[:rows].float().mean().to(layer.bias.dtype)
    grown: Any = model.get_input_embeddings()
    return int(grown.weight.shape[0] - rows)


def add_adapters(model: nn.Module, config: TrainConfig, *, train_embeddings: bool) -> nn.Module:
    """LoRA on all linear layers (Hu et al. 2021, arXiv:2106.09685; rsLoRA: Kalajdzievski 2023, arXiv:2312.03732).

    All of them, with the MLPs: attention alone learns much less ("LoRA Without Regret", 2025). Adapters are fp32
    whatever the base is in.

    Args:
        model: changed in place: its weights are frozen.
        config: rank, scale, dropout.
        train_embeddings: the embeddings and the output layer learn, too: they must where tokens were added.

    Returns:
        peft's wrapper; the model inside is the one given.
    """
    from peft import LoraConfig, get_peft_model

    adapters = LoraConfig(
        task_type="CAUSAL_LM",
        r=config.lora_rank,
        lora_alpha=config.lora_alpha or 2 * config.lora_rank,
        lora_dropout=config.lora_dropout,
        use_rslora=config.rslora,
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in model.modules()),  # GPT-2's linear layers
        target_modules="all-linear",
    )
    torch.manual_seed(config.seed)
    wrapped: nn.Module = get_peft_model(model, adapters, autocast_adapter_dtype=True)
    layers: list[Any] = [model.get_input_embeddings(), model.get_output_embeddings()] if train_embeddings else []
    for layer in layers:
        layer.weight.requires_grad_(True)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return wrapped


def save_model(model: nn.Module, weights: Mapping[str, torch.Tensor], tokenizer: Any, folder: Path) -> None:
    """Write a model that ``transformers.from_pretrained`` and vLLM load; beside its place first, then there.

    Args:
        model: whose configuration and shape it is.
        weights: its state, on the CPU, in the dtype to write.
        tokenizer: written beside it.
        folder: replaced.

    Raises:
        UserError: the disk is full.
    """
    from synthcpt.errors import UserError

    beside = folder.with_name(f".{folder.name}.writing")
    shutil.rmtree(beside, ignore_errors=True)
    dtype = next(iter(weights.values())).dtype
    config: Any = model.config
    own = config._attn_implementation
    config.dtype, config.use_cache = dtype, True
    try:
        config._attn_implementation = None  # ours is known to nobody else
        write: Any = model.save_pretrained
        with quietly():
            write(beside, state_dict=dict(weights), max_shard_size="5GB")
            tokenizer.save_pretrained(beside)
    except OSError as error:
        shutil.rmtree(beside, ignore_errors=True)
        raise UserError(f"The model cannot be written to {folder}: {error.strerror or error}.") from error
    finally:
        config._attn_implementation, config.use_cache = own, False
    shutil.rmtree(folder, ignore_errors=True)
    beside.rename(folder)


def parameter_count(parameters: Sequence[torch.Tensor]) -> int:
    """How many numbers they hold."""
    return sum(parameter.numel() for parameter in parameters)
