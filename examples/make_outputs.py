"""Three real texts of each method, made by the embedded backend on the example corpus.

    python examples/make_outputs.py [--output examples/outputs] [METHOD ...]

No model, no network and no key: what comes out is the same on any machine.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import synthcpt
from synthcpt.methods import load_method, method_names

HERE = Path(__file__).parent
DOCUMENTS = 22
TEXTS = 3


def main() -> None:
    """Write a file a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="*", metavar="METHOD", help="only these")
    parser.add_argument("--output", type=Path, default=HERE / "outputs")
    given = parser.parse_args()
    given.output.mkdir(parents=True, exist_ok=True)
    for method in given.methods or method_names():
        (given.output / f"{method}.md").write_text(page(method), encoding="utf-8")
        print(given.output / f"{method}.md")


def page(method: str) -> str:
    """The method's page: what it is, and three of its texts on as many documents."""
    documents = sorted((HERE / "skerrow" / "documents").iterdir())[:: 44 // DOCUMENTS][:DOCUMENTS]
    with tempfile.TemporaryDirectory() as folder:
        run = synthcpt.generate(method, input=documents, output=Path(folder) / "run")
        rows = [dict(row) for row in run.dataset()]
    found = load_method(method)
    head = f"# {method}\n\n{found.summary[:1].upper()}{found.summary[1:]}. {found.paper}."
    note = (
        "Written by the embedded backend (rules, no model) on the example corpus; a language model writes freer texts."
    )
    return "\n\n".join([head, note, *(_section(row) for row in _choose(rows))]) + "\n"


def _choose(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Texts of different kinds and different documents, as far as there are any."""
    chosen: list[dict[str, Any]] = []
    for _ in range(TEXTS):
        steps, sources = ({_step(row) for row in chosen}, {row["source_ids"][0] for row in chosen})
        left = [row for row in rows if row not in chosen and _step(row) != "source"]
        if left:
            chosen.append(
                min(left, key=lambda row: (row["source_ids"][0] in sources, _step(row) in steps, -_tasks(row)))
            )
    return chosen


def _tasks(row: dict[str, Any]) -> int:
    return len(json.loads(row["meta"]).get("tasks", ()))


def _step(row: dict[str, Any]) -> str:
    return str(json.loads(row["meta"])["step"])


def _section(row: dict[str, Any]) -> str:
    return f"---\n\n`{row['id']}`\n\n{row['text']}"


if __name__ == "__main__":
    main()
