"""Makes shorter and plainer sentences of an English one, only where nothing but its form changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from synthcpt.text.abbreviations import word_set

_PLAIN = {
    "approximately": "about", "commenced": "began", "constructed": "built", "demonstrated": "showed",
    "demonstrates": "shows", "endeavoured": "tried", "furthermore": "also", "additionally": "also",
    "initially": "at first", "mariners": "sailors", "moreover": "also", "nevertheless": "even so", "numerous": "many",
    "obtained": "got", "permitted": "allowed", "premiered": "was first shown", "prior to": "before",
    "purchased": "bought", "remained": "stayed", "resided": "lived", "subsequently": "later", "sufficient": "enough",
    "terminated": "ended", "utilised": "used", "utilized": "used",
}  # fmt: skip
_NO_AUXILIARY = "".join(rf"(?<!\b{word} )" for word in ("had", "has", "have", "was", "were", "is", "are", "be", "been"))
_RARE = re.compile(rf"\b{_NO_AUXILIARY}(" + "|".join(_PLAIN) + r")\b", re.IGNORECASE)
_CLAUSE_BREAK = re.compile(
    r"; (?=[^\W\d_])|, (and|but|so) (?=(?:he|she|it|they|there|nobody|someone|everyone) )|"
    r", and (?=(?:was|were|is|has|had) )"
)
_VERBS = word_set(
    """was were is are had has have did does do could would can will may might must began became came gave got kept made
    put ran said saw stood took told went wrote left lost met paid sent sold brought built broke drew fell found fought
    grew held knew led meant rose sank spent spoke taught thought won stands lies runs stars tells follows"""
)
_SUBORDINATE = word_set("when if although though because while unless until whether that which who and or")
_PERHAPS_SUBORDINATE = _SUBORDINATE | word_set("as after before since once to in")
"""What begins with one of these may be half of a sentence."""
_RELATIVE = re.compile(r"\b(?:who|whom|whose|which|that|what|where|when|while|because)\b")
_THING = re.compile(r"(?:The|This) [a-z]+(?= )")
_FEWEST_WORDS = 4
_LATEST_VERB = 12
_WORD = re.compile(r"[^\W\d_]+")


def short_sentences(text: str, names: Iterable[str]) -> Iterator[str]:
    """The sentence's clauses, as far as each can stand as a sentence; some formal words made plain.

    A verb without a subject of its own gets the first clause's, if that is one of ``names`` or plainly a thing.
    """
    start, lead = 0, ""
    if text.count("; ") < 2:
        for match in _CLAUSE_BREAK.finditer(text):
            left, right = lead + text[start : match.start()], text[match.end() :]
            joined = match[0] != "; "
            subject = _subject(left, names) if joined and not match[1] else ""
            apart = bool(subject) or (_stands(left, joined) and _stands(right, joined))
            if apart and (subject or not joined or match[1]) and not _is_open(text[: match.start()]):
                yield _plain(_upper(left)) + "."
                start = match.end()
                lead = f"{subject} " if subject else {"but": "But ", "so": "So "}.get(match[1] or "", "")
    yield _plain(_upper(lead + text[start:]))


def _subject(clause: str, names: Iterable[str]) -> str:
    """What the clause is about, where nothing in it could be meant instead."""
    if _RELATIVE.search(clause):
        return ""
    thing = _THING.match(clause)
    found = max((name for name in names if clause.startswith(f"{name} ")), key=len, default=thing[0] if thing else "")
    rest = clause[len(found) :].split(maxsplit=1)
    return found if found and rest and _is_verb(rest[0]) else ""


def _is_verb(word: str) -> bool:
    return word in _VERBS or (word.endswith("ed") and len(word) > 4)


def _stands(clause: str, joined: bool) -> bool:
    """Whether a clause has a verb and, where a conjunction joins it, is not subordinate to another."""
    words = [word.lower() for word in _WORD.findall(clause)]
    first_part = len(_WORD.findall(clause.split(", ")[0]))
    begun = words[: max(_FEWEST_WORDS, min(first_part, _LATEST_VERB))]
    whole = len(words) >= _FEWEST_WORDS and any(map(_is_verb, begun))
    return whole and words[0] not in (_PERHAPS_SUBORDINATE if joined else _SUBORDINATE)


def _is_open(text: str) -> bool:
    return text.count('"') % 2 == 1 or text.count("(") > text.count(")") or text.count("“") > text.count("”")


def _plain(text: str) -> str:
    def replaced(match: re.Match[str]) -> str:
        word = _PLAIN[match[0].lower()]
        return _upper(word) if match[0][0].isupper() else word

    return _RARE.sub(replaced, text)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
