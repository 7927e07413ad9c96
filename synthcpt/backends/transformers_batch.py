"""One batch through ``model.generate``: rows of their own length, each ended for its own reason."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synthcpt.backends.scoring import Logprobs
from synthcpt.records import Completion, FinishReason, Sampling
from synthcpt.text.reasoning import strip_reasoning

_SCORED_AT_ONCE = 512

_STOP_TAIL_TOKENS = 16
"""How far back a stop string is looked for after each token, beyond its own length in characters."""


@dataclass(slots=True, eq=False)
class Row:
    """One request in a batch.

    Attributes:
        token_ids: the prompt.
        new_tokens: the most tokens of the answer.
        draw: tells repeated samples of one prompt apart.
        dropped: set from another thread when nobody waits any longer; the row ends at once.
        raw: the answer is given as it is, thoughts aloud included: the continuation of a text.
    """

    token_ids: list[int]
    new_tokens: int
    draw: int = 0
    dropped: bool = False
    raw: bool = False


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """What `generate` works with.

    Attributes:
        name: goes into completions.
        model, tokenizer: transformers' objects; the tokenizer is this thread's own.
    """

    name: str
    model: Any
    tokenizer: Any

    @property
    def vocabulary(self) -> int:
        """How many logits a position has."""
        size: int = self.model.config.get_text_config().vocab_size
        return size


def generate(loaded: LoadedModel, rows: Sequence[Row], sampling: Sampling) -> list[Completion]:
    """Answer all rows; they share everything of `sampling` but the number of tokens."""
    import torch

    inputs = _padded(loaded, rows)
    prompt_tokens = inputs["input_ids"].shape[1]
    ends = _RowEnds(loaded, rows, prompt_tokens, sampling.stop)
    config = _generation_config(loaded, sampling, max(row.new_tokens for row in rows))
    with torch.inference_mode():
        output = loaded.model.generate(**inputs, generation_config=config, stopping_criteria=[ends])
    answers = output[:, prompt_tokens:].tolist()
    return [ends.completion(index, answer) for index, answer in enumerate(answers)]


def score(loaded: LoadedModel, texts: Sequence[Sequence[int]]) -> list[Logprobs]:
    """The log-probability of each token of each text given those before it; None for a text's first.

    Texts are filled up on the right, where no token before sees the filling.
    """
    import torch

    lengths = [len(text) for text in texts]
    width, device = max(lengths), loaded.model.device
    filler = loaded.tokenizer.pad_token_id or 0
    ids = torch.tensor([[*text, *[filler] * (width - len(text))] for text in texts], device=device)
    mask = None
    if min(lengths) < width:
        mask = (torch.arange(width)[None] < torch.tensor(lengths)[:, None]).long().to(device)
    found: list[Any] = []
    with torch.inference_mode():
        logits = loaded.model(input_ids=ids, attention_mask=mask, use_cache=False).logits.flatten(0, 1)
        # What follows each position; the last one of a text has no target, and what it gets is left out below.
        targets = ids.roll(-1, dims=1).flatten()
        # In single precision, which takes room: a few positions at a time.
        for rows, wanted in zip(logits.split(_SCORED_AT_ONCE), targets.split(_SCORED_AT_ONCE), strict=True):
            rows = rows.float()
            found.append(rows.gather(1, wanted[:, None])[:, 0] - rows.logsumexp(1))
        table = torch.cat(found).view(len(texts), width).tolist()
    return [(None, *row[: length - 1]) for row, length in zip(table, lengths, strict=True)]


def _padded(loaded: LoadedModel, rows: Sequence[Row]) -> dict[str, Any]:
    """The prompts as one rectangle, filled up on the left so that every answer starts in the same column."""
    import torch

    width = max(len(row.token_ids) for row in rows)
    padding = [width - len(row.token_ids) for row in rows]
    filler = loaded.tokenizer.pad_token_id or 0
    ids = [[filler] * empty + row.token_ids for empty, row in zip(padding, rows, strict=True)]
    mask = [[0] * empty + [1] * (width - empty) for empty in padding]
    device = loaded.model.device
    return {"input_ids": torch.tensor(ids, device=device), "attention_mask": torch.tensor(mask, device=device)}


def _generation_config(loaded: LoadedModel, sampling: Sampling, new_tokens: int) -> Any:
    """The model's own generation settings, overridden by what the request says."""
    config = copy.deepcopy(loaded.model.generation_config)
    config.max_length, config.max_new_tokens = None, new_tokens
    config.num_return_sequences = config.num_beams = 1
    config.pad_token_id = loaded.tokenizer.pad_token_id or 0
    config.do_sample = sampling.temperature > 0
    if not config.do_sample:
        config.temperature = config.top_p = config.top_k = config.min_p = None
        return config
    config.temperature = sampling.temperature
    for name in ("top_p", "top_k", "min_p"):
        if getattr(sampling, name) is not None:
            setattr(config, name, getattr(sampling, name))
    return config


class _RowEnds:
    """A stopping criterion that knows when and why each row ended."""

    def __init__(self, loaded: LoadedModel, rows: Sequence[Row], prompt_tokens: int, stop: tuple[str, ...]) -> None:
        self._loaded = loaded
        self._rows = rows
        self._prompt_tokens = prompt_tokens
        self._stop = stop
        self._stop_tail = _STOP_TAIL_TOKENS + max((len(text) for text in stop), default=0)
        self._end_tokens = _end_tokens(loaded)
        self._ended: dict[int, tuple[int, FinishReason]] = {}

    def __call__(self, input_ids: Any, *_: Any, **__: Any) -> Any:
        """Which rows are done, as transformers asks after every token."""
        import torch

        length = input_ids.shape[1] - self._prompt_tokens
        last = input_ids[:, -1].tolist()
        for index in range(len(self._rows)):
            if index not in self._ended and (reason := self._reason(index, length, last[index], input_ids)):
                self._ended[index] = (length, reason)
        return torch.tensor([index in self._ended for index in range(len(self._rows))], device=input_ids.device)

    def _reason(self, index: int, length: int, token: int, input_ids: Any) -> FinishReason | None:
        if token in self._end_tokens:
            return "stop"
        if self._stop:
            tail = input_ids[index, -min(length, self._stop_tail) :].tolist()
            if any(text in self._decode(tail) for text in self._stop):
                return "stop"
        if length >= self._rows[index].new_tokens:
            return "length"
        return "other" if self._rows[index].dropped else None

    def completion(self, index: int, answer: list[int]) -> Completion:
        """The answer of one row; what stands behind its end is padding."""
        length, reason = self._ended[index]
        new_tokens = answer[:length]
        without_end = new_tokens[:-1] if new_tokens[-1] in self._end_tokens else new_tokens
        text = self._before_stop(self._decode(without_end))
        return Completion(
            text=text if self._rows[index].raw else strip_reasoning(text),
            finish_reason=reason,
            prompt_tokens=len(self._rows[index].token_ids),
            completion_tokens=length,
            model=self._loaded.name,
        )

    def _before_stop(self, text: str) -> str:
        cuts = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        return text[: min(cuts)] if cuts else text

    def _decode(self, token_ids: list[int]) -> str:
        text: str = self._loaded.tokenizer.decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return text


def _end_tokens(loaded: LoadedModel) -> frozenset[int]:
    """Those the model's generation settings name, and the tokenizer's own."""
    named = loaded.model.generation_config.eos_token_id
    ids = named if isinstance(named, list) else [named]
    return frozenset(token for token in [*ids, loaded.tokenizer.eos_token_id] if token is not None)
