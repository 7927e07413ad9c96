"""Which texts are written, how much of the replay, and in what order: by tokens, seeded, rewrites of a source apart.

The order needs a few numbers a text and no text: about 30 bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from synthcpt.errors import ConfigError
from synthcpt.randomness import stream

Ints = npt.NDArray[np.int64]

_JITTER = 0.5
"""How far from its even place a text may lie, as a share of the distance to the next text of its source."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is known of every text, in the order the sources give them.

    Attributes:
        tokens: of each; shape (texts,).
        group: its source document, shape (texts,), uint64; 0 is none.
        replay: it is there against forgetting; shape (texts,), bool.
    """

    tokens: Ints
    group: npt.NDArray[np.uint64]
    replay: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Order:
    """What is written.

    Attributes:
        texts: indices of texts in writing order; a replay text may come more than once. Shape (written,).
        data_tokens, replay_tokens: of what is written, which is one pass.
    """

    texts: Ints
    data_tokens: int
    replay_tokens: int

    @property
    def tokens(self) -> int:
        """Of a pass."""
        return self.data_tokens + self.replay_tokens

    @property
    def replay_share(self) -> float:
        """Of the tokens of a pass."""
        return self.replay_tokens / max(1, self.tokens)


def make_order(sizes: Sizes, ratio: float, seed: int, *, repeats: bool = False) -> Order:
    """All data once, and of the replay as much as makes the ratio, drawn at random.

    Args:
        sizes: the texts'.
        ratio: replay's share of all tokens.
        seed: where randomness starts.
        repeats: replay that runs dry is taken again.

    Raises:
        ConfigError: there is no data, or too little replay.
    """
    data = np.flatnonzero(~sizes.replay)
    if not len(data):
        raise ConfigError("The sources hold no text to train on. Name others with --data.")
    data_tokens = int(sizes.tokens[data].sum())
    replay = _drawn(sizes, data_tokens * ratio / (1 - ratio), _generator(seed, "replay"), repeats=repeats)
    chosen = np.concatenate([data, replay])
    places = np.concatenate(
        [
            _places(sizes.group[data], _generator(seed, "order")),
            _places(np.ones(len(replay), dtype=np.uint64), _generator(seed, "replay-order")),
        ]
    )
    order = chosen[np.argsort(places, kind="stable")]
    return Order(order, data_tokens, int(sizes.tokens[replay].sum()))


def _generator(seed: int, purpose: str) -> np.random.Generator:
    return np.random.default_rng(stream(seed, "exporting", purpose).getrandbits(128))


def _drawn(sizes: Sizes, tokens: float, rng: np.random.Generator, *, repeats: bool) -> Ints:
    """Replay texts of so many tokens: as many whole ones as come nearest."""
    replay = np.flatnonzero(sizes.replay)
    held = int(sizes.tokens[replay].sum())
    if tokens <= 0:
        return np.empty(0, dtype=np.int64)
    if not held:
        raise ConfigError("A replay ratio needs replay texts. Name a source with --replay, or set the ratio to 0.")
    if tokens > held and not repeats:
        raise ConfigError(
            f"The replay runs dry: {tokens:,.0f} tokens of it are needed for a pass over the data, and it has "
            f"{held:,}. Lower --replay-ratio to {_enough(held, sizes):.3f}, add replay sources, or let it repeat with "
            "--set replay_repeats=true."
        )
    passes = int(np.ceil(tokens / held))
    drawn = np.concatenate([rng.permutation(replay) for _ in range(passes)])
    lengths = sizes.tokens[drawn]
    # The text in which the amount ends is taken if more of it lies within than beyond.
    count = int(np.searchsorted(np.cumsum(lengths) - lengths / 2, tokens, side="left"))
    wanted: Ints = drawn[: max(1, count)]
    return wanted


def _enough(held: int, sizes: Sizes) -> float:
    """The largest ratio that so many replay tokens make, rounded down to a thousandth."""
    share = held / (held + int(sizes.tokens[~sizes.replay].sum()))
    return int(share * 1000) / 1000


def _places(groups: npt.NDArray[np.uint64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """A place from 0 to 1 for each text.

    Those of a source lie evenly over the whole, in random order, from a random beginning on; so two of them are at
    least half an even distance apart.
    """
    count = len(groups)
    shuffled = rng.permutation(count)
    order = shuffled[np.argsort(groups[shuffled], kind="stable")]
    _, first, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    number = np.arange(count) - np.repeat(first, sizes)
    begin = np.repeat(rng.random(len(sizes)), sizes)
    even = (number + begin + _JITTER * (rng.random(count) - 0.5)) / np.repeat(sizes, sizes)
    places = np.empty(count)
    places[order] = even % 1.0
    return places
