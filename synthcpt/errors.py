"""Every error synthcpt raises, in one tree.

    SynthcptError
    ├── UserError                    the command or its input is at fault: one sentence, exit code 2
    │   ├── ConfigError              an unknown key, a value out of range, flags that contradict
    │   ├── CorpusError              a missing file, an unreadable format, no text, two documents of one id
    │   ├── QuestionError            a question without an answer, two of one id, an option that is none
    │   ├── PromptError              a prompt file that is missing, malformed or has the wrong slots
    │   ├── MissingExtra             an optional package that this command needs
    │   ├── RunMismatch              the output folder holds a run made with another configuration
    │   ├── RunLocked                another process works on the same part
    │   ├── RunIncomplete            the run has not been finished yet
    │   ├── DataCorrupt              a file is not the one that was written
    │   └── ModelError               a model that cannot be loaded, trained, merged or exported as asked
    ├── BackendError                 what a language-model backend answered instead of text
    │   ├── BackendUnavailable       no request can succeed: wrong key, wrong model, nobody listening (exit code 2)
    │   ├── TransientError           worth another attempt, after `wait_s`
    │   │   └── OverloadError        ... and a sign to send fewer at once (HTTP 429, 503 with a pause)
    │   └── RequestRejected          this request can never succeed: malformed, blocked
    │       └── PromptTooLong        ... because it does not fit the model's context
    ├── RequestFailed                a request is given up for good; it is in the failures file
    ├── DocumentFailed               a method can do nothing with a document; it is in the failures file
    ├── TrainingFailed               training cannot go on; the last checkpoint is whole (exit code 1)
    │   ├── NonFiniteLoss            the loss or the gradient became NaN or infinite
    │   └── OutOfMemory              the model, its optimiser or a batch does not fit
    └── RunStopped                   the run ended early on purpose; rerunning goes on
        ├── Interrupted              by the user
        └── BudgetReached            by the spend cap

Third-party exceptions are converted where they enter (a backend, the corpus reader), and decisions are
taken on these classes, never on a message's text.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SynthcptError(Exception):
    """The root: catch this to catch everything synthcpt raises on purpose."""


class UserError(SynthcptError):
    """Something the user can mend; its message says what to do."""


class ConfigError(UserError):
    """An option that does not exist, does not fit its type or range, or contradicts another."""


class CorpusError(UserError):
    """The input cannot be read as documents."""


class QuestionError(UserError):
    """A file of questions cannot be read as questions with answers."""


class PromptError(UserError):
    """A prompt file is missing, malformed, or its slots do not match what the method fills in."""


class MissingExtra(UserError):
    """An optional dependency is absent.

    Args:
        package: the distribution that is missing.
        extra: the synthcpt extra that installs it.
        purpose: what it is needed for, as the end of "... is needed to".
    """

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{package} is needed to {purpose}. Install it with: pip install 'synthcpt[{extra}]'")
        self.package = package
        self.extra = extra


class RunMismatch(UserError):
    """The output folder belongs to a run with another identity; the message lists each difference."""


class RunLocked(UserError):
    """Another live process holds a part of this run."""


class RunIncomplete(UserError):
    """A finished run was asked for and this one is not finished."""


class DataCorrupt(UserError):
    """A file of a finished run or of a checkpoint does not have the hash or the size it was written with."""


class ModelError(UserError):
    """A model (or tokenizer) cannot be loaded, trained, merged or exported as asked."""


class TrainingFailed(SynthcptError):
    """Training cannot go on; the last checkpoint is whole."""


class NonFiniteLoss(TrainingFailed):
    """The loss or the gradient became NaN or infinite; the message names the step and the texts of its batch."""


class OutOfMemory(TrainingFailed):
    """The model, its optimiser's state or a batch does not fit; the message says what would."""


class BackendError(SynthcptError):
    """A backend could not answer."""


class BackendUnavailable(BackendError):
    """The backend as a whole cannot answer; the run stops, having lost nothing."""


class TransientError(BackendError):
    """The same request may succeed later.

    Args:
        message: what happened.
        wait_s: how long the server asked us to wait, in seconds; None where it said nothing.
    """

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class OverloadError(TransientError):
    """The server has more work than it can take; the scheduler sends fewer requests at once."""


class RequestRejected(BackendError):
    """The server refuses this very request; asking again would change nothing."""


class PromptTooLong(RequestRejected):
    """The prompt and the room for its answer exceed the model's context."""


class RequestFailed(SynthcptError):
    """A request was given up for good, after its bounded retries; what `ask` raises to a method.

    Args:
        reason: a short slug for counting, e.g. ``malformed_answer``.
        detail: what happened, for a reader.
        key: the request's key, in hexadecimal.
        transient: asking again in another run may help.
    """

    def __init__(self, reason: str, detail: str, key: str, *, transient: bool = False) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
        self.key = key
        self.transient = transient


class DocumentFailed(SynthcptError):
    """A method finds nothing it can do with a document.

    Args:
        reason: a short slug for counting, e.g. ``no_entities``.
        detail: what was found, for a reader.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class RunStopped(SynthcptError):
    """The run ended before its end, in good order: all that was answered is kept."""


class Interrupted(RunStopped):
    """The user pressed Ctrl-C (or the process was asked to terminate)."""


class BudgetReached(RunStopped):
    """The spend cap was reached."""


def near_match(wrong: str, known: Iterable[str]) -> str:
    """A sentence that suggests the known name nearest to a wrong one, or lists the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.5)
    if near:
        return f"Did you mean {near[0]!r}?"
    return "Known: " + ", ".join(names) + "." if names else ""
