"""What a person sees when something goes wrong."""

from __future__ import annotations

import sys
from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import contextmanager

from synthcpt.errors import BackendUnavailable, Interrupted, RunStopped, SynthcptError, UserError

EXIT_MISTAKE, EXIT_STOPPED, EXIT_INTERRUPTED = 2, 3, 130


@contextmanager
def explain() -> Iterator[None]:
    """Turn our errors into one sentence and an exit code: 2 for a mistake, 3 for a run that stopped, 130 for Ctrl-C."""
    try:
        yield
    except (UserError, BackendUnavailable) as error:
        _say(str(error))
        raise SystemExit(EXIT_MISTAKE) from None
    except RunStopped as error:
        _say(f"{error} What is done is kept; run the same command again to go on.")
        raise SystemExit(EXIT_INTERRUPTED if isinstance(error, Interrupted) else EXIT_STOPPED) from None
    except SynthcptError as error:
        _say(str(error))
        if error.__cause__ is not None:
            raise
        raise SystemExit(1) from None
    except (KeyboardInterrupt, CancelledError):
        _say("Interrupted.")
        raise SystemExit(EXIT_INTERRUPTED) from None


def _say(message: str) -> None:
    print(f"synthcpt: {message}", file=sys.stderr)
