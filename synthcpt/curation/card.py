"""The dataset card of a curated run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from synthcpt.generation.card import WRITERS
from synthcpt.generation.shards import COLUMNS

MEANINGS = {
    "too_short": "fewer tokens than asked for",
    "too_long": "more tokens than asked for",
    "repetitive": "the text repeats itself",
    "language": "another language than asked for",
    "contaminated": "it contains an evaluation question",
    "duplicate": "an earlier text again",
    "near_duplicate": "nearly an earlier text of the same document, method and prompt",
    "document_limit": "its document has enough texts",
    "token_budget": "the token budget is filled",
}
"""What the reasons mean."""


def curated_card(settings: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """The README.md of a curated run; its header makes `datasets.load_dataset(folder)` read the shards alone."""
    totals = manifest["totals"]
    methods = settings["methods"]
    header = yaml.safe_dump(
        {
            "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
            "tags": ["synthetic", "synthcpt", *methods],
        },
        sort_keys=False,
    )
    dropped = {**totals["rejected"], **totals["not_selected"]}
    runs = "\n".join(
        f"| {_cell(run['path'])} | {run['method']} | {_cell(run['model'])} | {run['texts']:,} | {run['tokens']:,} |"
        for run in settings["runs"]
    )
    lines = [
        f"---\n{header}---",
        f"# Curated synthetic corpus by {', '.join(methods)}",
        "Every text here was written by a machine from the source documents named in its row.",
        *[WRITERS[name] for name in settings["backends"] if name in WRITERS],
        f"{totals['rows']:,} texts (about {totals['row_tokens']:,} tokens) of {totals['documents']:,} source "
        "documents, kept from these runs:",
        f"| run | method | model | texts | tokens |\n|---|---|---|---|---|\n{runs}",
        "## Left out\n\n"
        + ("\n".join(f"- {reason}: {n:,} ({MEANINGS[reason]})" for reason, n in sorted(dropped.items())) or "Nothing."),
        "## Evaluation questions\n\n" + _overlap(manifest["overlap"]),
        "## Columns\n\n" + "\n".join(f"- `{name}`: {meaning}" for name, meaning in COLUMNS.items()),
        "Made with synthcpt. `run.yaml` holds the settings, `rejected/` what was left out for a fault. "
        "The calls behind a text are in the run that it was made in.",
    ]
    return "\n\n".join(lines) + "\n"


def _overlap(overlap: Mapping[str, Any] | None) -> str:
    if overlap is None:
        return "The texts were compared with none."
    looked_for = overlap["questions"] - overlap["too_short"]
    found = f"{overlap['found']:,} of them stood in {overlap['texts']:,} texts, which were left out"
    short = f" {overlap['too_short']:,} more are too short to look for." if overlap["too_short"] else ""
    return (
        f"{looked_for:,} questions were looked for; {found if overlap['found'] else 'no text contains one'}.{short} "
        "`overlap.jsonl` lists the words that were found."
    )


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
