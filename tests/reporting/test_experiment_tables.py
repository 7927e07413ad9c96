from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest
from experiment_fixture import experiment_results

from synthcpt.reporting.experiment_results import parse_results
from synthcpt.reporting.experiment_tables import experiment_tables, latex, paper_table


def small() -> dict[str, Any]:
    """Two arms with round numbers."""
    told = experiment_results()
    told["points"] = [one for one in told["points"] if one["budget_tokens"] in (None, 1_200_000)]
    for one in told["points"]:
        if one["arm"] == "entigraph":
            one["accuracy"] = {"value": 0.914, "low": 0.88, "high": 0.94, "n": 600, "clusters": 100}
            one["gain"] = {"over": "base", "value": 0.894, "low": 0.86, "high": 0.92, "p_holm": 0.0004}
            one["forgetting"] = {"value": -0.0213, "low": -0.03, "high": 0.01}
    return told


def test_a_row_holds_value_interval_seeds_and_p_against_raw() -> None:
    columns, rows = paper_table(parse_results(small()))
    row = dict(zip(columns, next(row for row in rows if row[0].startswith("EntiGraph")), strict=True))
    assert row["Arm"] == "EntiGraph (simulated)"
    assert row["Tokens"] == "1.2M"
    assert row["Seeds"] == "3"
    assert row["Closed-book exact match (%)"] == "91.4 [88.0, 94.0]"
    assert row["Gain (points)"] == "+89.4 [+86.0, +92.0]"
    assert row["p (Holm)"] == "< 0.001"
    assert row["Forgetting (bits/byte)"] == "−0.0213 [−0.03, +0.01]"
    assert rows[0][0] == "Base model"


def test_p_is_of_the_comparison_with_raw_at_the_same_budget() -> None:
    told = small()
    for one in told["comparisons"]:
        one["p_holm"] = 0.0321 if one["second"] == "entigraph" and one["budget_tokens"] == 1_200_000 else 0.9
    columns, rows = paper_table(parse_results(told))
    by_arm = {row[0]: row[columns.index("p (Holm)")] for row in rows}
    assert by_arm["EntiGraph (simulated)"] == "0.032"
    assert by_arm["Rephrase"] == "0.90"
    assert by_arm["Raw text, repeated"] == "–"


def test_all_formats_hold_all_rows() -> None:
    told = experiment_tables(experiment_results())
    assert set(told) == {"markdown", "latex", "csv"}
    assert len(list(csv.reader(io.StringIO(told["csv"])))) == 1 + 21
    assert told["latex"].count(r"\\") == 1 + 21
    lines = [line for line in told["markdown"].splitlines() if line.startswith("|")]
    assert len(lines) == 2 + 21
    assert len({line.count("|") for line in lines}) == 1
    for table in told.values():
        assert "simulated" in table


def test_csv_holds_plain_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(experiment_tables(small())["csv"])))
    row = next(row for row in rows if row["arm"] == "entigraph")
    assert (row["accuracy_value"], row["accuracy_low"], row["tokens"]) == ("0.914", "0.88", "1200000")
    assert (row["simulated"], row["p_against"]) == ("true", "raw")
    base = next(row for row in rows if row["arm"] == "base")
    assert (base["tokens"], base["gain_value"], base["forgetting_value"]) == ("", "", "")


def test_hostile_names_break_no_format() -> None:
    told = small()
    told["arms"][4]["title"] = "a|b & 100% $x_1$ #{~^\\ <i> \n=cmd"
    told["arms"][4]["teacher"] = "=HYPERLINK(1)"
    tables = experiment_tables(told)
    (line,) = [line for line in tables["markdown"].splitlines() if "cmd" in line]
    assert re.sub(r"\\\|", "", line).count("|") == tables["markdown"].splitlines()[0].count("|")
    assert "<i>" not in line
    (row,) = [line for line in tables["latex"].splitlines() if "cmd" in line]
    assert r"\& 100\% \$x\_1\$ \#\{\textasciitilde{}\textasciicircum{}\textbackslash{}" in row
    assert "'=HYPERLINK(1)" in tables["csv"]
    assert len(list(csv.reader(io.StringIO(tables["csv"])))) == 1 + 6


def test_numbers_that_are_missing_or_not_finite_are_dashes() -> None:
    told = small()
    for one in told["points"]:
        one.update(accuracy={"value": float("nan"), "low": None, "high": None}, gain=None, by_kind={}, forgetting=None)
    _, rows = paper_table(parse_results(told))
    assert all(row[4] == "–" for row in rows)
    experiment_tables(told)


def test_other_metrics_are_not_told_in_per_cent() -> None:
    told = small()
    told["metric"] = {"setting": "likelihood", "name": "logprob"}
    columns, rows = paper_table(parse_results(told))
    assert "Likelihood logprob" in columns
    assert "0.914 [0.88, 0.94]" in rows[4]


def test_lost_accuracy_is_told_in_points() -> None:
    told = small()
    for one in told["points"]:
        if one["forgetting"]:
            one["forgetting"] = {"what": "accuracy lost", "value": 0.12, "low": 0.1, "high": 0.14}
    columns, rows = paper_table(parse_results(told))
    assert rows[4][columns.index("Accuracy lost (points)")] == "+12.0 [+10.0, +14.0]"


@pytest.mark.parametrize(("said", "told"), [("50 %", r"50 \%"), ("−2", "$-$2"), ("– ", "--")])
def test_latex(said: str, told: str) -> None:
    assert latex(said) == told
