"""Charts as SVG, written by hand: no library, no network, colours from the page, numbers for those who do not see."""

from synthcpt.reporting.charts.bars import Bar, BarChart, BarGroup
from synthcpt.reporting.charts.figures import Chart, chart_figure, numbers_table, small_multiples
from synthcpt.reporting.charts.histogram import Histogram
from synthcpt.reporting.charts.line import Line, LineChart, Point, Reference
from synthcpt.reporting.charts.scales import Axis, Scale, make_scale
from synthcpt.reporting.charts.scatter import Cloud, Scatter, Spot
from synthcpt.reporting.charts.sparkline import sparkline
from synthcpt.reporting.charts.stacked import Part, StackedChart
from synthcpt.reporting.charts.svg import standalone

__all__ = [
    "Axis", "Bar", "BarChart", "BarGroup", "Chart", "Cloud", "Histogram", "Line", "LineChart", "Part", "Point",
    "Reference", "Scale", "Scatter", "Spot", "StackedChart", "chart_figure", "make_scale", "numbers_table",
    "small_multiples", "sparkline", "standalone",
]  # fmt: skip
