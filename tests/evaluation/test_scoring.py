"""From rows to scores, paired differences and their table; intervals themselves are tested with the statistics."""

from __future__ import annotations

import json
import re
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from synthcpt.errors import QuestionError
from synthcpt.evaluation.measures import METRICS
from synthcpt.evaluation.scoring import differences, score_table, scores, scores_by_kind

FEW = {"resamples": 300}


def row(number: int, exact: float, **more: Any) -> dict[str, Any]:
    return {
        "setting": "closed_book", "id": f"q{number}", "document": f"d{number // 2}", "kind": "date", "golds": ["x"],
        "exact": exact, "f1": exact / 2, **more,
    }  # fmt: skip


ROWS = [row(number, float(number % 4 != 0)) for number in range(40)]
BASE = [row(number, float(number % 4 == 1)) for number in range(40)]


def test_a_score_has_its_interval_and_how_much_it_rests_on() -> None:
    found = scores(ROWS, **FEW)
    assert list(found) == ["closed_book"]
    assert list(found["closed_book"]) == ["exact", "f1"]  # what no row has is left out
    exact = found["closed_book"]["exact"]
    assert (exact["value"], exact["n"], exact["clusters"]) == (0.75, 40, 20)
    assert exact["low"] < 0.75 < exact["high"]
    assert found == scores(ROWS, **FEW)
    assert json.loads(json.dumps(found)) == found


def test_documents_are_the_clusters() -> None:
    alike = [row(number, float(number < 20), document=f"d{number // 20}") for number in range(40)]
    apart = [row(number, float(number < 20), document=None) for number in range(40)]
    few, many = (scores(rows, **FEW)["closed_book"]["exact"] for rows in (alike, apart))
    assert (few["clusters"], many["clusters"]) == (2, 40)
    assert few["value"] == many["value"] == 0.5
    assert few["high"] - few["low"] > many["high"] - many["low"]


def test_settings_are_scored_apart_and_rows_without_the_metric_do_not_count() -> None:
    rows = [
        *ROWS,
        row(1, 0.0, setting="open_book"),
        row(2, 1.0, setting="open_book", f1=None),
        row(3, 1.0, setting="open_book"),
    ]
    found = scores(rows, **FEW)["open_book"]
    assert found["exact"]["value"] == pytest.approx(2 / 3)
    assert (found["f1"]["value"], found["f1"]["n"]) == (0.25, 2)


def test_choices_count_over_all_and_over_attempted() -> None:
    told = [(1.0, 1), (0.0, 1), (0.0, 0), (1.0, 1), (0.0, 0)]
    rows = [
        {"setting": "choice_cot", "id": str(number), "correct": correct, "attempted": attempted}
        for number, (correct, attempted) in enumerate(told)
    ]
    found = scores(rows, **FEW)["choice_cot"]
    assert found["correct"]["value"] == pytest.approx(2 / 5)
    assert found["correct_attempted"]["value"] == pytest.approx(2 / 3)
    assert found["correct_attempted"]["n"] == 3
    assert found["attempted"]["value"] == pytest.approx(3 / 5)


def test_of_many_samples_the_readable_ones_are_what_was_attempted() -> None:
    rows = [{"setting": "choice_cot", "id": "q", "correct": 0.25, "attempted": 0.5}]
    assert METRICS["correct_attempted"].read(rows[0]) == 0.5


def test_only_the_judges_full_mark_counts() -> None:
    rows = [{"setting": "closed_book", "id": str(mark), "judge": mark} for mark in (0, 1, 2)]
    rows.append({"setting": "closed_book", "id": "none", "judge": None})
    found = scores(rows, **FEW)["closed_book"]["judge"]
    assert (found["value"], found["n"]) == (pytest.approx(1 / 3), 3)


def test_kinds() -> None:
    rows = [row(number, float(number < 10), kind="date" if number < 20 else "") for number in range(40)]
    found = scores_by_kind([*rows, row(1, 1.0, setting="open_book")], **FEW)
    assert list(found) == ["closed_book"]  # the other has one kind only
    assert {kind: metrics["exact"]["value"] for kind, metrics in found["closed_book"].items()} == {
        "date": 0.5,
        "other": 0.0,
    }
    assert found["closed_book"]["date"]["exact"]["n"] == 20


def test_a_difference_is_paired_by_question() -> None:
    found = differences(ROWS, list(reversed(BASE)), **FEW)["closed_book"]
    exact = found["exact"]
    assert (exact["value"], exact["n"], exact["clusters"]) == (0.5, 40, 20)
    assert exact["low"] <= 0.5 <= exact["high"]
    assert (exact["only_baseline"], exact["only_model"]) == (0, 20)
    assert exact["p_mcnemar"] == pytest.approx(2 * 0.5**20)
    assert exact["p_value"] < 0.05
    assert "only_model" not in found["f1"]  # not right or wrong
    assert json.loads(json.dumps(found)) == found


def test_the_baselines_losses_have_their_sign() -> None:
    exact = differences(BASE, ROWS, **FEW)["closed_book"]["exact"]
    assert exact["value"] == -0.5
    assert (exact["only_baseline"], exact["only_model"]) == (20, 0)


def test_p_values_are_corrected_for_the_whole_family() -> None:
    second = [row(number, float(number % 3 == 0), setting="open_book") for number in range(40)]
    other = [row(number, float(number % 3 == 1), setting="open_book") for number in range(40)]
    found = differences([*ROWS, *second], [*BASE, *other], **FEW)
    facts = [metric for metrics in found.values() for metric in metrics.values()]
    assert len(facts) == 4
    ordered = sorted(facts, key=lambda fact: fact["p_value"])
    highest = 0.0
    for place, fact in enumerate(ordered):
        highest = max(highest, min(1.0, (4 - place) * fact["p_value"]))
        assert fact["p_holm"] == pytest.approx(highest)


def test_only_questions_that_both_answered_are_compared() -> None:
    exact = differences(ROWS, BASE[:10], **FEW)["closed_book"]["exact"]
    assert (exact["n"], exact["clusters"]) == (10, 5)


def test_rates_of_form_are_not_tested() -> None:
    rows = [{"setting": "choice", "id": str(n), "golds": ["x"], "correct": n % 2, "attempted": 1} for n in range(8)]
    assert set(differences(rows, rows, **FEW)["choice"]) == {"correct", "correct_attempted"}


def test_other_questions_or_other_golds_are_no_baseline() -> None:
    with pytest.raises(QuestionError, match="no question in common"):
        differences(ROWS, [row(99, 1.0)], **FEW)
    with pytest.raises(QuestionError, match="'q3' has other golds"):
        differences(ROWS, [{**base, "golds": ["y"]} if base["id"] == "q3" else base for base in BASE], **FEW)


def shown(evaluation: dict[str, Any], width: int = 140) -> str:
    console = Console(width=width, record=True, file=StringIO())
    console.print(score_table(evaluation))
    return console.export_text()


SCORE = {"value": 0.6234, "low": 0.57, "high": 0.675, "n": 1743, "clusters": 256}


def test_the_table_shows_value_interval_questions_and_documents() -> None:
    text = shown(
        {
            "model": "m",
            "scores": {
                "closed_book": {"f1": SCORE, "exact": SCORE},
                "likelihood": {"logprob": {**SCORE, "value": -3.5}},
            },
        }
    )
    assert re.search(r"closed book +exact match +62\.3% \[57\.0, 67\.5\] +1,743 +256", text)
    assert text.index("exact match") < text.index("token F1")
    assert re.search(r"log-probability +-3\.500 \[0\.570, 0\.675\]", text)
    assert "p (Holm)" not in text
    assert "95% interval" in text


def test_the_table_shows_the_difference_with_its_p() -> None:
    difference = {
        "value": 0.121,
        "low": -0.01,
        "high": 0.25,
        "n": 9,
        "clusters": 3,
        "p_value": 0.0004,
        "p_holm": 0.0008,
        "only_baseline": 3,
        "only_model": 1200,
    }
    evaluation = {
        "model": "m",
        "scores": {"closed_book": {"exact": SCORE, "attempted": SCORE}},
        "by_kind": {"closed_book": {"[red]date": {"exact": SCORE}, "name": {"exact": {**SCORE, "low": None}}}},
        "baseline": {"model": "[b]base", "differences": {"closed_book": {"exact": difference}}},
    }
    text = shown(evaluation)
    assert "minus those of [b]base" in text  # markup in names is text
    assert "[red]date" in text
    assert re.search(r"closed book +exact match +\+12\.1 \[-1\.0, \+25\.0\] +< 0\.001 +1,200 +3", text)
    assert "62.3% [?, 67.5]" in text


def test_one_document_has_no_interval() -> None:
    evaluation = {"model": "m", "scores": scores([row(0, 1.0), row(1, 0.0)], **FEW)}
    assert re.search(r"exact match +50\.0% \(no interval\) +2 +1", shown(evaluation))


def test_rows_make_the_table() -> None:
    evaluation = {
        "model": "m", "scores": scores(ROWS, **FEW), "by_kind": scores_by_kind(ROWS, **FEW),
        "baseline": {"model": "b", "differences": differences(ROWS, BASE, **FEW)},
    }  # fmt: skip
    text = shown(evaluation, width=80)
    assert re.search(r"closed book +exact match +75\.0% \[\d\d\.\d, \d\d\.\d\] +40 +20", text)
    assert re.search(r"closed book +exact match +\+50\.0 \[\+\d\d\.\d, \+\d\d\.\d\] +(?:< )?0\.\d{3} +20 +0", text)
