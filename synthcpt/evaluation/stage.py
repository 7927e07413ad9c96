"""`synthcpt evaluate`, from a configuration to scores with intervals."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from synthcpt.backends import Backend
from synthcpt.evaluation.asking import Asking
from synthcpt.evaluation.baseline import Baseline, resolve_baseline
from synthcpt.evaluation.calling import ask_all, chunk_of, in_a_loop
from synthcpt.evaluation.choosing import Chosen, choose_judge, choose_model
from synthcpt.evaluation.config import SETTINGS, EvaluateConfig, make_evaluate_config
from synthcpt.evaluation.folder import ANSWERS, GENERAL, JUDGEMENTS, TASKS, EvaluationFolder
from synthcpt.evaluation.forgetting import TextScoring, read_general, still_true, to_score
from synthcpt.evaluation.harness import check_harness, run_tasks
from synthcpt.evaluation.inputs import Inputs, read_inputs
from synthcpt.evaluation.judging import Judging, to_judge, with_judgements
from synthcpt.evaluation.summary import Measured, summary
from synthcpt.evaluation.watching import Silent, Watcher
from synthcpt.files import write_text
from synthcpt.merging.finding import find_folder
from synthcpt.records import Document

Row: TypeAlias = dict[str, Any]


class Evaluation:
    """One command's work on an evaluation.

    Args:
        config: what is evaluated.
        overwrite: throw away the evaluation in the output folder.
        watch: is told what happens.
    """

    def __init__(self, config: EvaluateConfig, *, overwrite: bool = False, watch: Watcher | None = None) -> None:
        self.config = config
        self._overwrite = overwrite
        self._watch = watch or Silent()
        self._inputs = Inputs()
        self._chat = False

    def run(self) -> dict[str, Any]:
        """Ask what has not been asked yet; gives back what evaluation.json holds.

        Raises:
            UserError: something to mend; the message says how.
            BackendUnavailable: the model cannot answer; what was answered is kept, and the same call goes on.
        """
        with ExitStack() as stack:
            path = self.config.output or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="synthcpt-")))
            folder = EvaluationFolder(path)
            stack.enter_context(folder.held())
            return self._run(folder)

    def _run(self, folder: EvaluationFolder) -> dict[str, Any]:
        config = self.config
        chosen = choose_model(config)
        if config.tasks:
            check_harness(config)
        judge = choose_judge(config) if config.judge else None
        baseline = resolve_baseline(config) if config.baseline else None
        self._inputs = inputs = read_inputs(config, chosen.backend)
        general = read_general(config)
        folder.begin(config, inputs.contents, overwrite=self._overwrite)
        self._ask(folder, chosen, general)
        self._run_tasks(folder, chosen)
        if judge is not None:
            self._judge(folder, judge)
        self._in_order(folder)
        theirs = self._baseline(baseline) if baseline is not None else None
        self._watch.began("comparing", 1, 0)
        evaluation = summary(config, inputs, Measured.of(folder), theirs, chat=self._chat)
        if evaluation != folder.finished():
            folder.finish(evaluation)
        self._watch.advanced(1)
        return evaluation

    def _ask(self, folder: EvaluationFolder, chosen: Chosen, general: Mapping[str, Sequence[Document]]) -> None:
        """All that is asked of the model itself, with the backend open as long as something is."""
        kept = folder.read(ANSWERS)
        chunk = chunk_of(chosen.batch_size)
        kept, left = self._left(kept, chunk)
        scored = still_true(folder.read(GENERAL), general)
        texts = to_score(scored, general)
        noted = folder.settings() or {}
        self._chat = bool(noted.get("asked_in_chat"))
        if not any(left.values()) and not texts:
            return
        folder.unfinish()
        folder.replace(ANSWERS, kept)
        folder.replace(GENERAL, scored)
        self._watch.noted(chosen.why)
        in_a_loop(self._ask_model(folder, chosen, left, texts, chunk))

    def _left(self, kept: list[Row], chunk: int | None) -> tuple[list[Row], dict[str, Sequence[Any]]]:
        """The rows to keep, and by setting the questions without one; of a chunk all are kept, or none."""
        found: list[Row] = []
        left: dict[str, Sequence[Any]] = {}
        for setting in SETTINGS:
            rows = [row for row in kept if row["setting"] == setting]
            questions = self._inputs.asked.get(setting)
            if questions is None:
                found += rows  # asked by an earlier command
                continue
            answered = {row["id"]: row for row in rows}
            begun = [question.id in answered for question in questions]
            if chunk is not None and not all(begun):
                whole = begun.index(False) // chunk * chunk
                begun = [place < whole for place in range(len(begun))]
            found += [answered[question.id] for question, there in zip(questions, begun, strict=True) if there]
            left[setting] = [question for question, there in zip(questions, begun, strict=True) if not there]
        return found, left

    async def _ask_model(
        self,
        folder: EvaluationFolder,
        chosen: Chosen,
        left: Mapping[str, Sequence[Any]],
        texts: Sequence[tuple[str, Document]],
        chunk: int | None,
    ) -> None:
        backend, inputs = chosen.backend, self._inputs
        self._watch.began("loading the model", 1, 0)
        try:
            await backend.start()
            asking = Asking(backend, self.config, inputs.shots, inputs.shelf(self.config))
            self._chat = asking.chat
            folder.note(asked_in_chat=asking.chat)
            for setting, questions in left.items():
                if questions:
                    total = len(inputs.asked[setting])  # type: ignore[index]
                    self._watch.began(setting, total, total - len(questions))
                    await ask_all(
                        questions,
                        asking.of(setting),
                        self._keeper(folder, ANSWERS),
                        concurrency=backend.capabilities.concurrency,
                        chunk=chunk,
                    )
            if texts:
                await self._score_texts(folder, backend, texts, chunk)
        finally:
            await backend.close()

    async def _score_texts(
        self, folder: EvaluationFolder, backend: Backend, texts: Sequence[tuple[str, Document]], chunk: int | None
    ) -> None:
        scoring = TextScoring(backend)
        self._watch.began("general texts", len(texts), 0)
        await ask_all(
            texts,
            lambda item: scoring.row(*item),
            self._keeper(folder, GENERAL),
            concurrency=backend.capabilities.concurrency,
            chunk=chunk,
        )

    def _keeper(self, folder: EvaluationFolder, name: str) -> Callable[[list[Row]], None]:
        def keep(rows: list[Row]) -> None:
            folder.append(name, rows)
            self._watch.advanced(len(rows))

        return keep

    def _run_tasks(self, folder: EvaluationFolder, chosen: Chosen) -> None:
        noted = read_tasks(folder)
        missing = [task for task in self.config.tasks if noted.get(task, {}).get("limit", -1) != self.config.task_limit]
        if not missing:
            return
        folder.unfinish()
        self._watch.began("tasks", len(missing), 0)
        model = find_folder(self.config.model)
        for task in missing:
            rows = run_tasks(self.config, model, chosen.backend.name, [task], chosen.batch_size)
            noted[task] = {"limit": self.config.task_limit, "rows": rows}
            write_text(folder.path / TASKS, orjson.dumps(noted, option=orjson.OPT_SORT_KEYS).decode() + "\n")
            self._watch.advanced(1)

    def _judge(self, folder: EvaluationFolder, judge: Chosen) -> None:
        rows = folder.read(ANSWERS)
        missing = to_judge(rows, folder.read(JUDGEMENTS), self.config.judge)
        if missing:
            folder.unfinish()
            self._watch.noted(judge.why)
            in_a_loop(self._ask_judge(folder, judge.backend, missing))
        judged = with_judgements(rows, folder.read(JUDGEMENTS), self.config.judge)
        if judged != rows:
            folder.replace(ANSWERS, judged)

    async def _ask_judge(self, folder: EvaluationFolder, backend: Backend, rows: Sequence[Row]) -> None:
        self._watch.began("judging", len(rows), 0)
        known = {question.id: question for question in self._inputs.questions}
        try:
            await backend.start()
            judging = Judging(backend, self.config.judge, known)
            keep = self._keeper(folder, JUDGEMENTS)
            await ask_all(rows, judging.row, keep, concurrency=backend.capabilities.concurrency)
        finally:
            await backend.close()

    def _in_order(self, folder: EvaluationFolder) -> None:
        """The answers by setting and question, however they came."""
        rows = folder.read(ANSWERS)
        settings = {name: place for place, name in enumerate(SETTINGS)}
        places = {question.id: place for place, question in enumerate(self._inputs.questions)}
        ordered = sorted(rows, key=lambda row: (settings[row["setting"]], places.get(row["id"], len(places))))
        if ordered != rows:
            folder.replace(ANSWERS, ordered)

    def _baseline(self, baseline: Baseline) -> tuple[str, Measured]:
        """The baseline's name and what was measured of it, evaluated the same way where it has not been yet."""
        if baseline.finished is not None:
            return baseline.name, Measured.of(baseline.finished)
        place = baseline.place(self.config, self._inputs)
        config = self.config.model_copy(update={"baseline": None, "model": baseline.name, "output": place})
        self._watch.noted(f"The baseline {baseline.name} is evaluated the same way, in {place}.")
        Evaluation(config, watch=self._watch).run()
        return baseline.name, Measured.of(EvaluationFolder(place))


def read_tasks(folder: EvaluationFolder) -> dict[str, Any]:
    """Task -> its limit and rows, as noted."""
    path = folder.path / TASKS
    noted: dict[str, Any] = orjson.loads(path.read_bytes()) if path.exists() else {}
    return noted


def evaluate(*, overwrite: bool = False, **settings: Any) -> Path | dict[str, Any]:
    """Measure what a model knows and what it forgot; the command `synthcpt evaluate` as a function.

    Args:
        overwrite: throw away the evaluation in the output folder.
        **settings: the fields of `synthcpt.evaluation.config.EvaluateConfig`; ``model`` and ``questions`` at least.

    Returns:
        The evaluation's folder; without ``output`` what its evaluation.json would hold.

    Raises:
        UserError: something to mend; the message says how.
        BackendUnavailable: the model cannot answer; calling again goes on.
    """
    config = make_evaluate_config(settings)
    found = Evaluation(config, overwrite=overwrite).run()
    return config.output if config.output is not None else found
