"""Whether a question that a model wrote on a passage may stand with it, with its answer."""

from __future__ import annotations

from collections.abc import Sequence

from synthcpt.text import locks
from synthcpt.text.arithmetic import computed
from synthcpt.text.choices import bare_options, flawed, optionless, right_option
from synthcpt.text.gates import Verdict
from synthcpt.text.grounding import Quotable, ungrounded


def objection(
    question: str, answer: str, evidence: str, source: Quotable, title: str, least: float, *,
    options: Sequence[str] = (), reasoning: str = "", computes: bool = False,
) -> Verdict | None:  # fmt: skip
    """What speaks against a question and its answer; None for nothing.

    The evidence must be quoted from the passage. The numbers, dates and names of the answer and of the reasoning must
    be the passage's, and so must enough of the answer's words. Where there is something to compute, a number may also
    follow from those of the evidence and the question.

    Args:
        question: what is asked.
        answer: the answer to it; with options, one of them or its letter.
        evidence: the quotation that the answer rests on.
        source: the passage.
        title: its title, which the answer may name.
        least: the share of the answer's content words that the passage must have.
        options: what to choose from.
        reasoning: the steps to the answer, whose numbers may also be computed.
        computes: the answer is the result of a calculation.
    """
    if not question.strip() or not answer.strip():
        return Verdict("empty_task", "it has no question" if not question.strip() else "it has no answer")
    verdict = flawed(options, answer) if options else optionless(answer, evidence)
    if verdict is not None:
        return verdict
    said = answer_in_words(answer, options)
    steps = f"{reasoning}\n{said}"
    results = computed(steps, f"{evidence}\n{question}") if reasoning.strip() or computes else []
    known = f"{title}\n{'; '.join(results)}"
    verdict = ungrounded(question, said, evidence, source, known, least)
    if verdict is None and reasoning.strip():
        material = "\n".join([known, source.text, question, *options])
        verdict = locks.invented(reasoning, material)
    return verdict


def answer_in_words(answer: str, options: Sequence[str]) -> str:
    """The right option as it reads, where there are options; else the answer."""
    right = right_option(options, answer) if options else None
    return answer.strip() if right is None else bare_options(options)[right]
