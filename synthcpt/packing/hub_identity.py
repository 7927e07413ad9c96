"""What tells one state of a dataset of the Hugging Face Hub from another, without reading it."""

from __future__ import annotations

from pathlib import Path

from synthcpt.corpus.hub import HubDataset, parse_hub
from synthcpt.errors import CorpusError
from synthcpt.packing.cache import content_key, known_sha256


def hub_identity(spec: str, cache: Path) -> str:
    """A hash over the dataset's commit; over its files where it is a local folder.

    Args:
        spec: ``hf:NAME[:CONFIG][:SPLIT]``.
        cache: where hashes of files are noted.

    Raises:
        CorpusError: it does not exist or cannot be reached.
    """
    dataset = parse_hub(spec)
    folder = Path(dataset.name)
    if folder.is_dir():
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        state = [[str(path.relative_to(folder)), known_sha256(path, cache)] for path in files]
    else:
        state = [[dataset.name, _commit(dataset)]]
    return content_key({"state": state, "config": dataset.config, "split": dataset.split})


def _commit(dataset: HubDataset) -> str:
    import datasets

    try:
        builder = datasets.load_dataset_builder(dataset.name, dataset.config)
    except (datasets.exceptions.DatasetsError, OSError, ValueError, RuntimeError) as error:
        raise CorpusError(
            f"The dataset {dataset.name} cannot be found: {error}. Check its name and the network; a private one needs "
            "HF_TOKEN."
        ) from error
    return str(builder.hash)
