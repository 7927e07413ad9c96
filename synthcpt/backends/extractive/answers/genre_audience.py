"""Answers for genre and audience: the document's own sentences put into another form, and a judge that counts words.

Rules cannot invent prose or speak to a reader. What they can do is to recast a document: as a briefing, a sheet of
questions, a timeline, a letter. The pairs name such forms, and who each serves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import orjson

from synthcpt.backends.extractive.analysis import Analysis
from synthcpt.backends.extractive.writing import Draft, enumerate_names, paragraphs
from synthcpt.text.keywords import DEFAULT_COVERAGE, Keywords
from synthcpt.text.mentions import canonical

Slots = Mapping[str, str]

_SHARE = 0.8
"""A text has at most this share of the document's words, as the paper's rewrites do."""
_FEWEST_WORDS = 60
_LEAD_WORDS = 90
_MOST_FACTS = 60
_MOST_NAMED = 6
_MOST_TOPICS = 12
_TOPIC_WORDS = 70
_FEWEST_DATED = 3

_MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_ENGLISH_YEAR = re.compile(
    rf"(?:\b(?:in|of|since|until|till|by|from|to|before|after|early|late|year|spring|summer|autumn|winter|{_MONTH}|"
    rf"{_MONTH} \d{{1,2}},|In|Since|Until|By|From|Before|After|Spring|Summer|Autumn|Winter) |\()"
    r"(1[0-9]{3}|20[0-9]{2})"
    r"(?![\w%]|[.,]\d| (?:metres|meters|feet|tons|tonnes|people|men|copies|crowns|dollars|pounds|miles|kilometres)\b)"
)
_ANY_YEAR = re.compile(r"(?<![\d.,])(1[5-9][0-9]{2}|20[0-9]{2})(?![\d%]|[.,]\d)")
_GAP = "____"


def pairs(analysis: Analysis, slots: Slots) -> str:
    """Forms that the document has matter for and that were not used yet, as pairs."""
    wanted = int(slots["count"]) if slots["count"].isdigit() else 5
    used = {line.lstrip("- ").split(":")[0] for line in slots["used"].splitlines()}
    teller = _Teller(analysis)
    dated = [form for form in _FORMS if form.name != "Timeline" or teller.has_dates]
    distinct = {
        form.write(teller): form for form in reversed(dated)
    }.values()  # of two that come to one text, the first
    usable = [form for form in dated if form in distinct and form.name not in used]
    found = [{"genre": form.genre, "audience": form.audience} for form in usable[:wanted]]
    return orjson.dumps({"pairs": found}).decode()


def rewrite(analysis: Analysis, slots: Slots) -> str:
    """The document in the form that the genre names; as a briefing where it names none of ours."""
    name = slots["genre"].split(":")[0].strip()
    form = next((form for form in _FORMS if form.name == name), _FORMS[0])
    return form.write(_Teller(analysis))


def judge(_: Analysis, slots: Slots) -> str:
    """A score from the share of the document's keywords that the text takes up."""
    share = Keywords(slots["document"]).coverage(slots["text"])
    limits = (0.5, 0.35, DEFAULT_COVERAGE, DEFAULT_COVERAGE / 2)
    score = 5 - sum(share < limit for limit in limits)
    return orjson.dumps({"analysis": f"{share:.0%} of the document's keywords are taken up.", "score": score}).decode()


class _Teller:
    """What a document holds for the forms to tell."""

    def __init__(self, analysis: Analysis) -> None:
        self.analysis = analysis
        self.english = analysis.english
        self.title = analysis.title or ("the document" if analysis.english else "")
        sentences = analysis.sentences
        subject = self.title.split(" (")[0]
        prose = [
            n for n, s in enumerate(sentences)
            if s.kind == "prose" and (not s.leans or n in analysis.resolved or (subject and s.text.startswith(subject)))
        ]  # fmt: skip
        listed = [n for n, s in enumerate(sentences) if s.kind != "prose" and len(s.text.split()) > 2]
        self.alone = sorted(prose + listed) or list(range(len(sentences)))
        self.prose = prose or self.alone
        self.words = max(_FEWEST_WORDS, round(_SHARE * analysis.words))
        self.dated = self._dated()

    @property
    def has_dates(self) -> bool:
        """Enough for a timeline."""
        return len(self.dated) >= _FEWEST_DATED and len({year for year, _ in self.dated}) > 1

    def weight(self, number: int) -> float:
        return self.analysis.weights[number]

    def says(self, number: int) -> str:
        """A sentence as it can be told alone."""
        sentence = self.analysis.sentences[number]
        text = self.analysis.resolved.get(number, sentence.text)
        return f"{sentence.label}: {text}" if sentence.label else text

    def best(self, numbers: Sequence[int], most_words: int, most: int = _MOST_FACTS) -> list[int]:
        """The weightiest of these sentences that fit, in the document's order."""
        taken, words = list[int](), 0
        for number in sorted(numbers, key=lambda n: (-self.weight(n), n)):
            length = len(self.says(number).split())
            if len(taken) < most and (not taken or words + length <= most_words):
                taken.append(number)
                words += length
        return sorted(taken)

    def names(self, most: int = _MOST_NAMED) -> list[str]:
        """The names most worth knowing, other than the title's."""
        title = canonical(self.title)
        names = [
            n for n in self.analysis.entities if canonical(n) not in title and (n[:1].isupper() or not self.english)
        ]
        return names[:most]

    def spoken(self, names: Sequence[str]) -> str:
        return enumerate_names([self.analysis.spoken(name) for name in names]) if self.english else ", ".join(names)

    def heading(self, english: str) -> str:
        """A heading of our own words only where the text is in our language."""
        return f"# {english}" if self.english else f"# {self.title}" if self.title else ""

    def topics(self) -> tuple[list[tuple[str, str]], str]:
        """Names, each with what is told of it, no sentence twice; and what is left to tell."""
        draft, found, words = Draft(self.analysis), list[tuple[str, str]](), 0
        for name in self.analysis.entities:
            room = min(_TOPIC_WORDS, self.words - words)
            if len(found) == _MOST_TOPICS or room <= 0:
                break
            taken = draft.take(self.analysis.sentences_with(name), self.weight, room, most=3)
            if taken:
                text = paragraphs(self.analysis, draft.extend(taken, room, ()))
                found.append((name, text))
                words += len(text.split())
        rest = [n for n in self.prose if not draft.is_used(n)] if words < self.words else []
        return found, paragraphs(self.analysis, self.best(rest, self.words - words)) if rest else ""

    def _dated(self) -> list[tuple[int, int]]:
        """Years with the sentences that give them, in time."""
        pattern = _ENGLISH_YEAR if self.english else _ANY_YEAR
        found = [(int(match[1]), n) for n in self.prose if (match := pattern.search(self.says(n)))]
        return sorted(found)


def _briefing(teller: _Teller) -> str:
    analysis = teller.analysis
    lead = teller.best(teller.prose, min(_LEAD_WORDS, max(_FEWEST_WORDS, analysis.words // 4)), most=3)
    rest = [n for n in teller.alone if n not in lead]
    facts = teller.best(rest, teller.words - sum(len(teller.says(n).split()) for n in lead)) if rest else []
    parts = [teller.heading(f"Briefing: {teller.title}"), paragraphs(analysis, lead)]
    if facts:
        parts += ["## Key facts" if teller.english else "", _bullets([teller.says(n) for n in facts])]
    if teller.english and len(teller.names()) > 1:
        parts += ["## Names to know", f"{_upper(teller.spoken(teller.names()))}."]
    return _joined(parts)


def _questions(teller: _Teller) -> str:
    asked = ("What is told of {}?", "What should one know about {}?", "How does {} come into it?")
    parts = [teller.heading(f"{teller.title}: questions and answers")]
    topics, rest = teller.topics()
    for number, (name, text) in enumerate(topics):
        question = asked[number % len(asked)].format(teller.analysis.spoken(name)) if teller.english else f"{name}?"
        parts += [f"**{question}**", text]
    if rest:
        parts += [f"**What else is told of {teller.title}?**" if teller.english else "**?**", rest]
    return _joined(parts)


def _facts(teller: _Teller) -> str:
    told = [teller.says(n) for n in teller.best(teller.alone, teller.words)]
    heading = teller.heading(f"{teller.title} in {len(told)} facts" if len(told) > 1 else f"A fact on {teller.title}")
    return _joined([heading, "\n".join(f"{number}. {text}" for number, text in enumerate(told, 1))])


def _timeline(teller: _Teller) -> str:
    lines = [f"- **{year}**: {teller.says(number)}" for year, number in teller.dated]
    dated = {number for _, number in teller.dated}
    room = teller.words - sum(len(line.split()) for line in lines)
    undated = [n for n in teller.alone if n not in dated]
    others = _bullets([teller.says(n) for n in teller.best(undated, room)]) if undated and room > 0 else ""
    between = "## Without a date" if teller.english else "***"
    return _joined([teller.heading(f"{teller.title}: a timeline"), "\n".join(lines), between if others else "", others])


def _letter(teller: _Teller) -> str:
    told = paragraphs(teller.analysis, teller.best(teller.prose, teller.words))
    if not teller.english:
        return _joined([teller.heading(""), told])
    names = teller.names(3)
    last = f"If you remember only a few names, let them be {teller.spoken(names)}." if len(names) > 1 else ""
    opening = f"Here, in short, is what there is to tell of {teller.title}."
    return _joined(["Dear reader,", opening, told, last, "With good wishes"])


def _glossary(teller: _Teller) -> str:
    topics, rest = teller.topics()
    told = [f"**{_upper(name)}.** {text}" for name, text in sorted(topics, key=lambda topic: canonical(topic[0]))]
    return _joined([teller.heading(f"Who and what in {teller.title}"), *told, rest])


def _bulletin(teller: _Teller) -> str:
    ranked = sorted(teller.best(teller.prose, teller.words), key=lambda n: (-teller.weight(n), n))
    told = [teller.says(n) for n in ranked]
    middle = max(1, (len(told) - 1) // 2)
    more = ["More on this:" if teller.english and told[1:] else "", " ".join(told[1 : 1 + middle])]
    last = ["Also reported:" if teller.english and told[1 + middle :] else "", _bullets(told[1 + middle :])]
    return _joined([teller.heading(teller.title), f"**{told[0]}**" if told else "", *more, *last])


def _gaps(teller: _Teller) -> str:
    statements, key = list[str](), list[str]()
    for number in teller.best(teller.prose, round(teller.words * 0.8), most=20):
        text = teller.says(number)
        name = next((name for name in teller.analysis.names_in(number) if text.count(name) == 1), "")
        if name and canonical(name) != canonical(teller.title):
            statements.append(f"{len(statements) + 1}. {text.replace(name, _GAP)}")
            key.append(f"{len(statements)}. {name}")
    if not statements:
        return _facts(teller)
    task = "Fill each gap with a name or a term. The key follows." if teller.english else ""
    parts = [teller.heading(f"{teller.title}: an exercise"), task, "\n".join(statements)]
    return _joined([*parts, "## Key" if teller.english else "", "\n".join(key)])


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part)


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class _Form:
    """A form, its description as a genre, who it serves, and its rule."""

    name: str
    description: str
    audience: str
    write: Callable[[_Teller], str]

    @property
    def genre(self) -> str:
        return f"{self.name}: {self.description}"


_FORMS = (
    _Form(
        "Briefing", "a sober paper that opens with what matters most and then lists the key facts.",
        "A head of office of fifty with ten minutes before a meeting. New to the subject, and only wants what counts.",
        _briefing,
    ),
    _Form(
        "Question-and-answer sheet", "a list of plain questions, each with a direct answer in a few sentences.",
        "A visitor who has heard the names and wants to know who and what they are. Curious, and of any schooling.",
        _questions,
    ),
    _Form(
        "List of facts", "numbered statements, one thought each, without links or comment between them.",
        "A pupil of fifteen who finds the subject dull and is to be tested on it. Wants it short and in order.",
        _facts,
    ),
    _Form(
        "Timeline", "dated entries from the earliest to the latest, dry and exact.",
        "A retired teacher who collects dates. Knows the period and doubts every story that gives none.",
        _timeline,
    ),
    _Form(
        "Letter", "a friendly digest in the form of a letter, in paragraphs, with a greeting and a farewell.",
        "A relative abroad with time to read. Not much interested in the subject, but glad of a letter.",
        _letter,
    ),
    _Form(
        "Glossary", "names and terms in alphabetical order, each with what is told of it.",
        "A librarian who has to file the matter and looks up names. Patient, exact and without a stake in it.",
        _glossary,
    ),
    _Form(
        "Bulletin", "a news item that puts the weightiest statement first and the least at the end.",
        "A commuter who reads the first lines and seldom the last. Suspicious of anything long.",
        _bulletin,
    ),
    _Form(
        "Exercise", "statements with gaps to fill, and a key.",
        "An apprentice who studies alone in the evening. Learns by doing and forgets what is only read.",
        _gaps,
    ),
)  # fmt: skip

ANSWERS: dict[str, tuple[Callable[[Analysis, Slots], str], tuple[str, ...]]] = {
    "genre_audience/pairs": (pairs, ("document", "count", "used")),
    "genre_audience/base": (rewrite, ("document", "genre")),
    "genre_audience/strict": (rewrite, ("document", "genre")),
    "genre_audience/relaxed": (rewrite, ("document", "genre")),
    "genre_audience/judge": (judge, ("document", "text")),
}
"""Prompt -> what answers it, and the slots it needs."""
