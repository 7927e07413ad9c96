"""Names of people, places and things, by their capitals."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from synthcpt.backends.extractive.lexicon import (
    CONNECTORS,
    DAYS,
    DEMONYMS,
    GENERIC,
    INSTITUTIONS,
    MONTHS,
    OPENING_WORDS,
    SEASONS,
    STOPWORDS,
    TITLES,
    VERB_LIKE,
)
from synthcpt.text.abbreviations import word_set
from synthcpt.text.kind_words import ORGANISATIONS, PLACES, SURNAMES_TOO
from synthcpt.text.mentions import canonical
from synthcpt.text.wholes import NUMBERED

# A word, an initial ("J."), a word with a possessive ending, a number, or any other mark.
_TOKEN = re.compile(
    r"(?:St|Mt|Dr|Mr|Mrs|Ms|Capt|Prof|Lt|Col|Gen|Rev)\.(?= [^\W\d_])|"
    r"[^\W\d_](?=\.)\.?|\d[\d,.]*(?:st|nd|rd|th)?|[^\W\d_][^\W_]*(?:['’.\-‐&/][^\W_]+)*|&|[^\s\w]|_"
)
_POSSESSIVE = re.compile(r"(?:['’]s|(?<=s)['’])$")
_ACRONYM = re.compile(r"[A-Z][A-Z0-9&.\-]{1,6}$")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th)$")
_NUMBER = re.compile(r"\d{1,3}$")
_CALENDAR = MONTHS | DAYS | SEASONS | {day + "s" for day in DAYS} | {"aka"}
_FUNCTION_WORDS = STOPWORDS - VERB_LIKE
_NUMBER_WORDS = word_set("two three four five six seven eight nine ten twelve")
_COMPASS = word_set("north south east west central")
_NO_SURNAMES = (PLACES | ORGANISATIONS | INSTITUTIONS) - SURNAMES_TOO
_COMPANIES = ORGANISATIONS - INSTITUTIONS
_LONGEST_NAME_WORDS = 7


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int
    end: int
    possessive: bool


class NameFinder:
    """Finds the names in a document's sentences; what it saw elsewhere decides what a sentence's first word is."""

    def __init__(self, sentences: list[str], known: frozenset[str] = frozenset()) -> None:
        self._known = known
        self._texts = sentences
        self._tokens = [_tokenise(text) for text in sentences]
        self._lower: Counter[str] = Counter()
        self._inside: Counter[str] = Counter()
        self._with_article: set[str] = set()
        for tokens in self._tokens:
            for at, token in enumerate(tokens):
                if token.text[:1].islower():
                    self._lower[token.text] += 1
                elif token.text[:1].isupper() and not _opens(tokens, at):
                    self._inside[token.text] += 1

    def mentions(self) -> dict[str, list[int]]:
        """The forms names occur in, in order of first occurrence, with the numbers of the sentences."""
        found: dict[str, list[int]] = {}
        for number, tokens in enumerate(self._tokens):
            if not _shouts(tokens):
                for name in self._names(self._texts[number], tokens):
                    found.setdefault(name, []).append(number)
        return found

    def is_common(self, word: str) -> bool:
        """Whether the document also uses a word in lower case, or anybody would."""
        lower = word.lower()
        return lower in GENERIC or self._lower[lower] > 0 or lower in STOPWORDS

    def may_be_person(self, name: str) -> bool:
        """Whether a name of several words may be a person's, as "Pell Jetty" and "the Skerrow Packet" are not."""
        last = name.split()[-1]
        return not self.is_common(last) and last.lower() not in _NO_SURNAMES and name not in self._with_article

    def goes_by_first(self, name: str) -> bool:
        """Whether the first word alone may mean it too: of people, and of companies, but not of places.

        "Pell" is not "Pell Jetty", but another place.
        """
        words = name.split()
        is_company = len(words) == 2 and words[1].lower() in _COMPANIES and name not in self._with_article
        return is_company or (len(words) < 4 and self.may_be_person(name))

    def _names(self, text: str, tokens: list[_Token]) -> Iterator[str]:
        at = 0
        while at < len(tokens):
            end = self._run_end(tokens, at)
            if end > at and (name := self._display(text, tokens, at, end)):
                if at and tokens[at - 1].text.lower() == "the" and tokens[at].text.lower().rstrip(".") not in TITLES:
                    self._with_article.add(name)
                yield name
            at = max(end, at + 1)

    def _run_end(self, tokens: list[_Token], at: int) -> int:
        """The end of the name that starts here; `at` itself where none does."""
        if not self._starts_name(tokens, at):
            return at
        end = at + 1
        while end < len(tokens) and end - at < _LONGEST_NAME_WORDS:
            step = self._continues(tokens, at, end)
            if not step:
                break
            end += step
        return end

    def _starts_name(self, tokens: list[_Token], at: int) -> bool:
        token = tokens[at]
        if _ORDINAL.match(token.text):
            ahead = tokens[at + 1 : at + 3]
            return len(ahead) == 2 and all(_is_capitalised(t.text) for t in ahead)
        lower = token.text.lower()
        if token.text in self._known:
            return True
        if not _is_capitalised(token.text) or lower in _CALENDAR or lower.endswith("-language"):
            return False
        if lower in STOPWORDS:
            return lower in _NUMBER_WORDS and not _opens(tokens, at) and self._goes_on(tokens, at)
        if not _opens(tokens, at):
            return True
        if self._inside[token.text] and not self._lower[lower]:
            return True
        if lower in OPENING_WORDS or lower.endswith(("ly", "ing")) or self._lower[lower] or lower in GENERIC:
            return False
        return self._goes_on(tokens, at)

    def _goes_on(self, tokens: list[_Token], at: int) -> bool:
        """Whether the next word has a capital of its own."""
        following = tokens[at + 1].text if at + 1 < len(tokens) else ""
        return _is_capitalised(following) and following.lower() not in _CALENDAR and following != "I"

    def _continues(self, tokens: list[_Token], at: int, end: int) -> int:
        """How many tokens more belong to the name that so far ends before `end`; 0 ends it."""
        previous, token = tokens[end - 1], tokens[end]
        if token.start - previous.end > 1 or (previous.possessive and not self._owns(previous, token)):
            return 0
        lower = token.text.lower()
        if _is_capitalised(token.text):
            if lower.endswith("-language"):
                return 0
            return int(lower not in _CALENDAR and (lower not in _FUNCTION_WORDS or previous.text[0].isdigit()))
        following = tokens[end + 1] if end + 1 < len(tokens) else None
        if _NUMBER.match(token.text):
            is_date = following is not None and following.text.lower() in _CALENDAR | {"%", "per", "years", "out"}
            return int(end - at == 1 and self.is_numbered(previous.text) and not is_date)
        if following is None or not _is_capitalised(following.text) or following.text.lower() in STOPWORDS | _CALENDAR:
            return self._of_the(tokens, end) if lower == "of" else 0
        if lower == "of":
            head = previous.text.lower()
            return 2 * int(head in INSTITUTIONS or (end - at == 1 and not _opens(tokens, at) and head not in TITLES))
        return 2 * int(lower in CONNECTORS)

    def is_numbered(self, word: str) -> bool:
        """Whether a word takes numbers as part of its name: By-law 31, Article 5."""
        return "-" in word or word.lower() in NUMBERED

    def _of_the(self, tokens: list[_Token], end: int) -> int:
        if end + 2 < len(tokens) and tokens[end + 1].text == "the" and _is_capitalised(tokens[end + 2].text):
            return 3 * int(tokens[end - 1].text.lower() in INSTITUTIONS)
        return 0

    def _owns(self, owner: _Token, owned: _Token) -> bool:
        """Whether a possessive is inside a name (the People's Army) and not a person's (Malle's Paris)."""
        base = _POSSESSIVE.sub("", owner.text)
        return _is_capitalised(owned.text) and (base.lower() in GENERIC or base.endswith(("men", "ren")))

    def _display(self, text: str, tokens: list[_Token], at: int, end: int) -> str:
        while end - at > 1 and tokens[at].text.lower() in DEMONYMS and self._is_bare_demonym(tokens, at, end):
            at += 1
        name = _POSSESSIVE.sub("", text[tokens[at].start : tokens[end - 1].end])
        if end - at == 1 and not self._is_single_name(name):
            return ""
        return "" if all(word.lower() in DEMONYMS | _COMPASS for word in name.split()) else name

    def _is_bare_demonym(self, tokens: list[_Token], at: int, end: int) -> bool:
        following = tokens[at + 1].text.lower()
        return following in DEMONYMS or following.endswith("-language") or not self.is_common(tokens[end - 1].text)

    def _is_single_name(self, word: str) -> bool:
        lower = word.lower().rstrip(".")
        if word in self._known:
            return True
        if (
            len(lower) < 2
            or lower in CONNECTORS
            or lower in TITLES
            or lower in DEMONYMS
            or lower.endswith(("-language", "-born", "-based"))
        ):
            return False
        if any(part in DEMONYMS for part in lower.split("-")):
            return False
        return bool(_ACRONYM.match(word)) or not self.is_common(word)


def merge_names(found: Iterable[str], finder: NameFinder, keep: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """Full names -> the forms they occur in, so that "Ellinghaus" is counted where only one Ellinghaus is named.

    A short form that could be two people's is dropped. Titles are left off where a name remains without them.
    Forms in ``keep`` stand for themselves.
    """
    forms: dict[str, list[str]] = {}
    shown: dict[str, str] = {}
    for form in found:
        bare = _untitled(form)
        key = " ".join(canonical(bare).replace(".", " ").split())
        if key:
            shown.setdefault(key, bare)
            forms.setdefault(key, []).append(form)
    owners = _owners(list(forms), finder, shown)
    kept = {canonical(form) for form in keep}
    for key in [key for key in forms if key in owners and key not in kept]:
        claimants = owners[key]
        moved = forms.pop(key)
        if len(claimants) == 1 and claimants[0] in forms:
            forms[claimants[0]] += [form for form in moved if form not in forms[claimants[0]]]
    return {shown[key]: occurring for key, occurring in forms.items()}


def _owners(keys: list[str], finder: NameFinder, shown: dict[str, str]) -> dict[str, list[str]]:
    """For each short form, the full names it may stand for."""
    by_last: dict[str, list[str]] = {}
    by_first: dict[str, list[str]] = {}
    for key in keys:
        words = key.split()
        if len(words) > 1:
            by_last.setdefault(words[-1], []).append(key)
            if finder.goes_by_first(shown[key]):
                by_first.setdefault(words[0], []).append(key)
    owners: dict[str, list[str]] = {}
    for key in keys:
        if " " not in key:
            claimants = by_last.get(key) or (by_first.get(key, []) if len(by_first.get(key, [])) == 1 else [])
            if claimants:
                owners[key] = claimants
    return _with_parts(owners, keys)


def _with_parts(owners: dict[str, list[str]], keys: list[str]) -> dict[str, list[str]]:
    """Longer forms that end or begin a longer one: "Carrick Sallow" in "Hugh Carrick Sallow"."""
    longer: dict[str, list[str]] = {}
    for key in keys:
        words = key.split()
        for size in range(2, len(words)):
            longer.setdefault(" ".join(words[-size:]), []).append(key)
    known = set(keys)
    for key in keys:
        if key not in owners and len(longer.get(key, [])) == 1:
            owners[key] = longer[key]
        elif key.endswith("s") and key[:-1] in known:
            owners.setdefault(key, [key[:-1]])
    for key, claimants in owners.items():
        owners[key] = [final for claimant in claimants for final in (owners.get(claimant) or [claimant])]
    return owners


def _untitled(form: str) -> str:
    words = form.split()
    while len(words) > 1 and words[0].lower().rstrip(".") in TITLES and _is_capitalised(words[1]):
        words = words[1:]
    if len(words) == 1 and len(form.split()) > 1 and words[0].lower() in GENERIC:
        return form
    return " ".join(words)


def _tokenise(text: str) -> list[_Token]:
    return [
        _Token(match[0], match.start(), match.end(), bool(_POSSESSIVE.search(match[0])))
        for match in _TOKEN.finditer(text)
    ]


def _opens(tokens: list[_Token], at: int) -> bool:
    """Whether a token's capital may be due to its place: first in the sentence, a quotation or after a colon."""
    return at == 0 or (tokens[at - 1].text in ".!?\"“‘'(:;*•—–" and not (at > 1 and tokens[at - 1].text in "(—–"))


def _is_capitalised(word: str) -> bool:
    return word[:1].isupper() and "@" not in word and not word.startswith(("I'", "I’"))


def _shouts(tokens: list[_Token]) -> bool:
    words = [token.text for token in tokens if len(token.text) > 1 and token.text.isalpha()]
    return len(words) > 3 and sum(word.isupper() for word in words) * 2 > len(words)
