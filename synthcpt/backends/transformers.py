"""A local model through transformers, in this process: for small jobs and machines that vLLM does not run on.

Requests that wait are answered in batches: those alike in sampling, sorted by length, padded on the left. It is
many times slower than vLLM, and it cannot hold answers to a JSON schema.
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
from synthcpt.backends.local_model import check_model_path, reason
from synthcpt.backends.scoring import Logprobs, PieceEncoder, in_pieces
from synthcpt.backends.transformers_batch import LoadedModel, Row, generate, score
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
        seed: of the random numbers; one stream for all requests, so a text depends on what else was asked.
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


@dataclasses.dataclass(slots=True, eq=False)
class _Job:
    row: Row
    sampling: Sampling
    future: asyncio.Future[Completion]


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
        self._waiting: list[_Job] = []
        self._running: list[_Job] = []
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
        self._capabilities = dataclasses.replace(self._capabilities, context_tokens=context_tokens)
        self._loaded = loaded

    async def complete(self, request: Request) -> Completion:
        """Answer one request; its JSON schema, if any, is not enforced.

        Raises:
            PromptTooLong: no room for an answer is left in the model's context.
            RequestRejected: the model's chat template refuses the messages.
            BackendUnavailable: the model failed, or it was never started.
        """
        if self._loaded is None or self._renderer is None:
            raise BackendUnavailable("The transformers backend is not started.")
        loop = asyncio.get_running_loop()
        (token_ids,) = self._renderer.encode([self._renderer.text(request.messages)])
        # Requests that differ in the number of tokens alone can share a batch.
        sampling = dataclasses.replace(request.sampling, max_tokens=None)
        job = _Job(Row(token_ids, self._room(request, token_ids)), sampling, loop.create_future())
        self._waiting.append(job)
        # Not at once: the calls of this turn of the event loop shall meet in one batch.
        loop.call_soon(self._start_batch)
        try:
            return await job.future
        except asyncio.CancelledError:
            job.row.dropped = True
            raise

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        """How probable the model finds a text, token by token; see `Scorer`. Texts are scored one by one.

        Raises:
            PromptTooLong: it does not fit the model's context.
            BackendUnavailable: the model failed, or it was never started.
        """
        if self._encoder is None or self._thread is None:
            raise BackendUnavailable("The transformers backend is not started.")
        piece_ids = self._encoder.encode(pieces)
        token_ids = [*self._encoder.lead, *chain(*piece_ids)]
        context_tokens = self._capabilities.context_tokens
        if context_tokens is not None and len(token_ids) > context_tokens:
            raise PromptTooLong(f"The text has {len(token_ids)} tokens; {self.model} takes {context_tokens}.")
        if not any(piece_ids):
            return in_pieces(piece_ids, ())
        try:
            logprobs = await asyncio.get_running_loop().run_in_executor(self._thread, self._score, token_ids)
        except RuntimeError as error:
            raise _failure(self.model, error) from error
        return in_pieces(piece_ids, logprobs)

    def _score(self, token_ids: list[int]) -> Logprobs:
        if self._loaded is None:
            raise BackendUnavailable("The backend was closed while this text was waiting.")
        return score(self._loaded, token_ids)

    async def close(self) -> None:
        """Drop the model; the batch that runs ends after its next token."""
        thread, self._thread, self._loaded, self._renderer = self._thread, None, None, None
        self._encoder = None
        for job in [*self._running, *self._waiting]:
            job.row.dropped = True
            if not job.future.done():
                job.future.set_exception(BackendUnavailable("The backend was closed while this request was waiting."))
        self._waiting.clear()
        if thread is not None:
            await asyncio.to_thread(thread.shutdown)

    def _room(self, request: Request, token_ids: Sequence[int]) -> int:
        wanted = request.sampling.max_tokens or self._options.default_max_tokens
        context_tokens = self._capabilities.context_tokens
        if context_tokens is None:
            return wanted
        if len(token_ids) >= context_tokens:
            raise PromptTooLong(f"The prompt has {len(token_ids)} tokens; {self.model} takes {context_tokens} in all.")
        return min(wanted, context_tokens - len(token_ids))

    def _start_batch(self) -> None:
        self._waiting = [job for job in self._waiting if not job.row.dropped]
        loaded, thread = self._loaded, self._thread
        if self._running or not self._waiting or loaded is None or thread is None:
            return
        self._running = jobs = self._next_batch()
        rows = [job.row for job in jobs]
        work = asyncio.get_running_loop().run_in_executor(thread, generate, loaded, rows, jobs[0].sampling)
        work.add_done_callback(partial(self._end_batch, jobs))

    def _next_batch(self) -> list[_Job]:
        """The request that waited longest, and those most like it in length that share its sampling."""
        oldest = self._waiting[0]
        alike = [job for job in self._waiting[1:] if job.sampling == oldest.sampling]
        alike.sort(key=lambda job: abs(len(job.row.token_ids) - len(oldest.row.token_ids)))
        jobs = [oldest, *alike[: self._options.batch_size - 1]]
        self._waiting = [job for job in self._waiting if job not in jobs]
        return jobs

    def _end_batch(self, jobs: Sequence[_Job], work: asyncio.Future[list[Completion]]) -> None:
        self._running = []
        error = work.exception()
        answers = [] if error else work.result()
        for index, job in enumerate(jobs):
            if job.future.done():
                continue
            if error is not None:
                job.future.set_exception(_failure(self.model, error))
            else:
                job.future.set_result(answers[index])
        self._start_batch()


def _failure(model: str, error: BaseException) -> BackendUnavailable:
    failure = BackendUnavailable(
        f"{model} failed while it answered ({type(error).__name__}: {error}). If memory ran out, lower batch_size or "
        "max_model_len."
    )
    failure.__cause__ = error
    return failure


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
    torch.manual_seed(options.seed)
    return LoadedModel(options.model, model, tokenizer)


def _context_tokens(loaded: LoadedModel) -> int | None:
    tokens: int | None = getattr(loaded.model.config.get_text_config(), "max_position_embeddings", None)
    return tokens
