"""`synthcpt generate`, from a configuration to a finished run."""

from __future__ import annotations

import asyncio
import contextlib
import math
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import orjson

from synthcpt.backends import Backend, BackendOptions, backend_class
from synthcpt.config import GenerateConfig, make_config, split_part, validate
from synthcpt.corpus import ReadCounts
from synthcpt.engine.ask import Asker, Settings
from synthcpt.engine.drive import Driver, PartWork, Rows
from synthcpt.engine.journal import Journal, StoredDocument
from synthcpt.engine.parts import Part, part_lock
from synthcpt.engine.progress import Progress
from synthcpt.engine.retry import RetryPolicy
from synthcpt.engine.slots import Slots
from synthcpt.errors import ConfigError, Interrupted, RunMismatch, UserError
from synthcpt.files import write_text
from synthcpt.generation.ingest import check_corpus, ingest, open_corpus
from synthcpt.generation.run import MANIFEST, SETTINGS, SURVEY, Run, part_goal, read_marker
from synthcpt.generation.settings import check_same, load_prompts, render, resolve
from synthcpt.generation.shards import write_part
from synthcpt.methods import Ask, Context, CorpusSurvey, load_method
from synthcpt.records import Json
from synthcpt.templates import PromptBook

_SORTED = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
_RUN_FOLDERS = ("journal", "data", "rejected", "failures", "parts")


class Generation:
    """One command's work on a run.

    Everything that can be wrong with the configuration is found out here, before a model is loaded or a call made.

    Args:
        config: what to do.
        extend: documents may have been added since the run began, and the target may be higher.
        overwrite: throw away the run that is there.
        retry_failed: ask again what failed for passing reasons in finished parts.

    Attributes:
        progress: counters, for people to watch.
        slots: the window to the backend, once the run is under way.
        read: what the corpus reader skipped, once it reads.
        phase: what it is doing, for people: ``reading``, ``loading``, ``asking``, ``done``.

    Raises:
        ConfigError, PromptError: the configuration cannot work.
    """

    def __init__(
        self, config: GenerateConfig, *, extend: bool = False, overwrite: bool = False, retry_failed: bool = False
    ) -> None:
        self.config = config
        self.method = load_method(config.method)
        self.options = validate(self.method.options, config.options, f"option of {config.method}")
        self.book = PromptBook(config.prompts)
        self.prompts = load_prompts(self.book, self.method)
        backend_type, self.backend_options = choose_backend(config)
        self.backend: Backend = backend_type(self.backend_options)
        self.progress = Progress()
        self.slots: Slots | None = None
        self.read: ReadCounts | None = None
        self.phase = "reading"
        self._survey: Json = None
        self._started = False
        self._asker: Asker | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._extend, self._overwrite, self._retry_failed = extend, overwrite, retry_failed
        if overwrite and config.part is not None:
            raise ConfigError(
                "--overwrite would delete the other parts too: use it without --part, or another --output."
            )
        if config.max_cost is not None and config.prices() is None:
            raise ConfigError("max_cost needs prices: give price_in and price_out, per million tokens.")

    async def run(self) -> Run:
        """Do the work; returns the run, complete unless other parts are still to do.

        Raises:
            RunStopped: it ended early; everything answered is kept, and the same command goes on.
            BackendUnavailable: likewise, because the backend cannot answer.
            UserError: the folder holds another run, another process is at work, the input cannot be read.
        """
        output = self.config.output
        try:
            if not self.backend.model:
                await self._start_backend()  # a server may tell which model it has
            await self._run_parts(output)
        finally:
            await self.backend.close()
        self.phase = "done"
        run = Run(output)
        run.write_manifest()
        return run

    def stop(self) -> None:
        """End the run in good order, from whatever thread: it raises `Interrupted` once what is in flight is stored."""
        if self._asker is not None and self._loop is not None:
            self._loop.call_soon_threadsafe(self._asker.request_stop, Interrupted("Interrupted."))

    async def _run_parts(self, output: Path) -> None:
        check_places(self.config.input, output)
        opened = open_corpus(self.config)
        self.read = opened.counts
        if self._overwrite:
            remove_run(output)
        run = Run(output) if (output / SETTINGS).exists() else None
        before = run.settings if run else None
        settings = resolve(
            self.config, self.method, self.options, self.backend, self.backend_options, self.prompts
        )  # fmt: skip
        settings["parts"] = self._parts(before, opened.default_parts)
        mine = [Part(output, index, settings["parts"]) for index in self._my_parts(settings["parts"])]
        with contextlib.ExitStack() as stack:
            for part in mine:
                stack.enter_context(part_lock(part))
            if before is not None:
                check_same(before, settings, str(output))
            work = [PartWork(part, journal) for part, journal in self._open_journals(stack, mine, run)]
            held = sum(one.journal.count_documents() for one in work)
            journals = {one.part.index: one.journal for one in work}
            survey = self.begin_survey() if run is None or run.survey is None else None
            corpus = ingest(opened.documents, journals, settings["parts"], survey)
            if before is not None:
                check_corpus(before["corpus"], corpus, held, extend=self._extend)
            settings["corpus"] = corpus.settings()
            settings["tokens_per_source_token"] = self.expansion(before, corpus.source_tokens)
            self._survey = survey.result() if survey is not None else run.survey if run is not None else None
            await self._begin(work, settings, begun=before is not None)

    async def _begin(self, work: list[PartWork], settings: dict[str, Any], *, begun: bool) -> None:
        """Find what is left to do; write down what the run is, once the backend has shown that it can work."""
        if self._retry_failed:
            for one in work:
                one.journal.forget_transient_failures()
        goal = part_goal(settings)
        mark = math.inf if goal["tokens_per_source_token"] is None else goal["tokens_per_source_token"]
        left = [one for one in work if not _is_done(one, mark, goal)]
        if not left:
            return
        self.phase = "loading"
        await self._start_backend()
        if not begun or self._extend:
            path = self.config.output / SETTINGS
            if self._survey is not None:  # first: a run that has begun has it
                write_text(self.config.output / SURVEY, orjson.dumps(self._survey, option=_SORTED).decode() + "\n")
            write_text(path, render(settings))
            # Another part's job may have begun the run in the same moment.
            check_same(Run(self.config.output).settings, settings, str(self.config.output))
        (self.config.output / MANIFEST).unlink(missing_ok=True)
        for one in left:
            one.part.marker.unlink(missing_ok=True)
            one.journal.commit()
        self.phase = "asking"
        self._count_start(work, left, mark)
        await self._drive(left, settings, mark)

    def begin_survey(self) -> CorpusSurvey | None:
        """What looks at the whole corpus for the method, where the method wants that."""
        return None if self.method.survey is None else self.method.survey(self.options, self.config.seed)

    def _my_parts(self, count: int) -> Sequence[int]:
        return range(count) if self.config.part is None else [split_part(self.config.part)[0]]

    def _parts(self, before: dict[str, Any] | None, default: int) -> int:
        asked = split_part(self.config.part)[1] if self.config.part else self.config.parts
        if before is not None and asked not in (None, before["parts"]):
            raise RunMismatch(f"{self.config.output} has {before['parts']} parts, this command says {asked}.")
        return int(before["parts"]) if before is not None else asked or default

    def _open_journals(
        self, stack: contextlib.ExitStack, parts: Sequence[Part], run: Run | None
    ) -> Iterator[tuple[Part, Journal]]:
        """The parts' journals; closed again by the stack, with what was not committed forgotten."""
        for part in parts:
            if run is None:
                # Without run.yaml nothing can have been asked: what lies here is a start that was cut off.
                for path in part.journal.parent.glob(part.journal.name + "*"):
                    path.unlink()
            elif run.is_finished(part) and not part.journal.exists():
                continue  # finished, and its journal is kept elsewhere
            journal = Journal(part.journal)
            stack.callback(journal.close)
            stack.callback(journal.rollback)
            yield part, journal

    def expansion(self, before: dict[str, Any] | None, source_tokens: int) -> float | None:
        """Synthetic tokens to make for each source token, so that the target is met; None without a target.

        Args:
            before: run.yaml, where the run was begun already.
            source_tokens: of the corpus now.

        Raises:
            RunMismatch: the run's target is another one, and this is no extension that raises it.
        """
        target = self.config.target_tokens
        old = before["target_tokens"] if before is not None else target
        if old != target and (not self._extend or None in (old, target) or (target or 0) < (old or 0)):
            raise RunMismatch(
                f"The run's target is {_tokens(old)}, this command says {_tokens(target)}. "
                "A higher target needs --extend; a lower one, or none, another --output."
            )
        if target is None:
            return None
        if before is not None and before["corpus"]["source_tokens"] == source_tokens and old == target:
            kept: float = before["tokens_per_source_token"]
            return kept
        return target / max(1, source_tokens)

    async def _start_backend(self) -> None:
        if not self._started:
            self._started = True
            await self.backend.start()

    async def _drive(self, work: list[PartWork], settings: dict[str, Any], mark: float) -> None:
        self._loop = asyncio.get_running_loop()
        slots = self.slots = Slots(self.config.concurrency or self.backend.capabilities.concurrency)
        policy = RetryPolicy(attempts=self.config.attempts)
        asker = Asker(self.backend, slots, self.run_settings(settings["parts"]), self.progress, policy, self.book)
        self._asker = asker

        def apply(stored: StoredDocument, ask: Ask) -> Rows:
            quota = None if math.isinf(mark) else round(mark * stored.source_tokens)
            context = Context(self.config.seed, self.method.name, stored.document.id, quota, self._survey)
            return self.method.generate(stored.document, ask, self.options, context)

        def finish(one: PartWork) -> None:
            provenance = {"model": self.backend.model, "backend": self.backend.name}
            write_part(one.part, one.journal, provenance, part_goal(settings))

        with _signals(lambda: asker.request_stop(Interrupted("Interrupted."))):
            await Driver(work, apply, mark, asker, slots, finish).run()

    def _count_start(self, work: list[PartWork], left: list[PartWork], mark: float) -> None:
        """Begin the counters with what the journals hold, finished parts included: the spend cap counts them too."""
        progress = self.progress
        progress.price = self.run_settings(1).cost
        progress.target_tokens = self.config.target_tokens
        for one in work:
            totals = one.journal.totals(done_for=mark if one in left else None)
            progress.add_totals(totals, one.journal.count_documents(done_for=mark))
        progress.begin()

    def run_settings(self, parts: int) -> Settings:
        """What applies to every request; a job that does one of several parts gets its share of the spend cap."""
        config = self.config
        share = 1 if config.part is None else 1 / parts
        prices = config.prices() or {"in": 0.0, "cached": 0.0, "out": 0.0}
        return Settings(
            sampling=config.sampling(),
            truncation=config.truncation,
            max_cost=None if config.max_cost is None else config.max_cost * share,
            price_in=prices["in"],
            price_cached=prices["cached"],
            price_out=prices["out"],
        )


def choose_backend(config: GenerateConfig) -> tuple[type[Backend], BackendOptions]:
    """The configured backend and its settings; where none is named, what the other settings imply.

    A URL means a server, a model alone means vLLM in this process, and nothing at all the embedded backend.

    Raises:
        ConfigError: no such backend, or one of its settings is wrong.
    """
    name = config.backend or ("openai" if config.base_url else "vllm" if config.model else "extractive")
    if name == "extractive" and config.model:
        raise ConfigError(
            "The embedded backend is no model and takes none: leave out --model, or name another --backend."
        )
    cls = backend_class(name)
    values = dict(config.backend_options)
    for key, value in (("model", config.model), ("base_url", config.base_url), ("concurrency", config.concurrency)):
        if value and key in cls.Options.model_fields:
            values[key] = value
        elif value and key == "base_url":
            raise ConfigError(f"The backend {name!r} takes no base_url; did you mean --backend openai?")
        elif value and key == "model":
            raise ConfigError(f"The backend {name!r} takes no model.")
    return cls, validate(cls.Options, values, f"setting of the backend {name}")


def check_places(inputs: Sequence[str], output: Path) -> None:
    """Refuse an output that cannot be a folder, or that lies where it would be read as input the next time.

    Raises:
        ConfigError: saying which.
    """
    if output.exists() and not output.is_dir():
        raise ConfigError(f"The output {output} is a file; name a folder.")
    for source in inputs:
        if Path(source).is_dir() and output.resolve().is_relative_to(Path(source).resolve()):
            raise ConfigError(f"The output {output} lies inside the input {source}, and would be read as documents.")


def remove_run(output: Path) -> None:
    """Delete a run's own files, and nothing else that may lie in the folder.

    Raises:
        UserError: the folder is not empty and holds no run.
        RunLocked: a process is at work on it.
    """
    if not output.exists():
        return
    if not (output / SETTINGS).exists():
        if any(path.name != "journal" for path in output.iterdir()):
            raise UserError(
                f"{output} holds no run (it has no {SETTINGS}), so it is not overwritten; remove it yourself."
            )
        return
    with contextlib.ExitStack() as stack:
        for part in Run(output).parts:
            stack.enter_context(part_lock(part))
        for name in _RUN_FOLDERS:
            for path in (output / name).glob("*"):
                if path.suffix != ".lock":
                    path.unlink()
        for name in (MANIFEST, "README.md", SURVEY, SETTINGS):
            (output / name).unlink(missing_ok=True)


async def generate_async(
    config: GenerateConfig, *, extend: bool = False, overwrite: bool = False, retry_failed: bool = False
) -> Run:
    """`generate` for code that runs in an event loop already."""
    return await Generation(config, extend=extend, overwrite=overwrite, retry_failed=retry_failed).run()


def generate(
    method: str, *, input: Any, output: str | Path, extend: bool = False, overwrite: bool = False,
    retry_failed: bool = False, **settings: Any,
) -> Run:  # fmt: skip
    """Expand documents into synthetic texts; the command `synthcpt generate` as a function.

    Args:
        method: e.g. ``"entigraph"``.
        input: a file, a folder, ``hf:NAME``, or several of them.
        output: the run's folder; an unfinished run in it is gone on with.
        extend: documents may have been added since the run began, and the target may be higher.
        overwrite: throw away the run that is there.
        retry_failed: ask again what failed for passing reasons in finished parts.
        **settings: any other field of `synthcpt.config.GenerateConfig`.

    Returns:
        The run; ``run.dataset()`` is a `datasets.Dataset`.

    Raises:
        UserError: something to mend; the message says how.
        RunStopped, BackendUnavailable: it ended early; calling again goes on.
    """
    config = make_config({"method": method, "input": input, "output": output, **settings})
    work = Generation(config, extend=extend, overwrite=overwrite, retry_failed=retry_failed)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work.run())
    # Inside a notebook's event loop: run beside it.
    with ThreadPoolExecutor(max_workers=1) as pool:
        beside = pool.submit(asyncio.run, work.run())
        try:
            return beside.result()
        except KeyboardInterrupt:
            work.stop()  # leaving the block waits for it
            raise


def _is_done(one: PartWork, mark: float, goal: dict[str, Any]) -> bool:
    if not one.part.marker.exists() or read_marker(one.part)["for"] != goal:
        return False
    return one.journal.count_documents(done_for=mark) == one.journal.count_documents()


@contextlib.contextmanager
def _signals(stop: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM stop the run in good order; a second Ctrl-C at once."""
    loop = asyncio.get_running_loop()
    main = asyncio.current_task()

    def handle() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        loop.add_signal_handler(signal.SIGINT, lambda: main.cancel() if main else None)
        stop()

    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, handle)
    except (NotImplementedError, RuntimeError, ValueError):
        yield  # not the main thread, where signals cannot be handled
        return
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


def _tokens(count: int | None) -> str:
    return "none" if count is None else f"{count:,} tokens"
