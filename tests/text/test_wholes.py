"""What belongs to a name, date or number is found, and what is only a part is not taken for a whole."""

from __future__ import annotations

import pytest

from synthcpt.text.kinds import Value, Values
from synthcpt.text.wholes import Wholes


def value_in(text: str, part: str) -> Value:
    """The value that has these words, or a name of them where there is none."""
    found = next((value for value in Values(text).all if value.text == part), None)
    at = text.index(part)
    return found or Value(at, at + len(part), part, "name", part.lower())


def whole(text: str, part: str, *titles: str) -> str | None:
    found = Wholes(text, Values(text).all, titles).whole(value_in(text, part))
    if found is not None:
        assert text[found.start : found.end] == found.text
    return found.text if found else None


@pytest.mark.parametrize(
    ("text", "part", "all_of_it"),
    [
        ("The film cost $48 million in all.", "$48 million", "$48 million"),
        ("The film grossed ₹90 crore (US$11 million) there.", "₹90", "₹90 crore"),
        ("The film made a $48-million profit there.", "$48", "$48-million"),
        ("The bill came to £4 10s 6d at last.", "£4", "£4 10s 6d"),
        ("A sum of 9,200 crowns was voted at once.", "9,200", "9,200 crowns"),
        ("The town paid 48 million dollars for it.", "48 million", "48 million dollars"),
        ("The tower is 27 metres high.", "27", "27 metres"),
        ("It sat for sixteen days on a bank.", "sixteen", "sixteen days"),
        ("It took three hours and forty minutes to go.", "three", "three hours and forty minutes"),
        ("It took three hours and forty minutes to go.", "forty", "three hours and forty minutes"),
        ("It was six feet two inches tall.", "two", "six feet two inches"),
        ("It fell from three hours to two hours and ten.", "two", "two hours and ten"),
        ("They sold twenty tons and thirty tons of it.", "twenty", "twenty tons"),
        ("It went from sixty metres to ninety.", "sixty", "sixty metres"),
        ("The gale came at twenty minutes to eleven.", "twenty", "twenty minutes to eleven"),
        ("It was cut by forty minutes to two hours.", "forty", "forty minutes"),
        ("It needs a sinker of two to five tonnes.", "five", "two to five tonnes"),
        ("They were between forty and eighty years of age.", "eighty", "forty and eighty years"),
        ("They had forty and eighty years later more.", "eighty", "eighty years"),
        ("It had a budget of $70–90 million then.", "$70", "$70–90 million"),
        ("It rose from $40 to $48 million then.", "$40", "$40 to $48 million"),
        ("She led it in 1882–1919 and later.", "1882", "1882–1919"),
        ("It came from 3 metres to 5 metres.", "3", "3 metres"),
        ("On 10 January 1899 it opened.", "10 January 1899", "10 January 1899"),
        ("It was the day of the feast, 30 March.", "30 March", "30 March"),
        ("It went in during April of 2016 for good.", "2016", "April of 2016"),
        ("Le 10 mars 1841 la ville fut prise.", "1841", "10 mars 1841"),
        ("La ciudad cayó el 10 de enero de 1841.", "1841", "10 de enero de 1841"),
        ("It drove three thousand four hundred miles more.", "four hundred", "three thousand four hundred miles"),
        ("It had 61 anchors aboard.", "61", "61"),
        ("In 1862 Bram Oake put on a roof.", "1862", "1862"),
        ("It is about Heden's 2020 Norwegian film.", "2020", "2020"),
    ],
)
def test_a_quantity_is_whole(text: str, part: str, all_of_it: str) -> None:
    assert whole(text, part) == all_of_it


@pytest.mark.parametrize(
    ("text", "part", "all_of_it"),
    [
        ("It was sold by 20th Century Studios in spring.", "Century Studios", "20th Century Studios"),
        ("20th Century Studios sold it in spring.", "Century Studios", "20th Century Studios"),
        ("He lived at 7 Chapel Street for years.", "Chapel Street", "7 Chapel Street"),
        ("It was the home of The Skerrow Packet then.", "Skerrow Packet", "The Skerrow Packet"),
        ("It rests on The 30th Candle by Makholwa.", "Candle", "The 30th Candle"),
        ("It was held by By-law 31, and later lost.", "By-law", "By-law 31"),
        ("There Captain Ada Lisle lit the fuse.", "Ada Lisle", "Captain Ada Lisle"),
        ("It is kept by the American Film Institute there.", "Film Institute", "American Film Institute"),
        ("In 1862 Bram Oake put on a roof.", "Bram Oake", "Bram Oake"),
        ("There the American Ada Lisle lit the fuse.", "Ada Lisle", "Ada Lisle"),
        ("The log has the Lady Brannay's bell in it.", "Lady Brannay", "Lady Brannay"),
        ("In Anstow nobody moved.", "Anstow", "Anstow"),
    ],
)
def test_a_name_is_whole(text: str, part: str, all_of_it: str) -> None:
    assert whole(text, part) == all_of_it


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("He lived at 7 December Street for years.", "7 December"),
        ("By then By-law 19 requires one.", "19"),
        ("By-law 19 requires one.", "19"),
        ("They sold a hundred and twenty tons of it.", "twenty"),
        ("He had four hours' coal left.", "four"),
        ("The film Blade Runner 2049 was long.", "2049"),
        ("The film Blade Runner 2049 was long.", "Blade Runner"),
        ("It stood in Salters' Row for years.", "Salters"),
        ("It was made by Bapi–Tutul in spring.", "Bapi"),
        ("It was made by Bapi–Tutul in spring.", "Tutul"),
        ("They met at the 2020 Summer Olympics there.", "Olympics"),
        ("It (Korean: x; Hanja: y) is a film.", "Hanja"),
        ("The 12 Wardens met there.", "Wardens"),
        ("There was a 22 million CZK prize.", "CZK"),
        ("They paint with Lisle's Black there.", "Black"),
    ],
)
def test_a_part_of_something_else_is_not_asked_for(text: str, part: str) -> None:
    assert whole(text, part) is None


def test_a_scale_belongs_to_its_number() -> None:
    found = [value.text for value in Values("It cost $48 million, and 3 thousand tons or two hundred men.").all]
    assert found == ["$48 million", "3 thousand", "two hundred"]


def test_a_part_of_the_title_is_not_asked_for() -> None:
    text = "The film Bring Him to Ivo Strake came in spring, and Ivo Strake saw it."
    values = [value for value in Values(text).all if value.text == "Ivo Strake"]
    wholes = Wholes(text, values, ["Bring Him to Ivo Strake"])
    assert [bool(wholes.whole(value)) for value in values] == [False, True]


def test_long_runs_of_numbers_are_no_trouble() -> None:
    text = "3 hours and " * 3000 + "The " * 3000 + "Ada " * 3000 + "1–" * 3000 + "10 mars " * 3000
    values = Values(text).all
    wholes = Wholes(text, values)
    assert all(found is None or found.text for found in map(wholes.whole, values))
