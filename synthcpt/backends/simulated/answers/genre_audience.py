"""Answers for genre and audience: pairs of the two, texts in a genre's frame, and a judge that looks for the facts."""

from __future__ import annotations

from synthcpt.backends.simulated.framing import framed
from synthcpt.backends.simulated.genres import AUDIENCES, GENRES, MOODS, Genre
from synthcpt.backends.simulated.questioning import to_json, wanted
from synthcpt.backends.simulated.reading import stands_in
from synthcpt.backends.simulated.rules import Rule, Slots
from synthcpt.backends.simulated.teller import Teller

_USUAL_PAIRS = 5


def pairs(teller: Teller, slots: Slots) -> str:
    """Genres that were not used before, each with an audience."""
    fresh = [genre for genre in GENRES if genre.name not in slots["used"]] or list(GENRES)
    most = wanted(slots["count"], _USUAL_PAIRS)
    genres = teller.rng.sample(fresh, len(fresh))
    genres += teller.rng.sample(GENRES, len(GENRES)) if len(genres) < most else []
    moods = [teller.pick(MOODS) for _ in range(most)]
    audiences = teller.rng.sample(AUDIENCES, len(AUDIENCES))
    told = [
        {"genre": f"{genre.name}. {genre.about} {mood}", "audience": audience}
        for genre, audience, mood in zip(genres[:most], audiences, moods, strict=False)
    ]
    return to_json({"pairs": told})


def base(teller: Teller, slots: Slots) -> str:
    """Every fact in the genre's frame, one of them told again."""
    return framed(teller, _genre(teller, slots["genre"]))


def relaxed(teller: Teller, slots: Slots) -> str:
    """The same with more told again."""
    return framed(teller, _genre(teller, slots["genre"]), recalls=2)


def strict(teller: Teller, _: Slots) -> str:
    """Every fact once in the plain order, with little around it."""
    lines = [teller.say(fact, 0.05) for fact in teller.known.facts]
    while sum(len(line.split()) for line in lines) < 32 and teller.known.facts:
        lines.append(teller.account(teller.shuffled()[:1], from_value=0.5))
    return " ".join(lines) or teller.account()


def judge(teller: Teller, slots: Slots) -> str:
    """A score by how many of the document's facts the new version has."""
    facts = teller.known.facts
    held = sum(stands_in(fact.value, slots["text"]) for fact in facts)
    named = teller.name in slots["text"]
    score = 5 if named and held == len(facts) else 4 if named and held else 2 if named or held else 1
    analysis = f"It {'names' if named else 'does not name'} {teller.name} and has {held} of {len(facts)} facts."
    return to_json({"analysis": analysis, "score": score})


ANSWERS: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "genre_audience/pairs": (pairs, ("document", "count", "used")),
    "genre_audience/base": (base, ("document", "genre")),
    "genre_audience/relaxed": (relaxed, ("document", "genre")),
    "genre_audience/strict": (strict, ("document",)),
    "genre_audience/judge": (judge, ("document", "text")),
}
"""Prompt -> what answers it, and the slots it needs."""


def _genre(teller: Teller, plan: str) -> Genre:
    known = next((genre for genre in GENRES if plan.startswith(genre.name)), None)
    return known or GENRES[int(teller.rng.random() * len(GENRES))]
