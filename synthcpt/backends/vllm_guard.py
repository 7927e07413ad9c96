"""Ties the lives of this process and of the engine's processes together, in both directions.

vLLM leaves two gaps: its client waits for ever on an engine process that was killed outright (by the kernel, say, for
want of memory), and an engine whose parent was killed outright lives on and keeps the GPU's memory.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Sequence
from multiprocessing import connection
from multiprocessing.process import BaseProcess

_END_WITH_PARENT = 'read -r _; kill -9 "$@" 2>/dev/null'
"""A shell that waits for the end of its input, which comes when the process that holds the other end dies."""


class EngineGuard:
    """Watches from both sides until it is released.

    Args:
        processes: the engine's processes that this one started.
        on_death: called, in another thread, when one of them ends.
    """

    def __init__(self, processes: Sequence[BaseProcess], on_death: Callable[[Exception], None]) -> None:
        self._processes = processes
        self._on_death = on_death
        self._shell: subprocess.Popen[bytes] | None = None
        if processes:
            threading.Thread(target=self._wait, name="synthcpt-vllm-guard", daemon=True).start()
            numbers = [str(process.pid) for process in processes]
            # A session of its own, so that neither Ctrl-C nor a closed terminal ends it before its time.
            self._shell = subprocess.Popen(
                ["sh", "-c", _END_WITH_PARENT, "synthcpt-engine-guard", *numbers],
                stdin=subprocess.PIPE,
                start_new_session=True,
            )

    def release(self) -> None:
        """Stop watching over an engine that is about to be shut down."""
        shell, self._shell = self._shell, None
        if shell is not None and shell.stdin is not None:
            shell.kill()
            shell.wait()
            shell.stdin.close()

    def _wait(self) -> None:
        connection.wait([process.sentinel for process in self._processes])
        self._on_death(ChildProcessError("its process ended"))
