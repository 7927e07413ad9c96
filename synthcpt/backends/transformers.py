"""A local model through transformers, in this process: for small jobs and machines that vLLM does not run on.

Requests that wait are answered in batches: those alike in sampling, sorted by length, padded on the left; texts to
score likewise, padded on the right. It is many times slower than vLLM, and it cannot hold answers to a JSON schema.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import ClassVar, Literal

from pydantic import Field

from synthcpt.backends.base import BackendOptions, Capabilities, ScoredPiece
from synthcpt.backends.chat import ChatRenderer
from synthcpt.backends.local_model import check_model_path, quietly, reason
from synthcpt.backends.scoring import Logprobs, PieceEncoder, in_pieces
from synthcpt.backends.transformers_batch import LoadedModel, Row
from synthcpt.backends.transformers_queue import BatchQueue, Job
from synthcpt.errors import BackendUnavailable, ConfigError, MissingExtra, PromptTooLong
from synthcpt.records import Completion, Request, Sampling


class TransformersOptions(BackendOptions):
    """Settings of the transformers backend.

    Attributes:
        model: a Hugging Face name or a folder.
        device: where it runs; ``auto`` is a GPU where there is one.
        dtype: as torch names it; ``auto`` is what the model was saved in.
        batch_size: the most requests computed at once.
        max_model_len: the longest prompt + answer, in tokens; None takes it from the model's configuration.
        default_max_tokens: the most new tokens where neither prompt nor run says.
        seed: of the random numbers; each batch has its own, so a text depends on what else is in its batch.
        thinking: whether a model that can reason aloud does so first; its thoughts never reach the text.
        trust_remote_code: run Python code that comes with the model.
    """

    SHAPING = frozenset({"dtype", "seed", "thinking"})

    device: str = "auto"
    dtype: str = "auto"
    batch_size: int = Field(16, ge=1)
    max_model_len: int | None = Field(None, ge=1)
    default_max_tokens: int = Field(2048, ge=1)
    seed: int = 0
    thinking: Literal["off", "on"] = "off"
    trust_remote_code: bool = False


class TransformersBackend:
    """Answers with a model loaded here, batch by batch.

    Raises:
        ConfigError: no model is named.
    """

    name: ClassVar[str] = "transformers"
    Options: ClassVar[type[BackendOptions]] = TransformersOptions

    def __init__(self, options: TransformersOptions) -> None:
        if not options.model:
            raise ConfigError(
                "The transformers backend needs a model: a Hugging Face name such as Qwen/Qwen3-0.6B, or a folder."
            )
        self._options = options
        self._loaded: LoadedModel | None = None
        self._renderer: ChatRenderer | None = None
        self._encoder: PieceEncoder | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._queue: BatchQueue | None = None
        self._capabilities = Capabilities(
            context_tokens=options.max_model_len, concurrency=2 * options.batch_size, logprobs=True
        )

    @property
    def model(self) -> str:
        """The model's name or folder, as given."""
        return self._options.model

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; the context is known once the model is loaded."""
        return self._capabilities

    async def start(self) -> None:
        """Load the model; the event loop runs on meanwhile.

        Raises:
            BackendUnavailable: the model cannot be found or loaded.
            MissingExtra: transformers or torch is not installed.
        """
        if self._loaded is not None:
            return
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="synthcpt-transformers")
        loaded = await asyncio.get_running_loop().run_in_executor(self._thread, _load, self._options)
        # A tokenizer of its own for the event loop: a fast one must not be used by two threads at once.
        tokenizer = copy.deepcopy(loaded.tokenizer)
        self._renderer, self._encoder = ChatRenderer(tokenizer, self._options.thinking == "on"), PieceEncoder(tokenizer)
        context_tokens = self._options.max_model_len or _context_tokens(loaded)
        self._capabilities = dataclasses.replace(
            self._capabilities, context_tokens=context_tokens, chat_template=bool(tokenizer.chat_template)
        )
        describe = partial(_failure, self.model)
        self._queue = BatchQueue(
            loaded, self._thread, self._options.batch_size, context_tokens, self._options.seed, describe
        )
        self._loaded = loaded

    async def complete(self, request: Request) -> Completion:
        """Answer one request; its JSON schema, if any, is not enforced.

        Raises:
            PromptTooLong: no room for an answer is left in the model's context.
            RequestRejected: the model's chat template refuses the messages.
            BackendUnavailable: the model failed, or it was never started.
        """
        if self._queue is None or self._renderer is None:
            raise BackendUnavailable("The transformers backend is not started.")
        (token_ids,) = self._renderer.encode([self._renderer.text(request.messages)])
        return await self._answer(self._queue, Row(token_ids, 0, request.draw), request.sampling)

    async def continue_text(self, prompt: str, sampling: Sampling, draw: int = 0) -> Completion:
        """Go on with a text as it is; see `Continuer`.

        Raises:
            PromptTooLong: no room for a continuation is left in the model's context.
            RequestRejected: the text is empty, and the tokenizer has no first token.
            BackendUnavailable: the model failed, or it was never started.
        """
        if self._queue is None or self._encoder is None:
            raise BackendUnavailable("The transformers backend is not started.")
        return await self._answer(self._queue, Row(self._encoder.prompt(prompt), 0, draw, raw=True), sampling)

    async def _answer(self, queue: BatchQueue, row: Row, sampling: Sampling) -> Completion:
        row.new_tokens = self._room(sampling, row.token_ids)
        # Requests that differ in the number of tokens alone can share a batch.
        completion: Completion = await queue.submit(Job(row, dataclasses.replace(sampling, max_tokens=None)))
        return completion

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        """How probable the model finds a text, token by token; see `Scorer`.

        Raises:
            PromptTooLong: it does not fit the model's context.
            BackendUnavailable: the model failed, or it was never started.
        """
        if self._queue is None or self._encoder is None:
            raise BackendUnavailable("The transformers backend is not started.")
        piece_ids = self._encoder.encode(pieces)
        token_ids = [*self._encoder.lead, *chain(*piece_ids)]
        context_tokens = self._capabilities.context_tokens
        if context_tokens is not None and len(token_ids) > context_tokens:
            raise PromptTooLong(f"The text has {len(token_ids)} tokens; {self.model} takes {context_tokens}.")
        if not any(piece_ids):
            return in_pieces(piece_ids, ())
        logprobs: Logprobs = await self._queue.submit(Job(Row(token_ids, 0), None))
        return in_pieces(piece_ids, logprobs)

    async def close(self) -> None:
        """Drop the model; the batch that runs ends after its next token."""
        queue, thread = self._queue, self._thread
        self._queue = self._thread = self._loaded = self._renderer = self._encoder = None
        if queue is not None:
            queue.close()
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

    def _room(self, sampling: Sampling, token_ids: Sequence[int]) -> int:
        wanted = sampling.max_tokens or self._options.default_max_tokens
        context_tokens = self._capabilities.context_tokens
        if context_tokens is None:
            return wanted
        if len(token_ids) >= context_tokens:
            raise PromptTooLong(f"The prompt has {len(token_ids)} tokens; {self.model} takes {context_tokens} in all.")
        return min(wanted, context_tokens - len(token_ids))


def _failure(model: str, error: BaseException) -> str:
    return (
        f"{model} failed while it answered ({type(error).__name__}: {error}). If memory ran out, lower batch_size or "
        "max_model_len."
    )


def _load(options: TransformersOptions) -> LoadedModel:
    """The model on its device; takes seconds to minutes."""
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as error:
        raise MissingExtra("transformers", "local", "run a model in this process with transformers") from error
    check_model_path(options.model)
    code = {"trust_remote_code": options.trust_remote_code}
    device = options.device if options.device != "auto" else "cuda" if torch.cuda.is_available() else "cpu"
    try:
        with quietly():
            tokenizer = AutoTokenizer.from_pretrained(options.model, **code)
            model = AutoModelForCausalLM.from_pretrained(options.model, dtype=options.dtype, **code).to(device).eval()
    except OSError as error:
        raise BackendUnavailable(
            f"There is no model {options.model!r} to load: it is no folder with a model, and the Hugging Face Hub did "
            f"not give it ({reason(error)})."
        ) from error
    except (ValueError, ImportError, RuntimeError) as error:
        raise BackendUnavailable(
            f"transformers cannot load {options.model!r} on {device}: {reason(error)} If memory is short, choose "
            "a smaller model or dtype: bfloat16."
        ) from error
    return LoadedModel(options.model, model, tokenizer)


def _context_tokens(loaded: LoadedModel) -> int | None:
    tokens: int | None = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    return tokens
