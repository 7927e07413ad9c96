"""What a run's folder tells of itself, against journals filled by hand."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from journalled_runs import STARTED_S, begin_run, dropped, fill, finish_run, journal_of, text

from synthcpt.engine.reading import AnswerCounts, JournalReader
from synthcpt.errors import DataCorrupt, UserError
from synthcpt.reporting.gathering import gather
from synthcpt.reporting.sampling import choose
from synthcpt.reporting.speed import speed_chart, spending_chart, timeline

ANSWERS = [(0.0, "rephrase/easy", 100, 20, 10), (5.0, "rephrase/easy", 100, 0, 30), (5.1, "rephrase/qa", 50, 0, 60)]


def example(folder: Path, **settings: object) -> Path:
    begin_run(folder, **settings)
    journal = journal_of(folder)
    rows = [text("one", "a", "a" * 40), text("one", "b", "b" * 80, 2), dropped("two", "c", "c", "truncated")]
    fill(journal, {"one": "x" * 400, "two": "y" * 40}, rows, answers=ANSWERS)
    journal.close()
    return folder


def test_counts_are_those_of_the_journal(tmp_path: Path) -> None:
    found = gather(example(tmp_path / "run"))
    assert (found.documents_total, found.documents_done, found.source_tokens) == (2, 2, 110)
    assert (found.rows, found.row_tokens) == (2, 30)
    assert found.row_sizes == {10: 1, 20: 1}
    names = ("answers", "prompt_tokens", "cached_tokens", "completion_tokens")
    assert [found.answered(name) for name in names] == [3, 250, 20, 100]
    assert found.left_out == {("text", "", "truncated"): 1}
    assert found.cost is None


def test_cost_is_counted_at_the_runs_prices(tmp_path: Path) -> None:
    found = gather(example(tmp_path / "run", prices={"in": 2.0, "cached": 0.5, "out": 10.0}))
    assert found.cost == pytest.approx((230 * 2 + 20 * 0.5 + 100 * 10) / 1e6)


def test_a_part_without_its_journal_is_counted_by_its_marker(tmp_path: Path) -> None:
    folder = example(tmp_path / "run")
    finish_run(folder)
    before = gather(folder)
    shutil.rmtree(folder / "journal")
    after = gather(folder)
    assert (after.rows, after.row_tokens, after.documents_total) == (2, 30, 2)
    assert after.answered("completion_tokens") == before.answered("completion_tokens") == 100
    assert after.left_out == before.left_out


def test_looking_at_a_run_leaves_no_file_behind(tmp_path: Path) -> None:
    folder = example(tmp_path / "run")
    before = sorted(path.name for path in folder.rglob("*"))
    gather(folder)
    assert sorted(path.name for path in folder.rglob("*")) == before


def test_a_run_under_way_can_be_looked_at_and_goes_on(tmp_path: Path) -> None:
    folder = begin_run(tmp_path / "run")
    journal = journal_of(folder)
    fill(journal, {"one": "x" * 400}, [text("one", "a", "a" * 40)], done=False)
    assert gather(folder).rows == 1
    with JournalReader(journal.path) as reader:
        assert len(list(reader.places())) == 1
        fill(journal, {}, [text("one", "b", "b", 2)])  # a reader holds no lock that a writer would meet
        assert len(list(reader.places())) == 2
    assert gather(folder).documents_done == 0
    journal.close()


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    folder = example(tmp_path / "run")
    (path,) = (folder / "journal").glob("*.sqlite")
    path.write_bytes(b"no journal at all" * 100)
    with pytest.raises(UserError, match=path.name):
        gather(folder)


def test_settings_that_are_none_are_named(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("a list\n")
    with pytest.raises(DataCorrupt, match=r"run\.yaml"):
        gather(tmp_path)


# ---------------------------------------------------------------- time


def counts(at_s: float, new: int = 10, prompt_tokens: int = 100) -> AnswerCounts:
    return AnswerCounts("p", STARTED_S + at_s, 1, 1, prompt_tokens, 40, new, 0)


def test_working_time_leaves_pauses_out() -> None:
    line = timeline([counts(0), counts(100), counts(100 + 7200), counts(7300)])
    assert line is not None
    assert line.pauses_s == [7200]
    assert line.working_s == 100
    assert (line.first_s, line.last_s) == (STARTED_S, STARTED_S + 7300)


def test_stretches_hold_every_answer_once() -> None:
    line = timeline([counts(second * 0.7, new=second) for second in range(500)])
    assert line is not None
    assert len(line.stretches) == 60
    assert sum(one.new for one in line.stretches) == sum(range(500))
    assert sum(one.answers for one in line.stretches) == 500
    assert all(one.answers for one in line.stretches)
    assert line.stretches[-1].end_s == pytest.approx(line.working_s)
    points = speed_chart(line).lines[0].points
    assert sum(
        (point.y or 0) * one.length_s for point, one in zip(points, line.stretches, strict=True)
    ) == pytest.approx(sum(range(500)))


def test_spending_ends_at_the_whole_cost() -> None:
    line = timeline([counts(second) for second in range(10)])
    assert line is not None
    priced = spending_chart(line, {"prices": {"in": 1.0, "cached": 0.1, "out": 5.0}}).lines[0].points
    assert priced[-1].y == pytest.approx(10 * (60 * 1 + 40 * 0.1 + 10 * 5) / 1e6)
    assert spending_chart(line, {"prices": None}).lines[0].points[-1].y == 100


@pytest.mark.parametrize(("last_s", "unit"), [(30, "seconds"), (400, "minutes"), (20_000, "hours")])
def test_the_clock_has_a_fitting_unit(last_s: int, unit: str) -> None:
    line = timeline([counts(second) for second in range(0, last_s + 1, last_s // 40 or 1)])
    assert line is not None
    chart = spending_chart(line, {"prices": None})
    assert chart.x.label.startswith(unit)
    assert chart.lines[0].points[-1].x == pytest.approx(
        line.working_s / {"seconds": 1, "minutes": 60, "hours": 3600}[unit]
    )


@pytest.mark.parametrize("moments", [[], [0.0], [3.0, 3.0]])
def test_a_timeline_of_hardly_anything(moments: list[float]) -> None:
    line = timeline([counts(at) for at in moments])
    assert (line is None) == (not moments)
    if line:
        assert sum(one.answers for one in line.stretches) == len(moments)


# ---------------------------------------------------------------- the sample


def sampled(folder: Path, **limits: int) -> tuple[list[tuple[int, int]], int, int, int]:
    found = gather(folder)
    with JournalReader(found.journals[0].journal) as reader:
        sample = choose({0: reader}, 0, **limits)
    places = [(one.document, one.ordinal) for one in sample.places.get(0, [])]
    return places, sample.rows, sample.of, len(sample.whole)


def many(folder: Path, rows: int = 10) -> Path:
    begin_run(folder)
    journal = journal_of(folder)
    documents = {f"d{number}": "x" * 100 for number in range(20)}
    fill(journal, documents, [text(id_, f"t{i}", "body " * 20, i) for id_ in documents for i in range(rows)])
    journal.close()
    return folder


def test_a_small_run_is_shown_whole(tmp_path: Path) -> None:
    places, rows, of, whole = sampled(many(tmp_path / "run"))
    assert (rows, of, whole) == (200, 200, 20)
    assert len(set(places)) == 200


def test_a_sample_keeps_to_its_limits_and_has_whole_documents(tmp_path: Path) -> None:
    folder = many(tmp_path / "run")
    places, rows, of, whole = sampled(folder, texts=60)
    assert (rows, of, whole) == (60, 200, 3)
    assert len(set(places)) == 60
    assert len({document for document, _ in places}) > 10  # the other half comes from everywhere
    assert places == sampled(folder, texts=60)[0]
    _, rows, _, _ = sampled(folder, size_bytes=20_000)
    size = 20_000 / rows
    assert 200 < size < 2000


def test_a_sample_hardly_changes_while_a_run_grows(tmp_path: Path) -> None:
    folder = many(tmp_path / "run")
    before = set(sampled(folder, texts=60)[0])
    journal = journal_of(folder)
    fill(journal, {"new": "x"}, [text("new", f"t{i}", "body " * 20, i) for i in range(10)])
    journal.close()
    assert len(before & set(sampled(folder, texts=60)[0])) >= 40
