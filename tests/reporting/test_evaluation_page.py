from __future__ import annotations

import json
from pathlib import Path

import pytest
from chromium import Tab
from experiment_fixture import evaluation, write_evaluation

from synthcpt.errors import DataCorrupt
from synthcpt.reporting.evaluation_answers import browsed, moves, read_answers, right
from synthcpt.reporting.evaluation_page import evaluation_page

HOSTILE = "</script><script>window.pwned = 1</script><b>"


def test_scores_stand_with_their_intervals_and_the_baseline(tmp_path: Path) -> None:
    made = evaluation_page(write_evaluation(tmp_path / "e"))
    for told in ("62\u00a0% [56, 68]", "+41 [+29, +52]", "two-hop", "33\u00a0% [27, 39]", "&lt; 0.001", "0.51",
                 "1.31 [1.27, 1.36]", "+0.09 [+0.07, +0.11]", "closed book", "retrieval"):  # fmt: skip
        assert told in made, told


def test_an_evaluation_without_baseline_has_no_such_section(tmp_path: Path) -> None:
    made = evaluation_page(write_evaluation(tmp_path / "e", baseline=False))
    assert "Against the baseline" not in made
    assert "learnt" not in made.split("<footer")[0].split("<main")[1]


def test_an_unfinished_evaluation_says_so_and_shows_its_answers(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "e")
    (folder / "evaluation.json").unlink()
    made = evaluation_page(folder)
    assert "not finished: 120 answers" in made
    assert "answers-browser" in made


@pytest.mark.parametrize("content", ["{[", "[]", '{"scores": 3}', '{"scores": {"closed_book": null}}'])
def test_a_damaged_file_is_named(tmp_path: Path, content: str) -> None:
    folder = write_evaluation(tmp_path / "e")
    (folder / "evaluation.json").write_text(content)
    with pytest.raises(DataCorrupt, match=r"evaluation\.json"):
        evaluation_page(folder)


def test_scores_that_are_not_finite_are_dashes(tmp_path: Path) -> None:
    folder = write_evaluation(tmp_path / "e")
    told = evaluation(60, None)
    told["scores"]["closed_book"]["exact"] = {"value": None, "low": None, "high": None, "n": 0, "clusters": 0}
    (folder / "evaluation.json").write_text(json.dumps(told))
    assert "–" in evaluation_page(folder)


@pytest.mark.parametrize(
    ("row", "is_right"),
    [
        ({"setting": "closed_book", "exact": 1}, True),
        ({"setting": "closed_book", "exact": 0, "correct": 1}, False),
        ({"setting": "closed_book", "exact": 0, "judge": 2}, True),
        ({"setting": "closed_book", "exact": 1, "judge": 1}, False),
        ({"setting": "choice", "exact": 0, "correct": 1}, True),
        ({"setting": "choice_cot", "correct": 0.4}, False),
        ({"setting": "likelihood", "logprob": -3.0}, None),
    ],
)
def test_what_counts_as_right(row: dict[str, object], is_right: bool | None) -> None:
    assert right(row) is is_right


def test_moves_count_questions_by_before_and_after() -> None:
    def rows(*values: int) -> list[dict[str, object]]:
        return [{"setting": "closed_book", "id": str(i), "exact": value} for i, value in enumerate(values)]

    counted = moves(rows(1, 1, 0, 0, 1), rows(0, 1, 1, 0), "closed_book")
    assert counted == {"wrong, right": 1, "right, right": 1, "right, wrong": 1, "wrong, wrong": 1}


def test_the_answers_that_changed_are_kept_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthcpt.reporting.evaluation_answers.MOST_ROWS", 2)
    before = [{"setting": "closed_book", "id": str(i), "exact": 0} for i in range(6)]
    after = [{**row, "exact": int(row["id"] == "4")} for row in before]
    assert [row["id"] for row in browsed(after, before)] == ["0", "4"]  # type: ignore[index,call-overload]


def test_a_line_cut_off_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "answers.jsonl").write_text('{"setting": "closed_book", "id": "1"}\n{"setting": "clo')
    assert [row["id"] for row in read_answers(tmp_path)] == ["1"]


@pytest.mark.parametrize("width", [1280, 390])
def test_the_browser_of_answers(tab: Tab, tmp_path: Path, width: int) -> None:
    folder = write_evaluation(tmp_path / "e")
    with (folder / "answers.jsonl").open("a") as file:
        hostile = {"setting": "closed_book", "id": HOSTILE, "document": HOSTILE, "kind": HOSTILE, "question": HOSTILE,
                   "golds": [HOSTILE], "answer": HOSTILE, "exact": 0}  # fmt: skip
        file.write(json.dumps(hostile) + "\n")
    path = tmp_path / "page.html"
    path.write_text(evaluation_page(folder), encoding="utf-8")
    tab.open(path.as_uri(), width=width)
    assert tab.complaints == []
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert tab.run("document.querySelectorAll('.answer').length") == 40
    assert tab.run("document.querySelector('#answers-count').textContent") == "121 answers, 90 right"

    def choose(name: str, value: str) -> str:
        script = "const one = document.querySelector('#answers-NAME'); one.value = VALUE;"
        script = script.replace("NAME", name).replace("VALUE", json.dumps(value))
        tab.run(f"(() => {{ {script} one.dispatchEvent(new Event('input')); }})()")
        return str(tab.run("document.querySelector('#answers-count').textContent"))

    assert choose("setting", "closed_book") == "61 answers, 36 right"
    assert choose("state", "learnt").startswith("24 answers, 24 right")
    assert choose("state", "lost") == "0 answers, 0 right"
    assert choose("state", "wrong") == "25 answers, 0 right"
    assert choose("search", "pwned") == "1 answers, 0 right"
    assert tab.run("document.querySelector('.answer-question').textContent") == HOSTILE
    assert tab.run("window.pwned === undefined && document.querySelectorAll('.answer b').length") == 1
    choose("search", "")
    tab.run("document.querySelector('#answers-state').value = ''")
    choose("setting", "")
    tab.run("document.querySelector('#answers-more').click()")
    assert tab.run("document.querySelectorAll('.answer').length") == 80
    assert tab.complaints == []
