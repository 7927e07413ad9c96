"""Which texts a budget takes: the first ones of an order that does not depend on the budget.

Water is filled in: the next text is always one of the document that has given the fewest tokens so far, and of that
document's methods one of the method that has. So every document gives a text before any gives two, and a smaller
budget's texts are among a larger one's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from synthcpt.curation.words import Hashes, hash64, mixed
from synthcpt.generation.run import Run

Ints: TypeAlias = npt.NDArray[np.int64]
Balance: TypeAlias = Literal["documents", "proportional"]


def balanced_order(
    ids: Hashes, documents: Ints, methods: Ints, tokens: Ints, seed: int, balance: Balance = "documents"
) -> Ints:
    """All rows in the order in which they are taken.

    Args:
        ids: a hash of each row's id; decides the order within a document and method, with the seed.
        documents: a number for each row's source document.
        methods: a number for its method.
        tokens: how many it has.
        seed: another one gives another order.
        balance: ``documents`` takes equal tokens of all documents, as long as they have any, and in a document of its
            methods; ``proportional`` takes of each document and method the same share of what it has.
    """
    chance = mixed(ids ^ np.uint64(hash64("curation order", str(seed))))
    pairs = documents * (int(methods.max(initial=0)) + 1) + methods
    within_method = _levels(pairs, chance.astype(np.float64), chance, tokens, balance)
    within_document = _levels(documents, within_method, chance, tokens, balance)
    order: Ints = np.lexsort((chance, within_document))
    return order


def _levels(
    groups: Ints, order: npt.NDArray[np.float64], chance: Hashes, tokens: Ints, balance: Balance
) -> npt.NDArray[np.float64]:
    """For each row, how many tokens its group has given before it (or what share of its own), by `order`."""
    rows = np.lexsort((chance, order, groups))
    sorted_tokens, sorted_groups = tokens[rows], groups[rows]
    before = np.cumsum(sorted_tokens) - sorted_tokens
    starts = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    sizes = np.diff(np.r_[starts, len(rows)])
    given = (before - np.repeat(before[starts], sizes)).astype(np.float64)
    if balance == "proportional":
        given /= np.maximum(np.repeat(np.add.reduceat(sorted_tokens, starts), sizes), 1)
    levels = np.empty(len(rows))
    levels[rows] = given
    return levels


def first_tokens(order: Ints, tokens: Ints, target: int) -> Ints:
    """So many rows of the order that their tokens come nearest to the target; more for a greater target."""
    reached = np.cumsum(tokens[order])
    count = int(np.searchsorted(reached, target))  # the first rows that reach it are one more
    if count < len(order):
        before = int(reached[count - 1]) if count else 0
        count += int(reached[count] - target < target - before)
    return order[:count]


def select_tokens(run: Run | str | Path, tokens: int, seed: int = 0, balance: Balance = "documents") -> Ints:
    """The rows of a finished run that a budget takes, ascending: numbers into `Run.dataset`.

    Of one run and seed a smaller budget's rows are among a larger one's.

    Args:
        run: the run, or its folder.
        tokens: the budget, in the run's own estimate (column ``tokens``); what comes nearest is taken.
        seed: of the order.
        balance: see `balanced_order`.

    Raises:
        RunIncomplete: it is not finished.
        UserError: the folder holds no run.
    """
    from synthcpt.curation.reading import Inputs

    run = run if isinstance(run, Run) else Run(run)
    ids: list[int] = []
    documents: list[int] = []
    methods: list[int] = []
    sizes: list[int] = []
    numbers: dict[tuple[str, ...], int] = {}
    for _, _, batch in Inputs((run,), 0).batches(["id", "source_ids", "method", "tokens"]):
        for row in batch.to_pylist():
            ids.append(hash64(row["id"]))
            documents.append(numbers.setdefault(("document", *row["source_ids"]), len(numbers)))
            methods.append(numbers.setdefault(("method", row["method"]), len(numbers)))
            sizes.append(row["tokens"])
    if not ids:
        return np.zeros(0, dtype=np.int64)
    counted = np.array(sizes, dtype=np.int64)
    order = balanced_order(
        np.array(ids, dtype=np.uint64), np.array(documents), np.array(methods), counted, seed, balance
    )
    return np.sort(first_tokens(order, counted, tokens))
