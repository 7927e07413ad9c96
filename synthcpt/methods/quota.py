"""Fills a document's token quota from a plan of requests, asking for no more than it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from itertools import islice
from typing import TypeAlias, TypeVar

from synthcpt.records import Rejection, SyntheticDocument

T = TypeVar("T")
Rows: TypeAlias = AsyncIterator[SyntheticDocument | Rejection]

_FIRST_ROUND = 4


async def until_quota(
    plan: Iterator[T], write: Callable[[Iterator[T]], Rows], quota: int | None, tokens: int = 0,
    text_tokens: int | None = None,
) -> Rows:  # fmt: skip
    """Write what the plan holds until the quota is filled; all of it where there is none.

    With a quota, the next round is sized by what the texts so far came to, so that which texts exist depends on the
    answers alone and not on the order in which they arrived; nothing is asked for and then thrown away.

    Args:
        plan: what could be written, in the order of preference; may be lazy and long.
        write: makes rows of some of it.
        quota: tokens to reach, or None.
        tokens: those there are already.
        text_tokens: how long a text is expected to be, so that the first round does not overshoot a small quota.
    """
    if quota is None:
        async for row in write(plan):
            yield row
        return
    made, round_size = 0, _FIRST_ROUND
    if text_tokens:
        round_size = max(1, min(_FIRST_ROUND, round((quota - tokens) / text_tokens)))
    while tokens < quota and round_size > 0:
        batch = list(islice(plan, round_size))
        if not batch:
            return
        before = tokens
        async for row in write(iter(batch)):
            tokens += row.tokens if isinstance(row, SyntheticDocument) else 0
            yield row
        made += len(batch)
        mean = (tokens - before) / len(batch) or 1.0
        round_size = min(round((quota - tokens) / mean), 2 * made)
