"""The README's commands do what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from synthcpt.methods import method_names

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    """The indented code blocks, unindented."""
    found = re.findall(r"(?:^    .*\n?(?:^\n(?=^    ))?)+", README, flags=re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() for block in found]


def first_command() -> str:
    return next(block for block in blocks() if block.startswith("python3 -m venv"))


def test_the_first_command_makes_the_corpus_it_shows(tmp_path: Path) -> None:
    """Its last part: the package is installed here already."""
    command = first_command().split("&&")[-1].strip()
    assert command.startswith(".venv/bin/synthcpt ")
    arguments = command.split()[1:]
    arguments[arguments.index("--output") + 1] = str(tmp_path / "skerrow")
    env = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1"}
    command_line = [sys.executable, "-m", "synthcpt", *arguments]
    done = subprocess.run(command_line, capture_output=True, text=True, cwd=ROOT, env=env)
    assert done.returncode == 0, done.stderr
    shown = next(block for block in blocks() if block.startswith("outputs/skerrow\n"))
    for line in shown.splitlines()[1:5]:
        assert " ".join(line.split()) in " ".join(done.stdout.split()), "the README shows other figures"


def test_the_second_command_is_the_one_continuous_integration_runs() -> None:
    assert "./tests/run.sh" in blocks()
    assert "tests/run.sh" in (ROOT / ".ci" / "run").read_text()
    assert os.access(ROOT / "tests" / "run.sh", os.X_OK)


def flags_of(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))


def test_every_flag_it_names_exists() -> None:
    from typer.main import get_command

    from synthcpt.cli.app import app

    command = get_command(app)
    known, commands = set(), [command]
    while commands:
        one = commands.pop()
        known |= {flag for parameter in one.params for flag in parameter.opts}
        commands += getattr(one, "commands", {}).values()
    assert flags_of(README) - known <= {"--install-completion", "--nproc-per-node"}  # the last is torchrun's
    documented = {flag for p in command.commands["generate"].params for flag in p.opts if flag.startswith("--")}  # type: ignore[attr-defined]
    assert {"--dry-run", "--part", "--extend", "--overwrite"} <= documented


def test_the_python_and_the_configuration_it_shows_are_valid(tmp_path: Path) -> None:
    import yaml

    from synthcpt.config import make_config
    from synthcpt.experiments import make_recipe

    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)]
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert code is not None
    recipe, config = shown
    assert make_recipe(recipe).controls == ("base", "raw", "rephrase", "replay")
    assert make_config(config).target_tokens == 10_000_000
    (tmp_path / "questions.jsonl").write_text('{"question": "Who built Corve Mill?", "answer": "Arden Vale"}\n')
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.txt").write_text("Arden Vale met Bellis Reach. Corve Mill was built by Arden Vale. " * 4)
    runnable = code.group(1).replace('model="Qwen/Qwen3-8B"', 'backend="mock"')
    runnable = runnable.replace('model="Qwen/Qwen3-8B-Base"', 'recipe="smoke", window_tokens=64, batch_tokens=256')
    done = subprocess.run([sys.executable, "-c", runnable], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
def test_every_link_leads_somewhere(name: str) -> None:
    assert (ROOT / name).exists()


def test_the_project_speaks_of_itself_alone() -> None:
    """No path of somebody's machine, no registry's host, in any file that is shipped."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    private = re.compile(r"/(?:work|farm|root|home)/[a-z]+|pypi\.org|files\.pythonhosted")
    for name in listed.stdout.split():
        path = ROOT / name
        if (
            path.suffix in (".py", ".md", ".toml", ".sh", ".jsonl", "")
            and path.is_file()
            and path.name != "test_readme.py"
        ):
            assert not private.search(path.read_text(encoding="utf-8")), name


def test_every_method_has_its_line() -> None:
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", README, flags=re.MULTILINE))
    assert set(method_names()) <= listed
