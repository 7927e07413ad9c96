"""Folders of models in, a folder of the merged model out: read, merged and written one tensor at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthcpt.errors import ConfigError
from synthcpt.files import write_text
from synthcpt.merging.card import merge_facts, model_card
from synthcpt.merging.checks import align, check_configs, check_vocabularies
from synthcpt.merging.companions import take_chat, write_companions
from synthcpt.merging.finding import find_folder
from synthcpt.merging.reading import ModelFolder
from synthcpt.merging.recipe import Recipe, make_recipe
from synthcpt.merging.sums import Sums
from synthcpt.merging.vocabulary import check_new_tokens, read_vocabulary
from synthcpt.merging.writing import MERGE, SHARD_BYTES, check_output, check_room, whole_folder, write_weights

_GROWN = ("wise_ft", "residual")
"""Where the first model is its base trained further, which may have added tokens."""

Progress = Callable[[int, int], None]
"""Told bytes done and bytes in all (of what is written, and of what is read before that)."""


@dataclass(frozen=True, slots=True)
class Merged:
    """What was written.

    Attributes:
        output: the folder.
        models: the folders of models in it: itself, or one for each alpha.
        tensors: how many each has.
        notes: what a reader should know of differences between the models.
        scores: of each alpha, where an evaluation was given.
    """

    output: Path
    models: tuple[Path, ...]
    tensors: int
    notes: tuple[str, ...]
    scores: Mapping[float, float] | None = None


def merge(
    method: str,
    models: Sequence[str | Path],
    output: str | Path,
    *,
    base: str | Path | None = None,
    weights: Sequence[float] | None = None,
    options: Mapping[str, Any] | None = None,
    alphas: Sequence[float] | None = None,
    dtype: str | None = None,
    overwrite: bool = False,
    evaluate: Callable[[Path], float] | None = None,
    progress: Progress | None = None,
    shard_bytes: int = SHARD_BYTES,
) -> Merged:
    """Merge models into one that `transformers.from_pretrained` loads.

    Configuration, tokenizer and dtype are the first model's; what is computed is computed in fp32.

    Args:
        method: a name in `METHODS`.
        models: folders or names on the Hub, in the order that the method wants.
        output: the folder to write. With several alphas it gets a folder for each, ``alpha-0.25`` and so on, unless
            ``evaluate`` is given.
        base: what the models were tuned from, for methods that need it.
        weights: one a model, for linear, task_arithmetic and ties; 1 each where absent.
        options: of the method, e.g. ``{"lambda": 0.7}``.
        alphas: for wise_ft; 0.5 where absent.
        dtype: ``"float32"``, ``"bfloat16"`` or ``"float16"`` instead of the first model's.
        overwrite: replace the model in the output folder.
        evaluate: for wise_ft: scores a model's folder, higher is better; the best alpha is kept (the lowest of equals).
        progress: told how far it is.
        shard_bytes: the most of one file.

    Raises:
        ConfigError: the method cannot be used so, or the output folder cannot be written over.
        ModelError, DataCorrupt: models that are not there, are broken, or cannot be merged with each other.
        UserError: the disk is full.
    """
    recipe = make_recipe(
        method, [str(model) for model in models], base=None if base is None else str(base), weights=weights,
        options=options, alphas=alphas, dtype=dtype,
    )  # fmt: skip
    if evaluate is not None and not recipe.alphas:
        raise ConfigError("An evaluation chooses among alphas, which only wise_ft has.")
    names = [*recipe.models, *([recipe.base] if recipe.base is not None else [])]
    folders = {name: find_folder(name) for name in names}
    check_output(Path(output), folders, overwrite=overwrite)
    with ExitStack() as stack:
        opened = [stack.enter_context(ModelFolder(name, folders[name])) for name in names]
        work = _Work(recipe, opened, progress or _unwatched, shard_bytes)
        return work.write(Path(output), evaluate)


class _Work:
    """One merge of opened models, the base last where there is one."""

    def __init__(self, recipe: Recipe, opened: list[ModelFolder], progress: Progress, shard_bytes: int) -> None:
        self._recipe, self._opened, self._shard_bytes = recipe, opened, shard_bytes
        self._instruct_tokenizer = False
        first, others = opened[0], opened[1:]
        notes = [note for other in others for note in check_configs(first, other)]
        rows = align(first, others, grown=recipe.method.name in _GROWN)
        self._notes = [*dict.fromkeys(notes), *check_vocabularies(first, others)]
        if recipe.method.name == "residual":
            self._notes.append(self._plan_tokenizer())
        self._sums = Sums(recipe, opened, rows, progress)
        self._notes += self._sums.notes

    def write(self, output: Path, evaluate: Callable[[Path], float] | None) -> Merged:
        alphas = self._recipe.alphas
        at_once = len(alphas) if len(alphas) > 1 and evaluate is None else min(2, max(1, len(alphas)))
        check_room(output, at_once * self._sums.bytes)
        self._sums.prepare()
        with whole_folder(output) as folder:
            if len(alphas) <= 1 and evaluate is None:
                self._write_model(folder, *alphas)
                inner: list[str] = []
                scores = None
            elif evaluate is None:
                inner = [_alpha_name(alpha) for alpha in alphas]
                for alpha, name in zip(alphas, inner, strict=True):
                    self._write_model(folder / name, alpha)
                write_text(folder / MERGE, merge_facts(self._recipe, self._notes))
                scores = None
            else:
                inner = []
                scores = self._keep_best(folder, evaluate)
        written = tuple(output / name for name in inner) or (output,)
        return Merged(output, written, self._sums.tensors, tuple(self._notes), scores)

    def _keep_best(self, folder: Path, evaluate: Callable[[Path], float]) -> dict[float, float]:
        """Write one model after the other, and leave the best in the folder itself; two are there at most."""
        from shutil import rmtree

        scores: dict[float, float] = {}
        best: float | None = None
        for alpha in self._recipe.alphas:
            candidate = folder / _alpha_name(alpha)
            self._write_model(candidate, alpha)
            scores[alpha] = float(evaluate(candidate))
            if best is None or scores[alpha] > scores[best]:
                best, loser = alpha, best
            else:
                loser = alpha
            if loser is not None:
                rmtree(folder / _alpha_name(loser))
        chosen = folder / _alpha_name(best if best is not None else self._recipe.alphas[0])
        for path in sorted(chosen.iterdir()):
            path.rename(folder / path.name)
        chosen.rmdir()
        write_text(folder / MERGE, merge_facts(self._recipe, self._notes, alpha=best, scores=scores))
        return scores

    def _write_model(self, folder: Path, alpha: float | None = None) -> None:
        folder.mkdir(exist_ok=True)
        write_weights(folder, self._sums.entries, lambda name: self._sums.merged(name, alpha), self._shard_bytes)
        write_companions(folder, self._opened[0], self._recipe.dtype)
        if self._recipe.method.name == "residual":
            take_chat(folder, self._opened[1], tokenizer=self._instruct_tokenizer)
        write_text(folder / "README.md", model_card(self._recipe, self._notes, alpha))
        write_text(folder / MERGE, merge_facts(self._recipe, self._notes, alpha=alpha))

    def _plan_tokenizer(self) -> str:
        """A model that is to chat needs the instruct model's tokenizer, unless training added tokens to its own."""
        trained, instruct, base = (read_vocabulary(model.path, model.name) for model in self._opened)
        if trained and instruct and base:
            check_new_tokens(trained, instruct, base)
        self._instruct_tokenizer = bool(
            trained
            and instruct
            and any(known and trained.tokens.items() <= known.tokens.items() for known in (base, instruct))
        )
        name = self._opened[1].name
        if self._instruct_tokenizer:
            return f"Tokenizer, chat template and settings of generation are those of {name}."
        return f"Chat template and settings of generation are those of {name}; the tokenizer is the trained model's."


def _unwatched(done_bytes: int, total_bytes: int) -> None:
    """For those who do not ask how far it is."""


def _alpha_name(alpha: float) -> str:
    return f"alpha-{alpha:.15g}"
