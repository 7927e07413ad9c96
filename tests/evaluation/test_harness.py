"""Tasks of lm-evaluation-harness: what is made of its samples, and a real task where it is installed."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from synthcpt.errors import ConfigError, MissingExtra
from synthcpt.evaluation import evaluate, harness
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.evaluation.harness import check_harness, task_differences, task_scores

INSTALLED = importlib.util.find_spec("lm_eval") is not None
FOUND = {
    "higher_is_better": {"piqa": {"acc": True}, "wiki": {"nll": False}},
    "samples": {
        "piqa": [
            {"doc_id": 0, "filter": "none", "metrics": ["acc", "shown"], "acc": 1.0, "shown": [1, 2]},
            {"doc_id": 1, "filter": "none", "metrics": ["acc"], "acc": True},
            {"doc_id": 1, "filter": "strict", "metrics": ["acc"], "acc": 0.0},
        ],
        "wiki": [{"doc_id": 0, "filter": "none", "metrics": ["nll"], "nll": 2.5}],
    },
}


def rows(values: list[float], task: str = "piqa") -> list[dict[str, Any]]:
    return [
        {"task": task, "metric": "acc", "doc_id": number, "value": value, "better": 1}
        for number, value in enumerate(values)
    ]


def test_samples_become_a_row_a_document_and_metric() -> None:
    assert [tuple(row.values()) for row in harness._rows(FOUND)] == [
        ("piqa", "acc", 0, 1.0, 1), ("piqa", "acc", 1, 1.0, 1), ("piqa", "acc,strict", 1, 0.0, 1),
        ("wiki", "nll", 0, 2.5, -1),
    ]  # fmt: skip


def test_scores_and_differences_pair_by_document() -> None:
    before = rows([1.0] * 12 + [0.0] * 8)
    after = rows([0.0] * 10 + [1.0] * 2 + [0.0] * 8)
    score = task_scores(after, seed=0, resamples=500)["piqa"]["acc"]
    assert (score["value"], score["n"]) == (0.1, 20)
    shuffled = sorted(after, key=lambda row: row["doc_id"] * 7 % 20)
    found = task_differences(shuffled, before, seed=0, resamples=500)["piqa"]["acc"]
    assert found["value"] == pytest.approx(-0.5)
    assert (found["only_baseline"], found["only_model"], found["n"]) == (10, 0, 20)
    assert found["p_mcnemar"] == pytest.approx(2 / 2**10)
    assert found["low"] < -0.5 < found["high"] < 0
    half = task_differences(after, before[:12], seed=0, resamples=500)["piqa"]["acc"]
    assert half["n"] == 12
    assert task_differences(after, rows([1.0], "other"), seed=0, resamples=500) == {}


def test_p_values_are_corrected_over_all_tasks() -> None:
    first, second = [0.0] * 12, [1.0] * 12
    one = task_differences(rows(second), rows(first), seed=0, resamples=2000)["piqa"]["acc"]
    three = task_differences(
        [row for task in "abc" for row in rows(second, task)],
        [row for task in "abc" for row in rows(first, task)],
        seed=0,
        resamples=2000,
    )
    assert three["a"]["acc"]["p_value"] == one["p_value"]
    assert three["a"]["acc"]["p_holm"] == pytest.approx(3 * one["p_value"])


@pytest.mark.skipif(INSTALLED, reason="lm-eval is installed")
def test_without_it_the_extra_is_named() -> None:
    with pytest.raises(MissingExtra, match=r"synthcpt\[lm-eval\]"):
        check_harness(EvaluateConfig(model="m", tasks=("piqa",)))


@pytest.mark.skipif(not INSTALLED, reason="lm-eval is not installed")
def test_a_real_task_of_ones_own(knowing_folder: Path, ignorant_folder: Path, tmp_path: Path) -> None:
    from answering_models import ANSWERS

    answers = list(ANSWERS.values())
    docs = [
        {"question": question, "choices": [answers[(number + 1) % len(answers)], answer], "gold": 1}
        for number, (question, answer) in enumerate(ANSWERS.items())
    ]
    data = tmp_path / "docs.jsonl"
    data.write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "lamps.yaml").write_text(
        "task: lamps\ndataset_path: json\ndataset_kwargs:\n  data_files:\n    test: "
        f"{data}\ntest_split: test\noutput_type: multiple_choice\n"
        'doc_to_text: "Question: {{question}}\\nAnswer:"\ndoc_to_choice: choices\ndoc_to_target: gold\n'
        "metric_list:\n  - metric: acc\n    aggregation: mean\n    higher_is_better: true\n"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own
        common = {"tasks": "lamps", "task_folder": tmp_path / "tasks", "resamples": 200, "output": tmp_path / "out"}
        found = evaluate(model=knowing_folder, baseline=ignorant_folder, **common)
        with pytest.raises(ConfigError, match="no task 'lamsp'"):
            check_harness(EvaluateConfig(model="m", tasks=("lamsp",), task_folder=tmp_path / "tasks"))
    assert found == tmp_path / "out"
    accuracy = json.loads((tmp_path / "out/evaluation.json").read_text())["forgetting"]["tasks"]["lamps"]["acc"]
    assert (accuracy["value"], accuracy["n"]) == (1.0, 10)
    assert accuracy["difference"]["value"] > 0
    assert accuracy["difference"]["only_baseline"] == 0
