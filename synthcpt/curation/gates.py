"""Gates that look at one text alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthcpt.curation.words import Hashes, run_hashes
from synthcpt.text.gates import Verdict

_REPEATED_WORDS = 10
_FEWEST_RUNS = 20
_SAMPLE_CHARS = 2000
_FEWEST_LETTERS = 40


def out_of_bounds(tokens: int, least: int | None, most: int | None) -> Verdict | None:
    """Shorter or longer than asked for."""
    if least is not None and tokens < least:
        return Verdict("too_short", f"about {tokens:,} tokens, at least {least:,} asked for")
    if most is not None and tokens > most:
        return Verdict("too_long", f"about {tokens:,} tokens, at most {most:,} asked for")
    return None


def repetitive(words: Hashes, most: float | None) -> Verdict | None:
    """More than the share ``most`` of the text's 10-word runs stand in it before already: a model that loops."""
    if most is None or len(words) < _REPEATED_WORDS + _FEWEST_RUNS:
        return None
    runs = run_hashes(words, _REPEATED_WORDS)
    share = 1 - len(np.unique(runs)) / len(runs)
    return (
        Verdict("repetitive", f"{share:.0%} of its {_REPEATED_WORDS}-word runs are repeats") if share > most else None
    )


def in_other_language(text: str, languages: Sequence[str]) -> Verdict | None:
    """A classifier takes the text for another language than these; texts of a few letters pass."""
    sample = text[:_SAMPLE_CHARS]
    if not languages or sum(map(str.isalpha, sample)) < _FEWEST_LETTERS:
        return None
    import py3langid

    # Names tell nothing of the language that they stand in.
    told = " ".join(word for word in sample.split() if not word[:1].isupper()) or sample
    found = str(py3langid.classify(told)[0])
    return None if found in languages else Verdict("language", f"in {found}, asked for {', '.join(languages)}")
