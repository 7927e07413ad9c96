"""Loss curves: the files, what stands in them, and where labels go."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from watched_runs import beginning, evaluation, step, tell

from synthcpt.errors import MissingExtra
from synthcpt.training.reports import EvaluationReport, HeldOut
from synthcpt.training.showing.curve_layout import Series, read_curves, smoothed, spread, thinned
from synthcpt.training.showing.curves import draw, main, picture_names
from synthcpt.training.showing.metrics import MetricsLog, read_metrics
from synthcpt.training.showing.painter import Painter

pytest.importorskip("matplotlib")


def run(folder: Path, steps: int = 20, names: tuple[str, ...] = ("books", "wiki"), model: str = "tiny-llama") -> Path:
    folder.mkdir(exist_ok=True)
    log = MetricsLog(folder)
    log.began(beginning(model=model, data=names))
    log.evaluated(evaluation(0, names))
    tell(log, 1, steps, names=names)
    log.close()
    return folder


def words(svg: Path) -> str:
    return " ".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text(encoding="utf-8")))


def test_pictures_for_light_and_dark_pages_hold_their_labels(tmp_path: Path) -> None:
    assert draw(run(tmp_path))
    assert picture_names() == ["loss.png", "loss.svg", "loss-dark.png", "loss-dark.svg"]
    for name in picture_names():
        head = (tmp_path / name).read_bytes()[:5]
        assert head == (b"\x89PNG\r" if name.endswith("png") else b"<?xml")
    for name in ("loss.svg", "loss-dark.svg"):
        text = words(tmp_path / name)
        for label in ("tiny-llama on books, wiki", "books 2.000", "wiki 2.100", "training 2.1", "tokens read", "LR"):
            assert label in text


def test_equal_metrics_give_equal_pictures(tmp_path: Path) -> None:
    first, second = run(tmp_path / "a"), run(tmp_path / "b")
    draw(first)
    draw(second)
    for name in picture_names():
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_hostile_and_unusual_names_do_not_harm_the_picture(tmp_path: Path) -> None:
    names = ("$\\frac{1}{$", "<script>alert(1)</script>", "[bold]a\nb[/bold]")
    assert draw(run(tmp_path, names=names, model="--><script>$x$"))
    svg = (tmp_path / "loss.svg").read_text(encoding="utf-8")
    assert "<script" not in svg
    assert "$\\frac{1}{$ 2.000" in words(tmp_path / "loss.svg")
    assert "&lt;script&gt;$x$ on 3 sources" in words(tmp_path / "loss.svg")


def test_phases_are_named_where_there_are_several(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for number in range(1, 11):
        log.stepped(step(number, phase="general" if number <= 6 else "questions"))
    log.close()
    assert read_curves(read_metrics(tmp_path)).phases == {"general": 0, "questions": 6000}
    draw(tmp_path)
    assert "general questions" in words(tmp_path / "loss.svg")


def test_a_run_without_steps_draws_nothing_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(tmp_path)])
    assert "nothing was drawn" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_spike_is_cut_off_and_told_but_a_high_start_is_not(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    for number in range(1, 501):
        loss = 2.0 + 3.0 * math.exp(-number / 50) + (9.0 if number == 300 else 0.0)
        log.stepped(step(number, loss=loss))
    log.close()
    low, high, peak = read_curves(read_metrics(tmp_path)).loss_range()
    assert peak == (300_000, pytest.approx(11.0, abs=0.05))
    assert (low, high) == (pytest.approx(2.0, abs=0.01), pytest.approx(4.94, abs=0.05))
    draw(tmp_path)
    assert "to 11" in words(tmp_path / "loss.svg")


def test_values_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.stepped(step(1))
    log.stepped(step(2, loss=float("nan")))
    log.evaluated(EvaluationReport(2, 2000, {"books": HeldOut(float("nan"), float("nan"), 1)}))
    log.close()
    curves = read_curves(read_metrics(tmp_path))
    assert curves.loss.points == 1
    assert not curves.heldout
    assert draw(tmp_path)


def test_smoothing_keeps_the_level_also_at_the_ends() -> None:
    series = Series(np.arange(1000.0), np.full(1000, 3.0))
    assert smoothed(series).values == pytest.approx(np.full(1000, 3.0))
    short = Series(np.arange(5.0), np.arange(5.0))
    assert smoothed(short) is short


def test_thinning_keeps_the_highest_the_lowest_and_the_ends() -> None:
    values = np.sin(np.arange(100_000.0))
    values[54_321], values[12_345] = 9.0, -9.0
    few = thinned(Series(np.arange(100_000.0), values), 1000)
    assert few.points <= 1002
    assert {9.0, -9.0} <= set(few.values)
    assert (few.tokens[0], few.tokens[-1]) == (0.0, 99_999.0)
    assert (np.diff(few.tokens) > 0).all()


@pytest.mark.parametrize("wanted", [[0.5] * 6, [0.0, 0.01, 0.02], [1.0, 0.99, 0.2], [0.3], []])
def test_labels_stand_apart_in_order_and_inside(wanted: list[float]) -> None:
    places = spread(wanted, 0.1)
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    apart = np.diff([places[i] for i in order])
    assert (apart >= 0.1 - 1e-9).all()
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)


def test_labels_with_room_stay_where_they_are() -> None:
    assert spread([0.9, 0.1, 0.5], 0.1) == pytest.approx([0.9, 0.1, 0.5])


def test_more_labels_than_room_still_fit() -> None:
    places = spread([0.5] * 30, 0.1)
    assert (min(places), max(places)) == (pytest.approx(0.0), pytest.approx(1.0))


def test_the_painter_draws_in_a_process_of_its_own(tmp_path: Path) -> None:
    said: list[str] = []
    run(tmp_path)
    painter = Painter(tmp_path, said.append)
    painter.stepped(step(20))
    painter.close()
    assert not said
    assert all((tmp_path / name).exists() for name in picture_names())
    drawn = (tmp_path / "loss.png").stat().st_mtime_ns
    painter.close()
    assert (tmp_path / "loss.png").stat().st_mtime_ns == drawn


def test_what_an_earlier_leg_left_undrawn_is_drawn_at_the_end(tmp_path: Path) -> None:
    run(tmp_path)
    painter = Painter(tmp_path, print)
    painter.began(beginning(from_step=20))
    painter.close()
    assert (tmp_path / "loss.png").exists()


def test_a_drawing_that_fails_is_told_and_costs_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    run(tmp_path)
    (tmp_path / "loss.png").mkdir()
    painter = Painter(tmp_path, said.append)
    painter.stepped(step(20))
    painter.evaluated(evaluation(20))
    painter.close()
    assert len(said) == 1
    assert "could not be drawn" in said[0]
    assert "loss.png cannot be written" in said[0]
    assert f"python -m synthcpt.training.showing.curves {tmp_path}" in said[0]


def test_pictures_are_drawn_at_most_once_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, drawings = [0.0], []
    monkeypatch.setattr(Painter, "_draw", lambda self: (drawings.append(now[0]), setattr(self, "_drawn_s", now[0])))
    painter = Painter(tmp_path, print, lambda: now[0])
    for number in range(1, 14):
        now[0] = 10.0 * number
        painter.stepped(step(number))
        painter.noted("A checkpoint was written.")
    assert drawings == [10.0, 70.0, 130.0]


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthcpt.training.showing.painter.find_spec", lambda _: None)
    with pytest.raises(MissingExtra, match=r"synthcpt\[train\]"):
        Painter(tmp_path, print)
