"""An evaluation's answers beside its baseline's, question by question, for the page's browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from synthcpt.records import Json
from synthcpt.reporting.experiment_results import finite

ANSWERS = "answers.jsonl"
MOST_ROWS, _MOST_CHARS = 6000, 1200


def read_answers(folder: Path | None) -> list[dict[str, Any]]:
    """The rows of an evaluation's answers; none where there is no file, and none of a line not written whole."""
    if folder is None or not (folder / ANSWERS).is_file():
        return []
    rows = []
    with (folder / ANSWERS).open("rb") as file:
        for line in file:
            try:
                row = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(row, dict) and "setting" in row and "id" in row:
                rows.append(row)
    return rows


def baseline_folder(folder: Path, settings: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Path | None:
    """Where the baseline's answers lie: the evaluation it was compared with, or one that was made for it inside."""
    told = (evaluation.get("baseline") or {}).get("evaluation")
    named = [told, settings.get("baseline"), (evaluation.get("baseline") or {}).get("model")]
    places = [folder / "baseline"]
    for name in named:
        if isinstance(name, str) and name:
            places += [folder / name, Path(name)]
    return next((place for place in places if (place / ANSWERS).is_file()), None)


def right(row: Mapping[str, Any]) -> bool | None:
    """Whether an answer is right: judged so where there is a judge, else by the setting's own measure."""
    if row.get("judge") is not None:
        return bool(row["judge"] == 2)
    names = ("correct",) if str(row["setting"]).startswith(("choice", "likelihood")) else ("exact", "correct")
    value = next((finite(row.get(name)) for name in names if row.get(name) is not None), None)
    return None if value is None else value >= 0.5


def browsed(rows: list[dict[str, Any]], baseline: list[dict[str, Any]]) -> list[Json]:
    """What the browser shows of each answer, at most `MOST_ROWS`: those whose rightness changed come first to stay."""
    before = {(row["setting"], row["id"]): row for row in baseline}
    told: list[tuple[bool, int, dict[str, Json]]] = []
    for place, row in enumerate(rows):
        other = before.get((row["setting"], row["id"]))
        is_right, was_right = right(row), right(other) if other else None
        one: dict[str, Json] = {
            "setting": str(row["setting"]), "id": str(row["id"]), "document": _text(row.get("document")),
            "kind": _text(row.get("kind")), "question": _text(row.get("question")), "golds": _golds(row),
            "answer": _text(row.get("answer")), "right": is_right, "f1": finite(row.get("f1")),
            "logprob": finite(row.get("logprob")),
        }  # fmt: skip
        if other is not None:
            one |= {"before": _text(other.get("answer")), "was": was_right}
        changed = other is not None and is_right != was_right
        told.append((not changed, place, one))
    kept = sorted(told, key=lambda item: item[:2])[:MOST_ROWS]
    return [one for _, _, one in sorted(kept, key=lambda item: item[1])]


def moves(rows: list[dict[str, Any]], baseline: list[dict[str, Any]], setting: str) -> Counter[str]:
    """How many questions of a setting were right or wrong, before and after."""
    before = {row["id"]: right(row) for row in baseline if row["setting"] == setting}
    said = {True: "right", False: "wrong"}
    counted: Counter[str] = Counter()
    for row in rows:
        now, then = right(row), before.get(row["id"])
        if row["setting"] == setting and now is not None and then is not None:
            counted[f"{said[then]}, {said[now]}"] += 1
    return counted


def _golds(row: Mapping[str, Any]) -> list[Json]:
    golds = row.get("golds")
    return [_text(gold) for gold in golds[:8]] if isinstance(golds, list) else [_text(golds)]


def _text(value: Any) -> str:
    said = "" if value is None else str(value)
    return said if len(said) <= _MOST_CHARS else said[: _MOST_CHARS - 1] + "…"
