"""A computed number is told from an invented one."""

from __future__ import annotations

import pytest

from synthcpt.text.arithmetic import computed


@pytest.mark.parametrize(
    ("text", "given", "found"),
    [
        ("7 years", "from 1900 to 1907", ["7"]),
        ("9 in all", "4 mills and 5 weirs", ["9"]),
        ("600 crowns", "12 mills at 50 crowns", ["600"]),
        ("12.5 a head", "50 crowns for 4", ["12.5"]),
        ("33 percent", "3 of 9", ["33"]),
        ("9, and with the 20 of the other side 29", "4 mills, 5 weirs, 20 more", ["9", "29"]),
        ("9, which leaves 11 of them", "4 mills, 5 weirs, 20 more", ["9", "11"]),
        ("15 craft", "4 boats, 5 gigs and 6 rafts", ["15"]),
        ("5 each", "4 boats, 5 gigs and 6 rafts", []),
        ("9 each", "4 boats, 6 gigs and 17 rafts", ["9"]),
        ("up by 50 percent", "from 40 to 60 pence", ["50"]),
        ("12 days", "from 10 January to 22 January", ["12"]),
        ("9 years", "from 10 January 1899 to 22 January 1908", ["9"]),
        ("11 years", "from 1900 to 1907", []),
        ("17 craft", "4 boats, 5 gigs and 6 rafts", []),
        ("in 1907", "from 1900 to 1907", []),
        ("17", "", []),
        ("16 mills", "4 mills", []),
        ("1 000 000", "no number", []),
    ],
)
def test_what_follows_is_found(text: str, given: str, found: list[str]) -> None:
    assert computed(text, given) == found


def test_many_numbers_take_bounded_work() -> None:
    numbers = " and ".join(str(n * 7919) for n in range(1, 4000))
    assert len(computed(numbers, numbers[:20_000] + " 1 2 3")) <= 12
    assert computed("19990", " and ".join(map(str, range(2, 100, 2))) + " and 9998 and 9992") == [], "the least alone"
