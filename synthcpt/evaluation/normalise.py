"""What is compared of an answer: words without case, punctuation and articles, numbers without separators.

After the evaluation script of SQuAD (Rajpurkar et al. 2016, arXiv 1606.05250), which lower-cases, drops punctuation and
English articles and joins white space, with these differences:

- Unicode is brought to NFKC and case-folded; digits of every script are 0 to 9.
- "41,500" is "41500"; but "3.5" does not become "35", nor "-5" a "5".
- Dashes, slashes and colons separate words: "Franco-Prussian" is "Franco Prussian", "1847-03-09" keeps its parts.
- An article that ends a text is none ("vitamin A").
- A character of a script that writes no spaces is a word.
- What is nothing but punctuation stays as it is.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from synthcpt.text.folding import is_spaceless
from synthcpt.text.numerals import plain_digits

ARTICLES = frozenset({"a", "an", "the"})

_SEPARATOR = "[,'’\u00a0\u202f\u2009]"
_GROUPED = re.compile(rf"(?<![\d.,])\d{{1,3}}(?:{_SEPARATOR}\d{{2,3}})*{_SEPARATOR}\d{{3}}(?![\d,]?\d)")
_SEPARATORS = re.compile(_SEPARATOR)
_BEFORE_FRACTION = re.compile("(?<=\\d)(?=[¼-¾⅐-⅞])")
_MINUS = re.compile(r"(?<![\w)])[-−](?=\d)")
_DECIMAL = re.compile(r"(?<=\d)[.,](?=\d)")
_KEPT_MINUS, _KEPT_POINT = "\ue000", "\ue001"
"""What stands for a minus sign and a decimal point while all other punctuation goes."""


class _Kept(dict[int, str]):
    """For `str.translate`: what becomes of a character, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = kept = _kept(chr(code))
        return kept


def _kept(char: str) -> str:
    category = unicodedata.category(char)
    if char == _KEPT_MINUS:
        return "-"
    if char == _KEPT_POINT:
        return "."
    if category == "Pd" or char.isspace() or char in "/\\_|~:⁄":
        return " "
    if category[0] in "PSC":  # punctuation, symbols, controls
        return ""
    return f" {char} " if is_spaceless(char) and category[0] != "M" else char


_TABLE = _Kept()


@lru_cache(maxsize=4096)
def words(text: str) -> tuple[str, ...]:
    """The words compared, articles included."""
    joined = _GROUPED.sub(lambda match: _SEPARATORS.sub("", match[0]), plain_digits(text))
    joined = _BEFORE_FRACTION.sub(" ", joined)
    # Folding can undo the normal form, so it is made again.
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", joined).casefold())
    marked = _DECIMAL.sub(_KEPT_POINT, _MINUS.sub(_KEPT_MINUS, folded))
    return tuple(marked.translate(_TABLE).split()) or tuple(folded.split())


def content_words(text: str) -> tuple[str, ...]:
    """As `words`, without the articles that another word follows."""
    found = words(text)
    return tuple(word for place, word in enumerate(found) if word not in ARTICLES or place == len(found) - 1)


def normalise(text: str) -> str:
    """The text whose equality is exact match."""
    return " ".join(content_words(text))
