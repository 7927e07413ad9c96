"""An evaluation's folder: what was asked, every answer, and what they come to.

outputs/<evaluation>/
evaluate.yaml      the settings it was begun with
answers.jsonl      a line an answer, as they come; in order once all are there
general.jsonl      a line a general text
judgements.jsonl   a line an answer that was judged
tasks.json         what lm-evaluation-harness measured
evaluation.json    written last: present means finished
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import orjson
import yaml

from synthcpt.errors import DataCorrupt, RunIncomplete, RunMismatch, UserError
from synthcpt.evaluation.config import EvaluateConfig
from synthcpt.file_lock import FileLock
from synthcpt.files import replacing, write_text

Row: TypeAlias = dict[str, Any]

CONFIG, ANSWERS, GENERAL, JUDGEMENTS, TASKS, FINISHED = (
    "evaluate.yaml", "answers.jsonl", "general.jsonl", "judgements.jsonl", "tasks.json", "evaluation.json",
)  # fmt: skip
_OURS = (CONFIG, ANSWERS, GENERAL, JUDGEMENTS, TASKS, FINISHED)


class EvaluationFolder:
    """The files of one evaluation.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def held(self) -> FileLock:
        """No other process works in the folder meanwhile."""
        return FileLock(self.path / ".lock", f"the evaluation in {self.path}", "name another --output")

    def begin(self, config: EvaluateConfig, contents: Mapping[str, str], *, overwrite: bool) -> None:
        """Note the configuration, or see that it is the one noted.

        Args:
            config: what is evaluated.
            contents: a hash of each input's content, so that answers never belong to other questions.
            overwrite: throw away the evaluation that is there.

        Raises:
            RunMismatch: the folder holds another evaluation; each difference is named.
            UserError: the folder holds something else.
        """
        if overwrite:
            for name in _OURS:
                (self.path / name).unlink(missing_ok=True)
        for foreign, what in (("run.yaml", "a generated corpus"), ("train.yaml", "a training")):
            if (self.path / foreign).exists():
                raise UserError(f"{self.path} holds {what}. Name another folder with --output.")
        noted = self.settings()
        if noted is not None and any((self.path / name).exists() for name in _OURS[1:]):
            self._check_same(noted, {**config.identity(), "contents": dict(contents)})
        facts = {key: value for key, value in (noted or {}).items() if key not in EvaluateConfig.model_fields}
        settings = {**config.model_dump(mode="json"), **facts, "contents": dict(contents)}
        write_text(self.path / CONFIG, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))

    def _check_same(self, noted: Mapping[str, Any], mine: Mapping[str, Any]) -> None:
        differing = [
            f"{name}: {noted.get(name)!r} there, {value!r} now"
            for name, value in mine.items()
            if noted.get(name) != value
        ]
        if differing:
            raise RunMismatch(
                f"{self.path} holds an evaluation begun with other settings ({'; '.join(differing)}). Repeat those to "
                "go on with it, name another --output, or throw it away with --overwrite."
            )

    def settings(self) -> dict[str, Any] | None:
        """What it was begun with; None where nothing was."""
        path = self.path / CONFIG
        if not path.exists():
            return None
        settings: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return settings

    def note(self, **facts: Any) -> None:
        """Note facts beside the settings, e.g. how the questions were put."""
        settings = {**(self.settings() or {}), **facts}
        write_text(self.path / CONFIG, yaml.safe_dump(settings, sort_keys=False, allow_unicode=True))

    def finished(self) -> dict[str, Any] | None:
        """What it came to; None while it is not finished."""
        path = self.path / FINISHED
        if not path.exists():
            return None
        told: dict[str, Any] = orjson.loads(path.read_bytes())
        return told

    def unfinish(self) -> None:
        """More is asked: what it came to is no longer true."""
        (self.path / FINISHED).unlink(missing_ok=True)

    def finish(self, evaluation: Mapping[str, Any]) -> None:
        """Note what it came to."""
        write_text(self.path / FINISHED, orjson.dumps(evaluation, option=orjson.OPT_INDENT_2).decode() + "\n")

    def read(self, name: str) -> list[Row]:
        """The rows of a file, as they stand; a last line that a kill cut off is dropped from the file, too."""
        path = self.path / name
        if not path.exists():
            return []
        data = path.read_bytes()
        whole = data[: data.rfind(b"\n") + 1]
        if len(whole) < len(data):
            with path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            return [orjson.loads(line) for line in whole.splitlines()]
        except orjson.JSONDecodeError as error:
            raise DataCorrupt(f"{path} is broken: {error}. Begin anew with --overwrite.") from error

    def append(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows, in the file's hands when the call returns."""
        with (self.path / name).open("ab") as file:
            file.write(_lines(rows))

    def replace(self, name: str, rows: Iterable[Row]) -> None:
        """Write the file anew with these rows."""
        with replacing(self.path / name) as file:
            file.write(_lines(rows))


def read_evaluation(path: Path) -> tuple[dict[str, Any], EvaluationFolder]:
    """What a finished evaluation came to, and its folder.

    Raises:
        RunIncomplete: it is not finished.
    """
    folder = EvaluationFolder(path)
    finished = folder.finished()
    if finished is None:
        raise RunIncomplete(f"The evaluation in {path} is not finished: run its command again first.")
    return finished, folder


def is_evaluation(path: Path) -> bool:
    """Whether a folder holds an evaluation, finished or not."""
    return (path / CONFIG).exists()


def _lines(rows: Iterable[Row]) -> bytes:
    return b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
