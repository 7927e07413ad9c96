"""Keeps this process off the processor cores that vLLM computes on where it has no GPU.

Without a GPU vLLM ties each worker to cores of its own and leaves a few free for all else, but nothing keeps all else
on those: a thread here that lands on a worker's core stops the whole batch for as long as it runs. On two cores that
cost up to a tenth of the speed (benchmarks/vllm_inprocess.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path


class FreeCores:
    """Holds our threads on the cores that the engine leaves free, from `take` to `give_back`.

    Does nothing where the engine is tied to no cores (on GPUs), where it has taken all, and beyond Linux.

    Args:
        processes: the engine's processes that this one started; their children are looked at, too.
    """

    def __init__(self, processes: Sequence[BaseProcess]) -> None:
        self._processes = processes
        self._before: set[int] | None = None

    def take(self) -> None:
        """Move every thread of this process; threads that start later follow the one that starts them."""
        if sys.platform != "linux" or self._before is not None:
            return
        ours = os.sched_getaffinity(0)
        taken = _cores_of_tied_threads([process.pid for process in self._processes if process.pid], ours)
        if taken and ours - taken:
            self._before = ours
            _move_threads(ours - taken)

    def give_back(self) -> None:
        """Let the threads run on all cores again that this process had."""
        before, self._before = self._before, None
        if before is not None:
            _move_threads(before)


def _cores_of_tied_threads(numbers: Iterable[int], ours: set[int]) -> set[int]:
    """The cores of those processes, and of their children, that may not use all of ours."""
    import psutil  # vLLM brings it

    taken: set[int] = set()
    for number in numbers:
        process = psutil.Process(number)
        for one in [process, *process.children(recursive=True)]:
            for thread in one.threads():
                cores = os.sched_getaffinity(thread.id)
                taken |= cores if cores < ours else set()
    return taken


def _move_threads(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        try:
            os.sched_setaffinity(int(thread.name), cores)
        except ProcessLookupError:
            continue  # it ended since the folder was read
