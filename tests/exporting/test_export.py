"""Exports: the texts to the byte, the numbers, the order, and clear refusals."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from corpora import EXAMPLE
from finished_runs import write_run

import synthcpt
from synthcpt.errors import ConfigError, DataCorrupt, ModelError, RunIncomplete, UserError
from synthcpt.exporting.base import amount_of
from synthcpt.exporting.config import make_export_config
from synthcpt.exporting.export import Exported, export
from synthcpt.exporting.mixing import Sizes, make_order
from synthcpt.exporting.targets import TARGETS
from synthcpt.exporting.tokens import open_counting

HOSTILE = (
    'She said "no" \\ and left.\n\tTab, CR\r, U+2028 \u2028, U+2029 \u2029, bell \x07, escape \x1b[31m, NUL-free, '
    "<|endoftext|> </s> <|im_end|> {{content}} {instruction} ${HOME} `rm` \U0001f600 e\u0301 \ufeff end "
)
END = "<|im_end|>"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHCPT_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Finished runs of the embedded backend, made when they are first asked for."""
    folder = tmp_path_factory.mktemp("runs")
    made: dict[str, str] = {}

    def run(method: str) -> str:
        if method not in made:
            made[method] = str(folder / method)
            synthcpt.generate(method, input=EXAMPLE, output=folder / method, limit=4)
        return made[method]

    return run


def write(to: str, data: list[str], output: Path, settings: dict[str, Any] | None = None, **values: Any) -> Exported:
    own = {"end_token": END, "architecture": "llama3/debugmodel", "window_tokens": 256, "batch_tokens": 1024}
    config = make_export_config({"to": to, "data": data, "output": output, **values}, {**own, **(settings or {})})
    return export(config)


def written(output: Path) -> list[dict[str, Any]]:
    return [row for path in sorted((output / "data").glob("*.parquet")) for row in pq.read_table(path).to_pylist()]


def said(to: str, row: dict[str, Any]) -> list[tuple[str, bool]]:
    """A row as stretches with and without loss, whatever the target's form is."""
    if to == "axolotl":
        return [(segment["text"], segment["label"]) for segment in row["segments"]]
    if to == "llama-factory":
        turns = [*row["history"], [row["instruction"], row["output"]]]
        return [part for asked, answered in turns for part in ((asked, False), (answered, True)) if part[0]]
    stretches, at = [], 0
    for start, end in [[0, len(row["text"])]] if row["spans"] is None else row["spans"]:
        stretches += [(row["text"][at:start], False)] if at < start else []
        stretches.append((row["text"][start:end], True))
        at = end
    return stretches + ([(row["text"][at:], False)] if at < len(row["text"]) else [])


def joined(stretches: list[tuple[str, bool]]) -> tuple[str, str]:
    """All of it, and what carries loss."""
    return "".join(text for text, _ in stretches), "".join(text for text, loss in stretches if loss)


@pytest.mark.parametrize("to", TARGETS)
def test_texts_survive_to_the_byte(to: str, tmp_path: Path) -> None:
    rows = [{"text": HOSTILE + str(n)} for n in range(20)]
    write(to, [str(write_run(tmp_path / "run", rows))], tmp_path / "out")
    ending = END if to in ("axolotl", "llama-factory") else ""
    found = sorted(joined(said(to, row))[0] for row in written(tmp_path / "out"))
    assert found == sorted(row["text"] + ending for row in rows)


@pytest.mark.parametrize("to", TARGETS)
def test_answers_survive_to_the_byte(to: str, tmp_path: Path) -> None:
    text = HOSTILE + HOSTILE
    row = {"text": text, "spans": [[3, 40], [len(HOSTILE), len(text)]]}
    write(to, [str(write_run(tmp_path / "run", [row]))], tmp_path / "out")
    ending = END if to in ("axolotl", "llama-factory") else ""
    (found,) = written(tmp_path / "out")
    assert joined(said(to, found)) == (text + ending, text[3:40] + HOSTILE + ending)


@pytest.mark.parametrize("to", TARGETS)
def test_loss_is_on_the_spans_alone(to: str, tmp_path: Path) -> None:
    text = "Q: one? A: first. Q: two? A: second. Bye."
    spans = [[text.index(answer), text.index(answer) + len(answer)] for answer in ("first.", "second.")]
    answer = "Ask. Told."
    rows = [{"text": text, "spans": spans}, {"text": answer, "spans": [[5, len(answer)]]}, {"text": "All of it."}]
    write(to, [str(write_run(tmp_path / "run", rows))], tmp_path / "out")
    ending = END if to in ("axolotl", "llama-factory") else ""
    learnt = sorted(joined(said(to, row))[1] for row in written(tmp_path / "out"))
    # The end of a text is learnt where the loss reaches it.
    assert learnt == sorted(["first.second.", "Told." + ending, "All of it." + ending])


@pytest.mark.parametrize("to", TARGETS)
@pytest.mark.parametrize("method", ["rephrase", "knowledge_instruct", "self_teaching", "reading_comprehension"])
def test_every_kind_of_run_goes_to_every_trainer(
    to: str, method: str, runs: Callable[[str], str], tmp_path: Path
) -> None:
    exported = write(to, [runs(method)], tmp_path / "out", {"window_tokens": 2048, "batch_tokens": 4096})
    rows = written(tmp_path / "out")
    assert len(rows) == exported.rows
    stretches = [said(to, row) for row in rows]
    assert all(any(loss for _, loss in one) for one in stretches)
    assert any(not loss for one in stretches for _, loss in one) == (method in ("knowledge_instruct", "self_teaching"))
    assert {"data", "README.md"} < {path.name for path in (tmp_path / "out").iterdir()}


def training_of(to: str, output: Path) -> dict[str, Any]:
    """What the trainers call differently, by one name."""
    if to == "torchtitan":
        settings = json.loads((output / "settings.json").read_text())
        training = settings["training"]
        return {
            "lr": settings["optimizer"]["lr"], "window": training["seq_len"], "steps": training["steps"],
            "step": training["global_batch_size"] * training["seq_len"],
            "warmup": settings["lr_scheduler"]["warmup_steps"],
        }  # fmt: skip
    name = {"trl": "config.yaml", "axolotl": "axolotl.yaml", "llama-factory": "llama_factory.yaml"}[to]
    values = yaml.safe_load((output / name).read_text(encoding="utf-8"))
    training = values.get("training", values)
    window = next(training[key] for key in ("max_length", "sequence_len", "cutoff_len") if key in training)
    return {
        "lr": training["learning_rate"], "window": window, "steps": training.get("max_steps"),
        "step": training["gradient_accumulation_steps"] * window, "warmup": training["warmup_steps"],
    }  # fmt: skip


@pytest.mark.parametrize("to", TARGETS)
def test_configurations_hold_the_numbers(to: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [{"text": "word " * 200} for _ in range(50)])
    exported = write(to, [str(run)], tmp_path / "out", {"lr": 3e-5, "warmup": 0.1}, tokens="100K")
    found = training_of(to, tmp_path / "out")
    steps = -(-100_000 // 1024)
    assert found == {"lr": 3e-5, "window": 256, "steps": steps, "step": 1024, "warmup": -(-steps // 10)}
    assert exported.amount.steps == steps


@pytest.mark.parametrize("to", TARGETS)
def test_lora_has_its_rank_and_its_rate(to: str, tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [{"text": "word " * 50}])
    write(to, [str(run)], tmp_path / "out", recipe="lora")
    whole = "".join(path.read_text() for path in sorted((tmp_path / "out").glob("*.[yj]*")))
    assert "128" in whole
    assert "256" in whole, "alpha is twice the rank"
    assert training_of(to, tmp_path / "out")["lr"] == 1e-4


def test_epochs_are_left_to_the_trainer_and_the_schedule_is_in_steps(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [{"text": "word " * 200} for _ in range(50)])
    exported = write("trl", [str(run)], tmp_path / "out", {"decay": 0.5}, epochs=3)
    training = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())["training"]
    assert training["num_train_epochs"] == 3
    steps = -(-3 * exported.amount.order.tokens // 1024)
    assert training["lr_scheduler_kwargs"]["num_decay_steps"] == -(-steps // 2)


@pytest.mark.parametrize("tokens", [True, False])
def test_a_budget_counts_data_and_replay_comes_beside_it_unless_within(tokens: bool, tmp_path: Path) -> None:
    sizes = Sizes(np.full(200, 100), np.zeros(200, dtype=np.uint64), np.arange(200) >= 100)
    order = make_order(sizes, 0.2, 0)
    values = {"to": "trl", "data": ["d"], "output": tmp_path, "replay": ["r"], "replay_ratio": 0.2, "tokens": "8K"}
    config = make_export_config(values, {"replay_within": not tokens})
    assert amount_of(config, order).tokens == (10_000 if tokens else 8_000)


def test_replay_makes_its_share_of_tokens(tmp_path: Path) -> None:
    data = write_run(tmp_path / "run", [{"text": "new fact " * (n % 30 + 1)} for n in range(2000)])
    replay = tmp_path / "replay.jsonl"
    replay.write_text("".join(json.dumps({"text": f"old {n} " * (n % 9 + 1)}) + "\n" for n in range(4000)))
    exported = write("trl", [str(data)], tmp_path / "out", replay=[str(replay)], replay_ratio=0.1)
    rows = written(tmp_path / "out")
    counts = open_counting("", None).count([row["text"] for row in rows])
    old = sum(count for row, count in zip(rows, counts, strict=True) if row["text"].startswith("old"))
    assert old / sum(counts) == pytest.approx(0.1, rel=0.01)
    assert exported.amount.order.replay_share == pytest.approx(0.1, rel=0.01)


def test_replay_that_runs_dry_is_refused_or_repeated(tmp_path: Path) -> None:
    data = write_run(tmp_path / "run", [{"text": "new fact " * 20} for _ in range(100)])
    (tmp_path / "replay.txt").write_text("old")
    with pytest.raises(ConfigError, match=r"runs dry.*replay_repeats"):
        write("trl", [str(data)], tmp_path / "out", replay=[str(tmp_path / "replay.txt")])
    exported = write(
        "trl", [str(data)], tmp_path / "out", {"replay_repeats": True}, replay=[str(tmp_path / "replay.txt")]
    )
    assert exported.amount.order.replay_share == pytest.approx(0.1, rel=0.01)


def test_rewrites_of_a_source_lie_apart() -> None:
    sources, rewrites = 40, 25
    sizes = Sizes(
        np.full(sources * rewrites, 100),
        np.repeat(np.arange(1, sources + 1, dtype=np.uint64), rewrites),
        np.zeros(sources * rewrites, dtype=bool),
    )
    order = make_order(sizes, 0.0, 7).texts
    assert sorted(order) == list(range(sources * rewrites)), "each once"
    groups = sizes.group[order]
    nearest = min(np.diff(np.flatnonzero(groups == group)).min() for group in range(1, sources + 1))
    assert nearest >= sources / 4, "a shuffle would put some side by side"


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("to", TARGETS)
def test_the_same_export_has_the_same_bytes_and_another_seed_another_order(to: str, tmp_path: Path) -> None:
    run = str(write_run(tmp_path / "run", [{"text": f"text {n}"} for n in range(300)]))
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write(to, [run], tmp_path / name, {"seed": seed})
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    data = "data/train-00000.parquet"
    assert digest(tmp_path / "a")[data] != digest(tmp_path / "c")[data]


@pytest.mark.parametrize("to", ["axolotl", "llama-factory"])
@pytest.mark.parametrize("exact", [True, False])
def test_long_texts_are_cut_where_the_trainer_would_drop_them(
    to: str, exact: bool, tiny_model_folder: Path, tmp_path: Path
) -> None:
    text = "".join(f"Line {n} of a long text. " for n in range(300))
    asked = text + "Answer: yes."
    rows = [{"text": text}, {"text": asked, "spans": [[len(asked) - 4, len(asked)]]}]
    model = str(tiny_model_folder) if exact else None
    write(to, [str(write_run(tmp_path / "run", rows))], tmp_path / "out", model=model)
    found = [joined(said(to, row)) for row in written(tmp_path / "out")]
    counting = open_counting(str(tiny_model_folder), None)
    assert max(counting.count([whole for whole, _ in found])) <= 256 + 1
    plain = [whole for whole, learnt in found if whole == learnt]
    assert len(plain) > 5
    assert "".join(sorted(plain, key=lambda piece: text.index(piece.removesuffix(END)))) == text + END
    (answer,) = [(whole, learnt) for whole, learnt in found if whole != learnt]
    assert answer[1] == "yes." + END
    assert len(answer[0]) > 200, "an answer keeps what stands before it"


def test_without_an_end_token_plain_texts_go_and_answers_do_not(tmp_path: Path) -> None:
    plain = write_run(tmp_path / "plain", [{"text": "All."}])
    asked = write_run(tmp_path / "asked", [{"text": "Q. A.", "spans": [[3, 5]]}])
    for to, kind in (("axolotl", "completion"), ("llama-factory", "pt")):
        write(to, [str(plain)], tmp_path / to, {"end_token": None})
        assert kind in "".join(path.read_text() for path in (tmp_path / to).glob("*.yaml"))
        assert written(tmp_path / to) == [{"text": "All."}]
        with pytest.raises(ConfigError, match="end_token"):
            write(to, [str(asked)], tmp_path / "never", {"end_token": None})


def test_a_chat_by_the_models_template(tiny_model_folder: Path, tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "She."}]
    run = write_run(
        tmp_path / "run", [{"text": "User: Who? Assistant: She.", "spans": [[22, 26]], "messages": messages}]
    )
    write("trl", [str(run)], tmp_path / "out", {"chat": "template"}, model=str(tiny_model_folder))
    (row,) = written(tmp_path / "out")
    assert joined(said("trl", row)) == (
        "<|im_start|>user\nWho?<|im_end|>\n<|im_start|>assistant\nShe.<|im_end|>", "She.<|im_end|>",
    )  # fmt: skip
    config = yaml.safe_load((tmp_path / "out" / "config.yaml").read_text())
    assert config["split_special_tokens"] is False
    assert config["model"] == str(tiny_model_folder.resolve()), "it is found from any folder"
    with pytest.raises(ConfigError, match="--model"):
        write("trl", [str(run)], tmp_path / "no", {"chat": "template"})


def test_latent_thoughts_bring_their_tokens(tmp_path: Path) -> None:
    from synthcpt.text.latent_layout import SPECIAL_TOKENS, Chunk, write_chunks

    text, places = write_chunks([Chunk("One. ", "Think."), Chunk("Two.")])
    rows = [{"text": text, "meta": json.dumps({"chunks": places})}]
    run = write_run(tmp_path / "run", rows, "latent_thoughts")
    write("trl", [str(run)], tmp_path / "trl")
    config = yaml.safe_load((tmp_path / "trl" / "config.yaml").read_text())
    assert config["added_tokens"] == list(SPECIAL_TOKENS)
    assert config["split_special_tokens"] is False
    assert yaml.safe_load((write("axolotl", [str(run)], tmp_path / "a").output / "axolotl.yaml").read_text())["tokens"]
    with pytest.raises(ConfigError, match="latent thoughts"):
        write("torchtitan", [str(run)], tmp_path / "t")


def test_a_shuffle_through_many_buckets_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = str(write_run(tmp_path / "run", [{"text": f"text number {n}"} for n in range(500)]))
    write("trl", [run], tmp_path / "one")
    monkeypatch.setattr("synthcpt.exporting.shuffling._BUCKET_TOKENS", 100)
    monkeypatch.setattr("synthcpt.exporting.export._TOKENS_A_FILE", 1000)
    write("trl", [run], tmp_path / "many")
    assert written(tmp_path / "one") == written(tmp_path / "many")
    assert len(list((tmp_path / "many" / "data").iterdir())) > 1
    assert not [path for path in (tmp_path / "many").iterdir() if path.name.startswith(".")]


def test_the_readme_says_what_to_run_and_what_is_not_done(tmp_path: Path) -> None:
    run = str(write_run(tmp_path / "run", [{"text": "All."}]))
    for to, command, warning in (
        ("trl", "python train.py", "bfd_split"),
        ("axolotl", "axolotl train axolotl.yaml", "overlap"),
        ("llama-factory", "llamafactory-cli train llama_factory.yaml", "first token"),
        ("torchtitan", "torchtitan.train --module torchtitan_cpt --config cpt", "throws away"),
    ):
        write(to, [run], tmp_path / to)
        told = (tmp_path / to / "README.md").read_text()
        assert command in told
        assert warning in told
        assert str(tmp_path) not in told


def test_what_is_in_the_folder_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    run = str(write_run(tmp_path / "run", [{"text": "All."}]))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("dear")
    with pytest.raises(ConfigError, match="--overwrite"):
        write("trl", [run], tmp_path / "out")
    assert (tmp_path / "out" / "mine").read_text() == "dear"
    config = make_export_config({"to": "trl", "data": [run], "output": tmp_path / "out"}, {})
    export(config, overwrite=True)
    assert not (tmp_path / "out" / "mine").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"run", "out", "cache"}, "nothing is left beside it"


def test_a_failure_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = str(write_run(tmp_path / "run", [{"text": "All."}]))
    write("trl", [run], tmp_path / "out")
    before = digest(tmp_path / "out")

    def no_space(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("synthcpt.exporting.export._put", no_space)
    config = make_export_config({"to": "trl", "data": [run], "output": tmp_path / "out"}, {})
    with pytest.raises(UserError, match="No space left"):
        export(config, overwrite=True)
    assert digest(tmp_path / "out") == before
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_bad_sources_are_named(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [{"text": "All."}])
    shard = run / "data" / "part-00000.parquet"
    (run / "manifest.json").rename(run / "kept.json")
    (run / "parts").mkdir()
    with pytest.raises(RunIncomplete):
        write("trl", [str(run)], tmp_path / "out")
    (run / "kept.json").rename(run / "manifest.json")
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(DataCorrupt, match=r"part-00000\.parquet"):
        write("trl", [str(run)], tmp_path / "out")
    with pytest.raises(ConfigError, match="twice"):
        write("trl", ["x", "x"], tmp_path / "out")
    empty = write_run(tmp_path / "empty", [{"text": " \n"}])
    with pytest.raises(ConfigError, match="no text to train on"):
        write("trl", [str(empty)], tmp_path / "out")


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ({"to": "axolotel"}, {}, "Did you mean 'axolotl'"),
        ({}, {"windowtokens": 4}, "Did you mean 'window_tokens'"),
        ({}, {"phases": []}, "only `synthcpt train`"),
        ({}, {"schedule": "infinite"}, "only in `synthcpt train`"),
        ({}, {"decay_shape": "exponential"}, "only in `synthcpt train`"),
        ({"recipe": "smoke"}, {}, "no recipe"),
        ({"tokens": 10, "epochs": 1}, {}, "not both"),
        ({}, {"devices": 64}, "batch_tokens"),
        ({"replay_ratio": 0.1}, {}, "--replay"),
        ({"to": "torchtitan", "model": "google/gemma-3-4b"}, {"architecture": None}, "architecture"),
        ({"to": "torchtitan"}, {"architecture": "llama3/9B"}, "llama3/8B"),
        ({"to": "torchtitan"}, {"neftune": 5.0}, "neftune"),
    ],
)
def test_what_cannot_be_is_refused(
    values: dict[str, Any], settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    run = write_run(tmp_path / "run", [{"text": "All."}])
    with pytest.raises(ConfigError, match=message):
        write(**{"to": "trl", "data": [str(run)], "output": tmp_path / "out", "settings": settings, **values})
    assert not (tmp_path / "out").exists()


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", [{"text": "All."}])
    (tmp_path / "model").mkdir()
    with pytest.raises(ModelError, match="tokenizer"):
        write("trl", [str(run)], tmp_path / "out", model=str(tmp_path / "model"))
