from __future__ import annotations

import html
import json
import math
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

import pytest

from synthcpt.reporting.charts import (
    Axis,
    Bar,
    BarChart,
    BarGroup,
    Cloud,
    Histogram,
    Line,
    LineChart,
    Part,
    Point,
    Reference,
    Scatter,
    Spot,
    StackedChart,
    chart_figure,
    make_scale,
    numbers_table,
    small_multiples,
    sparkline,
    standalone,
)
from synthcpt.reporting.charts.numbers import count, interval, number, percent, points, probability, scientific, signed
from synthcpt.reporting.charts.svg import cut, width_of

HOSTILE = "<script>alert('x')</script>\"&\x00\u202e]]>"
NAN, INF = float("nan"), float("inf")


def line(points: list[Point], name: str = "EntiGraph", **more: Any) -> LineChart:
    return LineChart("Accuracy", "How it rose.", Axis("tokens", count, log=True), Axis("accuracy", percent, low=0),
                     [Line(name, points, markers=True)], **more)  # fmt: skip


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def numbers_in(svg: str) -> list[float]:
    """All coordinates of a picture."""
    drawn = re.sub(r'(data-marks|aria-label|viewBox|xmlns)="[^"]*"|<(text|title|desc)[^>]*>[^<]*', "", svg)
    return [float(found) for found in re.findall(r"(?<![\w#.-])-?\d+(?:\.\d+)?", drawn)]


def texts_of(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_linear_ticks_are_round_and_hold_all_values() -> None:
    scale = make_scale(Axis("y"), [0.13, 0.92], ticks=5)
    assert scale.ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert scale.share(0.5) == pytest.approx(0.5)
    assert make_scale(Axis("y", low=0, high=1), [0.2]).ticks[0] == 0


def test_log_ticks_are_decades_over_many_and_finer_over_few() -> None:
    assert make_scale(Axis("x", log=True), [1e3, 1e8], ticks=7).ticks == (1e3, 1e4, 1e5, 1e6, 1e7, 1e8)
    few = make_scale(Axis("x", log=True), [1.5e5, 1.2e6], ticks=7)
    assert 4 <= len(few.ticks) <= 7
    assert 1e6 in few.ticks
    middle = make_scale(Axis("x", log=True), [1e2, 1e4])
    assert middle.share(1e3) == pytest.approx(0.5)


@pytest.mark.parametrize("values", [[], [0.0], [5.0, 5.0], [NAN], [-1.0], [1e-12, 2e-12], [1e15]])
@pytest.mark.parametrize("log", [False, True])
def test_a_scale_has_two_ends_whatever_the_data(values: list[float], log: bool) -> None:
    scale = make_scale(Axis("x", log=log), values)
    assert scale.low < scale.high
    assert scale.ticks
    assert all(0 <= scale.share(value) <= 1 for value in values if math.isfinite(value))


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (950, "950"),
        (1234, "1.23k"),
        (10_000, "10k"),
        (999_999, "1M"),
        (1.2e6, "1.2M"),
        (0, "0"),
        (NAN, "–"),
        (None, "–"),
    ],
)
def test_counts(value: float | None, told: str) -> None:
    assert count(value) == told


def test_other_forms() -> None:
    assert percent(0.914) == "91\u00a0%"
    assert percent(0.062) == "6.2\u00a0%"
    assert percent(0.9995) == "99.9\u00a0%"  # not all is not told as all
    assert percent(1.0) == "100\u00a0%"
    assert points(-0.025) == "−2.5"
    assert points(0.85) == "+85"
    assert points(0.0) == "0"
    assert scientific(2e-5) == "2e-5"
    assert number(0.0512) == "0.0512"
    assert number(-12345) == "−12,345"
    assert signed(-0.0001, lambda value: f"{value:.1f}".replace("-0.0", "0")) == "0"
    assert probability(0.0002) == "< 0.001"
    assert probability(0.031) == "0.031"
    assert interval(0.914, 0.88, 0.94, percent) == "91\u00a0% [88, 94]"
    assert interval(0.914, None, 0.94, percent) == "91\u00a0%"
    assert interval(None, None, None) == "–"


def test_a_point_lies_where_its_values_say() -> None:
    svg = line([Point(1e3, 0.0), Point(1e4, 0.5), Point(1e5, 1.0)]).svg(720)
    marks = json.loads(html.unescape(re.search(r'data-marks="([^"]*)"', svg).group(1)))  # type: ignore[union-attr]
    (x1, y1, _), (x2, y2, said), (x3, y3, _) = marks
    assert x2 - x1 == pytest.approx(x3 - x2, abs=0.3)  # equal ratios, equal distances
    assert y1 - y2 == pytest.approx(y2 - y3, abs=0.3)
    assert y1 > y3
    assert said.splitlines() == ["EntiGraph", "tokens: 10k", "accuracy: 50 %"]


def test_an_interval_is_drawn_from_low_to_high() -> None:
    plain, with_ends = (line([Point(1e3, 0.5, *ends), Point(1e4, 1.0)]).svg() for ends in ((None, None), (0.25, 0.75)))
    whiskers = re.findall(r'<path d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)M', with_ends)
    assert len(whiskers) == 1
    assert len(re.findall(r'<path d="M([\d.]+),([\d.]+)L([\d.]+),([\d.]+)M', plain)) == 0
    x, top, _, bottom = map(float, whiskers[0])
    marks = json.loads(html.unescape(re.search(r'data-marks="([^"]*)"', with_ends).group(1)))  # type: ignore[union-attr]
    assert x == pytest.approx(marks[0][0], abs=0.2)
    assert (top + bottom) / 2 == pytest.approx(marks[0][1], abs=0.2)
    assert top != bottom


def test_a_gap_breaks_the_line() -> None:
    def paths(points: list[Point]) -> int:
        return LineChart("Loss", "", Axis("tokens"), Axis("nats"), [Line("loss", points)]).svg().count("<path")

    assert paths([Point(i, 1.0 + i) for i in range(5)]) == 1
    assert paths([Point(i, NAN if i == 2 else 1.0 + i) for i in range(5)]) == 2


def test_labels_at_line_ends_keep_apart() -> None:
    lines = [Line(f"arm {i}", [Point(1e3, 0.02), Point(1e4, 0.02 + 0.001 * i)], i) for i in range(6)]
    svg = LineChart("A", "", Axis("x", count, log=True), Axis("y", percent, low=0, high=1), lines,
                    [Reference("chance", 0.02)]).svg(720)  # fmt: skip
    places = sorted(
        float(element.get("y") or 0)
        for element in parsed(svg).iter("{http://www.w3.org/2000/svg}text")
        if (element.text or "").startswith(("arm", "chance"))
    )
    assert len(places) == 7
    assert all(second - first >= 14.5 for first, second in pairwise(places))


def test_a_narrow_picture_has_a_legend_and_stays_within_its_width() -> None:
    chart = line([Point(1e3, 0.1, 0.05, 0.2), Point(1e6, 0.9)], "a rather long name of an arm (simulated)")
    for width in (320, 360, 720):
        svg = chart.svg(width)
        root = parsed(svg)
        assert root.get("viewBox", "").split()[2] == str(width)
        for element in root.iter("{http://www.w3.org/2000/svg}text"):
            said, x, size = element.text or "", float(element.get("x") or 0), float(element.get("font-size") or 0)
            left = {"middle": x - width_of(said, size) / 2, "end": x - width_of(said, size)}
            begin = left.get(element.get("text-anchor") or "", x)
            bold = element.get("font-weight") is not None
            assert begin > -2, said
            assert begin + width_of(said, size, bold=bold) < width + 6, said


def test_bars_begin_at_zero_and_show_seeds() -> None:
    chart = BarChart("B", "", Axis("accuracy", percent, low=0), [
        BarGroup("forward", [Bar("raw", 0.25, 0.2, 0.3), Bar("EntiGraph", 0.5, 0.4, 0.6, 1, dots=[0.45, 0.55])]),
    ])  # fmt: skip
    svg = chart.svg()
    widths = [float(found) for found in re.findall(r'<rect [^>]*width="([\d.]+)"', svg)]
    assert widths[1] == pytest.approx(2 * widths[0], rel=0.01)
    assert svg.count("<circle") == 2
    assert chart.table() == (
        ["group", "name", "accuracy"],
        [["forward", "raw", "25\u00a0% [20, 30]"], ["forward", "EntiGraph", "50\u00a0% [40, 60]"]],
    )


def test_a_stacked_bar_is_cut_in_proportion() -> None:
    chart = StackedChart("Where", "", [Part("trained", 0), Part("held out", 1), Part("never", 2)],
                         [("run", [300, 100, 0]), ("replay", [200, 0, 0])])  # fmt: skip
    svg = chart.svg()
    widths = [float(found) + 1 for found in re.findall(r'<rect [^>]*width="([\d.]+)" height="20"', svg)]
    assert widths[0] == pytest.approx(3 * widths[1], rel=0.01)
    assert widths[2] == pytest.approx(2 * widths[1], rel=0.01)
    assert "never" not in texts_of(svg)
    assert chart.table()[1][0] == ["run", "300", "100", "0", "400"]


def test_a_histogram_counts_every_value_once() -> None:
    values = [1.0, 1.0, 2.0, 3.5, 9.0, NAN, 10.0]
    bins = Histogram("H", "", Axis("tokens", number), values, bins=9).counts()
    assert [size for _, _, size in bins] == [2, 1, 1, 0, 0, 0, 0, 0, 2]
    assert (bins[0][0], bins[-1][1]) == (1.0, 10.0)
    log = Histogram("H", "", Axis("tokens", number, log=True), [1, 10, 100, 0, -5], bins=2).counts()
    assert [size for _, _, size in log] == [1, 2]
    assert log[0][1] == pytest.approx(10)


def test_a_scatter_draws_both_intervals_and_keeps_names_off_one_another() -> None:
    clouds = [Cloud(f"arm {i}", [Spot(0.1 + i / 100, 0.1, 0.05, 0.15, 0.08, 0.12)], i) for i in range(5)]
    svg = Scatter("S", "", Axis("gain", points, high=1), Axis("lost", high=1), clouds).svg(720)
    assert svg.count('stroke-width="1.5"') == 10  # whiskers
    places = [
        (float(element.get("x") or 0), float(element.get("y") or 0))
        for element in parsed(svg).iter("{http://www.w3.org/2000/svg}text")
        if (element.text or "").startswith("arm")
    ]
    assert len(places) == 5
    for i, (x, y) in enumerate(places):
        for a, b in places[i + 1 :]:
            assert abs(y - b) >= 9 or abs(x - a) >= width_of("arm 0", bold=True) * 0.9


EMPTY = [
    line([]), line([Point(1e3, NAN)]), line([Point(0, 0.5)]), line([Point(1e3, 0.5, NAN, INF)]),
    line([Point(1e3, 0.5)] * 3), line([Point(1e3, None), Point(1e4, 0.5)]),
    line([], references=[Reference("base", 0.02)]),
    LineChart("N", "", Axis("x"), Axis("y"), []),
    BarChart("B", "", Axis("y"), []), BarChart("B", "", Axis("y"), [BarGroup("", [Bar("a", None), Bar("b", NAN)])]),
    BarChart("B", "", Axis("y"), [BarGroup("", [Bar("a", 0.0)])]),
    BarChart("B", "", Axis("y", log=True), [BarGroup("", [Bar("a", 10.0), Bar("b", 0.0)])]),
    BarChart("B", "", Axis("y"), [BarGroup("", [Bar("a", -3.0, -4.0, -2.0)])], look="dots", references=[("", 0.0)]),
    Scatter("S", "", Axis("x"), Axis("y"), []), Scatter("S", "", Axis("x"), Axis("y"), [Cloud("a", [Spot(None, 1.0)])]),
    Scatter("S", "", Axis("x"), Axis("y"), [Cloud("a", [Spot(1.0, 1.0, NAN, 2.0, None, 3.0)])]),
    StackedChart("T", "", [Part("a", 0)], []), StackedChart("T", "", [Part("a", 0)], [("x", [0.0])]),
    Histogram("H", "", Axis("x"), []), Histogram("H", "", Axis("x"), [3.0, 3.0]),
    Histogram("H", "", Axis("x", log=True), [0.0, NAN]), Histogram("H", "", Axis("x"), [0.0]),
]  # fmt: skip


@pytest.mark.parametrize("chart", EMPTY, ids=range(len(EMPTY)))
def test_no_data_however_poor_breaks_a_chart(chart: Any) -> None:
    for width in (360, 720, 1100):
        svg = chart.svg(width)
        parsed(svg)
        assert not re.search(r"\bnan\b|\binf\b|None", svg), svg
        assert all(-50 <= found <= 5000 for found in numbers_in(svg))
    chart_figure(chart)


def test_hostile_labels_are_only_text() -> None:
    charts: list[Any] = [
        LineChart(HOSTILE, HOSTILE, Axis(HOSTILE, count), Axis(HOSTILE),
                  [Line(HOSTILE, [Point(1, 2, 1, 3, HOSTILE), Point(2, 3)])], [Reference(HOSTILE, 2.5)]),
        BarChart(HOSTILE, HOSTILE, Axis(HOSTILE), [BarGroup(HOSTILE, [Bar(HOSTILE, 1.0, note=HOSTILE)])],
                 references=[(HOSTILE, 0.5)]),
        Scatter(HOSTILE, HOSTILE, Axis(HOSTILE), Axis(HOSTILE), [Cloud(HOSTILE, [Spot(1, 2, note=HOSTILE)])]),
        StackedChart(HOSTILE, HOSTILE, [Part(HOSTILE, 0)], [(HOSTILE, [3.0])]),
        Histogram(HOSTILE, HOSTILE, Axis(HOSTILE), [1, 2, 3], counted=HOSTILE),
    ]  # fmt: skip
    for chart in charts:
        for shown in (chart.svg(360), chart.svg(720), str(chart_figure(chart)), standalone(chart.svg())):
            assert "<script" not in shown
            assert "\x00" not in shown
        names = {element.tag.rsplit("}", 1)[-1] for element in parsed(chart.svg()).iter()}
        assert names <= {"svg", "title", "desc", "text", "line", "path", "polyline", "polygon", "circle", "rect"}
    assert "<script" not in sparkline([1.0], HOSTILE)
    assert "<script" not in str(small_multiples(charts))


def test_a_picture_tells_screen_readers_and_keyboards_what_it_shows() -> None:
    root = parsed(line([Point(1e3, 0.5)]).svg())
    assert root.get("role") == "img"
    assert root.get("tabindex") == "0"
    assert root.get("aria-label") == "Accuracy. How it rose."
    assert [child.tag.rsplit("}", 1)[-1] for child in root][:2] == ["title", "desc"]
    assert parsed(line([]).svg()).get("tabindex") is None  # nothing to walk through


def test_a_figure_has_its_numbers_in_a_table_without_inline_styles() -> None:
    shown = str(chart_figure(line([Point(1e3, 0.5, 0.4, 0.6), Point(1e4, 0.7)]), "A caption."))
    assert "<details" in shown
    assert "50\u00a0% [40, 60]" in shown
    assert shown.count("<svg") == 3
    assert " style=" not in shown
    assert " onclick" not in shown


def test_very_many_numbers_are_thinned_and_the_last_stays() -> None:
    shown = str(numbers_table(LineChart("L", "", Axis("x", number), Axis("y", number),
                                        [Line("l", [Point(i, i * 1.0) for i in range(1000)])])))  # fmt: skip
    assert 200 <= shown.count("<tr>") <= 260
    assert ">999<" in shown
    assert "every 4th of 1,000 rows" in shown


def test_a_file_of_its_own_has_no_variables_and_a_size() -> None:
    alone = standalone(line([Point(1e3, 0.5), Point(1e4, 0.7)], "var(--evil)").svg(720))
    root = parsed(alone)
    assert root.get("width") == "720"
    assert root.get("tabindex") is None
    assert "data-marks" not in alone
    assert set(re.findall(r"var\([^)]*\)", alone)) == {"var(--evil)"}  # only what someone wrote


def test_cut_texts_fit() -> None:
    long = "Knowledge-Instruct with a simulated teacher 知识注入"
    for room in (30, 80, 200):
        assert width_of(cut(long, room)) <= room
    assert cut("short", 300) == "short"


def test_a_sparkline_ends_at_its_last_value() -> None:
    svg = sparkline([1.0, 2.0, None, 3.0], "speed")
    assert svg.count("<path") == 1
    assert float(re.search(r'cy="([\d.]+)"', svg).group(1)) == pytest.approx(4)  # type: ignore[union-attr]
    parsed(sparkline([], "nothing"))
    parsed(sparkline([2.0, 2.0], "constant"))
