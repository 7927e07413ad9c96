"""vLLM's engine in the terms of `vllm_feed.Engine`: sampling parameters, answers, refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from synthcpt.backends.scoring import Scoring
from synthcpt.backends.vllm_feed import Outcome, Work
from synthcpt.errors import PromptTooLong, RequestRejected, TransientError
from synthcpt.records import Completion, FinishReason, Sampling

_FINISH_REASONS: dict[str, FinishReason] = {"stop": "stop", "length": "length", "repetition": "other"}
_MODEL_DEFAULTS = ("top_p", "top_k", "min_p", "repetition_penalty")


class VllmEngine:
    """One loaded engine.

    Args:
        llm: vLLM's `LLM`.
        model: the name that goes into completions.
        default_max_tokens: the most new tokens where the request names none.
        extra_sampling: further arguments of vLLM's `SamplingParams`.
    """

    def __init__(self, llm: Any, model: str, default_max_tokens: int, extra_sampling: Mapping[str, Any]) -> None:
        self._core = llm.llm_engine
        self._model = model
        self._default_max_tokens = default_max_tokens
        self._refusals = _refusals()
        self._decode = _decoder(llm.get_tokenizer())
        config = self._core.vllm_config
        self.context_tokens: int = config.model_config.max_model_len
        self.batch_size: int = config.scheduler_config.max_num_seqs
        known = config.model_config.get_diff_sampling_param()
        self._defaults = {name: known[name] for name in _MODEL_DEFAULTS if name in known} | dict(extra_sampling)
        self._scoring_params = _scoring_params()
        self._scorings: set[str] = set()
        # Validating parameters costs more than the request's whole bookkeeping, and a run uses a handful of them.
        self._free_text_params = lru_cache(maxsize=256)(self._params)

    def prepare(self, request: Work, token_ids: list[int]) -> Any:
        """The sampling parameters for this request.

        Raises:
            PromptTooLong: no room is left for an answer.
            RequestRejected: vLLM refuses the parameters.
        """
        room = self.context_tokens - len(token_ids)
        if room < 1:
            raise PromptTooLong(
                f"The prompt has {len(token_ids)} tokens; {self._model} takes {self.context_tokens} in all."
            )
        if isinstance(request, Scoring):
            return self._scoring_params
        new_tokens = min(request.sampling.max_tokens or self._default_max_tokens, room)
        try:
            if request.schema is None:
                return self._free_text_params(request.sampling, new_tokens)
            return self._params(request.sampling, new_tokens, request.schema)
        except self._refusals as error:
            raise RequestRejected(f"vLLM refuses this request: {error}") from error

    def add(self, number: str, token_ids: list[int], prepared: Any) -> None:
        """Queue one request.

        Raises:
            RequestRejected: vLLM refuses it, its JSON schema for instance.
        """
        try:
            self._core.add_request(number, {"type": "token", "prompt_token_ids": token_ids}, prepared)
        except self._refusals as error:
            raise RequestRejected(f"vLLM refuses this request: {error}") from error
        if prepared is self._scoring_params:
            self._scorings.add(number)

    def step(self) -> Iterable[tuple[str, Outcome]]:
        """Wait for the next step of the batch; the requests that ended in it."""
        return [(output.request_id, self._outcome(output)) for output in self._core.step() if output.finished]

    def abort(self, numbers: list[str]) -> None:
        """Take these requests out of the batch."""
        self._core.abort_request(numbers)
        self._scorings.difference_update(numbers)

    def shut_down(self) -> None:
        """End the engine's process and give its memory back."""
        self._core.engine_core.shutdown()

    def _params(self, sampling: Sampling, new_tokens: int, schema: Mapping[str, Any] | None = None) -> Any:
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

        given = {name: getattr(sampling, name) for name in ("top_p", "top_k", "min_p")}
        arguments = self._defaults | {name: value for name, value in given.items() if value is not None}
        if sampling.stop:
            arguments["stop"] = list(sampling.stop)
        if schema is not None:
            arguments["structured_outputs"] = StructuredOutputsParams(json=dict(schema))
        return SamplingParams(
            temperature=sampling.temperature,
            max_tokens=new_tokens,
            output_kind=RequestOutputKind.FINAL_ONLY,
            # Only stop strings need the text while it grows; decoding it once at the end is far cheaper.
            detokenize="stop" in arguments,
            **arguments,
        )

    def _outcome(self, output: Any) -> Outcome:
        answer = output.outputs[0]
        if answer.finish_reason not in _FINISH_REASONS:
            return TransientError(f"vLLM ended this request early ({answer.finish_reason}).")
        if output.request_id in self._scorings:
            self._scorings.discard(output.request_id)
            return (None, *output.prompt_logprobs.logprobs)
        return Completion(
            text=self._text(answer),
            finish_reason=_FINISH_REASONS[answer.finish_reason],
            prompt_tokens=len(output.prompt_token_ids),
            completion_tokens=len(answer.token_ids),
            cached_tokens=output.num_cached_tokens or 0,
            model=self._model,
        )

    def _text(self, answer: Any) -> str:
        """The answer without the token or the string that ended it."""
        if answer.text or isinstance(answer.stop_reason, str):
            decoded: str = answer.text
            return decoded
        token_ids = list(answer.token_ids)
        return self._decode(token_ids[:-1] if answer.finish_reason == "stop" else token_ids)


def _scoring_params() -> Any:
    """Log-probabilities of the prompt's own tokens and no others, in lists; and the one token that must be made."""
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind

    return SamplingParams(
        temperature=0.0,
        max_tokens=1,
        prompt_logprobs=0,
        flat_logprobs=True,
        detokenize=False,
        output_kind=RequestOutputKind.FINAL_ONLY,
    )


def _refusals() -> tuple[type[Exception], ...]:
    """What vLLM raises for a request it will not take; its own class is a `ValueError` in older versions only."""
    try:
        from vllm.exceptions import VLLMValidationError
    except ImportError:
        return (ValueError,)
    return (ValueError, VLLMValidationError)


def _decoder(tokenizer: Any) -> Callable[[list[int]], str]:
    def decode(token_ids: list[int]) -> str:
        # Cleaning up spaces would alter the text (" 's" to "'s"); vLLM's own decoding does not do it either.
        text: str = tokenizer.decode(token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return text

    return decode
