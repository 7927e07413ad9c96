"""What an experiment found: points with intervals, paired differences, laws; all of it as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from synthcpt.experiments.gathering import Group, gather, read_evaluation
from synthcpt.experiments.grid import Cell, Grid
from synthcpt.experiments.recipe import CONTROLS, ArmConfig
from synthcpt.experiments.stages import Stage

_FEWEST_TO_FIT = 4
"""Budgets from which on a law is fitted to an arm's accuracy."""

SIMULATED = "simulated"
"""The backend whose texts no language model wrote."""


def analyse(grid: Grid, root: Path) -> dict[str, Any]:
    """Everything that tables, figures and the report show; of the arms and budgets that are finished.

    Args:
        grid: the experiment.
        root: its folder.

    Returns:
        ``name``, ``description``, ``expect``, ``simulated``, ``metric``, ``complete``, ``arms``, ``cells``,
        ``points``, ``comparisons``, ``fits``.
    """
    recipe = grid.recipe
    groups = gather(grid.cells, root, recipe.metric)
    arms = [_arm(name, arm, grid, root) for name, arm in recipe.all_arms().items()]
    points = [_point(group, groups, root, recipe.kinds) for group in groups]
    _correct(points, "gain")
    setting, metric = recipe.metric.split("/", 1)
    return {
        "name": recipe.name,
        "description": recipe.description.strip(),
        "expect": recipe.expect.strip(),
        "simulated": any(arm["simulated"] for arm in arms),
        "metric": {"setting": setting, "name": metric, "kinds": list(recipe.kinds)},
        "chance": None,
        "complete": len(groups) == len({(cell.arm, cell.budget_tokens) for cell in grid.cells}),
        "arms": arms,
        "cells": [_cell(cell, group, root, recipe.kinds) for group in groups for cell in group.cells],
        "points": points,
        "comparisons": _comparisons(groups, recipe.kinds),
        "fits": _fits(points),
    }


def _arm(name: str, arm: ArmConfig, grid: Grid, root: Path) -> dict[str, Any]:
    stages = [cell.generate for cell in grid.cells if cell.arm == name and cell.generate is not None]
    facts = (stages[0].done(root) or {}).get("facts", {}) if stages else {}
    backend = facts.get("backend") or {**grid.recipe.generate, **arm.generate}.get("backend")
    teacher = facts.get("model") or backend if stages else None
    return {
        "name": name,
        "title": arm.title or name,
        "kind": "control" if arm.control else "method",
        "what": CONTROLS.get(arm.control or "", ""),
        "method": arm.generates,
        "teacher": teacher,
        "simulated": backend == SIMULATED and bool(stages),
    }


def _facts(stage: Stage | None, root: Path) -> dict[str, Any]:
    marker = stage.done(root) if stage is not None else None
    return {"seconds": marker["seconds"], **marker["facts"]} if marker else {}


def _cell(cell: Cell, group: Group, root: Path, headline: Sequence[str]) -> dict[str, Any]:
    index = group.cells.index(cell)
    answers = group.answers[index]
    train, generate = _facts(cell.train, root), _facts(cell.generate, root)
    kinds = sorted(set(answers.kinds))
    evaluation = read_evaluation(cell.evaluate, root)
    return {
        "arm": cell.arm,
        "budget_tokens": cell.budget_tokens,
        "seed": cell.seed,
        "synthetic_tokens": _tokens(cell, root, "tokens"),
        "trained_tokens": _tokens(cell, root, "read"),
        "accuracy": fmean(answers.of(headline).values),
        "by_kind": {kind: fmean(answers.of([kind]).values) for kind in kinds},
        "retained": fmean(group.retained[index].of(headline).values) if group.retained else None,
        "general_bits_per_byte": _general(evaluation),
        "cost": generate.get("cost"),
        "generate_s": generate.get("seconds"),
        "train_s": train.get("seconds"),
        "evaluate_s": _facts(cell.evaluate, root).get("seconds"),
        "training": _path(cell.train, root),
        "evaluation": _path(cell.evaluate, root),
    }


def _path(stage: Stage | None, root: Path) -> str | None:
    return stage.output(root).relative_to(root).as_posix() if stage is not None else None


def _general(evaluation: Mapping[str, Any]) -> float | None:
    texts = (evaluation.get("forgetting") or {}).get("texts") or {}
    found = [_value(one["bits_per_byte"]) for one in texts.values()]
    return fmean(found) if found else None


def _value(one: Any) -> float:
    return float(one["value"] if isinstance(one, Mapping) else one)


def _tokens(cell: Cell, root: Path, what: str) -> int | None:
    """Of the arm's own texts, replay apart: ``tokens`` counts each once, ``read`` as often as it was trained on."""
    parts = _facts(cell.train, root).get("audit", {}).get("parts", [])
    return sum(int(part[what]) for part in parts if part["role"] == "data") or None


def _point(group: Group, groups: Sequence[Group], root: Path, headline: Sequence[str]) -> dict[str, Any]:
    from synthcpt.statistics import seeds_estimate

    clusters = group.clusters(headline)
    cells = [_cell(cell, group, root, headline) for cell in group.cells]
    base = next((one for one in groups if one.cells[0].train is None), None)
    gain = _difference(base, group, headline) if base is not None and base is not group else None
    synthetic = [cell["synthetic_tokens"] for cell in cells if cell["synthetic_tokens"]]
    cost = cells[0]["cost"]
    better = 100 * gain["value"] if gain and gain["low"] > 0 else None
    return {
        "arm": group.arm,
        "budget_tokens": group.budget_tokens,
        "synthetic_tokens": round(fmean(synthetic)) if synthetic else None,
        "trained_tokens": cells[0]["trained_tokens"],
        "seeds": len(group.cells),
        "accuracy": _told(seeds_estimate(group.matrix(headline), clusters)),
        "gain": {"over": "base", **gain} if gain else None,
        "by_kind": {
            kind: _told(seeds_estimate(group.matrix([kind]), group.clusters([kind])))
            for kind in sorted(set(group.answers[0].kinds))
        },
        "forgetting": _forgetting(base, group, root, headline),
        "cost": cost,
        "tokens_per_point": round(fmean(synthetic) / better) if better and synthetic else None,
        "cost_per_point": cost / better if better and cost is not None else None,
    }


def _told(estimate: Any) -> dict[str, Any]:
    return {name: getattr(estimate, name) for name in ("value", "low", "high", "n", "clusters")}


def _difference(first: Group, second: Group, kinds: Sequence[str]) -> dict[str, Any]:
    from synthcpt.statistics import seeds_difference

    found = seeds_difference(first.matrix(kinds), second.matrix(kinds), first.clusters(kinds))
    return {"value": found.value, "low": found.low, "high": found.high, "p_value": found.p_value}


def _forgetting(base: Group | None, group: Group, root: Path, headline: Sequence[str]) -> dict[str, Any] | None:
    """What was lost: points of the questions that could be answered before, else bits a byte of general texts."""
    if base is None or base is group:
        return None
    if base.retained and group.retained:
        from synthcpt.statistics import seeds_difference

        lost = (group.retained_matrix(headline), base.retained_matrix(headline), base.retained_clusters(headline))
        found = seeds_difference(*lost)
        return {"what": "accuracy lost", "value": found.value, "low": found.low, "high": found.high}
    before = _general(read_evaluation(base.cells[0].evaluate, root))
    after = [_general(read_evaluation(cell.evaluate, root)) for cell in group.cells]
    values = [one - before for one in after if one is not None and before is not None]
    if not values:
        return None
    return {"what": "bits a byte gained", "value": fmean(values), "low": min(values), "high": max(values)}


def _comparisons(groups: Sequence[Group], headline: Sequence[str]) -> list[dict[str, Any]]:
    """Each arm against raw and against rephrase, at the same budget or at the one that they have."""
    found = []
    for first_arm in ("raw", "rephrase"):
        for second in groups:
            if second.arm in ("base", "raw", first_arm) or second.cells[0].train is None:
                continue
            first = _partner(groups, first_arm, second.budget_tokens)
            if first is not None:
                told = {"first": first_arm, "second": second.arm, "budget_tokens": second.budget_tokens}
                found.append({**told, **_difference(first, second, headline)})
    _correct([{"it": one} for one in found], "it")
    return found


def _partner(groups: Sequence[Group], arm: str, budget: int | None) -> Group | None:
    ours = [group for group in groups if group.arm == arm]
    same = [group for group in ours if group.budget_tokens == budget]
    if same:
        return same[0]
    return ours[0] if len(ours) == 1 and ours[0].budget_tokens is None else None


def _correct(rows: Sequence[dict[str, Any]], name: str) -> None:
    """Holm's correction over one family of tests, written beside their p-values."""
    from synthcpt.statistics import holm

    tested = {str(number): row[name]["p_value"] for number, row in enumerate(rows) if row.get(name)}
    for number, p_holm in holm(tested).items():
        rows[int(number)][name]["p_holm"] = p_holm


def _fits(points: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    base = next((point for point in points if point["budget_tokens"] is None and point["gain"] is None), None)
    found: list[dict[str, Any]] = []
    for arm in dict.fromkeys(point["arm"] for point in points):
        own = [
            point for point in points if point["arm"] == arm and point["budget_tokens"] and point["synthetic_tokens"]
        ]
        if len(own) < _FEWEST_TO_FIT:
            continue
        from synthcpt.scaling import fit_laws

        rows = [(point["synthetic_tokens"], point["accuracy"]) for point in own]
        if base is not None:
            rows.insert(0, (0, base["accuracy"]))
        errors = [max(1e-3, (one["high"] - one["low"]) / 3.92) for _, one in rows]
        fits = fit_laws([tokens for tokens, _ in rows], [one["value"] for _, one in rows], errors)
        found.extend({"arm": arm, **fit} for fit in fits.as_json())
    return found
