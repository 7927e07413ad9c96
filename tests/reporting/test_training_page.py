from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from chromium import Tab

from synthcpt.errors import DataCorrupt
from synthcpt.reporting.training_figures import audit_chart, loss_chart, sort_events, source_chart
from synthcpt.reporting.training_page import training_page
from synthcpt.training.reports import Beginning, Ending, EvaluationReport, HeldOut, StepReport
from synthcpt.training.showing.metrics import MetricsLog, read_metrics

HOSTILE = "<img src=x onerror=alert(1)>"


def write_training(
    folder: Path, steps: int = 300, *, finished: bool = True, name: str = "run", peak_flops: float | None = 1e9
) -> Path:
    """A training's files, as its own writer writes them."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"model": "outputs/base", "data": ["outputs/run"], "recipe": "smoke", "clip": 1.0, "lr": 0.002}
    (folder / "train.yaml").write_text(yaml.safe_dump(settings))
    part = {"name": name, "role": "data", "tokens": 1000, "heldout": 40, "unread": 160, "read": 800, "trained": 780,
            "first_tokens": 15, "outside_spans": 5, "texts_dropped": {"too_long": 3}}  # fmt: skip
    replay = {**part, "name": "general", "role": "replay", "texts_dropped": {}}
    audit = {"parts": [part, replay], "read": 1600, "trained": 1560, "slots": 2000, "collision_rate": 0.05}
    (folder / "audit.json").write_text(json.dumps(audit))
    log = MetricsLog(folder)
    log.began(Beginning("outputs/base", str(folder), 1_100_000, 1_100_000, 300, 300 * 100, 0, 128, "cpu", "6 x N",
                        peak_flops, (name, "general"), notes=("The self-test went well.", HOSTILE)))  # fmt: skip
    for step in range(steps + 1):
        if step:
            loss = float("nan") if step == 7 else 8.0 - step / 100
            log.stepped(StepReport(step, step * 100, loss, 1e-3, 1.0, 100, 98, 0.5, 5e7, "main",
                                   {name: loss, "general": 4.0}))  # fmt: skip
        if step % 50 == 0:
            log.evaluated(EvaluationReport(step, step * 100, {name: HeldOut(8.0 - step / 100, 2.5 - step / 400, 40)}))
    if finished:
        log.ended(Ending(steps, steps * 100, "model", 200.0))
        (folder / "training.json").write_text(json.dumps({"audit": audit, "steps": steps}))
    log.close()
    return folder


def test_the_summary_tells_what_was_trained(tmp_path: Path) -> None:
    made = training_page(write_training(tmp_path / "t"))
    for told in ("1.1M", "30k", "30,000 of 30,000", "3 min 20 s", "200/s", "10\u00a0%", "2.5 → 1.75", "(−0.75)"):
        assert told in made, told
    assert "Not finished" not in made
    assert "vllm serve" in made


def test_speed_and_mfu_count_the_steps_own_time(tmp_path: Path) -> None:
    told = sort_events(read_metrics(write_training(tmp_path / "t")))
    assert told.tokens_a_s == pytest.approx(200.0)  # 100 tokens in half a second
    assert told.mfu == pytest.approx(0.1)  # 5e7 FLOPs in half a second of 1e9 FLOP/s
    assert sort_events(read_metrics(write_training(tmp_path / "u", peak_flops=None))).mfu is None


def test_loss_is_drawn_raw_and_smoothed_and_held_out(tmp_path: Path) -> None:
    told = sort_events(read_metrics(write_training(tmp_path / "t")))
    names = [line.name for line in loss_chart(told).lines]
    assert names == ["training, each step", "training", "held-out run"]
    assert len(loss_chart(told).lines[0].points) == 299  # the loss that was not finite is no point
    by_source = source_chart(told)
    assert by_source is not None
    assert [line.name for line in by_source.lines] == ["run", "general"]


def test_every_token_of_the_audit_is_in_the_bar(tmp_path: Path) -> None:
    folder = write_training(tmp_path / "t")
    audit = json.loads((folder / "audit.json").read_text())
    for (_, sizes), part in zip(audit_chart(audit).rows, audit["parts"], strict=True):
        assert sum(sizes) == part["tokens"]
    made = training_page(folder)
    assert "too_long" in made
    assert "98\u00a0%" in made  # 1560 of 1600 carried loss
    assert "80\u00a0%" in made  # 1600 of 2000 slots


def test_an_unfinished_training_says_so_and_how_to_go_on(tmp_path: Path) -> None:
    made = training_page(write_training(tmp_path / "t", 20, finished=False))
    assert "Not finished: 20 of 300 steps" in made
    assert "To go on" in made
    assert "vllm serve" not in made


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_a_training_of_few_steps_has_a_page(tmp_path: Path, steps: int) -> None:
    assert "<svg" in training_page(write_training(tmp_path / "t", steps, finished=False))


def test_a_training_that_has_not_begun_has_a_page(tmp_path: Path) -> None:
    (tmp_path / "train.yaml").write_text("model: tiny\n")
    assert "no figures yet" in training_page(tmp_path)


@pytest.mark.parametrize("name", ["train.yaml", "audit.json", "training.json"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    folder = write_training(tmp_path / "t", 3)
    (folder / name).write_text("{[")
    with pytest.raises(DataCorrupt, match=name):
        training_page(folder)


def test_fact_probes_are_shown_where_there_are_any(tmp_path: Path) -> None:
    folder = write_training(tmp_path / "t", 3)
    assert "Fact probes" not in training_page(folder)
    rows = [
        {"step": step, "tokens": step * 100, "id": f"f{i}", "document": "d", "kind": "short", "logprob": step + i - 4}
        for step in range(3)
        for i in (0, 1)
    ]
    (folder / "probes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 3, "tok')
    (folder / "retention.json").write_text(json.dumps({"effectivity": {"value": 1.5, "low": 1.0, "high": 2.0}}))
    made = training_page(folder)
    assert "Fact probes" in made
    assert "−3.5" in made  # the mean of -4 and -3
    assert "1.5 [1, 2]" in made


def test_the_page_imports_no_torch(tmp_path: Path) -> None:
    folder = write_training(tmp_path / "t", 3)
    code = (
        "import sys; from pathlib import Path; from synthcpt.reporting.training_page import training_page; "
        f"training_page(Path({str(folder)!r})); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (800, False), (390, True)])
def test_the_page_in_a_browser(tab: Tab, tmp_path: Path, width: int, dark: bool) -> None:
    folder = write_training(tmp_path / "t", name=HOSTILE)
    path = tmp_path / "page.html"
    path.write_text(training_page(folder), encoding="utf-8")
    tab.open(path.as_uri(), width=width, dark=dark)
    assert tab.complaints == []
    assert tab.run("document.querySelectorAll('img').length") == 0
    assert tab.run("document.documentElement.scrollWidth") <= width
    assert seen(tab) == 1  # of a chart's three drawings
    tab.run("[...document.querySelectorAll('.chart svg')].find((one) => one.checkVisibility()).focus()")
    tab.press("ArrowDown")
    assert "tokens read: 100" in tab.run("document.querySelector('.chart-tip').textContent")
    tab.press("ArrowDown")  # every second of 299 points has a mark
    assert "tokens read: 300" in tab.run("document.querySelector('.chart-tip').textContent")
    tab.press("Escape")
    assert tab.run("document.querySelector('.chart-tip').hidden")
    assert tab.complaints == []


def seen(tab: Tab) -> Any:
    return tab.run(
        "[...document.querySelector('.chart-room').querySelectorAll('svg')].filter((s) => s.checkVisibility()).length"
    )
