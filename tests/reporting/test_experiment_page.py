from __future__ import annotations

import copy
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from chromium import Tab
from experiment_fixture import experiment_results, write_experiment

from synthcpt.errors import DataCorrupt
from synthcpt.reporting.experiment_charts import accuracy_chart, experiment_figures, forgetting_chart, seeds_chart
from synthcpt.reporting.experiment_page import experiment_page
from synthcpt.reporting.experiment_results import parse_results
from synthcpt.reporting.experiment_words import asymptote_sentence, headline

HOSTILE = "</script><script>window.pwned = 1</script><img src=x onerror='window.pwned = 2'>"


def changed(**changes: Any) -> dict[str, Any]:
    """The fixture's results, with points of some arms given other values: ``entigraph={"value": 0.06, ...}``."""
    told = copy.deepcopy(experiment_results())
    for one in told["points"]:
        one.update(changes.get(one["arm"], {}))
    return told


def only(*arms: str) -> dict[str, Any]:
    told = experiment_results()
    for name in ("arms", "points", "cells", "fits"):
        told[name] = [one for one in told[name] if one.get("arm", one.get("name")) in arms]
    told["comparisons"] = [one for one in told["comparisons"] if one["second"] in arms]
    return told


def said(told: dict[str, Any]) -> str:
    return headline(parse_results(told)).replace("\u00a0", " ")


def test_the_headline_is_made_of_the_numbers() -> None:
    told = said(experiment_results())
    assert told == (
        "Raw text, repeated stays at 6.2 % [4.5, 7.8], EntiGraph (simulated) reaches 92 % [90, 94] at 1.2M tokens "
        "(difference +86 [+81, +91] points, Holm p < 0.001); before training, 2 % [0.6, 3.4], chance 2 %."
    )


def test_a_method_that_does_not_differ_is_not_sold_as_a_win() -> None:
    told = only("base", "raw", "rephrase")
    for one in told["comparisons"]:
        one.update(value=0.02, low=-0.03, high=0.07, p_holm=0.4)
    assert said(told).startswith("No method is told apart from Raw text, repeated: the best, Rephrase reaches 40 %")
    for one in told["comparisons"]:
        one.update(value=-0.1, low=-0.15, high=-0.05, p_holm=0.001)
    assert "below Raw text, repeated" in said(told)


def test_headlines_without_methods_or_controls() -> None:
    assert said(only("base", "raw")).startswith("No method has been measured yet. Controls: Raw text, repeated 6.2 %")
    assert said(only("base", "entigraph")).startswith(
        "EntiGraph (simulated) reaches 92 % [90, 94] at 1.2M tokens; before"
    )
    assert said(only()) == "Nothing has been measured yet."


def test_asymptotes_are_quoted_or_refused_with_the_reason() -> None:
    results = parse_results(experiment_results())
    quoted, refused = (asymptote_sentence(results, fit).replace("\u00a0", " ") for fit in results.fits)
    assert quoted == "EntiGraph (simulated): the mixture of exponentials fit levels off at 93 % [90, 97]."
    assert refused.startswith("Rephrase: no asymptote is quoted from the log fit. The interval, 31 % to 97 %, is wider")


def test_of_an_arms_laws_the_one_with_most_weight_is_shown() -> None:
    told = experiment_results()
    told["fits"].append({**told["fits"][0], "law": "power", "weight": 0.1})
    told["fits"].insert(0, {**told["fits"][0], "law": "log", "weight": 0.07})
    assert [fit.law for fit in parse_results(told).fits] == ["mixture_of_exponentials", "log"]


def test_controls_are_placed_by_what_they_read_and_methods_by_what_they_made() -> None:
    told = only("base", "raw", "entigraph")
    for one in told["points"]:
        if one["budget_tokens"]:
            one.update(synthetic_tokens=100, trained_tokens=9000)
    results = parse_results(told)
    assert {one.tokens for one in results.of("raw")} == {9000}
    assert {one.tokens for one in results.of("entigraph")} == {100}
    assert [one.arm for one in results.untrained] == ["base"]


def test_the_accuracy_chart_has_arms_fits_and_references() -> None:
    chart = accuracy_chart(parse_results(experiment_results()))
    assert chart.x.log
    assert [one.name for one in chart.references] == ["Base model", "Chance"]
    measured = [line for line in chart.lines if line.markers]
    assert [line.name for line in measured] == [
        "Raw text, repeated", "Replay only", "Rephrase", "EntiGraph (simulated)", "Knowledge-Instruct (simulated)",
    ]  # fmt: skip
    assert [line.hollow for line in measured] == [True, True, False, False, False]
    assert len({line.colour for line in measured}) == 5
    bands = [line for line in chart.lines if line.intervals == "band"]
    assert [line.colour for line in bands] == [measured[3].colour, measured[2].colour]


def test_gain_and_forgetting_have_intervals_both_ways() -> None:
    chart = forgetting_chart(parse_results(experiment_results()))
    (cloud,) = [cloud for cloud in chart.clouds if cloud.name.startswith("EntiGraph")]
    spot = cloud.spots[-1]
    assert spot.note == "1.2M tokens"
    assert None not in (spot.x, spot.x_low, spot.x_high, spot.y, spot.y_low, spot.y_high)


def test_every_seed_is_a_dot() -> None:
    chart = seeds_chart(parse_results(experiment_results()))
    assert [len(bar.dots) for bar in chart.groups[0].bars] == [3] * 5


def test_the_page_marks_what_is_simulated(tmp_path: Path) -> None:
    made = experiment_page(write_experiment(tmp_path / "e"))
    assert "Simulated: the arms marked so" in made
    assert made.count("simulated</strong>") == 2
    real = only("base", "raw", "rephrase")
    real["simulated"] = False
    assert "Simulated" not in experiment_page(write_experiment(tmp_path / "f", real))


def test_the_page_links_only_into_its_own_folder(tmp_path: Path) -> None:
    told = experiment_results()
    told["cells"][1]["training"] = "javascript:alert(1)"
    told["cells"][2]["training"] = "../../etc"
    told["cells"][3]["training"] = "/etc/passwd"
    made = experiment_page(write_experiment(tmp_path / "e", told))
    links = set(re.findall(r"href='([^'#][^']*)'", made.split("<main")[1]))
    assert links
    assert all(link.startswith("./") and ".." not in link for link in links)
    assert "./javascript%3Aalert%281%29/" in links
    assert not any("passwd" in link for link in links)


def test_an_unfinished_experiment_shows_its_stages(tmp_path: Path) -> None:
    folder = write_experiment(tmp_path / "e")
    (folder / "results.json").unlink()
    assert "not finished" in experiment_page(folder)
    (folder / "stages" / "train-0123abcd").mkdir(parents=True)
    assert "./stages/train-0123abcd/" in experiment_page(folder)
    told = experiment_results()
    told["complete"] = False
    assert "Not all cells have run yet" in experiment_page(write_experiment(tmp_path / "f", told))


@pytest.mark.parametrize("content", ["{[", "[]", "{}", '{"name": "x", "arms": 3, "points": []}'])
def test_damaged_results_are_named(tmp_path: Path, content: str) -> None:
    folder = write_experiment(tmp_path / "e")
    (folder / "results.json").write_text(content)
    with pytest.raises(DataCorrupt, match=r"results\.json"):
        experiment_page(folder)


def test_poor_results_have_a_page(tmp_path: Path) -> None:
    nothing = {"name": "n", "arms": [], "points": []}
    assert "Nothing has been measured yet" in experiment_page(write_experiment(tmp_path / "a", nothing))
    told = changed(
        entigraph={"accuracy": {"value": None}, "gain": None, "by_kind": {}, "forgetting": None, "cost": None}
    )
    experiment_page(write_experiment(tmp_path / "b", told))
    experiment_page(write_experiment(tmp_path / "c", only("raw")))
    told = experiment_results()
    told.update(arms=[], fits=[], cells=[], comparisons=[], chance=None)
    assert "entigraph" in experiment_page(write_experiment(tmp_path / "d", told))


def test_figures_stand_alone() -> None:
    figures = experiment_figures(parse_results(experiment_results()))
    assert set(figures) == {"accuracy.svg", "forgetting.svg"}
    for svg in figures.values():
        ET.fromstring(svg)
        assert "var(" not in svg


@pytest.mark.parametrize(("width", "dark"), [(1280, True), (390, False)])
def test_the_page_in_a_browser(tab: Tab, tmp_path: Path, width: int, dark: bool) -> None:
    told = json.loads(json.dumps(experiment_results()).replace('"Knowledge-Instruct"', json.dumps(HOSTILE)))
    told["name"] = told["description"] = told["fits"][1]["asymptote"]["why"] = HOSTILE
    folder = write_experiment(tmp_path / "e", told)
    (folder / "experiment.yaml").write_text(HOSTILE)
    path = tmp_path / "page.html"
    path.write_text(experiment_page(folder), encoding="utf-8")
    tab.open(path.as_uri(), width=width, dark=dark)
    assert tab.complaints == []
    assert tab.run("window.pwned === undefined && document.querySelectorAll('img').length") == 0
    assert tab.run("document.documentElement.scrollWidth") <= width
    line, paper = tab.run(
        "(() => { const svg = [...document.querySelectorAll('#accuracy svg')].find((one) => one.checkVisibility());"
        " const style = (one) => getComputedStyle(one);"
        " return [style(svg.querySelector('text')).fill, style(svg.closest('figure')).backgroundColor]; })()"
    )
    light = [sum(map(int, re.findall(r"\d+", one)[:3])) > 380 for one in (line, paper)]
    assert light == [dark, not dark]  # the chart follows the page
    tab.run("[...document.querySelectorAll('#accuracy svg')].find((one) => one.checkVisibility()).focus()")
    tab.press("ArrowDown")
    assert tab.run("document.querySelector('.chart-tip').textContent").startswith("Raw text, repeated\n")
    tab.click("button[data-copy=table-csv]")
    tab.until("document.querySelector('button[data-copy=table-csv]').dataset.done !== undefined")
    assert tab.complaints == []
