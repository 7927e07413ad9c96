"""Whether facts hold what their document holds: the same questions, answered from the one and from the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from synthcpt.errors import RequestFailed
from synthcpt.methods.protocol import Ask
from synthcpt.records import Json
from synthcpt.text.numbered_facts import Marks, Probe, ProbeAnswers, bullets, one_line


async def coverage(
    ask: Ask, prompts: str, title: str, passages: Sequence[tuple[str, Sequence[str]]], questions: int
) -> Json:
    """How many of a probe's questions are answered rightly: ``{"questions": 10, "from_document": 9, "from_facts": 8}``.

    Five calls a passage: questions with their right answers, answers from each material, marks for each.

    Args:
        ask: the method's.
        prompts: the method whose prompts ``probe``, ``probe_answer`` and ``probe_judge`` are.
        title: the document's.
        passages: pieces of the document with the facts found in each.
        questions: how many, over all passages; later passages go without where there are more passages than these.

    Returns:
        None where no probe was made, since a request failed or no question came.
    """
    chosen = passages[:questions]
    each = -(-questions // len(chosen)) if chosen else 0
    probes = await asyncio.gather(*(_probe(ask, prompts, title, text, facts, each) for text, facts in chosen))
    whole = [probe for probe in probes if probe is not None and probe[0]]
    if not whole:
        return None
    asked, document, facts = (sum(column) for column in zip(*whole, strict=True))
    return {"questions": asked, "from_document": document, "from_facts": facts}


async def _probe(
    ask: Ask, prompts: str, title: str, text: str, facts: Sequence[str], questions: int
) -> tuple[int, int, int] | None:
    request = ask.prompt(f"{prompts}/probe").render(title=title, document=text, count=questions)
    try:
        probe, _ = await ask.json(request, Probe)
        set_questions = [
            (one_line(item.question), one_line(item.answer))
            for item in probe.questions[:questions]
            if item.question.strip() and item.answer.strip()
        ]
        if not set_questions:
            return None
        right = [await _right(ask, prompts, title, material, set_questions) for material in (text, bullets(facts))]
    except RequestFailed:  # it is in the failures file; the facts are none the worse
        return None
    return len(set_questions), right[0], right[1]


async def _right(ask: Ask, prompts: str, title: str, material: str, questions: Sequence[tuple[str, str]]) -> int:
    """How many questions are answered rightly from a material."""
    listed = "\n".join(f"{number}. {question}" for number, (question, _) in enumerate(questions, 1))
    request = ask.prompt(f"{prompts}/probe_answer").render(title=title, document=material, questions=listed)
    answers, _ = await ask.json(request, ProbeAnswers)
    given = {item.number: one_line(item.answer) for item in answers.answers}
    entries = [
        f"{number}. Question: {question}\nRight answer: {right}\nCandidate's answer: {given.get(number, '')}"
        for number, (question, right) in enumerate(questions, 1)
    ]
    request = ask.prompt(f"{prompts}/probe_judge").render(answers="\n\n".join(entries))
    marks, _ = await ask.json(request, Marks)
    passed = {mark.number for mark in marks.verdicts if mark.right and given.get(mark.number)}
    return len(passed & set(range(1, len(questions) + 1)))
