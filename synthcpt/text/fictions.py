"""Invented things in versions: a form of slots and sentences, checked so that no version says what another says."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from synthcpt.text.gates import Verdict, mentioned
from synthcpt.text.locks import invented
from synthcpt.text.mentions import Haystack, canonical

NAME = "[name]"

_PLACEHOLDER = re.compile(r"\[([a-z][a-z0-9_]{0,59})\]")
_LEFT_OVER = re.compile(r"[\[\]{}]")
_CAPITAL_WORD = re.compile(r"[^\W\d_]+(?:['’&‐-](?!s\b)[^\W_]+)*")
_YEAR = re.compile(r"(?<!\d)\d{4}(?!\d)")


@dataclass(frozen=True, slots=True)
class Slot:
    """A point on which versions differ.

    Attributes:
        name: in small letters.
        question: what it answers; may hold `NAME` and other slots in brackets.
        values: one a version.
    """

    name: str
    question: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fiction:
    """An invented thing.

    Attributes:
        name: the same in all versions.
        slots: those that the sentences use.
        sentences: with `NAME` and slots in brackets.
        versions: the numbers of those that do not contradict themselves.
    """

    name: str
    slots: tuple[Slot, ...]
    sentences: tuple[str, ...]
    versions: tuple[int, ...]

    def values(self, version: int) -> dict[str, str]:
        """Slot -> value."""
        return {slot.name: slot.values[version] for slot in self.slots}

    def fill(self, text: str, version: int) -> str:
        """A sentence or question of the form, as one version says it."""
        values: Mapping[str, str] = {"name": self.name, **self.values(version)}
        filled = _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)
        return filled[:1].upper() + filled[1:]

    def statements(self, version: int) -> list[str]:
        """All that a version says."""
        return [self.fill(sentence, version) for sentence in self.sentences]

    def passage_verdict(self, text: str, version: int, source_names: Collection[str]) -> Verdict | None:
        """What a passage that tells a version lacks, or has of another version, of the source, or of its own."""
        haystack = Haystack(text)
        if not mentioned(haystack, self.name):
            return Verdict("fact_missing", f"{self.name!r} is not named")
        for slot in self.slots:
            if not mentioned(haystack, slot.values[version]):
                return Verdict("fact_missing", f"{slot.name} ({slot.values[version]!r}) is not in it")
            for other, value in enumerate(slot.values):
                if other != version and haystack.find(value):
                    return Verdict("other_version", f"{slot.name} is {value!r} in version {other} alone")
        if names := _names_among(text, source_names):
            return Verdict("name_collision", f"{names[0]!r} is a name of the source")
        return invented(text, "\n".join(self.statements(version)))


def checked(
    name: str, slots: Sequence[Slot], sentences: Sequence[str], versions: int, source_names: Collection[str]
) -> tuple[Fiction, list[tuple[str, Verdict]]]:
    """The form without what cannot be used, and what was left out, with why.

    Args:
        name: the invented thing's.
        slots: as a model listed them.
        sentences: likewise.
        versions: how many each slot must have a value for.
        source_names: words, in lower case, that are names in the source.
    """
    dropped: list[tuple[str, Verdict]] = []
    usable = dict[str, Slot]()
    for listed in slots:
        slot = Slot(listed.name.strip(), listed.question.strip(), tuple(v.strip() for v in listed.values[:versions]))
        verdict = _slot_verdict(slot, list(usable.values()), versions, source_names)
        if verdict is not None:
            dropped.append((f"{slot.name}: {'; '.join(slot.values)}", verdict))
            continue
        verdict = _question_verdict(slot) if slot.question else None
        if verdict is not None:
            dropped.append((slot.question, verdict))
        usable[slot.name] = slot if verdict is None else Slot(slot.name, "", slot.values)
    known, kept = {"name", *usable}, list[str]()
    for sentence in dict.fromkeys(" ".join(sentence.split()) for sentence in sentences):
        verdict = _sentence_verdict(sentence, known, list(usable.values()), source_names)
        if verdict is None:
            kept.append(sentence)
        else:
            dropped.append((sentence, verdict))
    used = {name for sentence in kept for name in _PLACEHOLDER.findall(sentence)}
    for unused in [name for name in usable if name not in used]:
        dropped.append((usable.pop(unused).name, Verdict("slot_unused", "no usable sentence has it")))
    for slot in list(usable.values()):
        if not {"name", *usable}.issuperset(_PLACEHOLDER.findall(slot.question)):
            dropped.append((slot.question, Verdict("unknown_slot", "the question has a slot that is not there")))
            usable[slot.name] = Slot(slot.name, "", slot.values)
    final = tuple(usable.values())
    good = tuple(version for version in range(versions) if not _is_out_of_order(final, version))
    for version in range(versions):
        if version not in good:
            dropped.append((f"version {version}", Verdict("order_changed", "its years come in another order")))
    return Fiction(name, final, tuple(kept), good), dropped


def _slot_verdict(slot: Slot, others: Sequence[Slot], versions: int, source_names: Collection[str]) -> Verdict | None:
    if not _PLACEHOLDER.fullmatch(f"[{slot.name}]") or slot.name == "name" or slot.name in {o.name for o in others}:
        return Verdict("slot_name", f"{slot.name!r} is taken or no name")
    if len(slot.values) < versions or any(not canonical(value) or _LEFT_OVER.search(value) for value in slot.values):
        return Verdict("too_few_values", f"{len(slot.values)} usable values for {versions} versions")
    for value in slot.values:
        if names := _names_among(value, source_names, first=True):
            return Verdict("name_collision", f"{names[0]!r} is a name of the source")
    for version, value in enumerate(slot.values):
        elsewhere = _without([slot.values], version)
        if elsewhere.find(value):
            return Verdict("values_alike", f"{value!r} is in another version's")
        if _without([other.values for other in others], version).find(value):
            return Verdict("versions_mixed", f"{value!r} stands for something else in another version")
        for other in others:
            if elsewhere.find(other.values[version]):
                return Verdict("versions_mixed", f"{other.values[version]!r} is in it in another version")
    return None


def _without(rows: Sequence[Sequence[str]], version: int) -> Haystack:
    """All values but those of one version."""
    return Haystack(" ; ".join(value for row in rows for place, value in enumerate(row) if place != version))


def _question_verdict(slot: Slot) -> Verdict | None:
    """A question that cannot be asked; the slot can be told of all the same."""
    if NAME not in slot.question or f"[{slot.name}]" in slot.question:
        return Verdict("bad_question", "it does not say [name], or holds its own slot")
    haystack = Haystack(slot.question)
    if any(haystack.find(value) for value in slot.values):
        return Verdict("question_tells", "it gives the answer away")
    return None


def _sentence_verdict(
    sentence: str, known: Collection[str], slots: Sequence[Slot], source_names: Collection[str]
) -> Verdict | None:
    held = _PLACEHOLDER.findall(sentence)
    if NAME not in sentence or len(set(held)) < 2:
        return Verdict("no_slot", "it says nothing of [name] on which versions differ")
    if not set(known).issuperset(held) or _LEFT_OVER.search(_PLACEHOLDER.sub("", sentence)):
        return Verdict("unknown_slot", "it has a slot that is not there or was left out")
    fixed = _PLACEHOLDER.sub(" , ", sentence)
    if any(char.isdigit() for char in fixed):
        return Verdict("fixed_fact", "it has a number that is the same in all versions")
    haystack = Haystack(fixed)
    if any(haystack.find(value) for slot in slots for value in slot.values):
        return Verdict("fixed_fact", "it has a slot's value outside the slot")
    if names := _names_among(fixed, source_names):
        return Verdict("name_collision", f"{names[0]!r} is a name of the source")
    return None


def _names_among(text: str, source_names: Collection[str], *, first: bool = False) -> list[str]:
    """Words with a capital that are names in the source; a text's first word counts only if ``first``."""
    return [
        match[0]
        for match in _CAPITAL_WORD.finditer(text)
        if match[0][0].isupper() and match[0].lower() in source_names and (first or text[: match.start()].strip())
    ]


def _is_out_of_order(slots: Collection[Slot], version: int) -> bool:
    """Whether two years stand in another order than in the first version."""
    years = [(first, here) for first, here in (_years(slot, version) for slot in slots) if first and here]
    return any((a[0] - b[0]) * (a[1] - b[1]) < 0 for a, b in combinations(years, 2))


def _years(slot: Slot, version: int) -> tuple[int, int]:
    found = [_YEAR.findall(slot.values[number]) for number in (0, version)]
    return (int(found[0][0]), int(found[1][0])) if all(len(years) == 1 for years in found) else (0, 0)
