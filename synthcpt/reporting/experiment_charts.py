"""An experiment's figures. An arm has one colour and one marker in all of them; controls are hollow and dashed."""

from __future__ import annotations

from collections.abc import Sequence

from synthcpt.reporting.charts import (
    Axis,
    Bar,
    BarChart,
    BarGroup,
    Cloud,
    Line,
    LineChart,
    Part,
    Point,
    Reference,
    Scatter,
    Spot,
    StackedChart,
    standalone,
)
from synthcpt.reporting.charts.numbers import count, number, seconds
from synthcpt.reporting.experiment_results import Arm, Outcome, Results, finite
from synthcpt.reporting.experiment_words import headline


def colour_of(results: Results, arm: Arm) -> int | str:
    """The arm's colour: the trained ones take the series' colours in turn, what is not trained is grey."""
    names = [one.name for one in results.trained]
    return names.index(arm.name) if arm.name in names else "ink-3"


def accuracy_chart(results: Results) -> LineChart:
    """Accuracy against synthetic tokens, with the fits and, as levels, the base model and chance."""
    lines, quoted = [], {fit.arm for fit in results.fits}
    for fit in results.fits:
        arm, bands = results.arm(fit.arm), {x: (low, high) for x, low, high in fit.band}
        points = [Point(x, y, *bands.get(x, (None, None))) for x, y in fit.curve]
        lines.append(Line(f"{arm.label}, fit", points, colour_of(results, arm), "band", named=False, told=False))
    for arm in results.trained:
        points = [
            Point(one.tokens or 0.0, one.accuracy.value, one.accuracy.low, one.accuracy.high, _seeds(one))
            for one in results.of(arm.name)
            if one.tokens is not None
        ]
        lines.append(
            Line(arm.label, points, colour_of(results, arm), markers=True, shape=arm.place, hollow=arm.control,
                 look="dashed" if arm.control else "plain", joined=arm.name not in quoted)
        )  # fmt: skip
    references = [
        Reference(results.arm(one.arm).title, one.accuracy.value, one.accuracy.low, one.accuracy.high, "ink-2")
        for one in results.untrained
        if one.accuracy.value is not None
    ]
    if results.chance is not None:
        references.append(Reference("Chance", results.chance))
    return LineChart(
        "Accuracy against synthetic tokens",
        headline(results),
        Axis("synthetic tokens (controls: tokens read)", count, log=True),
        Axis(results.metric_name, results.form, low=0 if results.is_share else None),
        lines,
        references,
        height=320,
    )


def forgetting_chart(results: Results) -> Scatter:
    """What was forgotten against what was gained."""
    clouds = [
        Cloud(arm.label, [_spot(one) for one in results.of(arm.name) if one.forgetting.value is not None],
              colour_of(results, arm), arm.place, arm.control, joined=True)
        for arm in results.trained
    ]  # fmt: skip
    return Scatter(
        "Forgetting against gain",
        "Each point is an arm at a budget: to the right it learnt more, further up it forgot more.",
        Axis("gain in points" if results.is_share else "gain", results.change),
        Axis(results.forgotten, results.forgotten_form),
        clouds,
    )


def cost_chart(results: Results) -> BarChart:
    """Tokens that a point of accuracy took, at each arm's largest budget."""
    bars = []
    for arm in results.trained:
        last = results.of(arm.name)[-1]
        paid = "" if last.cost is None else f"generating cost ${number(last.cost)}"
        bars.append(Bar(arm.label, last.tokens_per_point, colour=colour_of(results, arm), note=paid))
    return BarChart(
        "Tokens a point",
        "Tokens trained on for each point of accuracy above the base model, at the largest budget; fewer is better.",
        Axis("tokens a point", count),
        [BarGroup("", bars)],
    )


def kinds_chart(results: Results) -> BarChart:
    """Accuracy by kind of question, at each arm's largest budget."""
    ends = [(arm, results.of(arm.name)[-1]) for arm in results.arms if results.of(arm.name)]
    groups = [
        BarGroup(
            kind.replace("_", "-"),
            [
                Bar(arm.label, one.value, one.low, one.high, colour_of(results, arm))
                for arm, last in ends
                if (one := last.by_kind.get(kind)) is not None
            ],
        )
        for kind in results.kinds
    ]
    return BarChart(
        "By kind of question",
        "Accuracy on each kind of question, at each arm's largest budget.",
        Axis(results.metric_name, results.form, low=0),
        groups,
    )


def seeds_chart(results: Results) -> BarChart:
    """Every seed's accuracy beside the mean, at each arm's largest budget."""
    bars = []
    for arm in results.trained:
        last = results.of(arm.name)[-1]
        dots = [
            value for cell in results.cells
            if cell.get("arm") == arm.name and cell.get("budget_tokens") == last.budget
            and (value := finite(cell.get("accuracy"))) is not None
        ]  # fmt: skip
        one = last.accuracy
        bars.append(Bar(arm.label, one.value, one.low, one.high, colour_of(results, arm), dots))
    return BarChart(
        "Seed by seed",
        "Faint dots are single seeds, at each arm's largest budget; the interval covers seeds and questions.",
        Axis(results.metric_name, results.form, low=0 if results.is_share else None),
        [BarGroup("", bars)],
        look="dots",
    )


def stages_chart(results: Results) -> StackedChart:
    """Wall time of all cells of an arm, by stage; a stage that arms share counts where it is told."""
    stages = (("generate", "generate_s"), ("train", "train_s"), ("evaluate", "evaluate_s"))
    rows = []
    for arm in results.arms:
        cells = [cell for cell in results.cells if cell.get("arm") == arm.name]
        if cells:
            rows.append((arm.label, [sum(finite(cell.get(key)) or 0.0 for cell in cells) for _, key in stages]))
    return StackedChart(
        "What each stage took",
        "Wall time of all budgets and seeds of an arm.",
        [Part(name, i) for i, (name, _) in enumerate(stages)],
        rows,
        form=seconds,
    )


def experiment_figures(results: Results) -> dict[str, str]:
    """The two main figures as SVG files of their own, by file name."""
    return {
        "accuracy.svg": standalone(accuracy_chart(results).svg(720)),
        "forgetting.svg": standalone(forgetting_chart(results).svg(720)),
    }


def has_forgetting(outcomes: Sequence[Outcome]) -> bool:
    """Whether forgetting was measured at all."""
    return any(one.forgetting.value is not None for one in outcomes)


def _seeds(one: Outcome) -> str:
    return f"{one.seeds} seed{'' if one.seeds == 1 else 's'}"


def _spot(one: Outcome) -> Spot:
    return Spot(
        one.gain.value, one.forgetting.value, one.gain.low, one.gain.high, one.forgetting.low, one.forgetting.high,
        f"{count(one.tokens)} tokens",
    )  # fmt: skip
