"""The merged tensor of each name, from opened models."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from synthcpt.errors import ModelError
from synthcpt.merging import formulas, trimming
from synthcpt.merging.reading import TORCH_DTYPES, Entry, ModelFolder, all_finite
from synthcpt.merging.recipe import DTYPES, Recipe
from synthcpt.merging.writing import bytes_of

_READINGS_TO_TRIM = 2
_AT_ONCE = 1 << 20


class Sums:
    """Applies a recipe tensor by tensor: of each model one tensor is in memory, for a mean two in all.

    Args:
        recipe: what to compute.
        models: opened; the base last where there is one.
        rows: the names of each tensor in all of them, the first model's first.
        progress: told bytes done and bytes in all.

    Attributes:
        entries: shape, dtype and the first model's file of what comes out.
        notes: sentences on what was done out of the ordinary.
    """

    def __init__(
        self,
        recipe: Recipe,
        models: Sequence[ModelFolder],
        rows: Sequence[tuple[str, ...]],
        progress: Callable[[int, int], None],
    ) -> None:
        self._recipe, self._models = recipe, models
        self._names = {row[0]: row for row in rows}
        self._progress, self._done = progress, 0
        self._thresholds: list[float] = []
        self.entries = {name: self._result(models[0].entries[name]) for name in self._names}
        self.notes = self._grown_rows()

    @property
    def tensors(self) -> int:
        """How many there are."""
        return len(self.entries)

    @property
    def bytes(self) -> int:
        """How much room one merged model takes."""
        return sum(map(bytes_of, self.entries.values()))

    def prepare(self) -> None:
        """What must be known of all tensors before the first can be merged: where ties cuts."""
        if self._recipe.method.name == "ties":
            tuned = len(self._recipe.models)
            self._thresholds = trimming.thresholds(self._task_vectors, tuned, self._recipe.options["density"])

    def merged(self, name: str, alpha: float | None = None) -> Tensor:
        """One merged tensor, in the dtype to write.

        Raises:
            ModelError: a number of it does not fit the dtype, or an input is broken.
        """
        entry = self.entries[name]
        result = self._combined(name, alpha) if entry.is_float else self._models[0].tensor(name)
        written = result.to(TORCH_DTYPES[entry.dtype])
        if not all_finite(written):
            raise ModelError(
                f"The merged tensor {name} has numbers too large for {written.dtype}; write it with --dtype bfloat16 "
                "or float32, or merge with a smaller scale."
            )
        self._tell(name)
        return written

    def _combined(self, name: str, alpha: float | None) -> Tensor:
        method, options, weights = self._recipe.method.name, self._recipe.options, self._recipe.weights
        if method == "linear":
            return formulas.linear(self._tuned(name), weights)
        if method == "last_k":
            return formulas.average_tensors(self._tuned(name))
        if method == "slerp":
            first, second = self._tuned(name)
            return formulas.slerp(first, second, options["t"])
        base = self._tensor(-1, name)
        if method == "task_arithmetic":
            return formulas.task_arithmetic(base, self._tuned(name), weights, options["lambda"])
        if method == "ties":
            return self._ties(base, list(self._tuned(name)))
        if method == "residual":
            trained, instruct = self._tuned(name)
            return formulas.residual(trained, instruct, base, options["lambda"])
        (trained,) = self._tuned(name)
        return formulas.wise_ft(base, trained, alpha or 0.0)

    def _ties(self, base: Tensor, tuned: list[Tensor]) -> Tensor:
        """Piece by piece, as its formula keeps many intermediate results."""
        result = torch.empty(base.shape, dtype=torch.float32)
        pieces = zip(*(tensor.reshape(-1).split(_AT_ONCE) for tensor in (result, base, *tuned)), strict=True)
        for into, start, *models in pieces:
            scale = self._recipe.options["lambda"]
            into.copy_(formulas.ties(start, models, self._recipe.weights, scale, self._thresholds))
        return result

    def _tensor(self, which: int, name: str) -> Tensor:
        return self._models[which].tensor(self._names[name][which])

    def _tuned(self, name: str) -> Iterator[Tensor]:
        """The models' tensors but for the base's, each read when it is asked for."""
        return (self._tensor(which, name) for which in range(len(self._recipe.models)))

    def _task_vectors(self) -> Iterator[tuple[int, Tensor]]:
        for name, entry in self.entries.items():
            if entry.is_float:
                base = self._tensor(-1, name).float()
                for which, tensor in enumerate(self._tuned(name)):
                    yield which, tensor.float() - base
            self._tell(name)

    def _result(self, entry: Entry) -> Entry:
        wanted = self._recipe.dtype
        return replace(entry, dtype=DTYPES[wanted]) if wanted and entry.is_float else entry

    def _tell(self, name: str) -> None:
        readings = max(1, len(self._recipe.alphas))
        readings += _READINGS_TO_TRIM if self._recipe.method.name == "ties" else 0
        self._done += bytes_of(self.entries[name])
        self._progress(self._done, readings * self.bytes)

    def _grown_rows(self) -> list[str]:
        if not self._recipe.method.base:
            return []
        first, base = self._models[0], self._models[-1]
        grown = {
            name: (first.entries[name].shape[0], base.entries[names[-1]].shape[0])
            for name, names in self._names.items()
            if first.entries[name].shape != base.entries[names[-1]].shape
        }
        return [
            f"{name} has {mine:,} rows in {first.name} and {its:,} in {base.name}: the first {its:,} were merged, the "
            "others are those of added tokens and stay as they were trained."
            for name, (mine, its) in grown.items()
        ]
