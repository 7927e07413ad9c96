"""A finished experiment's results, as realistic as can be told without running one, and evaluations like its own."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BUDGETS = (150_000, 300_000, 600_000, 1_200_000)
KINDS = ("forward", "reverse", "two_hop")

_ARMS: list[dict[str, Any]] = [
    {"name": "base", "title": "Base model", "kind": "control", "method": None, "teacher": None, "simulated": False},
    {"name": "raw", "title": "Raw text, repeated", "kind": "control", "method": None, "teacher": None,
     "simulated": False},
    {"name": "replay", "title": "Replay only", "kind": "control", "method": None, "teacher": None, "simulated": False},
    {"name": "rephrase", "title": "Rephrase", "kind": "method", "method": "rephrase", "teacher": "extractive",
     "simulated": False},
    {"name": "entigraph", "title": "EntiGraph", "kind": "method", "method": "entigraph", "teacher": "world",
     "simulated": True},
    {"name": "knowledge", "title": "Knowledge-Instruct", "kind": "method", "method": "knowledge_instruct",
     "teacher": "world", "simulated": True},
]  # fmt: skip
_ENDS = {"raw": 0.062, "replay": 0.021, "rephrase": 0.44, "entigraph": 0.93, "knowledge": 0.86}
_RATES = {"raw": 2e5, "replay": 1e6, "rephrase": 5e5, "entigraph": 2.6e5, "knowledge": 4.4e5}
_FORGOTTEN = {"raw": 0.21, "replay": -0.01, "rephrase": 0.12, "entigraph": 0.09, "knowledge": 0.16}


def experiment_results() -> dict[str, Any]:
    """The content of a `results.json`."""
    points, cells = [_point("base", None)], list(_cells("base", None))
    for arm in _ENDS:
        for budget in BUDGETS:
            points.append(_point(arm, budget))
            cells += _cells(arm, budget)
    return {
        "name": "knowledge injection on a small world",
        "description": "200 invented people learnt by continued pretraining; questions about all of them, closed book.",
        "simulated": True, "metric": {"setting": "closed_book", "name": "exact"}, "chance": 0.02,
        "arms": [dict(arm) for arm in _ARMS], "cells": cells, "points": points, "comparisons": _comparisons(),
        "fits": [_fit("entigraph", 0.93, True), _fit("rephrase", 0.44, False)],
    }  # fmt: skip


def write_experiment(folder: Path, results: dict[str, Any] | None = None) -> Path:
    """An experiment's folder with these results; the fixture's own where none are given."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experiment.yaml").write_text(
        "name: knowledge injection on a small world\nbudgets: [150k, 300k, 600k, 1.2M]\nseeds: [0, 1, 2]\n"
    )
    (folder / "results.json").write_text(json.dumps(experiment_results() if results is None else results))
    return folder


def write_evaluation(folder: Path, questions: int = 60, *, baseline: bool = True) -> Path:
    """An evaluation's folder: closed book and open book, with a baseline that knows a third as much."""
    folder.mkdir(parents=True, exist_ok=True)
    base = folder.parent / f"{folder.name}-base"
    rows = [row for i in range(questions) for row in _answers(i)]
    (folder / "evaluate.yaml").write_text("model: outputs/student/model\nquestions: questions.jsonl\n")
    (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if baseline:
        base.mkdir(exist_ok=True)
        (base / "evaluate.yaml").write_text("model: outputs/base\n")
        told = [{**row, **({"answer": "Skerrow", "exact": 0, "f1": 0.0, "contains": 0} if i % 3 else {})}
                for i, row in enumerate(rows)]  # fmt: skip
        (base / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in told))
    (folder / "evaluation.json").write_text(json.dumps(evaluation(questions, str(base) if baseline else None)))
    return folder


def evaluation(questions: int, base: str | None) -> dict[str, Any]:
    """The content of an `evaluation.json`."""
    settings = {"closed_book": 0.62, "open_book": 0.91, "retrieval": 0.84}
    scores = {name: _metrics(value, questions) for name, value in settings.items()}
    kinds = {"forward": 0.71, "reverse": 0.40, "two_hop": 0.33}
    by_kind = {"closed_book": {kind: _metrics(value, questions // 3) for kind, value in kinds.items()}}
    difference = {"value": 0.41, "low": 0.29, "high": 0.52, "p_value": 0.0002, "p_holm": 0.0006, "only_baseline": 2,
                  "only_model": 27}  # fmt: skip
    close = {"value": 0.02, "low": -0.04, "high": 0.08, "p_value": 0.51, "p_holm": 0.51, "only_baseline": 3,
             "only_model": 4}  # fmt: skip
    return {
        "model": "outputs/student/model", "questions": questions, "settings": list(settings), "scores": scores,
        "by_kind": by_kind,
        "baseline": base and {
            "model": base, "differences": {"closed_book": {"exact": difference, "f1": {**difference, "value": 0.38}},
                                           "open_book": {"exact": close}},
        },
        "forgetting": {
            "texts": {"general": {
                "bits_per_byte": {"value": 1.31, "low": 1.27, "high": 1.36}, "nats_per_token": 3.1, "tokens": 20_480,
                "difference": {"value": 0.09, "low": 0.07, "high": 0.11, "p_value": 0.0001},
            }},
            "tasks": {},
        },
    }  # fmt: skip


def _metrics(value: float, n: int) -> dict[str, Any]:
    return {name: _estimate(value + more, 0.06, n) for name, more in (("exact", 0.0), ("f1", 0.05), ("contains", 0.03))}


def _estimate(value: float, half: float, n: int = 600) -> dict[str, Any]:
    return {"value": round(value, 4), "low": round(max(0.0, value - half), 4), "high": round(min(1.0, value + half), 4),
            "n": n, "clusters": n // 6}  # fmt: skip


def _accuracy(arm: str, budget: int | None) -> float:
    return 0.02 if budget is None else 0.02 + (_ENDS[arm] - 0.02) * (1 - math.exp(-budget / _RATES[arm]))


def _point(arm: str, budget: int | None) -> dict[str, Any]:
    value = _accuracy(arm, budget)
    half = 0.012 + 0.08 * value * (1 - value)
    lost = 0.0 if budget is None else _FORGOTTEN.get(arm, 0.0) * math.log10(budget / 1e5) / 1.08
    shares = zip(KINDS, (1.0, 0.62, 0.35), strict=True)
    known = {kind: _estimate(value * share, half * 1.6, 200) for kind, share in shares}
    return {
        "arm": arm, "budget_tokens": budget, "synthetic_tokens": 0 if arm in ("base", "raw", "replay") else budget,
        "trained_tokens": budget or 0, "seeds": 3 if budget else 1, "accuracy": _estimate(value, half),
        "gain": None if budget is None else
        {"over": "base", **_estimate(value - 0.02, half), "p_value": 0.0001, "p_holm": 0.0004},
        "by_kind": known,
        "forgetting": None if budget is None else
        {"value": lost, "low": lost - 0.02, "high": lost + 0.025},
        "cost": None if arm in ("base", "raw", "replay") else round((budget or 0) * 1.1e-6, 4),
        "tokens_per_point": None if budget is None or value < 0.03 else budget / (100 * (value - 0.02)),
    }  # fmt: skip


def _cells(arm: str, budget: int | None) -> Iterator[dict[str, Any]]:
    for seed in range(3 if budget else 1):
        value = min(1.0, _accuracy(arm, budget) * (1 + 0.03 * (seed - 1)))
        yield {
            "arm": arm, "budget_tokens": budget, "seed": seed, "synthetic_tokens": budget or 0,
            "trained_tokens": budget or 0, "accuracy": value, "f1": min(1.0, value + 0.04),
            "by_kind": dict.fromkeys(KINDS, value), "general_bits_per_byte": 1.3, "cost": None,
            "generate_s": 0.0 if arm in ("base", "raw", "replay") else (budget or 0) / 30_000,
            "train_s": (budget or 0) / 9_000, "evaluate_s": 6.5,
            "training": f"stages/train-{arm}-{budget}-{seed}" if budget else "",
            "evaluation": f"stages/evaluate-{arm}-{budget}-{seed}",
        }  # fmt: skip


def _comparisons() -> list[dict[str, Any]]:
    told = []
    for arm in ("rephrase", "entigraph", "knowledge"):
        for budget in BUDGETS:
            value = _accuracy(arm, budget) - _accuracy("raw", budget)
            told.append({"first": "raw", "second": arm, "budget_tokens": budget, "value": value, "low": value - 0.05,
                         "high": value + 0.05, "p_value": 0.0001, "p_holm": 0.0008})  # fmt: skip
    return told


def _fit(arm: str, end: float, quoted: bool) -> dict[str, Any]:
    tokens = [BUDGETS[0] * (BUDGETS[-1] / BUDGETS[0]) ** (i / 30) for i in range(31)]
    curve = [[x, _accuracy(arm, int(x))] for x in tokens]
    asymptote = (
        {"quoted": True, "value": end, "low": end - 0.03, "high": min(1.0, end + 0.04), "why": ""} if quoted else
        {"quoted": False, "value": None, "low": None, "high": None,
         "why": "the interval, 31 % to 97 %, is wider than what was measured, and a power law fits as well"}
    )  # fmt: skip
    return {
        "arm": arm, "law": "mixture_of_exponentials" if quoted else "log", "parameters": {"c": end}, "aicc": -41.2,
        "weight": 0.83, "curve": curve, "band": [[x, y - 0.03, y + 0.03] for x, y in curve], "asymptote": asymptote,
    }  # fmt: skip


def _answers(i: int) -> Iterator[dict[str, Any]]:
    kind = KINDS[i % 3]
    gold = f"{1800 + i}"
    for setting in ("closed_book", "open_book"):
        right = (i * 7) % 10 < (6 if setting == "closed_book" else 9)
        yield {
            "setting": setting, "id": f"q{i:04d}", "document": f"doc-{i // 6}.md", "kind": kind,
            "question": f"In which year did the keeper of light number {i} retire?", "golds": [gold, f"in {gold}"],
            "answer": gold if right else f"{1801 + i}", "exact": int(right), "f1": 1.0 if right else 0.25,
            "contains": int(right), "correct": int(right), "attempted": 1, "logprob": -1.5 - i % 4,
        }  # fmt: skip
