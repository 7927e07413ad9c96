"""The command line as a person uses it: a process, its words, its exit code."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from corpora import hashes, write_documents


@pytest.fixture
def documents(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "docs", 5)


def run(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1", **environment}
    command = [sys.executable, "-m", "synthcpt", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd or "/", env=env, timeout=120)


def generate(documents: Path, output: Path, *more: str, **environment: str) -> subprocess.CompletedProcess[str]:
    common = ("generate", "--method", "entigraph", "--input", str(documents), "--output", str(output))
    return run(*common, *more, **environment)


def test_help_names_the_commands() -> None:
    done = run("--help")
    assert done.returncode == 0
    for command in ("generate", "methods", "doctor", "trace"):
        assert command in done.stdout


def test_generate_ends_with_what_was_made_and_where(documents: Path, tmp_path: Path) -> None:
    done = generate(documents, tmp_path / "out", "--backend", "mock")
    assert done.returncode == 0, done.stderr
    assert "mock" in done.stderr, "it says what answered"
    assert re.search(r"texts +\d+", done.stdout)
    assert str(tmp_path / "out") in done.stdout
    assert "load_dataset" in done.stdout


def test_the_example_it_prints_works(documents: Path, tmp_path: Path) -> None:
    done = generate(documents, tmp_path / "out", "--backend", "mock")
    line = next(line for line in done.stdout.splitlines() if "load_dataset" in line)
    code = re.search(r'python -c "(.*)"', line)
    assert code is not None
    env = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "hf")}
    shown = subprocess.run([sys.executable, "-c", code.group(1)], capture_output=True, text=True, env=env)
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.strip()


def test_reasons_of_what_was_dropped_are_shown(documents: Path, tmp_path: Path) -> None:
    (documents / "empty.txt").write_text("")
    done = generate(documents, tmp_path / "out", "--backend", "mock", "--set", "min_words=500")
    assert "near_empty" in done.stdout
    assert "empty_document" in done.stdout


def test_a_log_gets_plain_lines(documents: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import synthcpt.cli.progress as p; p._LINE_EVERY_S = 0.3\n"
        "import sys; sys.argv = ['synthcpt', *sys.argv[1:]]\n"
        "from synthcpt.__main__ import main; main()"
    )
    arguments = ["generate", "--method", "entigraph", "-i", str(documents), "-o", str(tmp_path / "out")]
    arguments += ["--backend", "mock", "--backend-option", "latency_s=0.1", "--concurrency", "4"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("documents ")]
    assert lines
    assert all("calls" in line and "tokens out" in line and "\x1b" not in line for line in lines)


MISTAKES = [
    (("--method", "entigrpah"), "Did you mean 'entigraph'?"),
    (("--set", "max_pair=3"), "Did you mean 'max_pairs'?"),
    (("--set", "max_pairs=-3"), "max_pairs"),
    (("--set", "max_pairs"), "NAME=VALUE"),
    (("--backend", "opnai"), "Did you mean 'openai'?"),
    (("--backend", "mock", "--backend-option", "entitis=3"), "Did you mean 'entities'?"),
    (("--part", "9/8"), "3/8"),
    (("--target-tokens", "many"), "10M"),
    (("--input", "/nowhere/at/all"), "/nowhere/at/all"),
    (("--prompts", "/nowhere"), "/nowhere"),
    (("--config", "/nowhere.yaml"), "/nowhere.yaml"),
    (("--max-cost", "3", "--backend", "mock"), "price"),
    (("--truncation", "keep"), "truncation"),
]


@pytest.mark.parametrize(("arguments", "words"), MISTAKES, ids=[" ".join(a) for a, _ in MISTAKES])
def test_a_mistake_is_one_clear_sentence_and_exit_code_2(
    arguments: tuple[str, ...], words: str, documents: Path, tmp_path: Path
) -> None:
    done = generate(documents, tmp_path / "out", *arguments)
    assert done.returncode == 2, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out" / "run.yaml").exists()


def test_an_unknown_flag_suggests_the_near_match(documents: Path, tmp_path: Path) -> None:
    done = generate(documents, tmp_path / "out", "--temprature", "1")
    assert done.returncode == 2
    assert "--temperature" in done.stderr


def test_a_configuration_file_holds_all_of_it_and_flags_win(documents: Path, tmp_path: Path) -> None:
    config = tmp_path / "run.yaml"
    config.write_text(
        f"method: entigraph\ninput: {documents}\noutput: {tmp_path / 'out'}\nbackend: mock\n"
        "options: {max_pairs: 2, include_summary: false}\ntarget_tokens: 10K\nseed: 4\n"
    )
    done = run("generate", "--config", str(config), "--seed", "5", "--set", "max_pairs=1")
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "out/run.yaml").read_text()
    assert "seed: 5" in written
    assert "max_pairs: 1" in written
    assert "include_summary: false" in written
    assert "target_tokens: 10000" in written
    config.write_text(config.read_text() + "tempreature: 1\n")
    done = run("generate", "--config", str(config))
    assert "Did you mean 'temperature'?" in done.stderr


def test_a_runs_own_settings_repeat_it(documents: Path, tmp_path: Path) -> None:
    first = generate(
        documents, tmp_path / "out", "--backend", "mock", "--seed", "3", "--temperature", "0.5", "--set", "max_pairs=4"
    )
    assert first.returncode == 0, first.stderr
    done = run("generate", "--config", str(tmp_path / "out/run.yaml"), "--output", str(tmp_path / "again"))
    assert done.returncode == 0, done.stderr
    assert hashes(tmp_path / "again") == hashes(tmp_path / "out")


def test_the_dry_run_asks_nothing_and_writes_nothing(documents: Path, tmp_path: Path) -> None:
    prices = ("--price-in", "1", "--price-out", "4", "--price-cached", "0.1")
    url = ("--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    done = generate(documents, tmp_path / "out", "--dry-run", *url, *prices)
    assert done.returncode == 0, done.stderr
    for fact in ("calls", "tokens in", "tokens out", "prefix cache", "cost", "time"):
        assert fact in done.stdout
    assert not (tmp_path / "out").exists()


def test_methods_lists_and_describes() -> None:
    assert "entigraph" in run("methods").stdout
    told = run("methods", "entigraph").stdout
    for words in ("arXiv", "max_triples", "include_source", "E(E-1)/2"):
        assert words in told
    done = run("methods", "entigraf")
    assert done.returncode == 2
    assert "Did you mean 'entigraph'?" in done.stderr


def test_doctor_tells_of_the_machine_and_shows_no_key() -> None:
    done = run("doctor", OPENAI_API_KEY="sk-not-to-be-seen")
    assert done.returncode == 0
    for words in ("GPU", "vllm", "disk", "OPENAI_API_KEY"):
        assert words in done.stdout
    assert "sk-not" not in done.stdout + done.stderr


def test_trace_shows_source_prompt_and_answer(documents: Path, tmp_path: Path) -> None:
    generate(documents, tmp_path / "out", "--backend", "mock")
    import synthcpt

    row = next(row for row in synthcpt.Run(tmp_path / "out").dataset() if "/pair-" in row["id"])
    done = run("trace", str(tmp_path / "out"), row["id"])
    assert done.returncode == 0, done.stderr
    assert "You are a scholar" in done.stdout
    assert row["source_ids"][0] in done.stdout
    assert run("trace", str(tmp_path / "out"), row["id"], "--json").stdout.startswith("{")
    missing = run("trace", str(tmp_path / "out"), "nothing/entigraph/pair-0-1")
    assert missing.returncode == 2


def test_completion_knows_methods_and_backends() -> None:
    from synthcpt.cli.generate import _backend_names, _method_names

    assert "entigraph" in _method_names("enti")
    assert _backend_names("o") == ["openai"]
