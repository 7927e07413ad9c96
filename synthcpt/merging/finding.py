"""From what a user names to a folder: a model's own, a training's, or one of the Hub."""

from __future__ import annotations

import re
from pathlib import Path

from synthcpt.errors import ModelError

_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+", re.ASCII)
_WANTED = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.tiktoken", "*.py"]


def find_folder(name: str) -> Path:
    """The folder with the model's config.json.

    Args:
        name: a folder; a training's folder, whose final model is in ``model/``; or ``OWNER/NAME`` on the Hugging Face
            Hub, which is fetched unless it is here already.

    Raises:
        ModelError: there is none.
    """
    path = Path(name).expanduser()
    if path.is_dir():
        inner = path / "model"
        return inner if not (path / "config.json").exists() and (inner / "config.json").exists() else path
    if path.exists():
        raise ModelError(f"{name} is a file; name the model's folder.")
    if not _HUB_NAME.fullmatch(name):
        raise ModelError(f"There is no folder {name}. Name a model's folder, or OWNER/NAME on the Hugging Face Hub.")
    return _from_hub(name)


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, allow_patterns=_WANTED))
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"There is no folder {name}, and the Hugging Face Hub cannot be reached for a model of that name."
        ) from error
    except (HfHubHTTPError, HFValidationError) as error:
        raise ModelError(
            f"There is no folder {name}, and the Hugging Face Hub does not hand out a model of that name; a private or "
            "gated one needs HF_TOKEN."
        ) from error
