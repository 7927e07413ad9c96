"""From a folder to its page: what the folder holds decides which."""

from __future__ import annotations

from pathlib import Path

from synthcpt.errors import UserError
from synthcpt.files import write_text

KINDS = {
    "experiment.yaml": "experiment",
    "evaluate.yaml": "evaluation",
    "train.yaml": "training",
    "run.yaml": "generation",
}
"""The file that tells what a folder holds, and what it is; the first that is there counts."""


def kind_of(folder: Path) -> str | None:
    """What a folder holds, by the file of its settings; None where it is none of ours."""
    return next((kind for name, kind in KINDS.items() if (folder / name).is_file()), None)


_LAST_WRITTEN = {
    "experiment": "results.json",
    "evaluation": "evaluation.json",
    "training": "training.json",
    "generation": "manifest.json",
}


def is_finished(folder: Path) -> bool:
    """Whether the file is there that is written last."""
    kind = kind_of(folder)
    return kind is not None and (folder / _LAST_WRITTEN[kind]).is_file()


def render(folder: Path) -> str:
    """The page about a folder, finished or not.

    Raises:
        UserError: it holds nothing that can be reported on, or a damaged file.
    """
    kind = kind_of(folder)
    if kind is None:
        if not folder.is_dir():
            raise UserError(f"{folder} is no folder.")
        wanted = ", ".join(f"{name} ({of})" for name, of in KINDS.items())
        raise UserError(f"{folder} holds nothing to report on. A report needs a folder with one of: {wanted}.")
    return _MAKERS[kind](folder)


def _generation(folder: Path) -> str:
    from synthcpt.reporting.generation_page import generation_page

    return generation_page(folder)


def _training(folder: Path) -> str:
    from synthcpt.reporting.training_page import training_page

    return training_page(folder)


def _evaluation(folder: Path) -> str:
    from synthcpt.reporting.evaluation_page import evaluation_page

    return evaluation_page(folder)


def _experiment(folder: Path) -> str:
    from synthcpt.reporting.experiment_page import experiment_page

    return experiment_page(folder)


_MAKERS = {"generation": _generation, "training": _training, "evaluation": _evaluation, "experiment": _experiment}


def write_report(folder: str | Path, output: str | Path | None = None) -> Path:
    """Write the page about a run, a training, an evaluation or an experiment; tells where it is.

    Args:
        folder: what it is about.
        output: the file; ``report.html`` in the folder where absent.

    Raises:
        UserError: the folder holds nothing to report on, or the file cannot be written.
    """
    folder = Path(folder)
    path = folder / "report.html" if output is None else Path(output)
    write_text(path, render(folder))
    return path
