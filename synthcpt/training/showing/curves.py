"""Loss curves as pictures, drawn from a run's metrics: ``python -m synthcpt.training.showing.curves OUTPUT``.

While a run goes on, another process draws them: matplotlib then holds neither the training's memory nor its time, and
nothing that goes wrong in a drawing can end a run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthcpt.files import replacing
from synthcpt.training.showing.curve_layout import Curves, Series, read_curves, spread, thinned
from synthcpt.training.showing.metrics import read_metrics
from synthcpt.training.showing.plain import short_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LINES = ("-", "--", ":")
_POINTS_DRAWN = 3000
_LABEL_CHARS = 18


@dataclass(frozen=True, slots=True)
class _Theme:
    """Colours; the sources' are Okabe and Ito's, which all eyes tell apart, made darker or lighter for the ground."""

    ink: str
    faint: str
    ground: str
    sources: tuple[str, ...]


_THEMES = {
    "": _Theme("#1f2328", "#828a93", "#ffffff", ("#0072B2", "#C84F00", "#00805D", "#B4558D", "#9C6B00", "#2E93CF")),
    "-dark": _Theme(
        "#e6edf3", "#8b949e", "#0d1117", ("#58A6E8", "#FF8F4A", "#2FC79B", "#E59AC6", "#E9B949", "#9AD5FA")
    ),
}


def picture_names() -> list[str]:
    """The files that `draw` writes."""
    return [f"loss{theme}.{kind}" for theme in _THEMES for kind in ("png", "svg")]


def draw(output: Path) -> bool:
    """Draw the curves of a run into its folder, for light and dark pages, as PNG and SVG; equal metrics, equal bytes.

    Returns:
        whether there was a step to draw.

    Raises:
        UserError: the folder cannot be written.
    """
    import matplotlib

    curves = read_curves(read_metrics(output))
    if not curves.loss.points:
        return False
    settings = {"svg.fonttype": "none", "svg.hashsalt": "synthcpt", "font.size": 10, "font.family": "DejaVu Sans"}
    for name, theme in _THEMES.items():
        with matplotlib.rc_context(settings):
            figure = _figure(curves, theme)
            for kind in ("png", "svg"):
                metadata = {"Date": None} if kind == "svg" else {"Software": None}
                with replacing(output / f"loss{name}.{kind}") as file:
                    figure.savefig(file, format=kind, dpi=160, facecolor=theme.ground, metadata=metadata)
    return True


def _figure(curves: Curves, theme: _Theme) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5.6))
    FigureCanvasAgg(figure)
    losses, rates = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (5, 1), "hspace": 0.08})
    figure.subplots_adjust(left=0.085, right=0.76, top=0.885, bottom=0.1)
    for axes in (losses, rates):
        _style(axes, theme)
    last = max(series.tokens[-1] for series in (curves.loss, *curves.heldout.values()) if series.points)
    losses.set_xlim(0, last)
    _limit(losses, curves, theme)
    labels = _draw_losses(losses, curves, theme)
    _draw_phases(losses, rates, curves.phases, theme)
    _draw_rates(rates, curves, theme)
    _label_ends(losses, labels)
    figure.text(
        0.085, 0.955, curves.title, parse_math=False, fontsize=12.5, color=theme.ink, weight="bold", va="center"
    )
    figure.text(0.085, 0.915, curves.subtitle, parse_math=False, fontsize=9.5, color=theme.faint, va="center")
    return figure


def _style(axes: Axes, theme: _Theme) -> None:
    axes.set_facecolor(theme.ground)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(theme.faint)
    axes.tick_params(colors=theme.ink, length=3, color=theme.faint)
    axes.grid(visible=True, axis="y", color=theme.faint, alpha=0.25, linewidth=0.6)


def _limit(axes: Axes, curves: Curves, theme: _Theme) -> None:
    """Scale to what the run did for most of it; a spike above that is cut off, and says how high it went."""
    low, high, peak = curves.loss_range()
    margin = 0.06 * (high - low) or 0.05 * max(1.0, abs(high))
    axes.set_ylim(low - margin, high + margin)
    if peak is not None:
        tokens, loss = peak
        axes.plot([tokens], [high + margin], marker="^", color=theme.ink, markersize=7, clip_on=False, zorder=5)
        on_the_right = tokens > 0.7 * axes.get_xlim()[1]
        axes.annotate(
            f"to {loss:.3g}", (tokens, high + margin), (-7 if on_the_right else 7, -4), textcoords="offset points",
            ha="right" if on_the_right else "left", va="top", fontsize=9, color=theme.ink,
        )  # fmt: skip


def _draw_losses(axes: Axes, curves: Curves, theme: _Theme) -> list[tuple[float, str, str]]:
    """Draw the losses; gives what to write at their ends: height, text, colour."""
    raw, smooth = curves.loss, curves.smoothed
    few = raw.points <= 60
    drawn = thinned(raw, _POINTS_DRAWN)
    axes.plot(
        drawn.tokens, drawn.values, color=theme.faint, linewidth=0.8, alpha=0.55, marker="o" if few else None,
        markersize=3,
    )  # fmt: skip
    shown = thinned(smooth, _POINTS_DRAWN)
    axes.plot(shown.tokens, shown.values, color=theme.ink, linewidth=1.8)
    labels = [(smooth.values[-1], f"training {smooth.values[-1]:.3f}", theme.ink)]
    for number, (name, series) in enumerate(curves.heldout.items()):
        again, hue = divmod(number, len(theme.sources))
        colour, line = theme.sources[hue], _LINES[again % len(_LINES)]
        axes.plot(
            series.tokens, series.values, color=colour, linestyle=line, linewidth=1.8,
            marker="o" if series.points <= 30 else None, markersize=4,
        )  # fmt: skip
        labels.append((series.values[-1], f"{_shortened(name)} {series.values[-1]:.3f}", colour))
    axes.set_ylabel("loss (nats a token)", color=theme.ink)
    return labels


def _shortened(name: str) -> str:
    """Names differ at either end."""
    half = (_LABEL_CHARS - 1) // 2
    return name if len(name) <= _LABEL_CHARS else f"{name[:half]}…{name[-half:]}"


def _label_ends(axes: Axes, labels: Sequence[tuple[float, str, str]]) -> None:
    """Write each line's name beside its end, in its colour, moved apart where ends meet."""
    height = axes.get_window_extent().height
    low, high = axes.get_ylim()
    wanted = [min(1.0, max(0.0, (value - low) / (high - low))) for value, _, _ in labels]
    line = 15.0 / 72 * axes.figure.dpi / height
    for (_, text, colour), at, place in zip(labels, wanted, spread(wanted, line), strict=True):
        axes.annotate(
            text, (1.0, at), (1.035, place), xycoords="axes fraction", textcoords="axes fraction", color=colour,
            fontsize=9.5, va="center", annotation_clip=False, parse_math=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.7, "shrinkA": 1, "shrinkB": 1},
        )  # fmt: skip


def _draw_phases(losses: Axes, rates: Axes, phases: Mapping[str, float], theme: _Theme) -> None:
    """A line where a phase begins, with its name; none where there is but one."""
    if len(phases) < 2:
        return
    for name, tokens in phases.items():
        for axes in (losses, rates):
            axes.axvline(tokens, color=theme.faint, linewidth=0.9, linestyle=(0, (2, 2)), alpha=0.9)
        losses.annotate(
            name[:24], (tokens, 0.0), (4, 5), xycoords=("data", "axes fraction"), textcoords="offset points",
            fontsize=9, color=theme.faint, va="bottom", parse_math=False,
        )  # fmt: skip


def _draw_rates(axes: Axes, curves: Curves, theme: _Theme) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    lr: Series = thinned(curves.lr, _POINTS_DRAWN)
    axes.plot(
        lr.tokens, lr.values, color=theme.ink, linewidth=1.2, marker="o" if lr.points <= 60 else None, markersize=2
    )
    top = max(lr.values) or 1.0
    axes.set_ylim(0, 1.15 * top)
    axes.set_yticks([0, top], ["0", f"{top:.2g}"])
    axes.set_ylabel("LR", color=theme.ink)
    axes.set_xlabel("tokens read", color=theme.ink)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda tokens, _: short_count(tokens)))


def main(arguments: Sequence[str] | None = None) -> Any:
    """Draw the run in the folder named first; for `Painter`, and to draw a run again."""
    folders = sys.argv[1:] if arguments is None else list(arguments)
    for folder in folders:
        if not draw(Path(folder)):
            print(f"{folder} has no steps in its metrics; nothing was drawn.", file=sys.stderr)


if __name__ == "__main__":
    main()
