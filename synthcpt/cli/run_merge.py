"""What `synthcpt merge` does once its flags are read."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.text import Text

from synthcpt.errors import MissingExtra


def run_merge(arguments: dict[str, Any], *, quiet: bool) -> None:
    """Merge with a progress bar, and say what was written.

    Args:
        arguments: of `synthcpt.merging.merge`.
        quiet: without the bar.

    Raises:
        MissingExtra: torch, safetensors or huggingface_hub is not installed.
    """
    from importlib.util import find_spec

    from synthcpt.merging.recipe import make_recipe

    # Before torch is loaded, which takes seconds: most mistakes are found here.
    make_recipe(**{name: value for name, value in arguments.items() if name not in ("output", "overwrite")})
    for package in ("torch", "safetensors", "huggingface_hub"):
        if find_spec(package) is None:
            raise MissingExtra(package, "train", "merge models")
    from synthcpt.merging.stage import merge

    columns = (TextColumn("merging"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    errors = Console(stderr=True)
    with Progress(*columns, console=errors, transient=True, disable=quiet or not errors.is_terminal) as bar:
        task = bar.add_task("merging", total=None)

        def tell(done_bytes: int, total_bytes: int) -> None:
            bar.update(task, completed=done_bytes, total=total_bytes)

        merged = merge(**arguments, progress=tell)
    console = Console()
    for note in merged.notes:
        console.print(Text(f"Note: {note}"), soft_wrap=True)
    for path in merged.models:
        console.print(Text(f"{path}: {merged.tensors:,} tensors, {_size(path)}"), soft_wrap=True)
    console.print(Text(f"README.md there says how {'it was' if len(merged.models) == 1 else 'each was'} made."))


def _size(folder: Any) -> str:
    total = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    for size, unit in ((1e9, "GB"), (1e6, "MB")):
        if total >= size:
            return f"{total / size:,.1f} {unit}"
    return f"{total / 1e3:,.0f} kB"
