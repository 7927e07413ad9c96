"""The kinds of names, dates and numbers."""

from __future__ import annotations

from itertools import pairwise

import pytest

from synthcpt.text.kinds import Values, distinctive_words

TEXT = (
    "Dorothea Vane was born on 22 February 1914. She left for Skerrow in the steamer Countess Hesk, and Vane entered "
    "the Quillan School of Seamanship in 1932. The fare was $1,240.50, of which 31 per cent went to Captain Benn; the "
    "Wrenfield Quay has 340 metres and sixty-one bollards. The film stars Chris Rock and Oliver Park."
)


def kinds(text: str) -> dict[str, str]:
    return {value.text: value.kind for value in Values(text).all}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("Dorothea Vane", "person"),
        ("Vane", "person"),
        ("22 February 1914", "date"),
        ("Skerrow", "name"),
        ("Countess Hesk", "steamer"),
        ("1932", "year"),
        ("$1,240.50", "sum"),
        ("31 per cent", "share"),
        ("Captain Benn", "person"),
        ("Wrenfield Quay", "place"),
        ("340", "number of metre"),
        ("sixty-one", "number of bollard"),
        ("Chris Rock", "person"),
        ("Oliver Park", "person"),
    ],
)
def test_each_value_has_its_kind(value: str, kind: str) -> None:
    assert kinds(TEXT)[value] == kind


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("He came in May 1917 and left.", "May 1917", "month"),
        ("On 4 April it rained.", "4 April", "day"),
        ("It was the 1920s.", "1920s", "decade"),
        ("At 10:41 the line parted.", "10:41", "time"),
        ("There are 1500 ships here.", "1500", "number of ship"),
        ("He was born in Lund and died in Malmö.", "Malmö", "place"),
        ("It was built by A. P. Arjun of Lund.", "A. P. Arjun of Lund", "name"),
        ("An office of Rupam Entertainment Pvt. Ltd in Delhi.", "Rupam Entertainment Pvt. Ltd", "organisation"),
    ],
)
def test_notations(text: str, value: str, kind: str) -> None:
    assert kinds(text)[value] == kind


def test_values_stand_where_they_say_in_order_and_apart() -> None:
    values = Values(TEXT).all
    assert all(TEXT[value.start : value.end] == value.text for value in values)
    assert all(one.end <= other.start for one, other in pairwise(values))


def test_a_sentences_first_word_and_nationalities_are_no_names() -> None:
    assert not kinds("Rain fell. Produced in haste, the American comedy failed. Nothing was left. Then it rained.")


def test_a_list_shares_its_kind() -> None:
    assert set(kinds("It was written by Ana Lima, Bo Lund and Cy Mora.").values()) == {"person"}


def test_languages_and_scripts() -> None:
    german = kinds("Die Mühle wurde 1911 von Arden Vale gebaut und das Haus ist der Stolz der Stadt und von dem Fluss.")
    assert german == {"1911": "year", "Arden Vale": "name"}
    assert not Values("有田さんは長崎で生まれた。").all
    assert not Values("").all
    assert not Values("SHOUTING NAMES OF ARDEN VALE").all


def test_distinctive_words_leave_out_what_other_names_have_too() -> None:
    words = distinctive_words("Ada Vane left the Quillan School. The school was on Wrenfield Quay in London.")
    assert words == {"ada", "vane", "quillan", "wrenfield", "london"}
