"""A transformers tokenizer as training needs it: texts are data, and nothing in them is taken for a command."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from synthcpt.errors import ModelError
from synthcpt.packing.cache import content_key
from synthcpt.packing.inert import engine_facts, special_tokens
from synthcpt.packing.sources import TextSource
from synthcpt.text.latent_layout import SPECIAL_TOKENS

BosRule = Literal["auto", "always", "never"]


def load_tokenizer(model: str, *, trust_remote_code: bool = False) -> Any:
    """A model's tokenizer, from its folder or from the Hub.

    Raises:
        ModelError: there is none, or it cannot be loaded.
    """
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(model, trust_remote_code=trust_remote_code)
    except (OSError, ValueError, KeyError, TypeError, ImportError) as error:
        first = next(iter(str(error).strip().splitlines()), type(error).__name__)
        if Path(model).is_dir():
            advice = "The folder must hold what the model's tokenizer.save_pretrained() writes."
        else:
            advice = "There is no such folder; a model of the Hub needs its exact name and, at first, the network."
        raise ModelError(f"The tokenizer of {model} cannot be loaded: {first.rstrip(' :.')}. {advice}") from error


def added_tokens(sources: Iterable[TextSource]) -> tuple[str, ...]:
    """What must be added to the tokenizer, and given embeddings, before these sources are tokenised."""
    return SPECIAL_TOKENS if any(source.varies for source in sources) else ()


def add_tokens(tokenizer: Any, tokens: Iterable[str]) -> int:
    """Add those tokens that a tokenizer lacks; tells how many.

    They are no special tokens to the tokenizer: those are left out where generated text is shown, and who uses the
    model needs to see where a thought ends.
    """
    from transformers import AddedToken

    known = tokenizer.get_vocab()
    new = [AddedToken(token, special=False, normalized=False) for token in tokens if token not in known]
    return int(tokenizer.add_tokens(new)) if new else 0


class TextTokenizer:
    """Which ids stand around a text, and how the tokenizer is known again.

    Args:
        tokenizer: of transformers; it is left as it is, so add tokens to it first.
        bos: a begin token before each text. ``auto``: what the tokenizer itself puts there, which may be nothing.
        eos: the token that ends each text, where it is not the tokenizer's own.

    Attributes:
        tokenizer: as given.
        before: the ids that begin each text.
        end: the id that ends each text.
        vocabulary: the largest id, and one more.

    Raises:
        ModelError: it has no end token, or no begin token though one is asked for.
    """

    def __init__(self, tokenizer: Any, *, bos: BosRule = "auto", eos: str | None = None) -> None:
        self.tokenizer = tokenizer
        self.before = _before(tokenizer, bos)
        self.end = _end(tokenizer, eos)
        self._ids: dict[str, int] = tokenizer.get_vocab()
        self.vocabulary = 1 + max(self._ids.values(), default=-1)

    @property
    def is_fast(self) -> bool:
        """It is one of the `tokenizers` library, which knows where in the text its tokens stand."""
        return bool(getattr(self.tokenizer, "is_fast", False))

    def token_id(self, token: str) -> int:
        """The id of one token.

        Raises:
            ModelError: it is not in the vocabulary.
        """
        found = self._ids.get(token)
        if found is None:
            raise ModelError(f"The tokenizer has no token {token!r}. Add it before tokenising; see `add_tokens`.")
        return found

    @cached_property
    def control_tokens(self) -> tuple[str, ...]:
        """The strings that no chat message may hold, as its template would not be told from them."""
        return tuple(sorted({*special_tokens(self.tokenizer), *SPECIAL_TOKENS}))

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that decides which ids a text gets; adding latent tokens changes it for nobody else."""
        return content_key({"tokenizer": _content(self), "before": self.before, "end": self.end})


def _content(tokenizer: TextTokenizer) -> Any:
    if tokenizer.is_fast:
        return engine_facts(tokenizer.tokenizer, latent=False)
    known: Mapping[str, int] = tokenizer.tokenizer.get_vocab()
    # How else a slow tokenizer works stands in its class and in what it was made with.
    made_with = {
        name: str(value)
        for name, value in sorted(tokenizer.tokenizer.init_kwargs.items())
        if not name.endswith(("_file", "_path", "_dir"))
    }
    return {"class": type(tokenizer.tokenizer).__name__, "with": made_with, "vocabulary": sorted(known.items())}


def _before(tokenizer: Any, rule: BosRule) -> tuple[int, ...]:
    if rule == "never":
        return ()
    if rule == "always":
        if tokenizer.bos_token_id is None:
            raise ModelError("The tokenizer has no begin token (BOS). Leave bos at auto, or set it to never.")
        return (int(tokenizer.bos_token_id),)
    plain = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a", add_special_tokens=True)["input_ids"]
    for at in range(len(whole) - len(plain) + 1):
        if whole[at : at + len(plain)] == plain:
            return tuple(map(int, whole[:at]))
    return ()


def _end(tokenizer: Any, named: str | None) -> int:
    if named is not None:
        found: int | None = tokenizer.get_vocab().get(named)
        if found is None:
            raise ModelError(f"The end token {named!r} is not in the tokenizer's vocabulary.")
        return found
    if tokenizer.eos_token_id is None:
        raise ModelError(
            "The tokenizer has no end token (EOS), which every text must end with. Name one: set eos_token in the "
            "model's tokenizer_config.json."
        )
    return int(tokenizer.eos_token_id)
