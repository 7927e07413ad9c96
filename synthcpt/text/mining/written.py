"""Tasks that a model wrote about a passage: those that rest on it, and what speaks against the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from synthcpt.text.gates import Verdict
from synthcpt.text.grounding import Quotable, ungrounded
from synthcpt.text.mentions import canonical
from synthcpt.text.mining.tasks import Task

Told = tuple[str, str, str]
"""A question, its answer, and the evidence quoted for it."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A passage's written tasks: those to train on, a list each category; and the rejected, each with the reason."""

    blocks: list[list[Task]] = field(default_factory=list)
    rejected: list[tuple[Task, Verdict]] = field(default_factory=list)


def judge_written(
    passage: str, title: str, written: Iterable[tuple[str, Sequence[Told]]], least_support: float,
    verdict: Callable[[str], Verdict | None],
) -> Judged:  # fmt: skip
    """Check a model's tasks against the passage and each other.

    Args:
        passage: what they are about.
        title: its title, which answers may name.
        written: category and tasks.
        least_support: the share of an answer's content words that the passage must have.
        verdict: what else may speak against an answer.
    """
    judged, seen = Judged(), set[str]()
    source = Quotable(passage)
    for category, tasks in written:
        kept: list[Task] = []
        judged.blocks.append(kept)
        for question, answer, evidence in ((one.strip(), other.strip(), quote) for one, other, quote in tasks):
            quoted = source.find(evidence)
            task = Task(category, "written", question, answer, None, {"evidence": quoted} if quoted else {})
            found = verdict(answer) if answer else None
            found = found or ungrounded(question, answer, evidence, source, title, least_support)
            if found is None and canonical(question) in seen:
                found = Verdict("duplicate", "an earlier task asks the same")
            seen.add(canonical(question))
            if found is None:
                kept.append(task)
            else:
                judged.rejected.append((task, found))
    return judged
