"""How much of each source is read, and in what order its texts come: passes, token ratios, replay, phases.

All amounts are tokens, never texts: a ratio of 0.1 for replay means that a tenth of what is read is replay, however
long its texts are. Replay is read beside the data and takes nothing from it, unless the token budget is told to hold
both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from synthcpt.errors import ConfigError, near_match
from synthcpt.packing.readers import Part, Reader

Ints = npt.NDArray[np.integer[Any]]


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
        slice: (k, n): of the data only the k-th of n slices, from 0, drawn at random; None: all.
    """

    epochs: float | None = None
    tokens: int | None = None
    replay_ratio: float = 0.0
    replay_within: bool = False
    replay_repeats: bool = False
    phases: tuple[Phase, ...] = (Phase(),)
    heldout: float | None = None
    slice: tuple[int, int] | None = None


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
