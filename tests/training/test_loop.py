"""What a training does, step by step: exact after a crash, equal over several processes, honest about its tokens."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from token_stores import make_part, make_store, random_texts
from trainings import VOCABULARY, Seen, given_ids, settings, some_parts, train, weights_of, write_tiny_model

from synthcpt.errors import Interrupted, NonFiniteLoss, OutOfMemory
from synthcpt.packing.audit import audit
from synthcpt.packing.batches import read_windows
from synthcpt.packing.planning import make_plan
from synthcpt.training import stage
from synthcpt.training.loop import Loop
from synthcpt.training.optimiser import Optimiser

SUPPORT = Path(__file__).parents[1] / "support"


def test_a_training_learns_and_tells_what_it_did(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    texts = [[(k + shift) % 60 + 1 for k in range(40)] for shift in range(60)]
    given_ids(monkeypatch, [make_part(make_store("count", texts))])
    seen = train(llama, tmp_path / "out", replay=(), epochs=4)
    assert seen.losses[0] == pytest.approx(math.log(VOCABULARY), abs=0.2)
    assert seen.losses[-1] < seen.losses[0] - 1
    begun, ended = seen.begun[0], seen.endings[0]
    assert (begun.steps, begun.tokens) == (len(seen.steps), seen.steps[-1].tokens)
    assert seen.closed == 1
    assert Path(ended.model_path) == tmp_path / "out" / "model"
    first, last = seen.evaluations[0], seen.evaluations[-1]
    assert (first.step, last.step) == (0, begun.steps)
    assert last.heldout["count"].loss < first.heldout["count"].loss
    assert last.heldout["count"].bits_per_byte == pytest.approx(last.heldout["count"].loss / math.log(2) / 4, rel=1e-2)


def test_every_token_of_the_audit_was_trained_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    parts = some_parts()
    given_ids(monkeypatch, parts)
    seen = train(llama, tmp_path / "out")
    config = settings(llama, tmp_path / "out")
    account = audit(make_plan(parts, config.amounts(), config.windows()))
    assert sum(report.step_trained_tokens for report in seen.steps) == account.trained
    assert sum(report.step_tokens for report in seen.steps) == account.read
    assert set(seen.steps[-1].loss_by_source) <= {"books", "questions", "replay"}


def test_the_rate_follows_the_tokens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch)
    seen = train(llama, tmp_path / "out", schedule="cosine", min_lr=0.1)
    schedule = settings(llama, tmp_path / "out", schedule="cosine", min_lr=0.1).learning_rate()
    total = seen.begun[0].tokens
    assert [report.lr for report in seen.steps] == [
        pytest.approx(1e-2 * schedule.factor((report.tokens - report.step_tokens / 2) / total)) for report in seen.steps
    ]
    assert seen.steps[-1].lr == pytest.approx(1e-3, rel=5e-2)


@pytest.mark.parametrize("schedule", ["wsd", "cosine", "linear", "anneal"])
def test_no_step_is_taken_at_a_rate_of_zero(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path, schedule: str
) -> None:
    given_ids(monkeypatch)
    seen = train(llama, tmp_path / "out", schedule=schedule, batch_tokens=1 << 16)
    assert len(seen.steps) == 1
    assert seen.steps[0].lr > 1e-3
    assert seen.evaluations[-1].heldout["books"].loss != seen.evaluations[0].heldout["books"].loss


def test_one_step_is_adamw_on_the_mean_loss_clipped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    """The whole step against torch's own AdamW and transformers' own loss, one text at a time."""
    from transformers import AutoModelForCausalLM

    parts = [make_part(make_store("books", random_texts(8, 20, 50, vocabulary=VOCABULARY)))]
    given_ids(monkeypatch, parts)
    changes: dict[str, Any] = {
        "replay": (),
        "batch_tokens": 4096,
        "schedule": "constant",
        "warmup": 0.0,
        "heldout": 0.0,
    }
    seen = train(llama, tmp_path / "out", **changes, clip=0.3)
    model = AutoModelForCausalLM.from_pretrained(llama, dtype=torch.float32)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    adam = torch.optim.AdamW(
        [{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}],
        lr=1e-2,
        betas=(0.9, 0.95),
    )
    store = parts[0].store(0)
    trained = store.tokens - store.texts
    for text in range(store.texts):
        ids = torch.from_numpy(np.array(store.ids[store.offsets[text] : store.offsets[text + 1]], dtype=np.int64))[None]
        loss = model(input_ids=ids, labels=ids, use_cache=False).loss * (ids.shape[1] - 1) / trained
        loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 0.3)
    adam.step()
    assert seen.steps[0].grad_norm == pytest.approx(float(norm), rel=1e-4)
    assert float(norm) > 0.3, "clipping must bite for this test to show anything"
    mine = weights_of(tmp_path / "out" / "model")
    for name, parameter in model.state_dict().items():
        np.testing.assert_allclose(mine[name], parameter.numpy(), rtol=0, atol=2e-4, err_msg=name)


def test_micro_batches_do_not_change_the_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch)
    whole = train(llama, tmp_path / "whole", micro_tokens=256)
    split = train(llama, tmp_path / "split", micro_tokens=64)
    assert split.losses == pytest.approx(whole.losses, rel=1e-5)
    assert [r.grad_norm for r in split.steps] == pytest.approx([r.grad_norm for r in whole.steps], rel=1e-3)


SCRIPT = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import pytest
from trainings import Seen, given_ids, settings
from synthcpt.training import stage

class Telling(Seen):
    def stepped(self, report):
        os.write(1, f"{report.step} {report.loss!r} {report.grad_norm!r}\\n".encode())

os.write(1, f"pid {os.getpid()}\\n".encode())  # at once: several processes write here
given_ids(pytest.MonkeyPatch())
changes = eval(sys.argv[4])
stage.Training(settings(Path(sys.argv[2]), Path(sys.argv[3]), **changes), watch=Telling).run()
"""


def in_a_process(
    model: Path, output: Path, changes: dict[str, Any], *, kill_after: int | None = None, processes: int = 1
) -> list[str]:
    """The lines a training in a process of its own tells, one a step; SIGKILL after a line if asked."""
    launch = [sys.executable]
    if processes > 1:
        launch += ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    script = output.parent / "script.py"
    script.write_text(SCRIPT)
    command = [*launch, str(script), str(SUPPORT), str(model), str(output), repr(changes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    lines: list[str] = []
    pids: list[int] = []
    with (
        (output.parent / "errors.txt").open("w+") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environment) as process,
    ):
        for line in process.stdout or ():
            if line.startswith("pid "):
                pids.append(int(line.split()[1]))
            elif line[:1].isdigit():
                lines.append(line.strip())
            if kill_after is not None and len(lines) == kill_after:
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                kill_after = -1
        process.wait()
        errors.seek(0)
        told = errors.read()
    assert process.returncode == 0 or kill_after == -1, told[-3000:]
    return lines


def test_killed_at_any_step_the_losses_are_the_same_to_the_bit(tmp_path: Path, llama: Path) -> None:
    changes = {"checkpoint_every": 2, "ema": 0.9, "seed": 3}
    whole = in_a_process(llama, tmp_path / "whole", changes)
    assert len(whole) >= 12
    got: dict[str, str] = {}
    for kill_after in (1, 5, None):  # before the first checkpoint, between two, then to the end
        for line in in_a_process(llama, tmp_path / "killed", changes, kill_after=kill_after):
            step, rest = line.split(" ", 1)
            assert got.setdefault(step, rest) == rest, f"step {step} was done again and came out otherwise"
    assert [f"{step} {rest}" for step, rest in sorted(got.items(), key=lambda item: int(item[0]))] == whole
    for model in ("model", "model-ema"):
        mine, theirs = weights_of(tmp_path / "killed" / model), weights_of(tmp_path / "whole" / model)
        assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)


@pytest.mark.parametrize("kind", ["tied", "lora"])
def test_two_processes_are_one(tmp_path: Path, kind: str) -> None:
    """FSDP2 on two processes, stopped, and gone on with on one; against one process throughout."""
    changes: dict[str, Any] = {"micro_tokens": 128, "checkpoint_every": 2, "precision": "fp32"}
    model = write_tiny_model(tmp_path / "tiny", "llama", tie_word_embeddings=kind == "tied")
    changes |= {"lora_rank": 4, "average_last": 2} if kind == "lora" else {"ema": 0.9}
    one = in_a_process(model, tmp_path / "one", changes)
    two = in_a_process(model, tmp_path / "two", changes, processes=2, kill_after=5)
    rest = in_a_process(model, tmp_path / "two", changes)
    again = {line.split(" ")[0]: line for line in [*two, *rest]}
    assert len(again) == len(one)
    for line in one:
        step, loss, norm = line.split(" ")
        assert float(again[step].split(" ")[1]) == pytest.approx(float(loss), rel=2e-6), step
        assert float(again[step].split(" ")[2]) == pytest.approx(float(norm), rel=1e-3), step
    for name in ("model", "model-average" if kind == "lora" else "model-ema"):
        mine, theirs = weights_of(tmp_path / "two" / name), weights_of(tmp_path / "one" / name)
        assert mine.keys() == theirs.keys()
        for tensor in theirs:
            np.testing.assert_allclose(mine[tensor], theirs[tensor], atol=5e-4)


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    """To the end on two processes, with dropout and a tensor whose rows do not divide evenly."""
    model = write_tiny_model(tmp_path / "tiny", "gpt2", vocab_size=131, resid_pdrop=0.2)
    changes = {"micro_tokens": 128, "precision": "fp32", "tokens": 600}
    in_a_process(model, tmp_path / "one", changes)
    in_a_process(model, tmp_path / "two", changes, processes=2)
    mine, theirs = weights_of(tmp_path / "two" / "model"), weights_of(tmp_path / "one" / "model")
    for tensor in theirs:
        np.testing.assert_allclose(mine[tensor], theirs[tensor], atol=1e-5)


def test_ctrl_c_leaves_a_checkpoint_and_going_on_is_exact(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    whole = train(llama, tmp_path / "whole", evaluate_every=1000)

    class Interrupting(Seen):
        def stepped(self, report: Any) -> None:
            super().stepped(report)
            if report.step == 5:
                os.kill(os.getpid(), signal.SIGINT)

    seen = Interrupting()
    config = settings(llama, tmp_path / "out", checkpoint_every=1000, evaluate_every=1000)
    with pytest.raises(Interrupted, match="a checkpoint is written"):
        stage.Training(config, watch=lambda: seen).run()
    done = len(seen.steps)
    assert 5 <= done <= 6
    assert seen.closed == 1
    rest = train(llama, tmp_path / "out", checkpoint_every=1000, evaluate_every=1000)
    assert rest.begun[0].from_step == done
    assert seen.losses + rest.losses == whole.losses
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_loss_that_is_no_number_stops_before_it_is_applied(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    whole = Optimiser.gradient_norm

    def breaking(self: Optimiser) -> float:
        return float("nan") if self.steps == 4 else whole(self)

    monkeypatch.setattr(Optimiser, "gradient_norm", breaking)
    with pytest.raises(NonFiniteLoss, match=r"in step 5 of \d+; nothing of that step was applied") as error:
        train(llama, tmp_path / "out", checkpoint_every=2)
    assert "jsonl row " in str(error.value), "the texts are named"
    monkeypatch.setattr(Optimiser, "gradient_norm", whole)
    rest = train(llama, tmp_path / "out", checkpoint_every=2)
    assert rest.begun[0].from_step == 4
    assert rest.losses == train(llama, tmp_path / "whole").losses[4:]


def test_no_memory_says_what_would_fit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch)

    def full(self: Loop, *args: Any) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Loop, "_backward", full)
    with pytest.raises(OutOfMemory, match="--set micro_tokens=128, --set activation_checkpointing=true"):
        train(llama, tmp_path / "out")


def test_phases_change_the_mix_at_a_point_of_the_schedule(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    phases = [
        {"name": "wide", "begin": 0},
        {"name": "deep", "begin_at_lr": 0.2, "mix": {"questions": 1}, "replay_ratio": 0},
    ]
    seen = train(llama, tmp_path / "out", schedule="linear", phases=phases, warmup=0.0)
    where = [report.phase for report in seen.steps]
    assert where == sorted(where, reverse=True)
    switched = seen.steps[where.index("deep")]
    before = switched.tokens - switched.step_tokens
    assert before / seen.begun[0].tokens == pytest.approx(0.8, abs=0.1)
    assert set(seen.steps[-1].loss_by_source) == {"questions"}
    assert any("Phase 'deep' begins" in note for note in seen.notes)


def test_an_infinite_schedule_is_annealed_on_a_branch(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    trunk = train(
        llama, tmp_path / "trunk", schedule="infinite", decay=0, cooldown=0.2, checkpoint_every=3, keep_checkpoints=9
    )
    branch = train(
        llama, tmp_path / "branch", schedule="anneal", lr=5e-3, warmup=0.1, branch=f"{tmp_path / 'trunk'}@6", seed=1
    )
    assert trunk.steps[5].lr == pytest.approx(5e-3)
    rates = [report.lr for report in branch.steps]
    assert rates == sorted(rates, reverse=True)
    assert 0 < rates[-1] < rates[0] < 5e-3
    assert branch.losses[0] != pytest.approx(train(llama, tmp_path / "fresh", seed=1).losses[0], abs=1e-3)


def test_a_branch_averages_from_its_own_beginning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_ids(monkeypatch)
    train(llama, tmp_path / "trunk", save_dtype="fp32")
    # A rate so small that nothing moves: the average is what was branched from.
    train(
        llama, tmp_path / "branch", branch=str(tmp_path / "trunk"), ema=0.5, lr=1e-12, weight_decay=0.0, tokens=300,
        save_dtype="fp32",
    )  # fmt: skip
    trunk, average = weights_of(tmp_path / "trunk/model"), weights_of(tmp_path / "branch/model-ema")
    for name, weight in trunk.items():
        assert average[name] == pytest.approx(weight, abs=1e-6)


def test_windows_that_are_not_isolated_differ_only_in_what_is_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_ids(monkeypatch)
    apart = train(llama, tmp_path / "apart", tokens=400)
    together = train(llama, tmp_path / "together", tokens=400, isolate=False)
    assert [r.step_trained_tokens for r in apart.steps] == [r.step_trained_tokens for r in together.steps]
    assert apart.losses[0] != pytest.approx(together.losses[0], abs=1e-6)


def test_a_model_that_cannot_be_packed_trains_on_rows(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given_ids(monkeypatch, some_parts(12))
    model = write_tiny_model(tmp_path / "tiny", "mamba")
    seen = train(model, tmp_path / "out", tokens=300)
    assert "NOT packed" in seen.begun[0].notes[0]
    assert sum(report.step_tokens for report in seen.steps) == seen.begun[0].tokens


def test_reading_a_step_needs_no_step_before(llama: Path, tmp_path: Path) -> None:
    config = settings(llama, tmp_path)
    plan = make_plan(some_parts(), config.amounts(), config.windows())
    last = plan.steps - 1
    assert np.array_equal(read_windows(plan, plan.windows_of(last)).ids, read_windows(plan, plan.windows_of(last)).ids)
    assert sum(len(read_windows(plan, plan.windows_of(step)).ids) for step in range(plan.steps)) == plan.tokens
