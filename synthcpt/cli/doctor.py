"""`synthcpt doctor`."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from importlib import metadata
from importlib.util import find_spec


def doctor() -> None:
    """Tell what this machine can run: GPU, vLLM, keys, disk, versions."""
    from rich.console import Console
    from rich.table import Table

    from synthcpt import __version__

    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_row(
        "synthcpt", __version__, f"Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    table.add_row("cores", str(os.cpu_count() or "?"), _memory())
    table.add_row("disk", f"{shutil.disk_usage('.').free / 1e9:,.0f} GB free", "here")
    table.add_row("GPU", *_gpus())
    for package, extra, purpose in _OPTIONAL:
        table.add_row(package, *_package(package, extra, purpose))
    for variable, purpose in _VARIABLES:
        table.add_row(variable, "set" if os.environ.get(variable) else "not set", purpose)
    console = Console()
    console.print(table, highlight=False)
    console.print("\n" + _verdict(), highlight=False, soft_wrap=True)


_OPTIONAL = (
    ("vllm", "vllm", "generation on this machine's GPUs"),
    ("transformers", "local", "small local models without vLLM"),
    ("torch", "local", "local models"),
    ("spacy", "spacy", "a pipeline for the embedded backend"),
    ("markitdown", "convert", "PDF, DOCX, PPTX and HTML input"),
)
_VARIABLES = (
    ("OPENAI_API_KEY", "the key for --backend openai"),
    ("OPENAI_BASE_URL", "the server for --backend openai"),
    ("HF_TOKEN", "gated models and data sets"),
)


def _package(module: str, extra: str, purpose: str) -> tuple[str, str]:
    if find_spec(module) is None:
        return "not installed", f"pip install 'synthcpt[{extra}]' for {purpose}"
    names = metadata.packages_distributions().get(module, [module])
    return metadata.version(names[0]), purpose


def _gpus() -> tuple[str, str]:
    """Asked of nvidia-smi, which answers at once; importing torch takes seconds."""
    import subprocess

    command = shutil.which("nvidia-smi")
    if command is None:
        return "none found", "nvidia-smi is not here"
    query = [command, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        return "none found", f"nvidia-smi fails: {error}"
    cards = [line.strip() for line in answer.stdout.splitlines() if line.strip()]
    return str(len(cards)), "; ".join(cards)


def _memory() -> str:
    if sys.platform == "win32" or not hasattr(os, "sysconf"):
        return ""
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:,.0f} GB of memory"


def _verdict() -> str:
    if _gpus()[0] != "none found" and find_spec("vllm") is not None:
        return "Ready for --model NAME through vLLM on this machine."
    if os.environ.get("OPENAI_API_KEY") or os.environ.get("OPENAI_BASE_URL"):
        return "Ready for --backend openai; without a GPU and vLLM, models run on a server."
    return "Ready for the embedded backend and for any OpenAI-compatible server (--base-url URL --model NAME)."
