"""`curate`: from finished runs to a finished run of those of their texts that are worth training on.

Three readings: the first takes a few numbers of every text, the second compares those that may be near-duplicates,
the third writes. Memory grows by some hundred bytes a text, whatever the texts' length.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from synthcpt import __version__
from synthcpt.curation.card import curated_card
from synthcpt.curation.config import CurateConfig, make_curate_config
from synthcpt.curation.contamination import Asked, Overlap, QuestionRuns
from synthcpt.curation.details import Details
from synthcpt.curation.duplicates import NearDuplicates, exact_duplicates
from synthcpt.curation.folder import finished_alike, new_folder
from synthcpt.curation.minhash import Banding
from synthcpt.curation.reading import Inputs, open_inputs
from synthcpt.curation.scan import CHOICES, REASONS, Table, Tell, scan
from synthcpt.curation.selection import balanced_order, first_tokens
from synthcpt.curation.settings import run_settings
from synthcpt.curation.writing import RowWriter
from synthcpt.evaluation.questions import read_questions
from synthcpt.files import write_text
from synthcpt.generation.run import MANIFEST, SETTINGS, Run, add_totals, part_goal, read_marker
from synthcpt.generation.settings import render

OVERLAP = "overlap.jsonl"


def curate(
    runs: str | Path | Run | Sequence[str | Path | Run],
    output: str | Path,
    *,
    overwrite: bool = False,
    tell: Tell | None = None,
    **settings: Any,
) -> Path:
    """Keep of finished runs what is worth training on, as a finished run.

    The output is read as any run: `Run`, ``synthcpt train --data``, `datasets.load_dataset`. The same runs, questions
    and settings give the same bytes; an output that has them already is left as it is.

    Args:
        runs: finished runs or their folders; their order decides which of several duplicates stays (the first).
        output: the folder to write.
        overwrite: replace the curated run that is there, whatever it is.
        tell: told what is done now, how much of it is done, and how much there is.
        settings: the fields of `CurateConfig`.

    Returns:
        The output folder.

    Raises:
        ConfigError: a setting that does not exist or cannot be, or an output folder with something else in it.
        RunMismatch: the output was curated otherwise.
        UserError, RunIncomplete, DataCorrupt: a run that is none, is not finished, or was changed.
        QuestionError, CorpusError: questions that cannot be read.
    """
    given = [runs] if isinstance(runs, (str, Path, Run)) else list(runs)
    folders = [str(run.path if isinstance(run, Run) else run) for run in given]
    config = make_curate_config({**settings, "runs": folders, "output": output})
    inputs = open_inputs(config.runs)
    asked = {name: _read_asked(name) for name in config.against}
    resolved = run_settings(config, inputs, asked)
    if finished_alike(config.output, resolved, overwrite=overwrite):
        return config.output
    questions = [question for read in asked.values() for question in read]
    overlap = Overlap(QuestionRuns(questions, config.ngram_words), config.common_documents) if asked else None
    with new_folder(config.output, [run.path for run in inputs.runs]) as folder:
        _write(folder, config, inputs, overlap, resolved, tell or _untold)
    return config.output


def _read_asked(name: str) -> list[Asked]:
    return [Asked(Path(name).name, question.id, question.text) for question in read_questions(name)]


def _write(
    folder: Path, config: CurateConfig, inputs: Inputs, overlap: Overlap | None, resolved: dict[str, Any], tell: Tell
) -> None:
    inputs.schema()
    table = scan(inputs, config, overlap, tell)
    details = Details(table)
    found = _drop_contaminated(table, overlap, details)
    _drop_duplicates(table, config, inputs, details, tell)
    _choose(table, config)
    corpus = {"documents": len(np.unique(table.documents[table.reasons == 0]))}
    corpus["source_tokens"] = resolved["corpus"]["source_tokens"]
    writer = RowWriter(folder, inputs, table, details, part_goal(resolved), corpus)
    write_text(folder / SETTINGS, render({**resolved, "parts": writer.parts}))
    writer.write(tell)
    if overlap is not None:
        entries = (orjson.dumps(entry, option=orjson.OPT_APPEND_NEWLINE).decode() for entry in overlap.report())
        write_text(folder / OVERLAP, "".join(entries))
    _finish(folder, table, found)


def _drop_contaminated(table: Table, overlap: Overlap | None, details: Details) -> dict[str, int] | None:
    if overlap is None:
        return None
    flagged = overlap.flagged()
    table.reasons[list(flagged)] = REASONS.index("contaminated")
    details.asks(overlap.runs, flagged)
    found = {place for number in flagged.values() for place in overlap.runs.askers[number]}
    return {
        "questions": len(overlap.runs.questions),
        "too_short": len(overlap.runs.too_short),
        "found": len(found),
        "texts": len(flagged),
        "seen": overlap.seen,
    }


def _drop_duplicates(table: Table, config: CurateConfig, inputs: Inputs, details: Details, tell: Tell) -> None:
    wanted: npt.NDArray[np.bool_] = ~table.copies if config.source_copies == "keep" else np.ones_like(table.copies)
    if config.exact:
        for row, first in exact_duplicates(table, wanted & (table.reasons == 0)):
            table.reasons[row] = REASONS.index("duplicate")
            details.repeats(row, first)
    if config.near:
        banding = Banding(config.permutations, config.jaccard, config.shingle_words)
        near = NearDuplicates(table, banding, config.jaccard)
        for row, other, share in near.find(inputs, wanted & table.compared & (table.reasons == 0), tell):
            table.reasons[row] = REASONS.index("near_duplicate")
            details.repeats(row, other, share)


def _choose(table: Table, config: CurateConfig) -> None:
    """Leave out what the limits have no room for."""
    rows = np.flatnonzero(table.reasons == 0)
    if not len(rows) or (config.max_per_document is None and config.target_tokens is None):
        return
    documents, methods = table.documents[rows].astype(np.int64), table.methods[rows].astype(np.int64)
    order = rows[balanced_order(table.ids[rows], documents, methods, table.tokens[rows], config.seed, config.balance)]
    if config.max_per_document is not None:
        place = _places(table.documents[order])
        table.reasons[order[place >= config.max_per_document]] = REASONS.index(CHOICES[0])
        order = order[place < config.max_per_document]
    if config.target_tokens is not None:
        taken = len(first_tokens(np.arange(len(order)), table.tokens[order], config.target_tokens))
        table.reasons[order[taken:]] = REASONS.index(CHOICES[1])


def _places(groups: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """For each element, how many equal ones stand before it."""
    order = np.argsort(groups, kind="stable")
    ordered = groups[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    within = np.arange(len(groups)) - np.repeat(starts, np.diff(np.r_[starts, len(groups)]))
    places = np.empty(len(groups), dtype=np.int64)
    places[order] = within
    return places


def _finish(folder: Path, table: Table, found: dict[str, int] | None) -> None:
    """The card, and the manifest last."""
    run = Run(folder)
    markers = [read_marker(part) for part in run.parts]
    counts = np.bincount(table.reasons, minlength=len(REASONS))
    tokens = np.bincount(table.reasons, weights=table.tokens, minlength=len(REASONS))
    totals = add_totals([marker["totals"] for marker in markers])
    left = {reason: int(counts[REASONS.index(reason)]) for reason in CHOICES}
    totals["not_selected"] = {reason: count for reason, count in left.items() if count}
    manifest = {
        "synthcpt": __version__,
        **{name: run.settings[name] for name in ("method", "backend", "model", "seed")},
        "totals": totals,
        "tokens_left_out": {reason: int(tokens[at]) for at, reason in enumerate(REASONS) if at and counts[at]},
        "overlap": found,
        "cost": None,
        "shards": [{**marker["shard"], "rows": marker["totals"]["rows"]} for marker in markers],
    }
    write_text(folder / "README.md", curated_card(run.settings, manifest))
    write_text(folder / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")


def _untold(what: str, done: int, total: int) -> None:
    """For those who do not ask how far it is."""
