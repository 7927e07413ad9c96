"""Names that nobody has: made of syllables, so many that two documents hardly ever get the same."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator


def _listed(parts: str) -> list[str]:
    return parts.split()


_ONSETS = _listed("b br c cr d dr f fl g gl h j k kr l m n p pr qu r s sk st t th tr v w y z")
_VOWELS = _listed("a e i o u ae ei ia ou")
_MIDDLES = _listed("b d dr f g l ll ld lm m mb n nd ndr nn r rl rn rr rv s ss sk st t th v x z")
_ENDS = {
    "given": _listed("a an e el en ia ik im in is o on or un ys"),
    "family": _listed("ack ald and ane ard eck ell en er ick ill in ock ond ow und yer"),
    "place": _listed("bourne by combe dale den ford ham holm ley mark mere mouth ness stead ton wick"),
}
_MOST_TRIES = 50
_SAME_START = 5
"""Words that agree in so many letters look alike."""


def invented_words(rng: random.Random, kind: str, taken: Collection[str]) -> Iterator[str]:
    """Words without end that could be given names, family names or places; none like another or like those taken.

    Args:
        rng: what they are drawn with.
        kind: ``given``, ``family`` or ``place``.
        taken: words in lower case that must not come out, nor any that begins as one of these.
    """
    starts = {word[:_SAME_START] for word in taken}
    while True:
        for _ in range(_MOST_TRIES):
            word = _word(rng, kind)
            if word[:_SAME_START] not in starts:
                break
        else:
            word = _word(rng, kind) + word  # the short ones are used up
        starts.add(word[:_SAME_START])
        yield word.capitalize()


def _word(rng: random.Random, kind: str) -> str:
    middle = rng.choice(_MIDDLES)
    start = rng.choice(_ONSETS) + rng.choice(_VOWELS)
    return start + (middle[:1] if kind == "place" else middle) + rng.choice(_ENDS[kind])


def invented_name(rng: random.Random, kind: str, taken: Collection[str]) -> str:
    """A name for a thing of a kind: of two words for a person, of one for anything else."""
    if kind == "person":
        return f"{next(invented_words(rng, 'given', taken))} {next(invented_words(rng, 'family', taken))}"
    return next(invented_words(rng, "place" if kind == "place" else "family", taken))
