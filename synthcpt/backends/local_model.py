"""What the backends that load a model here have to say when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from synthcpt.errors import BackendUnavailable


def check_model_path(model: str) -> None:
    """Complain about a path with nothing there; loaders take it for a name on the Hugging Face Hub and say odd things.

    Raises:
        BackendUnavailable: the model is clearly meant as a path, and there is no such folder or file.
    """
    if (Path(model).is_absolute() or model.startswith(("./", "../"))) and not Path(model).exists():
        raise BackendUnavailable(f"There is no model at {model}: no such folder.")


def reason(error: Exception) -> str:
    """A loader's complaint in one line."""
    if isinstance(error, ValidationError):
        return "; ".join(each["msg"].removeprefix("Value error, ") for each in error.errors(include_input=False))
    return str(error).partition("\n")[0]


@contextmanager
def quietly() -> Iterator[None]:
    """Without transformers' own progress bars."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()
