"""The dataset card: what made the texts, for whoever finds the folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from synthcpt.generation.shards import COLUMNS

WRITERS = {
    "simulated": "**These texts are simulated**: they were answered by a simulated teacher that knows the invented "
    "world's wordings; no language model. They serve controlled experiments only.",
}
"""What a reader must know of texts from these backends."""


def dataset_card(settings: Mapping[str, Any], manifest: Mapping[str, Any]) -> str:
    """The README.md of a run's folder; its header makes `datasets.load_dataset(folder)` read the shards alone."""
    totals = manifest["totals"]
    header = yaml.safe_dump(
        {
            "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}],
            "tags": ["synthetic", "synthcpt", settings["method"]],
        },
        sort_keys=False,
    )
    dropped = {**totals["rejected"], **totals["failed_requests"], **totals["failed_documents"]}
    lines = [
        f"---\n{header}---",
        f"# Synthetic corpus by {settings['method']}",
        "Every text here was written by a machine from the source documents named in its row.",
        *([WRITERS[settings["backend"]]] if settings["backend"] in WRITERS else []),
        "| | |\n|---|---|\n" + "\n".join(f"| {name} | {value} |" for name, value in _facts(settings, totals)),
        "## Columns\n\n" + "\n".join(f"- `{name}`: {meaning}" for name, meaning in COLUMNS.items()),
        "## Left out\n\n" + ("\n".join(f"- {reason}: {n:,}" for reason, n in sorted(dropped.items())) or "Nothing."),
        "Made with synthcpt. `run.yaml` holds the configuration, `rejected/` and `failures/` what was left out.",
    ]
    return "\n\n".join(lines) + "\n"


def _facts(settings: Mapping[str, Any], totals: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        ("method", f"{settings['method']} (version {settings['method_version']})"),
        ("model", f"{settings['model']}, through {settings['backend']}"),
        ("source documents", f"{totals['documents']:,} (about {totals['source_tokens']:,} tokens)"),
        ("texts", f"{totals['rows']:,} (about {totals['row_tokens']:,} tokens)"),
        ("calls", f"{totals['answers']:,}, {totals['prompt_tokens']:,} tokens in, {totals['completion_tokens']:,} out"),
        ("seed", str(settings["seed"])),
    ]
