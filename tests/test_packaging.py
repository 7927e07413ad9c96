"""What is installed is what is here."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_is_listed() -> None:
    found = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "synthcpt").rglob("__init__.py")} | {
        "synthcpt.generators",
        "synthcpt.prompts",
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        yield archive


def test_the_wheel_holds_every_module_and_prompt_and_nothing_else_at_its_top(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    for path in (ROOT / "synthcpt").rglob("*.py"):
        assert str(path.relative_to(ROOT)) in names
    for folder, suffix in (("generators", "*.py"), ("prompts", "*.md"), ("prompts", "*.yaml"), ("prompts", "*.py")):
        for path in (ROOT / folder).rglob(suffix):
            assert f"synthcpt/{path.relative_to(ROOT)}" in names
    assert "synthcpt/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"synthcpt"}


def test_the_wheel_works_from_anywhere(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    wheel.extractall(tmp_path / "site")
    (tmp_path / "d.txt").write_text("Arden Vale met Bellis Reach in the spring. Corve Mill was built by Arden Vale.")
    code = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "import synthcpt\n"
        f"assert synthcpt.__file__.startswith({str(tmp_path)!r})\n"
        "print(synthcpt.generate('entigraph', input='d.txt', output='out', backend='mock'))\n"
    )
    done = subprocess.run([sys.executable, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "complete" in done.stdout, done.stderr


def test_importing_synthcpt_and_showing_help_load_nothing_heavy() -> None:
    code = (
        "import sys, synthcpt, synthcpt.cli.app\n"
        "heavy = 'torch transformers datasets pyarrow pandas vllm spacy networkx aiohttp numpy'.split()\n"
        "print(sorted(set(heavy) & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_said_once() -> None:
    import synthcpt

    assert PROJECT["project"]["version"] == synthcpt.__version__
