"""What an experiment found, in sentences made of its numbers."""

from __future__ import annotations

from synthcpt.reporting.charts.numbers import count, interval
from synthcpt.reporting.experiment_results import Arm, Fit, Measured, Outcome, Results

_LEVEL = 0.05


def headline(results: Results) -> str:
    """The experiment in a sentence or two: the controls, the best method, and whether they differ.

    The best method is the one with the highest mean at its largest budget; it is compared with raw text at the same
    budget where there is such an arm.
    """
    methods = [(arm, last) for arm in results.trained if not arm.control and (last := _last(results, arm))]
    if not methods:
        return _controls_alone(results)
    arm, best = max(methods, key=lambda pair: (pair[1].accuracy.value or 0.0, -pair[0].place))
    control = _control_beside(results, best)
    reached = f"{arm.label} reaches {told(results, best.accuracy)} at {count(best.tokens)} tokens"
    difference = results.control_for(best)
    if control is None:
        return f"{reached}{_from_base(results)}."
    against = f"{control[0].title} stays at {told(results, control[1].accuracy)}"
    if not _differs(difference):
        return (
            f"No method is told apart from {control[0].title}: the best, {reached}, and {control[0].title} is at "
            f"{told(results, control[1].accuracy)} {_difference(results, difference)}{_from_base(results)}."
        )
    if (difference.value or 0.0) < 0:
        return f"{reached}, below {control[0].title} at {told(results, control[1].accuracy)}{_from_base(results)}."
    return f"{against}, {reached} {_difference(results, difference)}{_from_base(results)}."


def asymptote_sentence(results: Results, fit: Fit) -> str:
    """What may be said of where more tokens would lead, and if nothing, why."""
    arm = results.arm(fit.arm)
    law = fit.law.replace("_", " ")
    if fit.quoted and fit.asymptote.value is not None:
        return f"{arm.label}: the {law} fit levels off at {told(results, fit.asymptote)}." + (
            f" {_sentence(fit.why)}" if fit.why else ""
        )
    return f"{arm.label}: no asymptote is quoted from the {law} fit. {_sentence(fit.why)}".rstrip()


def told(results: Results, measured: Measured) -> str:
    """``91 % [88, 94]``."""
    return interval(measured.value, measured.low, measured.high, results.form)


def _last(results: Results, arm: Arm) -> Outcome | None:
    kept = [one for one in results.of(arm.name) if one.tokens is not None and one.accuracy.value is not None]
    return kept[-1] if kept else None


def _control_beside(results: Results, best: Outcome) -> tuple[Arm, Outcome] | None:
    """Raw text at the same budget, else at its largest; else another trained control."""
    controls = sorted((arm for arm in results.trained if arm.control), key=lambda arm: not results.is_raw(arm))
    for arm in controls:
        same = next((one for one in results.of(arm.name) if one.budget == best.budget), None)
        found = same or _last(results, arm)
        if found is not None:
            return arm, found
    return None


def _differs(difference: Measured) -> bool:
    if difference.p_holm is not None:
        return difference.p_holm < _LEVEL
    return difference.low is not None and difference.high is not None and difference.low * difference.high > 0


def _difference(results: Results, difference: Measured) -> str:
    unit = " points" if results.is_share else ""
    change = interval(difference.value, difference.low, difference.high, results.change)
    p = difference.p_holm
    told_p = "" if p is None else ", Holm p\u00a0<\u00a00.001" if p < 0.001 else f", Holm p\u00a0=\u00a0{p:.3f}"
    return f"(difference {change}{unit}{told_p})"


def _from_base(results: Results) -> str:
    base = next((one for one in results.untrained if one.accuracy.value is not None), None)
    said = f"; before training, {told(results, base.accuracy)}" if base else ""
    return said + (f", chance {results.form(results.chance)}" if results.chance is not None else "")


def _controls_alone(results: Results) -> str:
    lasts = [(arm, last) for arm in results.trained if (last := _last(results, arm))]
    if not lasts:
        return "Nothing has been measured yet."
    reached = "; ".join(
        f"{arm.title} {told(results, last.accuracy)} at {count(last.tokens)} tokens" for arm, last in lasts
    )
    return f"No method has been measured yet. Controls: {reached}{_from_base(results)}."


def _sentence(said: str) -> str:
    said = said.strip()
    said = said[:1].upper() + said[1:]
    return said if not said or said.endswith((".", "!", "?")) else f"{said}."
