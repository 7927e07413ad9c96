"""An experiment's main table as Markdown, LaTeX and CSV, ready for a README, a paper or a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from synthcpt.reporting.charts.numbers import ABSENT, count, interval, number, probability, signed
from synthcpt.reporting.experiment_results import Arm, Measured, Outcome, Results, parse_results
from synthcpt.training.showing.plain import markdown, plain

_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "–": "--", "−": "$-$",
}  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t")


def experiment_tables(results: Mapping[str, Any]) -> dict[str, str]:
    """The table of a `results.json`'s content, as ``markdown``, ``latex`` (booktabs) and ``csv``.

    The first two hold what a paper prints: values with 95 % intervals, in per cent where the metric is a share. CSV
    holds the plain numbers, a column each.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it has another shape.
    """
    parsed = parse_results(results)
    return {"markdown": markdown_table(parsed), "latex": latex_table(parsed), "csv": csv_table(parsed)}


def paper_table(results: Results) -> tuple[list[str], list[list[str]]]:
    """Columns and rows of plain text: an arm at a budget a row, what was not trained first."""
    unit = " (%)" if results.is_share else ""
    with_teacher, with_cost = _has(results, "teacher"), any(one.cost is not None for one in results.outcomes)
    columns = ["Arm", *(["Teacher"] if with_teacher else []), "Tokens", "Seeds", f"{_title(results.metric_name)}{unit}"]
    columns += ["Gain (points)" if results.is_share else "Gain", "p (Holm)"]
    columns += [_title(kind) for kind in results.kinds]
    columns += [
        "Accuracy lost (points)" if "accuracy" in results.forgotten else "Forgetting (bits/byte)",
        *(["Cost ($)"] if with_cost else []),
    ]
    rows = []
    for arm, one in _in_order(results):
        row = [arm.label, *([arm.teacher or ABSENT] if with_teacher else []), count(one.tokens), str(one.seeds)]
        row += [_value(results, one.accuracy), _value(results, one.gain, signs=True)]
        row += [_p(results, arm, one), *(_value(results, one.by_kind.get(kind)) for kind in results.kinds)]
        row += [_lost(results, one.forgetting), *([number(one.cost)] if with_cost else [])]
        rows.append(row)
    return columns, rows


def table_note(results: Results) -> str:
    """What the table's figures are, in a sentence or two."""
    gains = {one.gain.over for one in results.outcomes if one.gain.over and one.gain.value is not None}
    over = f" Gain is over {', '.join(sorted(results.arm(name).title for name in gains))}." if gains else ""
    against = {results.control_for(one).over for one in results.outcomes if not results.arm(one.arm).control}
    told = ", ".join(sorted(results.arm(name).title for name in against if name))
    control = f" p values are against {told} at the same budget, corrected by Holm's method." if told else ""
    simulated = " Arms marked simulated asked a simulated teacher." if any(a.simulated for a in results.arms) else ""
    return f"In brackets: 95 % intervals.{over}{control}{simulated}"


def markdown_table(results: Results) -> str:
    """For a README."""
    columns, rows = paper_table(results)
    lines = [_md_row(columns), _md_row(["---"] + ["---:"] * (len(columns) - 1), plainly=True)]
    return "\n".join([*lines, *(_md_row(row) for row in rows), "", markdown(table_note(results)), ""])


def latex_table(results: Results) -> str:
    """For a paper; needs the booktabs package."""
    columns, rows = paper_table(results)
    body = [" & ".join(map(latex, row)) + r" \\" for row in rows]
    return "\n".join([
        r"% needs \usepackage{booktabs}", rf"\begin{{tabular}}{{l{'r' * (len(columns) - 1)}}}", r"\toprule",
        " & ".join(map(latex, columns)) + r" \\", r"\midrule", *body, r"\bottomrule", r"\end{tabular}",
        f"% {plain(table_note(results))}", "",
    ])  # fmt: skip


def csv_table(results: Results) -> str:
    """For a spreadsheet: full precision, shares from 0 to 1, an empty cell where there is no number."""
    ends = ("value", "low", "high")
    head = ["arm", "title", "kind", "method", "teacher", "simulated", "budget_tokens", "tokens", "seeds"]
    head += [f"accuracy_{end}" for end in ends] + [f"gain_{end}" for end in ends]
    head += ["gain_over", "p_holm", "p_against"]
    head += [f"{kind}_{end}" for kind in results.kinds for end in ends] + [f"forgetting_{end}" for end in ends]
    head += ["cost", "tokens_per_point"]
    told = io.StringIO()
    writer = csv.writer(told, lineterminator="\n")
    writer.writerow([_cell(name) for name in head])
    for arm, one in _in_order(results):
        control = results.control_for(one)
        row: list[Any] = [arm.name, arm.title, "control" if arm.control else "method", arm.method, arm.teacher]
        row += [arm.simulated, one.budget, one.tokens, one.seeds, *_ends(one.accuracy), *_ends(one.gain)]
        row += [one.gain.over, control.p_holm, control.over]
        for kind in results.kinds:
            row += _ends(one.by_kind.get(kind))
        row += [*_ends(one.forgetting), one.cost, one.tokens_per_point]
        writer.writerow([_cell(value) for value in row])
    return told.getvalue()


def latex(said: str) -> str:
    """Plain text as LaTeX."""
    return "".join(_LATEX.get(letter, letter) for letter in plain(said))


def _in_order(results: Results) -> list[tuple[Arm, Outcome]]:
    """Arms in their order, those not described after them."""
    names = list(dict.fromkeys([*(arm.name for arm in results.arms), *(one.arm for one in results.outcomes)]))
    return [(results.arm(name), one) for name in names for one in results.of(name)]


def _has(results: Results, name: str) -> bool:
    return any(getattr(arm, name) for arm in results.arms)


def _value(results: Results, measured: Measured | None, *, signs: bool = False) -> str:
    if measured is None or measured.value is None:
        return ABSENT

    def form(value: float) -> str:
        said = f"{100 * value:.1f}".replace("-", "−") if results.is_share else number(value)
        return "0.0" if said == "−0.0" else said

    def change(value: float) -> str:
        return signed(value, form)

    return interval(measured.value, measured.low, measured.high, change if signs else form)


def _p(results: Results, arm: Arm, one: Outcome) -> str:
    control = results.control_for(one)
    return ABSENT if arm.control and control is one.gain else probability(control.p_holm)


def _lost(results: Results, measured: Measured) -> str:
    if "accuracy" in results.forgotten:
        return _value(results, measured, signs=True)
    return interval(measured.value, measured.low, measured.high, results.forgotten_form)


def _title(name: str) -> str:
    said = name.replace("_", " ")
    return said[:1].upper() + said[1:]


def _md_row(cells: Sequence[str], *, plainly: bool = False) -> str:
    return "| " + " | ".join(cells if plainly else map(markdown, cells)) + " |"


def _ends(measured: Measured | None) -> list[float | None]:
    return [None] * 3 if measured is None else [measured.value, measured.low, measured.high]


def _cell(value: Any) -> str:
    """A cell's text; one that a spreadsheet would take for a formula is kept from it by an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(int(value)) if float(value).is_integer() else repr(value)
    said = plain(str(value))
    return f"'{said}" if said.startswith(_FORMULA) else said
