"""Whether weights of several models may be added up: the same computation, the same tensors, the same tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import torch

from synthcpt.errors import ModelError
from synthcpt.merging.reading import ModelFolder
from synthcpt.merging.vocabulary import compare, read_vocabulary

_COMPUTATION = (
    "model_type", "hidden_size", "n_embd", "num_hidden_layers", "n_layer", "num_attention_heads", "n_head",
    "num_key_value_heads", "head_dim", "intermediate_size", "hidden_act", "hidden_activation", "activation_function",
    "rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "tie_word_embeddings", "layer_types", "num_experts_per_tok",
    "partial_rotary_factor", "attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar",
    "residual_multiplier", "attention_multiplier", "embedding_multiplier", "logits_scaling", "logit_scale",
    "parallel_attn", "use_parallel_residual", "scale_attn_weights", "no_rope_layers",
)  # fmt: skip
"""What changes the meaning of weights. Compared where both models say it; silence means transformers' default."""

_HEADS = ("lm_head.weight", "embed_out.weight", "output.weight")
_EMBEDDINGS = ("embed_tokens.weight", "wte.weight", "embed_in.weight", "tok_embeddings.weight")


def check_configs(first: ModelFolder, other: ModelFolder) -> list[str]:
    """Notes on differences that leave the weights' meaning alone.

    Raises:
        ModelError: the models compute differently; the setting is named.
    """
    notes: list[str] = []
    for part in ("", "text_config"):
        mine, its = _part(first.config, part), _part(other.config, part)
        for key in _COMPUTATION:
            if key in mine and key in its and mine[key] != its[key]:
                raise _differs(first, other, key, mine[key], its[key])
        rope, its_rope = _rope(mine), _rope(its)
        if rope and its_rope and rope != its_rope:
            raise _differs(first, other, "rope", rope, its_rope)
        windows = mine.get("max_position_embeddings"), its.get("max_position_embeddings")
        if None not in windows and windows[0] != windows[1]:
            notes.append(
                f"{first.name} allows {windows[0]:,} positions and {other.name} {windows[1]:,}; the former is kept."
            )
    return notes


def _part(config: dict[str, Any], part: str) -> dict[str, Any]:
    value = config.get(part) if part else config
    return value if isinstance(value, dict) else {}


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    """How positions turn, in the words of transformers 5, whichever version wrote it; empty where it is not said."""
    written = config.get("rope_parameters")
    if written is None and "rope_theta" in config:
        written = {"rope_theta": config["rope_theta"], **(config.get("rope_scaling") or {})}
    if not isinstance(written, dict):
        return {}
    rope = {key: value for key, value in written.items() if key not in ("type", "rope_type", "partial_rotary_factor")}
    return {**rope, "rope_type": written.get("rope_type", written.get("type", "default"))}


def _differs(first: ModelFolder, other: ModelFolder, key: str, mine: Any, its: Any) -> ModelError:
    return ModelError(
        f"{first.name} and {other.name} compute differently: {key} is {json.dumps(mine)} in the one and "
        f"{json.dumps(its)} in the other. Their weights have nothing in common; merge models of one base only."
    )


def align(first: ModelFolder, others: Sequence[ModelFolder], *, grown: bool) -> list[tuple[str, ...]]:
    """For each tensor of the first model, its name in every model.

    Args:
        first: whose tensors are merged.
        others: must have the same ones.
        grown: the first may have more rows in tensors as long as its vocabulary.

    Raises:
        ModelError: a tensor is missing, has another shape, or is no float in one of them.
    """
    left = [set(other.entries) for other in others]
    rows: list[tuple[str, ...]] = []
    for name in first.entries:
        found = [_find(first, other, name) for other in others]
        for names, its in zip(left, found, strict=True):
            names.discard(its or "")
        if None in found:  # an output layer written although it is the tied embedding
            continue
        names_here = (name, *(its or "" for its in found))
        _check_shapes(names_here, (first, *others), grown=grown)
        rows.append(names_here)
    for other, names in zip(others, left, strict=True):
        beyond = sorted(name for name in names if not (_is_tied(other) and name.endswith(_HEADS)))
        if beyond:
            raise ModelError(
                f"{other.name} has the tensor {beyond[0]}, which {first.name} lacks ({len(beyond):,} such in all). "
                "Only models of one architecture can be merged."
            )
    return rows


def _find(first: ModelFolder, other: ModelFolder, name: str) -> str | None:
    names = other.names_like(name)
    if len(names) == 1:
        return names[0]
    if name.endswith(_HEADS) and _is_tied(first) and _is_tied(other):
        return None
    raise ModelError(
        f"{other.name} lacks the tensor {name}, which {first.name} has. Only models of one architecture can be merged."
    )


def _is_tied(model: ModelFolder) -> bool:
    """Whether the output layer is the embedding: what the configuration says, or where it is silent the tensors."""
    said = _part(model.config, "text_config").get("tie_word_embeddings", model.config.get("tie_word_embeddings"))
    if said is not None:
        return bool(said)
    embeddings = [name for name in model.entries if name.endswith(_EMBEDDINGS)]
    return all(
        any(torch.equal(model.tensor(head), model.tensor(name)) for name in embeddings)
        for head in model.entries
        if head.endswith(_HEADS)
    )


def _check_shapes(names: Sequence[str], models: Sequence[ModelFolder], *, grown: bool) -> None:
    first = models[0].entries[names[0]]
    vocabulary = _part(models[0].config, "text_config").get("vocab_size", models[0].config.get("vocab_size"))
    shapes = {model.entries[name].shape for name, model in zip(names[1:], models[1:], strict=True)}
    if grown and len(shapes) == 1 and first.shape and first.shape[0] == vocabulary:
        (shape,) = shapes
        if shape and shape[0] <= first.shape[0] and shape[1:] == first.shape[1:]:
            return
    for name, model in zip(names[1:], models[1:], strict=True):
        its = model.entries[name]
        if its.shape != first.shape:
            rows = first.shape[1:] == its.shape[1:] and vocabulary in (*first.shape[:1], *its.shape[:1])
            why = "The one's vocabulary was grown." if rows else "Only models of one architecture can be merged."
            raise ModelError(
                f"The tensor {names[0]} has the shape {list(first.shape)} in {models[0].name} and {list(its.shape)} in "
                f"{model.name}. {why}"
            )
        if its.is_float != first.is_float:
            raise ModelError(
                f"The tensor {names[0]} is {first.dtype} in {models[0].name} and {its.dtype} in {model.name}."
            )


def check_vocabularies(first: ModelFolder, others: Sequence[ModelFolder]) -> list[str]:
    """Notes on how the vocabularies differ.

    Raises:
        ModelError: a token means different words; see `vocabulary.compare`.
    """
    known = read_vocabulary(first.path, first.name)
    notes: list[str] = []
    for other in others:
        its = read_vocabulary(other.path, other.name)
        if known is None or its is None:
            lacking = first.name if known is None else other.name
            notes.append(f"{lacking} has no tokenizer.json; whether its vocabulary is the others' was not checked.")
        else:
            notes += compare(known, first.name, its, other.name)
    return list(dict.fromkeys(notes))
