"""What a person sees: a recorded console of 80 columns."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console
from watched_runs import BATCH_TOKENS, beginning, ending, evaluation, step, tell

from synthcpt.training.reports import Beginning
from synthcpt.training.showing.metrics import MetricsLog
from synthcpt.training.showing.speed import Speed
from synthcpt.training.showing.terminal import Terminal

HOSTILE = "[bold]<script>\n\x1b[31mred\u202e[/nope]"


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def console(*, terminal: bool = False, columns: int = 80) -> Console:
    return Console(file=io.StringIO(), width=columns, force_terminal=terminal, color_system=None, legacy_windows=False)


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def watched(
    output: Path, said: Console, summary: Console, *, quiet: bool = False, clock: Clock | None = None
) -> Terminal:
    return Terminal(output, said, summary, quiet=quiet, clock=clock or Clock())


def test_the_start_tells_model_data_audit_formula_and_notes(tmp_path: Path) -> None:
    said = console()
    watched(tmp_path, said, console()).began(beginning())
    text = " ".join(written(said).split())
    for told in (
        "models/tiny-llama: 1B parameters, all of them trained",
        "books, wiki",
        "20 of 1,000 tokens, 20k in all",
        "6 x 1B + 12 x 1 x 1 x 1 = 6e9 FLOPs a token",
        "20,000 tokens read = 19,900 trained + 100 masked",
        "The model passed the packing test.",
    ):
        assert told in text
    assert max(len(line) for line in written(said).splitlines()) <= 80


def test_lora_tells_the_share_that_is_trained_and_a_resumed_run_its_step(tmp_path: Path) -> None:
    said = console()
    watched(tmp_path, said, console()).began(beginning(trainable_parameters=10_000_000, from_step=7))
    text = " ".join(written(said).split())
    assert "10M (1.00%) of them trained" in text
    assert "going on from step 7" in text


def test_away_from_a_terminal_a_line_comes_every_ten_seconds(tmp_path: Path) -> None:
    said, clock = console(), Clock()
    terminal = watched(tmp_path, said, console(), clock=clock)
    terminal.began(beginning())
    before = len(written(said).splitlines())
    for number in range(1, 21):
        clock.now_s += 2.0
        terminal.stepped(step(number, step_s=2.0))
    lines = written(said).splitlines()[before:]
    assert [line.split("step ")[1].split(" of")[0] for line in lines] == ["1", "6", "11", "16"]
    assert lines[-1].startswith("tokens 16k of 20k (80.0%); step 16 of 20; loss ")
    assert "lr 1e-05; speed 500 tokens/s, MFU 0.3%; time 32 s, about 8 s and 4k tokens to go; phase main" in lines[-1]
    assert "\x1b" not in written(said)


def test_held_out_losses_come_as_a_line_with_every_source(tmp_path: Path) -> None:
    said = console()
    terminal = watched(tmp_path, said, console())
    terminal.began(beginning())
    terminal.evaluated(evaluation(5))
    assert (
        "step 5: held-out books 2.7500 (0.8500 bits/byte), wiki 2.8500 (0.8500 bits/byte)"
        in written(said).splitlines()[-1]
    )


def test_a_terminal_has_a_panel_within_80_columns(tmp_path: Path) -> None:
    said = console(terminal=True)
    terminal = watched(tmp_path, said, console())
    terminal.began(beginning())
    tell(terminal, 1, 10)
    shown = console()
    shown.print(terminal._panel())
    terminal.close()
    text = written(shown)
    assert "10k of 20k (50.0%)" in text
    assert "books 2.5000 (0.8000 bits/byte), began at 2.7500" in text
    assert "2,000 tokens/s" in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_closing_twice_leaves_the_terminal_alone(tmp_path: Path) -> None:
    said = console(terminal=True)
    terminal = watched(tmp_path, said, console())
    terminal.began(beginning())
    terminal.close()
    length = len(written(said))
    terminal.close()
    assert len(written(said)) == length
    assert written(said).rindex("\x1b[?25h") > written(said).rindex("\x1b[?25l")  # the cursor is back


def test_the_end_has_losses_before_and_after_and_what_to_do_next(tmp_path: Path) -> None:
    summary = console()
    terminal = watched(tmp_path, console(), summary)
    terminal.began(beginning())
    terminal.evaluated(evaluation(0))
    tell(terminal, 1, 20)
    terminal.ended(ending("outputs/it's mine/model"))
    text = written(summary)
    rows = [line.split() for line in text.splitlines()]
    assert ["books", "3.0000", "2.0000", "-1.0000", "0.9000", "->", "0.7000"] in rows
    assert ["time", "1", "min", "01", "s"] in rows
    assert "20,000 tokens read = 19,900 trained + 100 masked" in " ".join(text.split())
    assert 'AutoModelForCausalLM.from_pretrained("outputs/it\'s mine/model")' in text
    assert "vllm serve 'outputs/it'\"'\"'s mine/model'" in text


def test_a_resumed_run_knows_the_losses_it_began_with(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path)
    log.evaluated(evaluation(0))
    tell(log, 1, 10)
    log.close()
    summary = console()
    terminal = watched(tmp_path, console(), summary)
    terminal.began(beginning(from_step=10))
    tell(terminal, 11, 20)
    terminal.ended(ending("model"))
    assert ["books", "3.0000", "2.0000", "-1.0000"] in [line.split()[:4] for line in written(summary).splitlines()]


def test_quiet_shows_the_end_and_warnings_alone(tmp_path: Path) -> None:
    said, summary = console(), console()
    terminal = watched(tmp_path, said, summary, quiet=True)
    terminal.began(beginning())
    tell(terminal, 1, 20)
    assert written(said) == ""
    terminal.warn("The curves could not be drawn.")
    assert written(said) == "The curves could not be drawn.\n"
    terminal.ended(ending("model"))
    assert "vllm serve model" in written(summary)


def test_hostile_names_are_shown_as_text(tmp_path: Path) -> None:
    said, summary = console(), console()
    terminal = watched(tmp_path, said, summary)
    terminal.began(beginning(model=HOSTILE, data=(HOSTILE,), audit=((HOSTILE, HOSTILE),), notes=(HOSTILE,)))
    terminal.stepped(step(1, phase=HOSTILE))
    terminal.evaluated(evaluation(1, (HOSTILE,)))
    terminal.noted(HOSTILE)
    panel = console()
    panel.print(terminal._panel())
    terminal.ended(ending(HOSTILE))
    for text in map(written, (said, summary, panel)):
        assert "[bold]<script> [31mred[/nope]" in " ".join(text.split())
        assert "\x1b" not in text
        assert "\u202e" not in text


def test_speed_counts_steps_alone_over_half_a_minute() -> None:
    clock = Clock()
    speed = Speed(told(), clock)
    for number in range(1, 101):
        clock.now_s += 2.0  # as long again goes into checkpoints
        speed.stepped(step(number, step_s=1.0, step_tokens=100 if number <= 70 else 300))
    assert speed.tokens_a_s == 300.0
    assert speed.left_s(6000) == pytest.approx(6000 / 300 * 2)
    assert speed.mfu == pytest.approx(6e9 * BATCH_TOKENS / 989e12)


def test_the_running_loss_is_no_estimate_from_zero() -> None:
    speed = Speed(told(), Clock())
    speed.stepped(step(1, loss=5.0))
    assert speed.loss == pytest.approx(5.0)
    for number in range(2, 400):
        speed.stepped(step(number, loss=2.0))
    assert speed.loss == pytest.approx(2.0, abs=0.01)


def told() -> Beginning:
    return beginning(tokens=100 * BATCH_TOKENS, steps=100)
