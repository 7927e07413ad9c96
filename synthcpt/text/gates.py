"""What keeps a text out of the data: cut off, empty, refused, copied, in another language, beside the point.

A gate looks at one text and returns None, or a `Verdict` that says why it must not be trained on.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from synthcpt.records import Completion
from synthcpt.text.mentions import Haystack, canonical


class Verdict(NamedTuple):
    """Why a text is rejected: a slug for counting and a detail for a reader."""

    reason: str
    detail: str


_REFUSAL = re.compile(
    r"^\W*(?:i(?:'|’)?m (?:sorry|unable|not able)|i am (?:sorry|unable|not able|an ai\b)"
    r"|i (?:cannot|can(?:'|’)t|can not|won(?:'|’)t)|as an ai\b"
    r"|sorry,|unfortunately, i\b|i apologi[sz]e|je (?:suis désolé|ne peux pas)|lo siento|es tut mir leid"
    r"|ich kann (?:leider )?nicht|mi dispiace|desculpe|对不起|抱歉|我无法|申し訳"
    r"|извините|к сожалению, я|я не могу)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")
_LANGUAGE_SAMPLE_WORDS = 200


def truncated(completion: Completion) -> Verdict | None:
    """The answer did not end of itself."""
    if completion.finish_reason == "length":
        return Verdict("truncated", f"cut off after {completion.completion_tokens} tokens")
    if completion.finish_reason != "stop":
        return Verdict("filtered", f"ended by {completion.finish_reason}")
    return None


def nearly_empty(text: str, min_words: int) -> Verdict | None:
    """Fewer words than a text worth training on has; in scripts without word spaces, two characters are a word."""
    words = len(text.split(maxsplit=min_words))
    if words < min_words and len(_WORD.findall(text)) + _unspaced_letters(text) // 2 < min_words:
        return Verdict("near_empty", f"{words} words, {min_words} needed")
    return None


def refused(text: str) -> Verdict | None:
    """The model speaks of itself and declines, in its first words."""
    start = text.lstrip("#*> \n\"'“”")[:200]
    match = _REFUSAL.match(start)
    return Verdict("refusal", start[:120]) if match else None


class Source:
    """A source text, prepared once for the gates that compare a text with it.

    Args:
        text: the source.
        ngram_words: the length of the word runs that count as copied.
    """

    def __init__(self, text: str, ngram_words: int = 8) -> None:
        self._n = ngram_words
        words = text.lower().split()
        self._ngrams = {" ".join(words[i : i + ngram_words]) for i in range(len(words) - ngram_words + 1)}
        self._sample = text[:8000]
        self._script = _script(self._sample)
        self._frequent = frozenset(_frequent_words([word for word in text.split() if word.islower()]))

    def copied(self, text: str, most: float) -> Verdict | None:
        """More than the share ``most`` of the text's word runs stand in the source letter by letter."""
        words = text.lower().split()
        runs = [" ".join(words[i : i + self._n]) for i in range(0, len(words) - self._n + 1, self._n)]
        if not runs:
            return None
        share = sum(map(self._ngrams.__contains__, runs)) / len(runs)
        return Verdict("copied", f"{share:.0%} of its {self._n}-word runs are the source's") if share > most else None

    def other_language(self, text: str) -> Verdict | None:
        """The text is in another script, or shares hardly a frequent word with the source and a classifier agrees."""
        script = _script(text[:8000])
        if script != self._script and "" not in (script, self._script):
            return Verdict("language", f"in {script} letters, the source in {self._script}")
        words = text.split(maxsplit=_LANGUAGE_SAMPLE_WORDS)[:_LANGUAGE_SAMPLE_WORDS]
        # Function words make up a quarter of any text of a language, and the source's most frequent words hold them.
        shared = sum(map(self._frequent.__contains__, words))
        if shared >= 0.12 * len(words):
            return None
        words = [word for word in words if word.islower()]
        if len(words) < 20 or not self._frequent or shared >= 0.12 * len(words):
            return None
        source, answer = _language(self._sample), _language(" ".join(words))
        return Verdict("language", f"in {answer}, the source in {source}") if source != answer else None


def lacks_mention(text: str, names: Sequence[str]) -> Verdict | None:
    """One of the names is not in the text, not even by its words."""
    haystack = Haystack(text)
    for name in names:
        if not mentioned(haystack, name):
            return Verdict("entity_missing", f"{name!r} is not mentioned")
    return None


def mentioned(haystack: Haystack, name: str) -> bool:
    """The name is in the text as it is, or all of its words are, in any order and up to their endings."""
    if haystack.find(name) is not None:
        return True
    stems = _stems(name)
    folded = haystack.text.casefold() if stems else ""
    return bool(stems) and all(stem in folded for stem in stems)


@lru_cache(maxsize=4096)
def _stems(name: str) -> tuple[str, ...]:
    """The words of a name of four letters and more, the last quarter of each cut off: crude, and for any language."""
    words = [word for word in _WORD.findall(canonical(name)) if len(word) > 3]
    return tuple(word[: max(4, len(word) * 3 // 4)] for word in words)


def _frequent_words(words: Sequence[str]) -> list[str]:
    ranked = sorted(Counter(words).items(), key=lambda item: (-item[1], item[0]))
    return [word for word, _ in ranked[:60]] if len(words) >= 40 else []


def _unspaced_letters(text: str) -> int:
    return sum(_block(letter) in ("Han", "Kana", "Thai") for letter in text[:2000] if letter > "\u0dff")


def _script(text: str) -> str:
    """The script most letters are of, or "" where there are too few to say."""
    basic = len(text[:1500].encode("ascii", "ignore"))
    if basic > 60 and basic > 0.8 * len(text[:1500]) and any(map(str.isalpha, text[:80])):
        return "Latin"
    counts = Counter(_block(letter) for letter in text[:1500:2] if letter.isalpha())
    if sum(counts.values()) < 20:
        return ""
    if counts["Kana"]:  # Japanese writes both, in shares that change from text to text
        counts["Kana"] += counts.pop("Han", 0)
    return min(counts, key=lambda block: (-counts[block], block))


@lru_cache(maxsize=8192)
def _block(letter: str) -> str:
    name = unicodedata.name(letter, "UNKNOWN").split(" ")[0].capitalize()
    return {"Cjk": "Han", "Hiragana": "Kana", "Katakana": "Kana"}.get(name, name)


@lru_cache(maxsize=512)
def _language(text: str) -> str:
    import py3langid

    return str(py3langid.classify(text)[0])
