"""The page about a training, finished or not: its curves, its account of every token, and how to repeat it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from synthcpt.reporting.charts import chart_figure
from synthcpt.reporting.charts.numbers import count, number, percent, seconds, signed, whole
from synthcpt.reporting.elements import Column, Content, Fact, Html, code, content, facts, figures, note, table
from synthcpt.reporting.page import Section, page
from synthcpt.reporting.probes import probes_chart, read_probes, retention_rows
from synthcpt.reporting.reading import read_mapping
from synthcpt.reporting.training_figures import (
    Figures,
    audit_chart,
    gradient_chart,
    heldout_chart,
    loss_chart,
    mixture_chart,
    rate_chart,
    sort_events,
    source_chart,
    speed_chart,
    told_share,
)
from synthcpt.training.folder import AUDIT, FINISHED, MODEL, SETTINGS
from synthcpt.training.showing.metrics import read_metrics


def training_page(folder: Path) -> str:
    """The page.

    Raises:
        DataCorrupt: train.yaml, audit.json or training.json is not what a training writes.
    """
    settings, finished = read_mapping(folder / SETTINGS, "a training"), read_mapping(folder / FINISHED, "a training")
    audit = read_mapping(folder / AUDIT, "a training") or finished.get("audit") or {}
    told = sort_events(read_metrics(folder))
    sections = [
        Section("summary", "Summary", _summary(told, settings, bool(finished))),
        Section("loss", "Loss", _loss(told)),
        Section("probes", "Fact probes", _probes(folder)),
        Section("data", "Data", _data(audit)),
        Section("steps", "Steps", _steps(told, settings)),
        Section("notes", "Notes", _notes(told)),
        Section("repeat", "To repeat it", _repeat(folder, settings, bool(finished))),
    ]
    return page(folder.resolve().name, "training", _subtitle(told, settings), sections)


def _subtitle(told: Figures, settings: Mapping[str, Any]) -> str:
    model = str(settings.get("model") or told.begin.get("model") or "").rstrip("/").rsplit("/", 1)[-1]
    data = ", ".join(str(name) for name in told.begin.get("data") or ())
    return " on ".join(filter(None, (model, data))) or "a training that has not begun"


def _summary(told: Figures, settings: Mapping[str, Any], finished: bool) -> Html:
    begin = told.begin
    if not begin:
        return note("This training has not come to its first step: there are no figures yet.", "warn")
    parts: list[str] = []
    if not finished:
        said = f"Not finished: {whole(len(told.steps))} of {whole(begin.get('steps'))} steps are here."
        parts.append(note(f"{said} The same command goes on from the last checkpoint.", "warn"))
    trained, all_of_it = begin.get("trainable_parameters"), begin.get("parameters")
    share = f"{count(trained)} of them trained" if trained != all_of_it else "all trained"
    tiles = [
        Fact("model", str(begin.get("model", "")).rstrip("/").rsplit("/", 1)[-1], str(settings.get("recipe") or "")),
        Fact("parameters", count(all_of_it), share),
        Fact("tokens read", count(told.tokens), f"{whole(told.tokens)} of {whole(begin.get('tokens'))}"),
        Fact("steps", whole(len(told.steps)), f"{count(begin.get('batch_tokens'))} slots each"),
        Fact("time", seconds(told.end.get("wall_s", told.step_s)), f"{seconds(told.step_s)} in steps"),
        Fact("speed", f"{count(told.tokens_a_s)}/s", str(begin.get("devices", ""))),
        Fact("MFU", percent(told.mfu), "of the devices' peak" if told.mfu is not None else "the peak is not known"),
    ]
    ends = told.heldout_ends()
    tiles += [Fact(f"held-out {name}", *_fall(*pair)) for name, pair in list(ends.items())[:4]]
    return Html("".join([*parts, facts(tiles)]))


def _fall(first: Mapping[str, Any], last: Mapping[str, Any]) -> tuple[Content, Content]:
    before, after = first.get("bits_per_byte"), last.get("bits_per_byte")
    return f"{number(before)} → {number(after)}", f"bits per byte ({signed(_change(before, after))})"


def _fixed(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")


def _change(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _loss(told: Figures) -> Html:
    if not told.steps and not told.heldout:
        return Html("")
    drawn = [chart_figure(loss_chart(told), "Dots are measured on texts that were held out.")]
    by_source = source_chart(told)
    if by_source is not None:
        drawn.append(chart_figure(by_source))
    if told.heldout:
        drawn.append(chart_figure(heldout_chart(told)))
    rows: list[list[Content]] = []
    for name, (first, last) in told.heldout_ends().items():
        row: list[Content] = [name]
        for key in ("loss", "bits_per_byte"):
            before, after = first.get(key), last.get(key)
            row += [_fixed(before), _fixed(after), signed(_change(before, after), _fixed)]
        rows.append([*row, last.get("tokens")])
    heads = ["nats before", "after", "change", "bits/byte before", "after", "change", "tokens"]
    columns = [Column("held-out source"), *(Column(name, "right") for name in heads)]
    return Html("".join(drawn) + (table(columns, rows, caption="Held-out losses") if rows else ""))


def _probes(folder: Path) -> Html:
    probes, kept = read_probes(folder), retention_rows(folder)
    drawn = chart_figure(probes_chart(probes), "Bands: two standard errors.") if probes else Html("")
    return Html(drawn + (table(["measure", Column("value", "right")], kept, caption="Retention") if kept else ""))


def _data(audit: Mapping[str, Any]) -> Html:
    if not audit.get("parts"):
        return Html("")
    parts = audit["parts"]
    read, slots = float(audit.get("read") or 0), float(audit.get("slots") or 0)
    tiles = [
        Fact("tokens read", count(read)),
        Fact("carried loss", told_share(float(audit.get("trained") or 0), read), "of those read"),
        Fact("slots filled", told_share(read, slots), f"of {whole(slots)}"),
        Fact("same source in a window", percent(audit.get("collision_rate")), "of texts"),
    ]
    drawn = [chart_figure(audit_chart(audit))]
    if sum(bool(part.get("read")) for part in parts) > 1:
        drawn.append(chart_figure(mixture_chart(audit)))
    dropped = [
        [part["name"], reason, texts] for part in parts for reason, texts in (part.get("texts_dropped") or {}).items()
    ]
    lost = table(["source", "reason", "texts"], dropped, caption="Texts left out at tokenising") if dropped else ""
    return Html(facts(tiles) + "".join(drawn) + lost)


def _steps(told: Figures, settings: Mapping[str, Any]) -> Html:
    if not told.steps:
        return Html("")
    clip = settings.get("clip")
    drawn = [rate_chart(told), gradient_chart(told, float(clip) if clip else None), speed_chart(told)]
    formula = str(told.begin.get("flops_formula") or "")
    said = f"<p class='quiet'>{content(f'FLOPs: {formula}')}</p>" if formula else ""
    return Html(figures([chart_figure(chart, small=True) for chart in drawn]) + said)


def _notes(told: Figures) -> Html:
    rows = "".join(f"<li>{content(said)}</li>" for said in told.notes)
    return Html(f"<ul>{rows}</ul>" if rows else "")


def _repeat(folder: Path, settings: Mapping[str, Any], finished: bool) -> Html:
    said = yaml.safe_dump(dict(settings), sort_keys=False, allow_unicode=True)
    command = f"synthcpt train --config {shlex.quote(str(folder / SETTINGS))}"
    if finished:
        command += " --output outputs/again"
    parts = [code(command, "Again" if finished else "To go on")]
    if finished:
        model = shlex.quote(str(folder / MODEL))
        parts.append(code(f"vllm serve {model}", "Serve the model"))
    return Html("".join([*parts, code(said, SETTINGS)]))
