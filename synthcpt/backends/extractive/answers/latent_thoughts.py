"""Answers to the requests for latent thoughts: what a chunk takes for granted of what stands before it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.reading import read_document
from synthcpt.backends.extractive.writing import Draft, enumerate_names, paragraphs
from synthcpt.text.mentions import Haystack, canonical

Slots = Mapping[str, str]

_MOST_KNOWN = 3
_MOST_NEW = 4
_WORDS_A_NAME = 45
_SAMPLE_CHARS = 240
_PARENTHESIS = re.compile(r" \([^()]*\)$")


def thought(analysis: Analysis, slots: Slots) -> str:
    """What the context says of the names that the chunk comes back to; then those it goes on with and brings in."""
    chunk = Analysis(analysis.title, read_document(slots["chunk"]))
    known = _known(analysis, chunk, Haystack(slots["chunk"]))
    told = _told(analysis, known, follows_on=bool(chunk.sentences and chunk.sentences[0].leans))
    before = Haystack("\n".join((analysis.title, slots["document"])))
    new = [name for name in _names(chunk) if not before.find(name)][:_MOST_NEW]
    return "\n\n".join(
        part for part in (told or _sample(slots["document"]), _plan(analysis, chunk, known, new)) if part
    )


def opening(analysis: Analysis, slots: Slots) -> str:
    """What a reader must be told first: the subject, and the names that the opening brings in."""
    in_title = Haystack(analysis.title)
    names = [name for name in _names(analysis) if not in_title.find(name)][:_MOST_NEW]
    if not analysis.english:  # the phrases below are English
        named = " – ".join(name for name in (analysis.title, *names) if name)
        return "\n\n".join(part for part in (named, _told(analysis, [], False) or _sample(slots["document"])) if part)
    if not analysis.title and not names:
        return "The subject goes by no name, and nothing is known of it yet, so that it has to be told from the start."
    subject = _shown(analysis.title) or analysis.spoken(names.pop(0))
    said = f"The subject is {subject}, and nothing is known of it yet."
    spoken = enumerate_names([analysis.spoken(name) for name in names])
    if len(names) > 1:
        return f"{said} With it come {spoken}, and each of them has to be placed where it is first mentioned."
    return f"{said} " + (
        f"With it comes {spoken}, which has to be placed where it is first mentioned."
        if names
        else "What it is has to be told first, and then the rest from there."
    )


ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "latent_thoughts/thought": (thought, ("document", "chunk")),
    "latent_thoughts/opening": (opening, ("document",)),
}
"""Prompt -> what answers it, and the slots it needs."""


def _known(analysis: Analysis, chunk: Analysis, haystack: Haystack) -> list[str]:
    """The context's names that the chunk has, too, in full or by their last word, and the other way round."""
    short = set(chunk.entities)
    found = [name for name in _names(analysis) if haystack.find(name) or name.rsplit(" ", 1)[-1] in short]
    parts = {word for name in found for word in name.split()}
    found += [name for name in _names(chunk) if parts.isdisjoint(name.split()) and analysis.sentences_with(name)]
    return found[:_MOST_KNOWN]


def _names(analysis: Analysis) -> list[str]:
    """Names; common words only in other languages, where the two cannot be told apart."""
    return [name for name in analysis.entities if not (analysis.english and name[:1].islower())]


def _told(analysis: Analysis, known: Sequence[str], follows_on: bool) -> str:
    """A sentence of the context for each known name, or else its weightiest; and its last, if the chunk leans on it."""
    draft, taken = Draft(analysis), list[int]()

    def take(numbers: Iterable[int]) -> None:
        prose = [number for number in numbers if analysis.sentences[number].kind == "prose"]
        taken.extend(draft.take(prose, lambda n: analysis.weights[n], _WORDS_A_NAME, most=1))

    for name in known:
        told = analysis.sentences_with(name)
        if not any(draft.is_used(number) for number in told):
            take(told)
    if follows_on and analysis.sentences:
        take([len(analysis.sentences) - 1])
    if not taken:
        take(range(len(analysis.sentences)))
    return paragraphs(analysis, sorted(taken)).replace("\n\n", " ")


def _plan(analysis: Analysis, chunk: Analysis, known: Sequence[str], new: Sequence[str]) -> str:
    """How the account goes on."""
    if not chunk.english:
        return " – ".join((*known, *new))
    again = [analysis.spoken(name) for name in known if canonical(name) != canonical(analysis.title)]
    names = enumerate_names([chunk.spoken(name) for name in new])
    if again and names:
        come = "come" if len(new) > 1 else "comes"
        return f"So much is known of {enumerate_names(again)} when {names} {come} in."
    if again:
        return f"So much is known of {enumerate_names(again)}, and more is to be told."
    return f"The account goes on from there to {names}." if names else "The account goes on from there."


def _shown(title: str) -> str:
    """A title as it stands in a sentence, without what tells it from others of its name."""
    bare = _PARENTHESIS.sub("", title) or title
    return bare if not bare or "*" in bare else f"*{bare}*"


def _sample(text: str) -> str:
    """The last lines of a text of no sentences, such as code, on one line."""
    kept = ""
    for line in reversed(text[-4 * _SAMPLE_CHARS :].splitlines()):
        words = " ".join(line.split())
        if kept and len(kept) + len(words) >= _SAMPLE_CHARS:
            break
        kept = f"{words} {kept}".strip()
    return kept if len(kept) <= _SAMPLE_CHARS else kept[-_SAMPLE_CHARS:].partition(" ")[2] or kept[-_SAMPLE_CHARS:]
