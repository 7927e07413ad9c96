"""Rows of a dataset of the Hugging Face Hub, or of a local folder in its layout, through `datasets` streaming."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from synthcpt.errors import CorpusError

HUB_PREFIX = "hf:"
DEFAULT_SPLIT = "train"


class HubDataset(NamedTuple):
    """A dataset's name (or a local folder), its configuration and its split."""

    name: str
    config: str | None
    split: str

    @property
    def label(self) -> str:
        """What stands for a file's name in ids and metadata: without the path where it is a local folder."""
        name = Path(self.name).resolve().name if Path(self.name).is_dir() else self.name
        return HUB_PREFIX + ":".join([name, self.config or "", self.split])


def parse_hub(spec: str) -> HubDataset:
    """Read ``hf:NAME[:CONFIG][:SPLIT]``; an empty part takes its default, as in ``hf:NAME::test``.

    Raises:
        CorpusError: no name, or too many parts.
    """
    name, *rest = spec.removeprefix(HUB_PREFIX).split(":")
    if not name or len(rest) > 2:
        raise CorpusError(f"{spec!r} is not a dataset. Write hf:NAME, hf:NAME:CONFIG or hf:NAME:CONFIG:SPLIT.")
    config, split = [*rest, "", ""][:2]
    return HubDataset(name, config or None, split or DEFAULT_SPLIT)


def hub_rows(dataset: HubDataset) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """The dataset's rows, numbered from 1, as they arrive.

    Raises:
        CorpusError: it does not exist, cannot be reached or is broken.
    """
    import datasets
    import pyarrow

    try:
        stream = datasets.load_dataset(dataset.name, dataset.config, split=dataset.split, streaming=True)
        # Images and sound are not read here; decoding them would cost time and need further packages.
        stream = stream.decode(False) if hasattr(stream, "decode") else stream
        yield from enumerate(stream, start=1)
    # RuntimeError: a dataset that is a script, which `datasets` no longer runs.
    except (datasets.exceptions.DatasetsError, pyarrow.ArrowException, OSError, ValueError, RuntimeError) as error:
        raise CorpusError(
            f"The dataset {dataset.name} (configuration {dataset.config or 'default'}, split {dataset.split}) "
            f"cannot be read: {error}. Check the three in hf:NAME:CONFIG:SPLIT and the network; "
            "a private one needs HF_TOKEN."
        ) from error
