"""How much of each source is read, and in what order its texts come: passes, token ratios, replay, phases.

All amounts are tokens, never texts: a ratio of 0.1 for replay means that a tenth of what is read is replay, however
long its texts are. Replay is read beside the data and takes nothing from it, unless the token budget is told to hold
both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthcpt.errors import ConfigError, near_match
from synthcpt.packing.store import TokenStore
from synthcpt.packing.windows import index_type
from synthcpt.randomness import stream

Ints = npt.NDArray[np.integer[Any]]

_AUTO_HELDOUT = 0.005
_AUTO_HELDOUT_TOKENS = 100_000
_AUTO_HELDOUT_TEXTS = 200
_MOST_HELDOUT = 0.5
_HALF_A_TOKEN = 0.5  # the middle of the shortest text: nothing is read for less


@dataclass(frozen=True, slots=True)
class Part:
    """One source of the mixture.

    Attributes:
        name: the user's word for it, unique.
        role: ``data`` is what is to be learnt, ``replay`` keeps what was known, ``heldout`` is only measured on.
        store: the token store for an epoch, counted from 0. Most sources have one for all.
        facts_once: each fact stands in it once (a raw corpus), so that nothing of it is held out unless asked.
    """

    name: str
    role: Literal["data", "replay", "heldout"]
    store: Callable[[int], TokenStore]
    facts_once: bool = False


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the training with a mix of its own.

    Attributes:
        name: for logs.
        begin: the share of the whole budget at which it begins; the first begins at 0.
        mix: tokens of each data source relative to the others; empty: by their sizes.
        replay_ratio: of the tokens read in it; None: the run's.
    """

    name: str = "main"
    begin: float = 0.0
    mix: Mapping[str, float] = field(default_factory=dict)
    replay_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much to read.

    Attributes:
        epochs: passes over the data; or
        tokens: a budget of data tokens (with ``replay_within``, of all tokens).
        replay_ratio: replay's share of all tokens read.
        replay_within: replay takes its tokens out of the budget.
        replay_repeats: a replay source that runs dry is read again.
        phases: in order; see `Phase`.
        heldout: the share of each source that is held out; None: a little, where it costs no fact.
    """

    epochs: float | None = None
    tokens: int | None = None
    replay_ratio: float = 0.0
    replay_within: bool = False
    replay_repeats: bool = False
    phases: tuple[Phase, ...] = (Phase(),)
    heldout: float | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """Texts in reading order.

    Attributes:
        part: index of the source, shape (texts,).
        epoch: the pass of its source that each belongs to.
        text: its index in the store of that epoch.
        length: its tokens.
        turn: ascending from 0; a new one begins where the source that most is read of begins a new pass. The others
            begin theirs there, too, where all are read equally often.
    """

    part: Ints
    epoch: Ints
    text: Ints
    length: Ints
    turn: Ints


class Reader:
    """Reads one source over and over, each time in another seeded order, without its held-out texts.

    Args:
        part: the source.
        seed: of the run.
        heldout: the share to hold out; see `Amounts`.
        grouped: keep the texts of a source document together, instead of shuffling.

    Attributes:
        part: the source.
        heldout: the texts that are held out.
        tokens: of the others, in the first epoch's store.
        tokens_taken: how many were read.
        ahead: how many more were read than asked for, or fewer (below 0): a text is read whole or not at all.
    """

    def __init__(self, part: Part, seed: int, heldout: float | None, *, grouped: bool = False) -> None:
        self.part, self._seed, self._grouped = part, seed, grouped
        store = part.store(0)
        self.heldout = _heldout(part, store, seed, heldout)
        self.tokens = int(store.lengths().sum() - store.lengths()[self.heldout].sum())
        self._epoch, self._at = 0, 0
        self._order: Ints | None = None
        self._scale = 1.0  # tokens of this epoch's store over those of the first
        self.tokens_taken, self.ahead = 0, 0.0

    def take(self, tokens: float) -> tuple[Ints, Ints, Ints]:
        """The next texts of about so many tokens: as many whole ones as come nearest to all that was ever asked for.

        The tokens asked for are those of the first epoch. Where a store varies by epoch, a pass over each counts alike,
        so that two passes are asked for and two are read, whatever the second one's tokens.

        Returns:
            Epoch, text and length of each.
        """
        self.ahead -= tokens
        taken: list[tuple[Ints, Ints, Ints]] = [(np.empty(0, dtype=np.int32),) * 3]
        while self.tokens and self.ahead < -_HALF_A_TOKEN:
            lengths = self.part.store(self._epoch).lengths()
            if self._order is None:  # made when it is needed: another epoch may be another store, still to be built
                self._order = self._shuffled(lengths)
                self._scale = int(lengths[self._order].sum()) / self.tokens
            ahead = self._order[self._at :]
            count = _nearest(lengths[ahead], -self.ahead * self._scale)
            sizes = lengths[ahead[:count]].astype(np.int32)
            taken.append((np.full(count, self._epoch, dtype=np.int32), ahead[:count], sizes))
            size = int(sizes.sum(dtype=np.int64))
            self.tokens_taken += size
            self.ahead += size / self._scale
            self._at += count
            if count < len(ahead):
                break
            self._epoch, self._at, self._order = self._epoch + 1, 0, None
        epochs, texts, sizes = (np.concatenate(column) for column in zip(*taken, strict=True))
        return epochs, texts, sizes

    def _shuffled(self, lengths: Ints) -> Ints:
        store = self.part.store(self._epoch)
        rng = generator(self._seed, "order", self.part.name, str(self._epoch))
        order: Ints = rng.permutation(np.arange(store.texts, dtype=index_type(store.texts)))
        wanted = lengths > 0
        wanted[self.heldout] = False
        order = order[wanted[order]]
        if self._grouped:
            order = order[np.argsort(primary_groups(store)[order], kind="stable")]
        return order


def _nearest(lengths: Ints, tokens: float) -> int:
    """How many texts come nearest to so many tokens: the one in which they end counts if more of it lies within."""
    ends = np.cumsum(lengths, dtype=np.int64)
    count = int(np.searchsorted(ends, tokens, side="left"))
    return count + (count < len(ends) and bool(ends[count] - lengths[count] / 2 < tokens))


def generator(seed: int, *names: str) -> np.random.Generator:
    """A numpy generator for one purpose; see `synthcpt.randomness.stream`."""
    return np.random.default_rng(stream(seed, "packing", *names).getrandbits(128))


def primary_groups(store: TokenStore) -> npt.NDArray[np.uint64]:
    """The first source document of each text; 0 where it has none."""
    has_one = np.diff(store.group_offsets) > 0
    firsts = np.zeros(store.texts, dtype=np.uint64)
    firsts[has_one] = store.groups[store.group_offsets[:-1][has_one]]
    return firsts


def mix(parts: Sequence[Part], readers: Sequence[Reader], amounts: Amounts) -> list[Drawn]:
    """What each phase reads: every source spread evenly over its phase.

    Args:
        parts: the sources; those held out whole are passed over.
        readers: one a source, fresh.
        amounts: how much.

    Raises:
        ConfigError: there is no data, a phase names a source that is not there, replay runs dry.
    """
    check_phases(parts, amounts)
    data = [i for i, part in enumerate(parts) if part.role == "data"]
    size = sum(readers[i].tokens for i in data)
    if not size:
        raise ConfigError("The sources hold no text to train on. Name others with --data.")
    budget = amounts.tokens if amounts.tokens is not None else (amounts.epochs or 1.0) * size
    phases = []
    for number, phase in enumerate(amounts.phases):
        end = amounts.phases[number + 1].begin if number + 1 < len(amounts.phases) else 1.0
        ratio = amounts.replay_ratio if phase.replay_ratio is None else phase.replay_ratio
        tokens = (end - phase.begin) * budget * ((1 - ratio) if amounts.replay_within else 1.0)
        weights = {i: phase.mix.get(parts[i].name, 0.0) if phase.mix else readers[i].tokens for i in data}
        if not sum(weight for i, weight in weights.items() if readers[i].tokens):
            raise ConfigError(f"Phase {phase.name!r} mixes only sources that hold no text to train on.")
        shares = {i: tokens * weight / sum(weights.values()) for i, weight in weights.items()}
        shares |= _replay_shares(parts, readers, tokens * ratio / (1 - ratio), amounts)
        phases.append(_interleaved(readers, {i: share for i, share in shares.items() if share > 0}))
    if not any(len(phase.text) for phase in phases):
        raise ConfigError(
            f"{budget:,.0f} tokens are less than half of the first text, so nothing would be read. Raise --tokens."
        )
    return phases


def check_phases(parts: Sequence[Part], amounts: Amounts) -> None:
    """Refuse phases that are out of order or that mix what is not there.

    Raises:
        ConfigError: with what to do.
    """
    names = [part.name for part in parts if part.role == "data"]
    if not names:
        raise ConfigError("There is nothing to train on. Name a finished run or a corpus with --data.")
    begins = [phase.begin for phase in amounts.phases]
    if begins[0] != 0 or sorted(set(begins)) != begins or begins[-1] >= 1:
        raise ConfigError(f"The phases begin at {begins}; they must begin at 0 and follow one another below 1.")
    for phase in amounts.phases:
        if unknown := sorted(set(phase.mix) - set(names)):
            raise ConfigError(
                f"Phase {phase.name!r} mixes {unknown[0]!r}, which is no source. {near_match(unknown[0], names)}"
            )
        if min(phase.mix.values(), default=0) < 0:
            raise ConfigError(f"Phase {phase.name!r} has a negative weight in its mix; weights are 0 or more.")
        if phase.mix and not sum(phase.mix.values()) > 0:
            raise ConfigError(f"Phase {phase.name!r} mixes nothing: all its weights are 0.")


def _replay_shares(
    parts: Sequence[Part], readers: Sequence[Reader], tokens: float, amounts: Amounts
) -> dict[int, float]:
    """Tokens of each replay source, by their sizes."""
    replay = [i for i, part in enumerate(parts) if part.role == "replay"]
    if tokens <= 0:
        return {}
    size = sum(readers[i].tokens for i in replay)
    if not size:
        raise ConfigError("A replay ratio needs replay texts. Name a source with --replay, or set the ratio to 0.")
    read = sum(readers[i].tokens_taken for i in replay)
    if read + tokens > size * 1.0001 and not amounts.replay_repeats:
        raise ConfigError(
            f"The replay runs dry: {read + tokens:,.0f} tokens of it are asked for and it has {size:,}. Lower "
            f"--replay-ratio, add replay sources, or let it repeat with --set replay_repeats=true."
        )
    if not amounts.replay_repeats:
        tokens = min(tokens, size - read)
    return {i: tokens * readers[i].tokens / size for i in replay}


def _interleaved(readers: Sequence[Reader], shares: Mapping[int, float]) -> Drawn:
    """Several sources in one order, each spread evenly over the whole.

    Args:
        readers: of all sources.
        shares: tokens of those that are read, by index; a text's place is the share of them that its middle is at.
    """
    clock = max((i for i in shares if readers[i].part.role == "data"), key=lambda i: shares[i])
    columns, places = [], []
    turns: npt.NDArray[np.floating[Any]] = np.empty(0)
    for i, share in shares.items():
        ahead = readers[i].ahead
        epochs, texts, lengths = readers[i].take(share)
        ends = np.cumsum(lengths, dtype=np.int64)
        if i == clock:
            turns = (ahead + ends[np.flatnonzero(np.diff(epochs))]) / share
        columns.append((np.full(len(texts), i, dtype=np.int16), epochs, texts, lengths))
        places.append((ahead + ends - lengths / 2) / share)
    place = np.concatenate(places)
    del places
    order = np.argsort(place, kind="stable")
    turn = np.searchsorted(turns, place[order]).astype(np.int32)
    del place
    part, epoch, text, length = (np.concatenate([source[k] for source in columns])[order] for k in range(4))
    return Drawn(part, epoch, text, length, turn)


def _heldout(part: Part, store: TokenStore, seed: int, share: float | None) -> Ints:
    """The texts that are held out, drawn at random."""
    if part.role == "heldout":
        return np.arange(store.texts, dtype=np.int64)
    if share is None:
        few = (part.facts_once and part.role == "data") or store.texts < _AUTO_HELDOUT_TEXTS
        wanted = 0.0 if few else min(_AUTO_HELDOUT * store.tokens, _AUTO_HELDOUT_TOKENS)
    else:
        wanted = min(share, _MOST_HELDOUT) * store.tokens
    if not wanted:
        return np.empty(0, dtype=np.int64)
    drawn = generator(seed, "heldout", part.name).permutation(store.texts)
    count = int(np.searchsorted(np.cumsum(store.lengths()[drawn]), wanted)) + 1
    return np.sort(drawn[: min(count, store.texts // 2)])
