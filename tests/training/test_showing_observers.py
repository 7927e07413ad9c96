"""All observers of a run together, from its beginning to its end."""

from __future__ import annotations

import errno
import io
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from rich.console import Console
from watched_runs import beginning, ending, evaluation, step, tell

from synthcpt.errors import MissingExtra, UserError
from synthcpt.training.reports import Observer, StepReport
from synthcpt.training.showing.metrics import read_metrics
from synthcpt.training.showing.observers import Several, SteadyConsole, observers
from synthcpt.training.showing.wandb import RUN_ID, WandB
from synthcpt.training.showing.watcher import Watcher

pytest.importorskip("matplotlib")
pytest.importorskip("tensorboard")


def console() -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=False, color_system=None)


def written(to: Console) -> str:
    assert isinstance(to.file, io.StringIO)
    return to.file.getvalue()


def test_a_whole_run_leaves_metrics_events_curves_card_and_a_summary(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    summary = console()
    watching = observers(tmp_path, console=console(), summary=summary)
    watching.noted("Tokenising the sources.")  # before the beginning, which waits for the data
    watching.began(beginning())
    watching.evaluated(evaluation(0))
    tell(watching, 1, 20)
    extra = {"base_model": "org/base", "sources": [{"name": "books"}], "recipe": {"lr": 1e-5}, "other": object()}
    watching.ended(ending(model, extra=extra))
    watching.close()
    watching.close()
    kinds = [event["kind"] for event in read_metrics(tmp_path)]
    assert (kinds[0], kinds[-1], kinds.count("step")) == ("begin", "end", 20)
    assert len(list((tmp_path / "tensorboard").iterdir())) == 1
    assert (model / "loss.png").read_bytes() == (tmp_path / "loss.png").read_bytes()
    card = (model / "README.md").read_text(encoding="utf-8")
    assert yaml.safe_load(card.split("---\n")[1])["base_model"] == "org/base"
    assert "lr: 1.0e-05" in card
    assert "(loss.png)" in card
    assert f"vllm serve {model}" in written(summary)


def test_who_cannot_write_is_left_out_and_the_run_goes_on(tmp_path: Path) -> None:
    class Full(Watcher):
        def stepped(self, report: StepReport) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    class Counts(Watcher):
        steps = 0

        def stepped(self, report: StepReport) -> None:
            self.steps += 1

    counts = Counts()
    said: list[str] = []
    several = Several([Full(), counts], said.append)
    several.began(beginning())
    several.stepped(step(1))
    several.stepped(step(2))
    several.close()
    assert counts.steps == 2
    assert len(said) == 1
    assert "No space left on device" in said[0]
    assert said[0].startswith("Full stopped")


def test_a_terminal_that_went_away_does_not_end_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    to = SteadyConsole(file=Gone())
    to.print("one")
    to.print("two")
    assert to.quiet


def test_what_is_wrong_at_the_beginning_is_the_users_to_mend(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").write_text("in the way")
    with pytest.raises(UserError, match="tensorboard cannot be written"):
        observers(tmp_path, quiet=True, console=console(), summary=console()).began(beginning())


class FakeWandB:
    """What is used of the wandb package; keeps what it is told."""

    def __init__(self) -> None:
        self.inits: list[dict[str, Any]] = []
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.finished: list[int] = []
        self.step = 0
        self.fails = False
        self.errors = SimpleNamespace(Error=RuntimeError)
        self.Settings = SimpleNamespace

    def init(self, **arguments: Any) -> FakeWandB:
        if self.fails:
            raise RuntimeError("no login\n")
        self.inits.append(arguments)
        return self

    def log(self, values: dict[str, float], step: int) -> None:
        self.step = step
        self.logged.append((step, values))

    def finish(self, exit_code: int) -> None:
        self.finished.append(exit_code)


@pytest.fixture
def wandb(monkeypatch: pytest.MonkeyPatch) -> FakeWandB:
    fake = FakeWandB()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    return fake


def test_wandb_gets_the_figures_once_also_when_resumed(tmp_path: Path, wandb: FakeWandB) -> None:
    def leg(first: int, last: int, from_step: int) -> Observer:
        watching = WandB(tmp_path, "books", {"lr": 1e-5})
        watching.began(beginning(from_step=from_step))
        tell(watching, first, last)
        return watching

    leg(1, 13, 0).close()
    wandb.step = 14  # as wandb says of a run that has 13 steps
    done = leg(11, 20, 10)
    done.ended(ending("model"))
    done.close()
    done.close()
    steps = [at for at, values in wandb.logged if "train/loss" in values]
    assert steps == list(range(1, 21))
    assert wandb.logged[0][1]["train/tokens_per_s"] == 2000.0
    assert any(values.get("heldout/wiki/bits_per_byte") for _, values in wandb.logged)
    first, second = wandb.inits
    assert first["id"] == second["id"] == (tmp_path / RUN_ID).read_text().strip()
    assert (first["project"], first["dir"], first["resume"]) == ("books", str(tmp_path), "allow")
    assert first["config"]["lr"] == 1e-5
    assert wandb.finished == [1, 0]


def test_a_new_run_in_the_folder_is_a_new_wandb_run(tmp_path: Path, wandb: FakeWandB) -> None:
    for _ in range(2):
        WandB(tmp_path, "books").began(beginning())
    assert wandb.inits[0]["id"] != wandb.inits[1]["id"]


def test_wandb_without_a_login_says_what_to_do(tmp_path: Path, wandb: FakeWandB) -> None:
    wandb.fails = True
    with pytest.raises(UserError, match="no login Log in with `wandb login`"):
        WandB(tmp_path, "books").began(beginning())


def test_a_key_never_reaches_the_folder(tmp_path: Path, wandb: FakeWandB, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "secret-key-of-mine")
    watching = observers(tmp_path, wandb="books", quiet=True, console=console(), summary=console())
    watching.began(beginning())
    watching.close()
    assert wandb.inits
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"secret-key" in path.read_bytes()]


def test_wandb_is_not_touched_unless_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    observers(tmp_path, quiet=True, console=console(), summary=console()).close()
    with pytest.raises(MissingExtra, match=r"synthcpt\[wandb\]"):
        observers(tmp_path, wandb="books", quiet=True)
