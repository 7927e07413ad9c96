"""Values are locked, not notations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.locks import dates, invented, lost, names, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1,240 and 1240 and 1 240 and 1 240", {"1240"}),
        ("1,20,000 rupees", {"120000"}),
        ("3,5 and 3.50", {"3.5"}),
        ("1,240.50 or 1.240,50", {"1240.5"}),
        ("1.240", {"1240", "1.24"}),
        ("1, 2, 3", {"1", "2", "3"}),
        ("version 1.2.3", {"1.2.3"}),
        ("1911 240 men", {"1911", "240"}),
        ("007", {"7"}),
        ("three", {"3"}),
        ("three hundred and twenty-one keepers", {"321"}),
        ("thirty thousand two hundred", {"30200"}),
        ("two and three", {"2", "3"}),
        ("a hundred and five men and two boats", {"105", "2"}),
        ("the twenty-first, the 21st, the third", {"21", "3"}),
        ("one of the first seconds", set()),
        ("$1.2 million, 1,200,000", {"1200000"}),
        ("6 crore", {"60000000"}),
        ("3 million", {"3000000"}),
        ("£3m", {"3", "3000000"}),
        ("50%, 50 percent, fifty per cent", {"50"}),
        ("1914–18", {"1914", "1918", "18"}),
        ("from -5 °C, 5-10", {"-5", "5", "10"}),
        ("½ and 2½", {"0.5", "2.5"}),
        ("the 1840s", {"1840s"}),
        ("١٢٤٠ and 1240", {"1240"}),
        ("12 May 1841", {"1841"}),
        ("MP3, B12", set()),
        ("", set()),
    ],
)
def test_numbers(text: str, expected: set[str]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "12 May 1841", "May 12, 1841", "12th of May, 1841", "the 12th of May 1841", "May 12th 1841", "1841-05-12",
        "1841/05/12", "12.05.1841", "12. Mai 1841", "12 mai 1841", "12 de mayo de 1841", "1841年5月12日", "12 MAY 1841",
    ],
)  # fmt: skip
def test_one_date_in_many_notations(text: str) -> None:
    assert "1841-05-12" in dates(text)
    assert lost(f"It was lit on {text}.", "It was lit on 12 May 1841.") is None


def test_other_dates() -> None:
    assert dates("in May 1841") == {"1841-05"}
    assert dates("on 12 May") == {"--05-12"}
    assert dates("3/4/1911") == {"1911-03-04", "1911-04-03"}
    assert dates("he may 12 times, march on, 45/45/1911, May I") == set()


def test_names_are_words_with_capitals_but_not_those_that_only_open_a_sentence() -> None:
    assert names("Keepers lit the Corrane Light. Built by Arden Vale's men, it burned.") == {
        "corrane", "light", "arden", "vale",
    }  # fmt: skip
    assert names("Arden Vale and the Duke of Orr") == {"arden", "vale", "duke", "orr"}
    assert names("On Monday in May he went to the U.S.") == {"u.s"}


def test_nouns_of_german_are_no_names() -> None:
    fact = "Der Leuchtturm wurde 1841 von Arden Vale gebaut und ist alt."
    assert names(fact) == {"arden", "vale"}
    assert lost("Arden Vale errichtete den Turm 1841.", fact) is None
    assert lost("Der Turm wurde 1841 von einem Mann errichtet.", fact) is not None
    assert invented("Arden Vale errichtete den Turm.", fact) is None
    assert invented("Arden Vale und Bellis Reach errichteten den Turm.", fact) is not None


FACT = "On 12 May 1841 the keeper Arden Vale paid 1,240 crowns for three boats at Corve Mill."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Arden Vale, the keeper, paid 1240 crowns at Corve Mill on May 12, 1841, and got 3 boats.", None),
        ("Arden Vale paid 1,250 crowns for three boats at Corve Mill on 12 May 1841.", "number_lost"),
        ("Arden Vale paid 1,240 crowns for boats at Corve Mill on 12 May 1841.", "number_lost"),
        ("Arden Vale paid 1,240 crowns for three boats at Corve Mill on 13 May 1841.", "date_lost"),
        ("Arden Vale paid 1,240 crowns for three boats at Corve Mill in May 1841.", "date_lost"),
        ("Arden paid 1,240 crowns for three boats at Corve Mill on 12 May 1841.", "name_lost"),
    ],
)
def test_lost(text: str, reason: str | None) -> None:
    verdict = lost(text, FACT)
    assert (verdict.reason if verdict else None) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("In May 1841 Arden Vale bought boats.", None),
        ("The boats were three, and so both Vale's.", None),
        ("Arden Vale paid 1,240 crowns in 1842.", "number_invented"),
        ("Arden Vale had four boats.", "number_invented"),
        ("On 12 June 1841 he paid.", "date_invented"),
        ("It was Bellis Reach who paid.", "name_invented"),
    ],
)
def test_invented(text: str, reason: str | None) -> None:
    verdict = invented(text, FACT)
    assert (verdict.reason if verdict else None) == reason


def test_a_day_of_one_sentence_and_a_year_of_another_make_a_date() -> None:
    source = "The mill burned in 1841. On 12 May it was cold."
    assert invented("The mill burned on 12 May 1841.", source) is None
    assert invented("The mill burned on 12 May 1842.", source) is not None


@given(st.text(max_size=80))
def test_a_text_holds_its_own_and_nothing_is_invented(text: str) -> None:
    assert lost(text, text) is None
    assert invented(text, text) is None


HOSTILE = ["1" * 200_000, "111 " * 50_000, "1," * 100_000, "May " * 50_000, "1911-" * 40_000, "Of the " * 40_000,
           "hundred and " * 20_000, "." * 200_000 + "b", "1½" * 50_000, "A-" * 100_000]  # fmt: skip


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_end(text: str) -> None:
    assert lost(text, text) is None
