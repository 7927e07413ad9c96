"""The frame: what is untrusted is text, and the page runs and loads nothing but its own."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from chromium import Tab
from hostile import HOSTILE

from synthcpt.reporting.charts import standalone
from synthcpt.reporting.elements import Cell, Column, Html, code, escape, facts, note, number, table
from synthcpt.reporting.page import Fact, Section, embedded, page, served


def test_hostile_text_everywhere_is_shown_as_text(tab: Tab, tmp_path: Path) -> None:
    everywhere = "".join(
        [
            note(text) + code(text, text) + facts([Fact(text, text, text)]) + table([Column(text, hint=text)], [[text]])
            for text in HOSTILE
        ]
    )
    hostile = " ".join(HOSTILE)
    made = page(hostile, "test", hostile, [Section("a", hostile, everywhere)], {"hostile": HOSTILE})
    path = tmp_path / "page.html"
    path.write_text(made, encoding="utf-8")
    tab.open(path.as_uri())
    assert tab.complaints == []
    assert tab.run("window.pwned === undefined && document.querySelectorAll('script').length") == 2
    assert tab.run("synthcpt.data('hostile')") == HOSTILE
    shown = tab.run("[...document.querySelectorAll('#a code')].map((one) => one.textContent)")
    assert shown == [text.replace("\x00", "\ufffd").replace("\x1b", "\ufffd") for text in HOSTILE]
    assert tab.run("document.querySelectorAll('#a td img, #a p img, #a [onmouseover]').length") == 0


def test_the_policy_stops_markup_that_slipped_through(tab: Tab, tmp_path: Path) -> None:
    slipped = "<script>window.pwned = 1</script><img src='https://example.invalid/x.png' onerror='window.pwned = 2'>"
    path = tmp_path / "page.html"
    path.write_text(page("t", "test", "", [Section("a", "A", slipped)]), encoding="utf-8")
    tab.open(path.as_uri())
    assert tab.run("window.pwned === undefined")
    assert len([one for one in tab.complaints if "Content Security Policy" in one]) >= 2


def test_the_policy_names_what_is_in_the_page_by_its_hash() -> None:
    made = page("t", "generation", "", [])
    for name in ("script", "style"):
        (text,) = re.findall(rf"<{name}>(.*?)</{name}>", made, re.S)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{name}-src 'sha256-{digest}'" in made
    assert "default-src 'none'" in made
    assert "connect-src 'none'" in made
    assert not re.search(r"""(src|href)=["'](https?:)?//""", made)
    assert not re.search(r"\son\w+=|\sstyle=", made.replace(" data-", " "))


def test_a_served_page_may_ask_its_server_and_nobody_else() -> None:
    html = served(page("t", "generation", "", []), "abc", "finished")
    assert "connect-src 'self';" in html
    assert "default-src 'none'" in html
    assert '<html data-live="abc" data-state="finished" ' in html


def test_embedded_json_cannot_end_its_element() -> None:
    made = embedded({"a": "</script><!--", "b": "\u2028\u2029", "c": float("nan"), 1: 2})
    assert not set("<>&\u2028\u2029") & set(made)
    assert made == '{"a":"\\u003c/script\\u003e\\u003c!--","b":"\\u2028\\u2029","c":null,"1":2}'


def test_assets_hold_nothing_that_would_end_their_elements() -> None:
    root = Path(__file__).parents[2] / "synthcpt" / "reporting" / "assets"
    texts = [path.read_text(encoding="utf-8") for path in root.rglob("*.*")]
    assert texts
    for text in texts:
        assert "</script" not in text.lower()
        assert "</style" not in text.lower()


def colours() -> dict[str, tuple[str, str]]:
    css = (Path(__file__).parents[2] / "synthcpt/reporting/assets/common/10-page.css").read_text(encoding="utf-8")
    return {name: (light, dark) for name, light, dark in re.findall(r"--([\w-]+):light-dark\((#\w+),(#\w+)\)", css)}


def contrast(first: str, second: str) -> float:
    """WCAG 2.2's contrast ratio."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_inks_and_series_stand_out_from_what_is_behind_them(scheme: int) -> None:
    found = {name: both[scheme] for name, both in colours().items()}
    for name in ("ink", "ink-2", "ink-3", "accent", "good", "bad", "warn"):
        for behind in ("surface", "page", "sunken"):
            assert contrast(found[name], found[behind]) >= 4.5, (name, behind)
    for number_ in range(1, 9):
        assert contrast(found[f"series-{number_}"], found["surface"]) >= 3, number_


def test_pictures_of_their_own_have_the_pages_light_colours() -> None:
    for name, (light, _) in colours().items():
        if name not in ("page", "sunken"):
            drawn = f'<svg viewBox="0 0 9 9"><g fill="var(--{name})"/></svg>'
            assert f'<g fill="{light}"' in standalone(drawn), name


def test_empty_sections_and_their_links_are_left_out() -> None:
    made = page("t", "test", "", [Section("here", "Here", "x"), Section("gone", "Gone", "")])
    assert "#here" in made
    assert "gone" not in made.lower()


def test_a_section_has_another_digest_only_when_it_has_changed() -> None:
    def digests(body: str) -> list[str]:
        made = page("t", "test", "", [Section("a", "A", body), Section("b", "B", "same")])
        return re.findall(r"<section .*?data-digest='(\w+)'", made)

    first, second = digests("one"), digests("two")
    assert first[0] != second[0]
    assert first[1] == second[1]


def test_numbers_are_told_to_what_a_reader_needs() -> None:
    told = {0: "0", 1234567: "1,234,567", -3: "\u22123", 0.12345: "0.123", 1234.5: "1,234", 0.00002: "0.00002",
            float("nan"): "\u2013", float("inf"): "\u221e"}  # fmt: skip
    assert {value: number(value) for value in told} == told


def test_cells_are_escaped_but_for_html() -> None:
    made = table(["a", "b"], [["<b>", Html("<i>x</i>")], [Cell("1 %", 0.01), None]])
    assert "&lt;b&gt;" in made
    assert "<i>x</i>" in made
    assert "data-sort='0.01'" in made
    assert "\u2013" in made
    assert escape("\ud800\x00") == "\ufffd\ufffd"


def test_tables_sort_by_value_both_ways_with_the_absent_last(tab: Tab, tmp_path: Path) -> None:
    body = table(["name", "n"], [["b10", 5], ["b9", None], ["a", 1000], ["c", 20]])
    path = tmp_path / "page.html"
    path.write_text(page("t", "test", "", [Section("a", "A", body)]), encoding="utf-8")
    tab.open(path.as_uri())
    names = "[...document.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent).join()"
    tab.click("th:nth-child(2) button")
    assert tab.run(names) == "a,c,b10,b9"
    tab.click("th:nth-child(2) button")
    assert tab.run(names) == "b10,c,a,b9"
    assert tab.run("document.querySelector('[aria-sort]').getAttribute('aria-sort')") == "ascending"
    tab.click("th:nth-child(1) button")
    assert tab.run(names) == "a,b9,b10,c"
    assert tab.complaints == []


def test_the_theme_follows_the_system_until_it_is_chosen(tab: Tab, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(page("t", "test", "", [Section("a", "A", "x")]), encoding="utf-8")
    colour = "getComputedStyle(document.documentElement).backgroundColor"
    tab.open(path.as_uri())
    light = tab.run(colour)
    tab.open(path.as_uri(), dark=True)
    dark = tab.run(colour)
    assert light != dark
    tab.click("#theme")
    assert tab.run(colour) == light
    tab.run("localStorage.clear()")
