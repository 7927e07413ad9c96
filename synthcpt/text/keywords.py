"""The words that carry a text's content, and how many of them another text takes up.

A rewrite in another voice changes nearly every sentence, yet cannot tell the same things without naming them: names,
numbers and the words that a text keeps coming back to. A text that has lost them is about something else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from synthcpt.text.abbreviations import word_set
from synthcpt.text.folding import fold

DEFAULT_COVERAGE = 0.2
"""A rewrite with a smaller share of its source's keywords has left its subject.

Measured: articles on quite different subjects share none of 40 keywords at the median, and a tenth at the 99th
percentile; introductions to two films of one year 0.14 at the median and 0.28 at the 95th. The first half of such an
introduction holds 0.4 to 0.7 of the whole one's, and a free retelling of an article in a ninth of its length 0.28. So
0.2 keeps what was retold freely and even shortly, and drops what is about something else. It does not tell apart two
documents of one small world, which name the same places (0.28), and it is no test of truth.
"""

_MOST_KEYWORDS = 40
_WORD = re.compile(r"[^\W_]+")
_CAPITALISED = re.compile(r"\b[^\W\d_a-zß-öø-ÿ][^\W_]{3,40}")
_FEWEST_LETTERS = 4
_MOST_WORD_CHARS = 40
# Scripts without spaces: Han, katakana and Hangul by pairs of signs, as most of their words have two; the scripts of
# South-East Asia by four, which is about a syllable and a half. Hiragana mostly spells grammar, and is left out.
_PAIRED = re.compile(r"[\u30a1-\u30fa\u30fc]+|[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+|[\uac00-\ud7a3]+")
_QUADRUPLE = re.compile("[\u0e01-\u0e4e\u0e81-\u0ecd\u1000-\u1049\u1780-\u17d3]+")
_SPACELESS = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff]+"
)

_FUNCTION_WORDS = word_set(
    """about above after again against ago all along already also although always among another any anybody anyone
    anything around away back became because become been before began behind being below between beyond both but came
    come could did does done down during each either else enough even ever every everyone everything few first for from
    gave give given goes going gone got had has have having hers him himself his how however into its itself just kept
    know known last later least less like long made make many may might more most much must near nearly neither never
    next nobody none nor not nothing now off often once one only onto other others our out over own perhaps put quite
    rather said same say says see seem seen several shall she should since some somebody someone something sometimes
    soon still such take taken than that the their them themselves then there therefore these they thing things this
    those though through thus till together told too took toward towards two under until upon used very want was way
    well went were what when where whether which while who whole whom whose why will with within without would yet you
    your yours
    aber alle allem allen aller alles also andere anderen auch beim bereits bevor dabei dadurch dafür damit dann daran
    darauf darin dass davon dazu dem denn deren derer dessen diese diesem diesen dieser dieses doch durch eine einem
    einen einer eines etwas gegen haben hatte hatten hier ihre ihrem ihren ihrer immer jede jeder kann kein keine können
    mehr müssen nach nicht nichts noch nur oder ohne sein seine seinem seinen seiner seit sich sind soll sowie über und
    unter viele vom wenn werden wie wieder wird wurde wurden zwischen
    ainsi alors après aussi autre autres avant avec avoir cela celle celui ceux chaque comme dans depuis deux dont elle
    elles encore entre était étaient être fait furent leur leurs lors mais même moins nous par parce pendant peut plus
    pour puis quand quelques quel quelle sans selon sera ses sont sous sur tous tout toute toutes très une vers vous
    además antes aquel aunque cada como con cual cuando desde donde ellos entre era eran está están esta este estos
    fueron hacia hasta había también mientras mucho muy nunca otra otras otro otros para pero poco porque pues quien
    sido sobre sólo sus tanto tener tiene tienen toda todas todo todos una unos
    anche ancora avere aveva che come con cosa dalla dalle degli della delle dello dopo dove erano essere fino hanno
    molto nella nelle nello ogni però perché più poi prima quale quando quella quello questa questo quindi sempre senza
    sono stata stati stato sulla tra tutti tutto una
    deze door geen haar heeft hebben hem hier hun kunnen maar meer naar niet omdat onder over uit van veel voor waar
    wanneer waren wordt worden zijn zoals
    было быть весь вот всех где для его если есть еще ещё или как когда который которая которые которых между меня
    может может него нее неё нет них она они оно очень под после потом потому при про раз свою себя так также там тебя
    тоже только том тот уже чего чем через что чтобы эта эти это этого этой этом этот"""
)


class Keywords:
    """The keywords of a source, for comparison with rewrites of it.

    Args:
        text: the source.
        most: how many are kept, the most frequent first; capitalised words count double.
    """

    __slots__ = ("keywords",)

    def __init__(self, text: str, most: int = _MOST_KEYWORDS) -> None:
        folded = fold(text).text
        counts = Counter([*_stems(folded), *_grams(folded)])
        for match in _CAPITALISED.finditer(text):
            for stem in _stems(fold(match[0]).text):
                counts[stem] += stem in counts
        ranked = sorted(counts, key=lambda stem: (-counts[stem], stem))
        self.keywords = tuple(ranked[:most])

    def coverage(self, text: str) -> float:
        """The share of the keywords that the text takes up, in any inflection; 1 where the source has none."""
        if not self.keywords:
            return 1.0
        folded = fold(text).text
        words = [word[:_MOST_WORD_CHARS] for match in _WORD.finditer(folded) for word in _spaced(match[0])]
        lengths = {len(stem) for stem in self.keywords}
        prefixes = {word[:length] for word in words for length in lengths}
        return sum(self._holds(stem, prefixes, folded) for stem in self.keywords) / len(self.keywords)

    @staticmethod
    def _holds(stem: str, prefixes: set[str], folded: str) -> bool:
        return stem in folded if _SPACELESS.match(stem) else stem in prefixes


def _stems(folded: str) -> Iterator[str]:
    """Stems of the content words, as they come."""
    for match in _WORD.finditer(folded):
        for word in _spaced(match[0]):
            is_number = word.isdigit() and len(word) > 1
            if is_number or (len(word) >= _FEWEST_LETTERS and word not in _FUNCTION_WORDS):
                yield _stem(word[:_MOST_WORD_CHARS])


def _spaced(word: str) -> list[str]:
    """What of a run of letters is in scripts that set spaces between words."""
    if word.isascii():
        return [word]
    return [piece for part in _SPACELESS.split(word) for piece in part.split() if piece]


def _stem(word: str) -> str:
    """Without its ending: its last quarter, but for numbers; crude, and for any language."""
    return word if any(map(str.isdigit, word)) else word[: max(_FEWEST_LETTERS, len(word) * 3 // 4)]


def _grams(folded: str) -> Iterator[str]:
    """Runs of signs that stand for words, where a script sets no spaces."""
    for pattern, size in ((_PAIRED, 2), (_QUADRUPLE, 4)):
        for match in pattern.finditer(folded):
            yield from (match[0][i : i + size] for i in range(len(match[0]) - size + 1))
