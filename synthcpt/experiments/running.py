"""Run an experiment's stages: those that are ready, several at once, each where it was left."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, Protocol

from synthcpt.errors import BackendUnavailable, Interrupted, RunStopped, SynthcptError, UserError
from synthcpt.experiments.stages import Stage
from synthcpt.experiments.work import LOG, attempt


class Watcher(Protocol):
    """Who is told how an experiment goes."""

    def began(self, stage: Stage) -> None: ...

    def ended(self, stage: Stage, marker: dict[str, Any]) -> None: ...

    def failed(self, stage: Stage, error: SynthcptError) -> None: ...


def run_stages(stages: Sequence[Stage], root: Path, jobs: int, watcher: Watcher) -> None:
    """Do every stage that is not done yet, each after those it needs.

    A stage that fails stops those that need it; the others go on, and the first failure is raised at the end.

    Args:
        stages: each after those it needs.
        root: the experiment's folder.
        jobs: stages at work at once.
        watcher: is told.

    Raises:
        SynthcptError: the first failure.
        Interrupted: by the user; everything that was made is kept.
    """
    left = [stage for stage in stages if stage.done(root) is None]
    if not left:
        return
    done = {stage.key for stage in stages if stage.done(root) is not None}
    lost: set[str] = set()
    first: SynthcptError | None = None
    with _pool(jobs) as pool:
        running: dict[Future[dict[str, Any]], Stage] = {}
        while left or running:
            for stage in [one for one in left if {before.key for before in one.before} & lost]:
                left.remove(stage)
                lost.add(stage.key)
            ready = [stage for stage in left if {before.key for before in stage.before} <= done]
            for stage in ready[: jobs - len(running)]:
                left.remove(stage)
                watcher.began(stage)
                told = {"key": stage.key, "label": stage.label}
                work = pool.submit(attempt, stage.kind, str(stage.folder(root)), stage.resolved(root), told)
                running[work] = stage
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for work in finished:
                stage = running.pop(work)
                error = _error(work, stage, root)
                if error is None:
                    done.add(stage.key)
                    watcher.ended(stage, work.result())
                    continue
                lost.add(stage.key)
                watcher.failed(stage, error)
                first = first or error
                if isinstance(error, RunStopped) or isinstance(work.exception(), BrokenProcessPool):
                    left.clear()
    if first is not None:
        raise first


@contextlib.contextmanager
def _pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Workers that begin afresh, so that none inherits threads or a GPU; on Ctrl-C each ends in good order."""
    context = multiprocessing.get_context("spawn")
    # A process a stage where there is a GPU: memory that vLLM or a training took is given back only with it.
    most = 1 if _has_gpu() else None
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, max_tasks_per_child=most)
    try:
        with _terminated_like_interrupted():
            yield pool
    except KeyboardInterrupt as error:
        _stop(pool)
        raise Interrupted("Interrupted.") from error
    except BaseException:
        _stop(pool)
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _terminated_like_interrupted() -> Iterator[None]:
    """A batch system's SIGTERM does what Ctrl-C does: trainings write a checkpoint."""

    def interrupt(_number: int, _frame: Any) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread, which alone is told of signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _begin() -> None:
    """A terminal's Ctrl-C reaches the workers, too; what they do about it is their stage's to say."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


def _stop(pool: ProcessPoolExecutor) -> None:
    for process in list((pool._processes or {}).values()):
        if process.pid is not None and process.is_alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)


def _error(work: Future[dict[str, Any]], stage: Stage, root: Path) -> SynthcptError | None:
    """What went wrong with a stage, in this process's words; None where nothing did.

    Raises:
        Exception: a mistake in the program, as it was raised there.
    """
    log = stage.folder(root) / LOG
    where = f"{stage.kind} {stage.label!r}"
    failure = work.exception()
    if isinstance(failure, BrokenProcessPool):
        return UserError(
            f"The process at work on {where} died, perhaps out of memory; see {log}. Run the experiment again to go on."
        )
    if failure is not None:
        raise failure
    told = work.result()
    if "error" not in told:
        return None
    names, message = told["error"], f"{where}: {told['message']}"
    for kind in (Interrupted, RunStopped, UserError, BackendUnavailable):
        if kind.__name__ in names:
            return kind(message)
    return SynthcptError(f"{message} Its log is {log}.")


def _has_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or "CUDA_VISIBLE_DEVICES" in os.environ
