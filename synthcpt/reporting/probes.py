"""What fact probes during a training tell: how well each fact was known at every step, and how much of it stayed.

Effectivity and retainability are those of Chang et al. (2024, arXiv:2406.11813), section 3.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from synthcpt.reporting.charts import Axis, Line, LineChart, Point
from synthcpt.reporting.charts.numbers import count, interval, number
from synthcpt.reporting.elements import Content
from synthcpt.reporting.experiment_results import finite

PROBES, RETENTION = "probes.jsonl", "retention.json"


def read_probes(folder: Path) -> list[dict[str, Any]]:
    """The probes' measurements; none where there are none, and none of a line that was not written whole."""
    path = folder / PROBES
    if not path.exists():
        return []
    kept = []
    with path.open("rb") as file:
        for line in file:
            try:
                told = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(told, dict) and "tokens" in told and finite(told.get("logprob")) is not None:
                kept.append(told)
    return kept


def probes_chart(probes: Sequence[Mapping[str, Any]]) -> LineChart:
    """The mean log-probability of the facts' answers over the training, by kind, with its standard error doubled."""
    told: dict[str, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for one in probes:
        told[str(one.get("kind") or "facts")][float(one["tokens"])].append(float(one["logprob"]))
    lines = []
    for i, (kind, by_tokens) in enumerate(told.items()):
        points = []
        for tokens, values in sorted(by_tokens.items()):
            mean, half = float(np.mean(values)), 2 * float(np.std(values)) / len(values) ** 0.5
            points.append(Point(tokens, mean, mean - half, mean + half, f"{len(values):,} facts"))
        lines.append(Line(kind.replace("_", "-"), points, i, "band"))
    return LineChart(
        "Fact probes",
        "Mean log-probability of the probed facts' answers over the tokens read; higher is better known.",
        Axis("tokens read", count),
        Axis("log-probability in nats", number),
        lines,
        height=220,
    )


def retention_rows(folder: Path) -> list[list[Content]]:
    """What `retention.json` tells, a name and a value a row; none where it is not there or is not readable."""
    path = folder / RETENTION
    if not path.exists():
        return []
    try:
        told = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError:
        return []
    return list(_rows(told)) if isinstance(told, dict) else []


def _rows(told: Mapping[str, Any], before: str = "") -> list[list[Content]]:
    rows: list[list[Content]] = []
    for name, value in told.items():
        said = f"{before}{name.replace('_', ' ')}"
        if isinstance(value, Mapping) and "value" in value:
            middle, low, high = (finite(value.get(end)) for end in ("value", "low", "high"))
            rows.append([said, interval(middle, low, high)])
        elif isinstance(value, Mapping):
            rows += _rows(value, f"{said}: ")
        elif isinstance(value, str | int | float):
            rows.append([said, value])
    return rows
