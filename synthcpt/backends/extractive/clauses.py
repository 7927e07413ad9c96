"""Takes a plain English predicate apart: the verb phrase, and the object as far as it is safe to tell."""

from __future__ import annotations

import re

from synthcpt.backends.extractive.lexicon import DETERMINERS, STOPWORDS, VERB_LIKE
from synthcpt.text.abbreviations import word_set

_MOST_WORDS = 22
_BE = word_set("is was are were be been being")
_AUXILIARIES = _BE | word_set("has have had will would may might must can could should")
_INFINITIVES = word_set("been being be do read gave given gone seen taken mean means use uses go come take give")
_OTHER_VERBS = word_set(
    """rose grew bought sold taught fought sought caught wore bore swore blew flew threw drove rode sank sang swam ate
    drank spoke chose froze woke dealt bred fed fled hung swung stuck slid shot shut spun stole swept undertook withdrew
    belonged belongs consists contains covers covered holds lies measures weighs carries costs employs forbids requires
    opens closes owns owned connects links houses describes teaches sells makes produces provides receives replaced
    replaces supports supplied supplies marks allows prevents draws""",
)
_NOT_FINITE = _INFINITIVES | word_set("written drawn broken known shown do")
FINITE = (VERB_LIKE | _OTHER_VERBS) - _NOT_FINITE
"""Words that a sentence's subject may be followed by as its verb, besides regular ones."""
_PARTICIPLES = VERB_LIKE | _OTHER_VERBS | word_set("driven risen grown chosen stolen sunk sung worn borne sworn")
_NOT_VERBS = word_set("hundred red bed shed seed weed need indeed speed breed embed unused so-called")
_SAYING = word_set(
    """said says say thought think believed believes felt feel feels claimed claims told tell tells hoped hopes knew
    knows argued argues suggested suggests asked asks wondered liked likes wished considered seemed seems appeared
    appears let lets does do did"""
)
_ADVERBS = word_set("also not never still already first later once twice only now always since")
_PREPOSITIONS = word_set(
    """in on at by to from of for with as into off over under after before between during until since through across
    near against about around along beside within upon above below out up down"""
)
_BAD_OBJECT_STARTS = word_set("that which if when how what whether who where why so than and or but not as because")
_BAD_OBJECT_STARTS |= _ADVERBS | _PREPOSITIONS
_BAD_OBJECT_ENDS = (
    DETERMINERS | _AUXILIARIES | word_set("and or but than of in on at by to from with as into for before after")
)
_POINTING = word_set("he she it they him them this these those i we us me you there here former latter same such then")
_CUT = re.compile(
    r"; ?|: | [–—] |—|, (?:which|who|whom|whose|where|when|while|but|although|though|because|so|after|before|until"
    r"|since|with|having|making|leaving|causing|being|following|including|despite|as|if|for|nor|yet|her|his|its|their"
    r"|(?:in|at|of) which)\b"
    r"|, \w+ing\b"
)
_AND = re.compile(r",? and (?:then |later |also |so )?|, ")


def tense(relation: str, description: str) -> str:
    """Whether what somebody is called in passing is so still."""
    verb = relation.split()[0]
    is_present = (verb.endswith("s") and verb != "was") or not {"present", "current"}.isdisjoint(description.split())
    return "is" if is_present else "was"


def split_relation(predicate: str) -> tuple[str, str]:
    """The verb phrase that a predicate begins with, and the rest; empty where it is not plain."""
    words = predicate.split(" ")
    at = _verb_end(words)
    verbs = words[:at]
    if not verbs or at >= len(words) or not _SAYING.isdisjoint(verbs):
        return "", ""
    if words[at] == "to" and words[at + 1 :] and words[at + 1][:1].islower():
        if words[at + 1] in STOPWORDS - VERB_LIKE:
            at += 1
        elif not words[at + 1].isalpha():
            return "", ""  # an infinitive without an object
        else:
            at = at + 2 + (words[at + 2] in _PREPOSITIONS if at + 2 < len(words) else 0)
    elif words[at] in _PREPOSITIONS:
        if verbs[-1] in _AUXILIARIES:
            return "", ""  # where somebody was in the midst of a story
        at += 1
    return " ".join(words[:at]), " ".join(words[at:])


def _verb_end(words: list[str]) -> int:
    """How many words the verb takes up: auxiliaries, adverbs, the verb itself."""
    at, seen = 0, False
    while at < len(words) and words[at].isalpha() and words[at].islower():
        word = words[at]
        if word in _ADVERBS or (word.endswith("ly") and len(word) > 4 and word not in ("only", "family", "early")):
            at += 1
            continue
        after_auxiliary = seen and any(w in _AUXILIARIES for w in words[:at])
        if not _is_verb(word, _PARTICIPLES | _BE if after_auxiliary else FINITE):
            break
        if seen and not after_auxiliary:
            break
        at, seen = at + 1, True
        if word not in _AUXILIARIES:
            break
    return at if seen else 0


def plain_object(rest: str) -> str:
    """The object, cut where another clause begins; empty where that is not safe."""
    cut = _CUT.search(rest)
    thing = rest[: cut.start()] if cut else rest
    for joint in _AND.finditer(thing):
        if _has_verb(thing[joint.end() :]):
            thing = thing[: joint.start()]
            break
    thing = thing.rstrip(" .,")
    words = thing.split()
    if not words or len(words) > _MOST_WORDS or words[0].lower().rstrip(",") in _BAD_OBJECT_STARTS or points(thing):
        return ""
    if "that" in words[:5] or ", or " in thing or (words[0] == "her" and words[1:2] and words[1] in STOPWORDS):
        return ""
    if len(words) == 1 and thing.isalpha() and thing.islower():
        return ""
    if thing.count("(") != thing.count(")") or words[-1].lower() in _BAD_OBJECT_ENDS:
        return ""
    return thing if any(char.isalnum() for char in thing) and len(thing) > 1 else ""


def is_noun_phrase(text: str) -> bool:
    """Whether it begins as the name or description of a thing does."""
    return text[:1].isupper() or text[:1].isdigit() or text.split(" ")[0] in DETERMINERS


def _is_verb(word: str, known: frozenset[str]) -> bool:
    """Whether it is one of these, or has the ending of a regular verb's past."""
    return word in known or (word.islower() and word.endswith("ed") and len(word) > 4 and word not in _NOT_VERBS)


def _has_verb(text: str) -> bool:
    """Whether a finite verb is among the words after an "and", before the next comma."""
    words = text.split(",")[0].split()
    return any(
        word in FINITE or word in _AUXILIARIES or (_is_verb(word, FINITE) and at < 3) for at, word in enumerate(words)
    )


def points(text: str) -> bool:
    """Whether it has words whose meaning lies outside of it."""
    return not _POINTING.isdisjoint(re.findall(r"\w+", text.lower()))
