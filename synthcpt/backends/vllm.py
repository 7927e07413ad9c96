"""A local model through vLLM, in this process.

The GPU default: no server, no HTTP, vLLM's continuous batch kept full to the last request. Several GPUs can hold one
large model (``tensor_parallel_size``); to have several copies of a model, run one process a GPU, each with its own
``--part i/n`` and ``CUDA_VISIBLE_DEVICES``.

vLLM starts a process of its own, so a Python script that uses this backend needs the usual
``if __name__ == "__main__":`` around what it runs. vLLM's reports of usage are switched off, and its log is kept to
warnings unless ``VLLM_LOGGING_LEVEL`` says otherwise.
"""

from __future__ import annotations

import asyncio
import copy
import dataclasses
import gc
import inspect
import os
import signal
from collections.abc import Sequence
from multiprocessing import active_children, resource_tracker
from typing import Any, ClassVar, Literal

from pydantic import Field

from synthcpt.backends.base import BackendOptions, Capabilities, ScoredPiece
from synthcpt.backends.chat import ChatRenderer
from synthcpt.backends.local_model import check_model_path, reason
from synthcpt.backends.scoring import Continuation, PieceEncoder
from synthcpt.backends.vllm_cores import FreeCores
from synthcpt.backends.vllm_engine import VllmEngine
from synthcpt.backends.vllm_feed import Feed
from synthcpt.backends.vllm_guard import EngineGuard
from synthcpt.errors import BackendUnavailable, ConfigError, MissingExtra, near_match
from synthcpt.records import Completion, Request, Sampling
from synthcpt.text.reasoning import strip_reasoning

_CPU_CACHE_BYTES = 4 * 2**30
_QUIET_AND_COMPACT = {
    "use_tqdm_on_load": False,
    # Weak models fill up JSON with white space to the token limit where they may; the default backend lets them.
    "structured_outputs_config": {"backend": "guidance", "disable_any_whitespace": True},
}


_WINDOW_BATCHES = 4
"""Requests given to the engine at once, in batches. Answers of one length end together, so that half a batch in store
left the engine short for a step each time: 0.96 of its speed at 1.5 batches, 0.98-0.99 at 4 (see benchmarks/)."""


class VllmOptions(BackendOptions):
    """Settings of the vLLM backend; None leaves vLLM's own default.

    There is no seed a request: vLLM draws those one by one, at the price of speed.

    Attributes:
        model: a Hugging Face name or a folder.
        tensor_parallel_size, pipeline_parallel_size: GPUs that share one copy of the model.
        gpu_memory_utilization: the part of each GPU's memory to use.
        max_model_len: the longest prompt + answer, in tokens.
        dtype, quantization: as vLLM names them.
        enforce_eager: start faster and run slower, with no compiled graphs.
        enable_prefix_caching: compute a prefix that prompts share, the document, once.
        max_num_seqs: requests computed at once.
        seed: of the engine's random numbers.
        trust_remote_code: run Python code that comes with the model.
        thinking: whether a model that can reason aloud does so first; its thoughts never reach the text. Together
            with JSON schemas it needs vLLM's ``reasoning_parser`` in `engine`.
        default_max_tokens: the most new tokens where neither prompt nor run says.
        window: requests given to the engine at once, those that wait in it included; by default four times as
            many as it computes at once.
        engine: any other engine argument of vLLM.
        extra_sampling: any other argument of vLLM's SamplingParams, for every request.
    """

    SHAPING = frozenset({"dtype", "quantization", "thinking", "extra_sampling"})

    tensor_parallel_size: int = Field(1, ge=1)
    pipeline_parallel_size: int = Field(1, ge=1)
    gpu_memory_utilization: float | None = Field(None, gt=0, le=1)
    max_model_len: int | None = Field(None, ge=1)
    dtype: str = "auto"
    quantization: str | None = None
    enforce_eager: bool = False
    enable_prefix_caching: bool = True
    max_num_seqs: int | None = Field(None, ge=1)
    seed: int = 0
    trust_remote_code: bool = False
    thinking: Literal["off", "on"] = "off"
    default_max_tokens: int = Field(8192, ge=1)
    window: int | None = Field(None, ge=1)
    engine: dict[str, Any] = Field(default_factory=dict)
    extra_sampling: dict[str, Any] = Field(default_factory=dict)


class VllmBackend:
    """Answers with a model loaded here.

    Raises:
        ConfigError: no model is named.
    """

    name: ClassVar[str] = "vllm"
    Options: ClassVar[type[BackendOptions]] = VllmOptions

    def __init__(self, options: VllmOptions) -> None:
        if not options.model:
            raise ConfigError("The vllm backend needs a model: a Hugging Face name such as Qwen/Qwen3-8B, or a folder.")
        self._options = options
        self._llm: Any = None
        self._engine: VllmEngine | None = None
        self._feed: Feed | None = None
        self._guard: EngineGuard | None = None
        self._cores: FreeCores | None = None
        self._capabilities = Capabilities(
            schema=True,
            logprobs=True,
            context_tokens=options.max_model_len,
            concurrency=options.window or 384,
            prefix_cache=options.enable_prefix_caching,
        )

    @property
    def model(self) -> str:
        """The model's name or folder, as given."""
        return self._options.model

    @property
    def capabilities(self) -> Capabilities:
        """What it can do; the context and the window are known once it is loaded."""
        return self._capabilities

    async def start(self) -> None:
        """Load the model; the event loop runs on meanwhile.

        Raises:
            BackendUnavailable: the model cannot be found or loaded.
            ConfigError: `engine` holds an argument that vLLM does not have.
            MissingExtra: vLLM is not installed.
        """
        if self._feed is not None:
            return
        before = set(active_children())
        options = self._options
        vllm = await asyncio.to_thread(_import_vllm)
        self._llm = llm = await asyncio.to_thread(_load, vllm, options)
        self._engine = VllmEngine(llm, self.model, options.default_max_tokens, options.extra_sampling)
        window = options.window or _WINDOW_BATCHES * self._engine.batch_size
        # The render thread gets a tokenizer of its own: a fast one must not be used by two threads at once.
        tokenizer = copy.deepcopy(llm.get_tokenizer())
        renderer, encoder = ChatRenderer(tokenizer, options.thinking == "on"), PieceEncoder(tokenizer)
        self._feed = Feed(self._engine, renderer, encoder, window, self._describe_failure)
        ours = [process for process in active_children() if process not in before]
        self._guard = EngineGuard(ours, self._feed.report_failure)
        self._cores = FreeCores(ours)
        self._cores.take()
        # Torch and vLLM bring a million objects; one search for garbage through them stops all threads for 0.4 s.
        gc.freeze()
        self._capabilities = dataclasses.replace(
            self._capabilities,
            context_tokens=self._engine.context_tokens,
            concurrency=window,
            chat_template=bool(getattr(tokenizer, "chat_template", None)),
        )

    async def complete(self, request: Request) -> Completion:
        """Answer one request.

        Raises:
            PromptTooLong: no room for an answer is left in the model's context.
            RequestRejected: vLLM refuses it, its JSON schema for instance.
            TransientError: the engine dropped it.
            BackendUnavailable: the engine died, or it was never started.
        """
        if self._feed is None:
            raise BackendUnavailable("The vllm backend is not started.")
        completion = await self._feed.submit(request)
        return dataclasses.replace(completion, text=strip_reasoning(completion.text))

    async def continue_text(self, prompt: str, sampling: Sampling, draw: int = 0) -> Completion:
        """Go on with a text as it is; see `Continuer`.

        Raises:
            PromptTooLong: no room for a continuation is left in the model's context.
            RequestRejected: the text is empty, and the tokenizer has no first token.
            TransientError: the engine dropped it.
            BackendUnavailable: the engine died, or it was never started.
        """
        if self._feed is None:
            raise BackendUnavailable("The vllm backend is not started.")
        del draw  # the engine draws from one stream for all
        return await self._feed.submit(Continuation(prompt, sampling))

    async def score(self, pieces: Sequence[str]) -> list[ScoredPiece]:
        """How probable the model finds a text, token by token; see `Scorer`.

        The text must leave room for one more token. vLLM computes all of it anew, also where its prefix is cached, and
        its first model runner holds the logits of all tokens of a text that one step computes, one text at a time:
        about ten bytes a token and word of the vocabulary. If a GPU's spare memory is too small for that, set
        ``max_num_batched_tokens`` in `engine`, or lower gpu_memory_utilization.

        Raises:
            PromptTooLong: it does not fit the model's context.
            TransientError: the engine dropped it.
            BackendUnavailable: the engine died, or it was never started.
        """
        if self._feed is None:
            raise BackendUnavailable("The vllm backend is not started.")
        return await self._feed.score(pieces) if any(pieces) else [ScoredPiece((), ()) for _ in pieces]

    async def close(self) -> None:
        """End the engine's process."""
        feed, engine, self._feed, self._engine, self._llm = self._feed, self._engine, None, None, None
        if feed is not None:
            await feed.stop()
        if self._guard is not None:
            self._guard.release()
            self._guard = None
        if self._cores is not None:
            self._cores.give_back()
            self._cores = None
            gc.unfreeze()
        if engine is not None:
            await asyncio.to_thread(engine.shut_down)

    def _describe_failure(self, error: Exception) -> str:
        return (
            f"The vLLM engine of {self.model} failed while it ran ({type(error).__name__}: {error}); its log above "
            "says why. If it ran out of memory, lower gpu_memory_utilization or max_num_seqs."
        )


def _load(vllm: Any, options: VllmOptions) -> Any:
    """The loaded `LLM`; takes seconds to minutes."""
    check_model_path(options.model)
    arguments = _engine_arguments(options, vllm)
    # The engine's process inherits the mask: Ctrl-C is for us to handle, not for it to die of. The tracker is
    # started first because its start would lift the mask again.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return vllm.LLM(**arguments)
    except OSError as error:
        raise BackendUnavailable(
            f"There is no model {options.model!r} to load: it is no folder here, and the Hugging Face Hub did not "
            f"give it ({reason(error)})."
        ) from error
    except (ValueError, TypeError) as error:
        raise BackendUnavailable(f"vLLM cannot load {options.model!r} with these settings: {reason(error)}") from error
    except RuntimeError as error:
        raise BackendUnavailable(
            f"vLLM could not start {options.model!r}; its log above says why ({reason(error)}). If memory is "
            "short, lower gpu_memory_utilization or max_model_len, choose a quantized model, or raise "
            "tensor_parallel_size to spread it over more GPUs."
        ) from error
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _import_vllm() -> Any:
    """The package, set up; a step of its own because exceptions that its imports keep hold on to their callers."""
    os.environ["VLLM_NO_USAGE_STATS"] = os.environ["VLLM_DO_NOT_TRACK"] = "1"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("VLLM_LOGGING_STREAM", "ext://sys.stderr")  # what a command prints is its result
    # A forked engine would hold this process's open files, its lock on the run among them, beyond its death.
    os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
    try:
        import vllm
        from vllm import LLM, EngineArgs  # noqa: F401 - loads what the package itself only loads when asked
    except ModuleNotFoundError as error:
        if error.name != "vllm":
            raise BackendUnavailable(f"vLLM is installed, but what it needs is not: {error}") from error
        raise MissingExtra("vllm", "vllm", "run a model in this process with vLLM") from error
    except ImportError as error:
        raise BackendUnavailable(f"vLLM is installed but cannot be imported: {error}") from error
    return vllm


def _engine_arguments(options: VllmOptions, vllm: Any) -> dict[str, Any]:
    known = {field.name for field in dataclasses.fields(vllm.EngineArgs)} | {*inspect.signature(vllm.LLM).parameters}
    for name in options.engine:
        if name not in known:
            raise ConfigError(f"vLLM has no engine argument {name!r}. {near_match(name, known)}")
    ours = options.model_dump(exclude={"engine", "extra_sampling", "thinking", "default_max_tokens", "window"})
    arguments = {name: value for name, value in ours.items() if value is not None} | _QUIET_AND_COMPACT
    if _needs_cpu_cache_size(options):
        arguments["kv_cache_memory_bytes"] = _CPU_CACHE_BYTES
    return arguments | options.engine


def _needs_cpu_cache_size(options: VllmOptions) -> bool:
    """Without a GPU vLLM would ask for nine tenths of the machine's memory and fail where it is not free."""
    from vllm.platforms import current_platform

    told = options.gpu_memory_utilization is not None or os.environ.get("VLLM_CPU_KVCACHE_SPACE")
    return bool(current_platform.is_cpu()) and not told
