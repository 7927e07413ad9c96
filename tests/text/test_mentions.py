"""Names: when two are one, and where a text mentions them."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.mentions import Haystack, canonical, find_mention, find_mentions


@given(st.text(max_size=30) | st.text(alphabet=st.sampled_from(list("theaTHE '’s\"().-")), max_size=20))
def test_canonical_changes_nothing_the_second_time(name: str) -> None:
    assert canonical(canonical(name)) == canonical(name)


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("The “Corrane  Light”", "corrane light"),
        ("Brandreth's", "Brandreth"),
        ("the keepers'", "Keepers"),
        ("ＡＢＣ-Straße", "abc-strasse"),
        ("a storm", "Storm,"),
        ("(Rustin)", "rustin"),
        ("O’Connor", "O'Connor"),
        ("by‑law 31", "By-law 31"),
    ],
)
def test_variants_of_a_name_have_one_canonical_form(name: str, same: str) -> None:
    assert canonical(name) == canonical(same) != ""


@pytest.mark.parametrize("name", ["A. P. Arjun", "Rustin (film)", "C++", "The", "a", "31"])
def test_what_belongs_to_a_name_stays(name: str) -> None:
    assert canonical(name) == name.lower()


def test_punctuation_alone_is_no_name_and_found_nowhere() -> None:
    assert canonical("...") == ""
    assert find_mention("...", "Wait... what?") is None


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("corrane light", "At the Corrane Light.", ["Corrane Light"]),
        ("The Wardens", "Seven Wardens met; the wardens sat.", ["Wardens", "wardens"]),
        ("By-law 31", "by law\n31 and By–law 31", ["by law\n31", "By–law 31"]),
        ("Corrane Light", "Corrane  light", ["Corrane  light"]),
        ("O'Connor", "O’Connor's", ["O’Connor"]),
        ("law", "lawn, outlaw, law-abiding", ["law"]),
        ("Vane", "Vaned Vane_ Vane.", ["Vane"]),
        ("fish", "the ﬁsh swam", ["ﬁsh"]),
        ("Ellinghaus", "Elling\u00adhaus", ["Elling\u00adhaus"]),
        ("Straße", "STRASSE 1", ["STRASSE"]),
        ("東京", "私は東京都に", ["東京"]),
        ("마리트", "마리트는 갔다", ["마리트"]),
        ("राम", "रामा और राम।", ["राम"]),
        ("Netflix", "在Netflix上", ["Netflix"]),
        ("Элиас", "ЭЛИАС пришёл", ["ЭЛИАС"]),
    ],
)
def test_mentions_are_found_whole_and_in_every_spelling(name: str, text: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in find_mentions(name, text)] == found
    assert find_mention(name, text) == (find_mentions(name, text) or [None])[0]


@given(st.text(max_size=15), st.text(min_size=1, max_size=8), st.text(max_size=15))
def test_spans_lie_in_the_text_in_order(before: str, name: str, after: str) -> None:
    text = f"{before} {name} {after}"
    spans = find_mentions(name, text)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


@given(st.text(alphabet=st.characters(codec="latin-1", categories=["L"]), min_size=1, max_size=12))
def test_a_name_between_spaces_is_found_in_any_composition(name: str) -> None:
    if canonical(name):
        text = f"so, {unicodedata.normalize('NFD', name)} ½ …"
        assert find_mention(name, text) is not None


def test_a_haystack_serves_many_names() -> None:
    haystack = Haystack("Marit Ellinghaus met Dorothea Vane. Vane left.")
    assert haystack.find("vane") == (30, 34)
    assert haystack.find_all("Vane") == [(30, 34), (36, 40)]
    assert haystack.find("nobody") is None


def test_long_hostile_texts_are_searched() -> None:
    text = "o " * 200_000 + "é" + "\n" * 200_000 + "b"
    assert find_mention("o b", text) is None
    assert find_mention("b", text) == (len(text) - 1, len(text))
