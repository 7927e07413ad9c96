"""Puts sentences of a document together into sections that can be read alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from synthcpt.backends.extractive.analysis import Analysis

_LONGEST_LEAD = 2


class Draft:
    """One text in the making: it hands out sentences for its sections, each sentence once.

    Args:
        analysis: the document.
    """

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._used: set[int] = set()

    def take(self, numbers: Iterable[int], score: Callable[[int], float], most_words: int, most: int = 99) -> list[int]:
        """The best of these sentences that fit the room, with those they lean on; in document order.

        At least one is taken, however long, where any can be told at all, and no more than ``most``.
        """
        taken: list[int] = []
        words = 0
        for number in sorted(numbers, key=lambda n: (-score(n), n)):
            passage = self._passage(number, taken)
            length = sum(len(self._analysis.sentences[n].text.split()) for n in passage)
            if passage and most > 0 and (not taken or words + length <= most_words):
                taken += passage
                words += length
                most -= 1
                self._used.update(passage)
        return sorted(taken)

    def extend(self, taken: Sequence[int], most_words: int, avoid: Iterable[int]) -> list[int]:
        """Add sentences that lean on a taken one and go on about the same thing, while there is room."""
        sentences = self._analysis.sentences
        shunned = {*avoid, *self._used}
        words = sum(len(sentences[n].text.split()) for n in taken)
        added: list[int] = []
        for number in taken:
            after = number + 1
            if after < len(sentences) and after not in shunned and self._goes_on(number, after):
                words += len(sentences[after].text.split())
                if words > most_words:
                    break
                added.append(after)
                shunned.add(after)
        self._used.update(added)
        return sorted([*taken, *added])

    def take_run(self, first: int, last: int, most_words: int) -> list[int]:
        """All sentences from one to the other, and those that the first leans on; empty if they do not fit."""
        run = [*self._passage(first, ()), *range(first + 1, last + 1)]
        words = sum(len(self._analysis.sentences[n].text.split()) for n in run)
        if run[0] != first or words > most_words or not self._used.isdisjoint(run):
            return []
        self._used.update(run)
        return sorted(run)

    def is_used(self, number: int) -> bool:
        """Whether a section has this sentence already."""
        return number in self._used

    def _goes_on(self, number: int, after: int) -> bool:
        here, following = self._analysis.sentences[number], self._analysis.sentences[after]
        return following.leans and following.kind == "prose" and following.block == here.block

    def _passage(self, number: int, taken: Sequence[int]) -> list[int]:
        """The sentence with those before it that it needs, as far as they are not there yet; empty if it cannot be."""
        sentences = self._analysis.sentences
        needed: list[int] = []
        here = number
        while here not in taken:
            if here in self._used or len(needed) > _LONGEST_LEAD:
                return []
            needed.append(here)
            if not sentences[here].leans or here in self._analysis.resolved:
                break
            here -= 1
            if here < 0 or sentences[here].block != sentences[number].block or sentences[here].kind != "prose":
                return []
        return needed


def paragraphs(analysis: Analysis, numbers: Sequence[int]) -> str:
    """The sentences as paragraphs, one for each block they come from; list items and table rows as a list."""
    parts: list[str] = []
    previous = -2
    for number in numbers:
        sentence = analysis.sentences[number]
        follows = number == previous + 1 and analysis.sentences[previous].block == sentence.block
        text = sentence.text if follows else analysis.resolved.get(number, sentence.text)
        if sentence.kind != "prose":
            bullet = f"- {sentence.label}: {text}" if sentence.label else f"- {text}"
            parts.append(("\n" if parts and parts[-1].lstrip("\n").startswith("- ") else "\n\n") + bullet)
        elif previous >= 0 and analysis.sentences[previous].block == sentence.block and parts[-1][-1:] != "\n":
            parts.append(" " + text)
        else:
            parts.append("\n\n" + (f"{sentence.label}: {text}" if sentence.label else text))
        previous = number
    return "".join(parts).strip()


def enumerate_names(names: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]
