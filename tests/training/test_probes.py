"""Fact probes: read from files, measured as transformers would, without any effect on the training."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from made_tokenizers import make_tokenizer
from probed_trainings import PROBED, given_words, words_tokenizer, write_probes
from trainings import Seen, settings, tiny_model, train, weights_of

from synthcpt.errors import CorpusError, Interrupted, QuestionError, RunMismatch
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.training import stage
from synthcpt.training.inputs import Layout, make_inputs
from synthcpt.training.objective import NextTokenLoss
from synthcpt.training.probe_log import ProbeLog, read_about, read_measurements
from synthcpt.training.probes import EncodedProbe, Probe, encode_probes, read_probes
from synthcpt.training.probing import default_every, probe_logprobs
from synthcpt.training.processes import World
from synthcpt.training.self_test import set_layout

SUPPORT = Path(__file__).parents[1] / "support"


def jsonl(path: Path, *rows: dict[str, Any]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def test_questions_and_facts_are_read_alike(tmp_path: Path) -> None:
    path = jsonl(
        tmp_path / "probes.jsonl",
        {"id": "q1", "question": "Who built it?", "answer": "Brandreth", "document": "light.md", "kind": "relation"},
        {"prefix": "It was built in", "target": "1866", "group": "copies"},
        {"prompt": "Built by ", "answers": ["Brandreth", "J. Brandreth"], "wiki_id": 17},
        {"question": "Who?", "choices": ["Sallow", "Wren"], "answer": "Wren"},
    )
    assert read_probes(path, 10, 0) == [
        Probe("q1", "Question: Who built it?\nAnswer:", " Brandreth", "light.md", "relation"),
        Probe("row 2", "It was built in", " 1866", group="copies"),
        Probe("row 3", "Built by ", "Brandreth", "17"),
        Probe("row 4", "Question: Who?\nAnswer:", " Wren"),
    ]


def test_a_limit_draws_the_same_probes_each_time_and_keeps_their_order(tmp_path: Path) -> None:
    path = str(write_probes(tmp_path / "probes.jsonl"))
    whole = read_probes(path, 1000, 0)
    some = read_probes(path, 9, 3)
    assert len(some) == 9
    assert some == [probe for probe in whole if probe in some]
    assert some == read_probes(path, 9, 3)
    assert some not in (whole[:9], read_probes(path, 9, 4))


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([{"question": "Who?"}], "line 1 has no target or answer"),
        ([{"prefix": "a", "target": "b"}, {"answer": "b"}], "line 2 has no prefix, prompt or question"),
        ([{"question": "Who?", "answer": "B", "choices": ["x", "y"]}], "Give the right one's text"),
        ([{"id": 1, "prefix": "a", "target": "b"}] * 2, "have the id '1'"),
        ([], "There is no probe in"),
    ],
)
def test_rows_that_are_no_probes_are_refused(tmp_path: Path, rows: list[dict[str, Any]], told: str) -> None:
    with pytest.raises(QuestionError, match=told):
        read_probes(jsonl(tmp_path / "probes.jsonl", *rows), 10, 0)
    with pytest.raises(CorpusError, match="nowhere"):
        read_probes(str(tmp_path / "nowhere.jsonl"), 10, 0)


@pytest.mark.parametrize("kind", ["bpe", "unigram", "slow"])
def test_a_probe_has_the_tokens_of_a_text_without_its_end(kind: str) -> None:
    raw = make_tokenizer(kind)
    tokenizer = TextTokenizer(raw)
    probe = Probe("p", "The harbour of Skerrow was built by", " Josias Brandreth")
    (encoded,) = encode_probes([probe], tokenizer, 500)
    ids = list(encoded.ids)
    assert ids == [*tokenizer.before, *raw(probe.prefix + probe.target, add_special_tokens=False)["input_ids"]]
    assert raw.decode(ids[-encoded.targets :]).replace(" ", "") == "JosiasBrandreth"
    (cut,) = encode_probes([probe], tokenizer, encoded.targets + len(tokenizer.before) + 2)
    assert cut.targets == encoded.targets
    assert list(cut.ids) == [*tokenizer.before, *ids[-encoded.targets - 2 :]]


def test_what_reads_like_a_special_token_is_so_many_letters() -> None:
    tokenizer = TextTokenizer(make_tokenizer("bpe"))
    (encoded,) = encode_probes([Probe("p", "a <|endoftext|>", " b")], tokenizer, 99)
    assert tokenizer.end not in encoded.ids


def test_a_target_that_cannot_be_measured_is_refused() -> None:
    tokenizer = TextTokenizer(words_tokenizer())
    for probe in (Probe("long", "t2 t3", " t4 t5 t6 t7"), Probe("bare", " ", "t4")):
        with pytest.raises(QuestionError, match=f"The probe {probe.id!r} cannot be measured"):
            encode_probes([probe], tokenizer, 4)


def by_hand(model: Any, probe: EncodedProbe) -> float:
    """With transformers alone, one probe at a time."""
    ids = torch.tensor([probe.ids])
    with torch.no_grad():
        chances = model(input_ids=ids, use_cache=False).logits[0].log_softmax(-1)
    own = [float(chances[at - 1, ids[0, at]]) for at in range(len(probe.ids) - probe.targets, len(probe.ids))]
    return sum(own) / len(own)


def encoded_probes(tmp_path: Path) -> list[EncodedProbe]:
    probes = read_probes(str(write_probes(tmp_path / "probes.jsonl")), 100, 0)
    return encode_probes(probes, TextTokenizer(words_tokenizer()), 64)


@pytest.mark.parametrize("layout", ["isolated", "positions", "rows"])
@pytest.mark.parametrize("batch_tokens", [30, 4096])
def test_log_probabilities_are_those_of_transformers(tmp_path: Path, layout: Layout, batch_tokens: int) -> None:
    torch.manual_seed(0)
    model = tiny_model("llama", attention_dropout=0.3)
    model.eval()
    probes = encoded_probes(tmp_path)
    expected = [by_hand(model, probe) for probe in probes]
    loss = NextTokenLoss(model, neftune=5.0)
    set_layout(model, layout, "sdpa")
    loss.train()
    here = World(0, 1, torch.device("cpu"))
    state = torch.get_rng_state()
    found = probe_logprobs(loss, probes, batch_tokens, lambda batch: make_inputs(batch, layout, here.device), here)
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(set(found)) > PROBED // 2
    assert loss.training
    assert model.training
    assert torch.equal(torch.get_rng_state(), state)


CONDITIONS = [
    pytest.param({"neftune": 5.0, "ema": 0.9}, id="noise"),
    pytest.param({"precision": "bf16"}, id="bf16"),
    pytest.param({"lora_rank": 4, "lora_dropout": 0.2, "precision": "bf16"}, id="lora"),
]


@pytest.mark.parametrize("changes", CONDITIONS)
def test_a_probed_training_is_the_same_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path, changes: dict[str, Any]
) -> None:
    given_words(monkeypatch)
    probes = str(write_probes(tmp_path / "probes.jsonl"))
    plain = train(llama, tmp_path / "plain", tokens=1000, **changes)
    probed = train(llama, tmp_path / "probed", tokens=1000, probes=probes, probe_every=1, **changes)
    assert probed.losses == plain.losses
    assert [step.grad_norm for step in probed.steps] == [step.grad_norm for step in plain.steps]
    assert [one.heldout for one in probed.evaluations] == [one.heldout for one in plain.evaluations]
    mine, theirs = weights_of(tmp_path / "probed/model"), weights_of(tmp_path / "plain/model")
    assert all(np.array_equal(mine[name], theirs[name]) for name in theirs)
    rows = read_measurements(tmp_path / "probed")
    assert [row["step"] for row in rows] == [step for step in range(len(plain.steps) + 1) for _ in range(PROBED)]
    assert not (tmp_path / "plain/probes.jsonl").exists()
    assert any(f"Probes: {PROBED} of" in note for note in probed.notes)


def test_the_last_measurement_is_of_the_model_that_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    from transformers import AutoModelForCausalLM

    given_words(monkeypatch)
    seen = train(llama, tmp_path / "out", probes=str(write_probes(tmp_path / "probes.jsonl")), probe_every=5)
    rows, steps = read_measurements(tmp_path / "out"), len(seen.steps)
    assert sorted({row["step"] for row in rows}) == [*range(0, steps, 5), *([steps] if steps % 5 else [])]
    assert [row["id"] for row in rows[:PROBED]] == [f"p{number}" for number in range(PROBED)]
    assert {row["tokens"] for row in rows if row["step"] == 5} == {seen.steps[4].tokens}
    for step, folder in ((0, llama), (steps, tmp_path / "out/model")):
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        expected = [by_hand(model, probe) for probe in encoded_probes(tmp_path)]
        assert [row["logprob"] for row in rows if row["step"] == step] == pytest.approx(expected, abs=1e-5)
    about = read_about(tmp_path / "out")
    assert about is not None
    assert (about["every"], len(about["probes"])) == (5, PROBED)
    assert set(about["exposures"]) == {f"d{number}" for number in range(9)}
    assert all(1 <= step <= steps for met in about["exposures"].values() for step in met)


class Stopping(Seen):
    """Stops a training after a step: in good order, or as if it were killed."""

    def __init__(self, after: int, how: str) -> None:
        super().__init__()
        self._after, self._how = after, how

    def stepped(self, report: Any) -> None:
        super().stepped(report)
        if report.step == self._after:
            if self._how == "killed":
                raise RuntimeError("killed")
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("how", ["killed", "stopped"])
def test_a_resumed_training_has_the_measurements_of_one_that_never_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path, how: str
) -> None:
    given_words(monkeypatch)
    changes = {"probes": str(write_probes(tmp_path / "probes.jsonl")), "probe_every": 2, "checkpoint_every": 4}
    train(llama, tmp_path / "whole", **changes)
    out = tmp_path / "out"
    # Killed after step 7 it has measured step 6 and goes on from 4; stopped it goes on from 8, which was measured.
    with pytest.raises((RuntimeError, Interrupted)):
        stage.Training(settings(llama, out, **changes), watch=lambda: Stopping(7, how)).run()
    assert max(row["step"] for row in read_measurements(out)) >= 6
    with (out / "probes.jsonl").open("a") as file:
        file.write('{"step": 3, "tok')  # a line that was not written whole
    train(llama, out, **changes)
    assert (out / "probes.jsonl").read_bytes() == (tmp_path / "whole/probes.jsonl").read_bytes()


def test_what_was_measured_after_the_checkpoint_is_dropped(tmp_path: Path) -> None:
    probes = [Probe("a", "x", " y"), Probe("b", "x", " z")]
    log = ProbeLog(tmp_path, probes, 2, {}, 0)
    for step in (0, 2, 4, 6):
        log.write(step, step, [-step, -step])
    log.close()
    with (tmp_path / "probes.jsonl").open("a") as file:
        file.write('{"step":8,"tokens":8,"id":"a","document":"","kind":"","logprob":-8}\n')  # half a measurement
    ProbeLog(tmp_path, probes, 2, {}, 4).close()
    assert [row["step"] for row in read_measurements(tmp_path)] == [0, 0, 2, 2, 4, 4]
    ProbeLog(tmp_path, probes, 2, {}, 0).close()
    assert read_measurements(tmp_path) == []


def test_probes_that_come_later_begin_where_the_training_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_words(monkeypatch)
    probes = str(write_probes(tmp_path / "probes.jsonl"))
    with pytest.raises(RuntimeError):
        stage.Training(settings(llama, tmp_path / "out", checkpoint_every=4), watch=lambda: Stopping(6, "killed")).run()
    train(llama, tmp_path / "out", checkpoint_every=4, probes=probes, probe_every=2)
    assert min(row["step"] for row in read_measurements(tmp_path / "out")) == 4


def test_other_probes_midway_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    given_words(monkeypatch)
    changes = {"probes": str(write_probes(tmp_path / "probes.jsonl")), "probe_every": 2, "checkpoint_every": 4}
    with pytest.raises(RuntimeError):
        stage.Training(settings(llama, tmp_path / "out", **changes), watch=lambda: Stopping(6, "killed")).run()
    before = (tmp_path / "out/probes.jsonl").read_bytes()
    write_probes(tmp_path / "probes.jsonl", PROBED - 1)
    with pytest.raises(RunMismatch, match="Other probes were measured in"):
        train(llama, tmp_path / "out", **changes)
    assert (tmp_path / "out/probes.jsonl").read_bytes() == before
    write_probes(tmp_path / "probes.jsonl")
    train(llama, tmp_path / "out", **changes)
    train(llama, tmp_path / "out", **changes)  # finished: left as it is


def measured_before(folder: Path) -> None:
    log = ProbeLog(folder, [Probe("old", "a", " b")], 1, {}, 0)
    log.write(0, 0, [-1.0])
    log.close()


def test_what_an_earlier_training_measured_is_not_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path
) -> None:
    given_words(monkeypatch)
    folder = tmp_path / "out"
    folder.mkdir()
    measured_before(folder)
    train(llama, folder, tokens=600)
    assert not (folder / "probes.jsonl").exists()
    measured_before(folder)
    probes = str(write_probes(tmp_path / "probes.jsonl"))
    stage.Training(settings(llama, folder, tokens=600, probes=probes), overwrite=True).run()
    assert {row["id"] for row in read_measurements(folder)} == {f"p{number}" for number in range(PROBED)}


def test_probing_takes_a_fiftieth_of_the_computing_by_default() -> None:
    # A step of 1,000 tokens computes three forward passes of them; 6,000 tokens of probes take one.
    assert default_every(6_000, 1_000, adapters=False) == 100
    assert default_every(6_000, 1_000, adapters=True) == 150
    assert default_every(10, 1_000_000, adapters=False) == 1


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
import pytest
from probed_trainings import given_words
from trainings import settings
from synthcpt.training import stage
given_words(pytest.MonkeyPatch())
stage.Training(settings(Path(sys.argv[2]), Path(sys.argv[3]), **eval(sys.argv[4]))).run()
"""


def test_two_processes_measure_what_one_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, llama: Path) -> None:
    changes: dict[str, Any] = {
        "probes": str(write_probes(tmp_path / "probes.jsonl")), "probe_every": 2, "micro_tokens": 64,
        "precision": "fp32", "tokens": 1000,
    }  # fmt: skip
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         str(tmp_path / "script.py"), str(SUPPORT), str(llama), str(tmp_path / "two"), repr(changes)],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=200, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    given_words(monkeypatch)
    train(llama, tmp_path / "one", **changes)
    one, two = read_measurements(tmp_path / "one"), read_measurements(tmp_path / "two")
    assert [(row["step"], row["tokens"], row["id"]) for row in two] == [(r["step"], r["tokens"], r["id"]) for r in one]
    np.testing.assert_allclose([row["logprob"] for row in two], [row["logprob"] for row in one], atol=2e-4)
