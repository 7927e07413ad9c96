"""The page about a generation run: what it made, from what, at what cost, and how to make it again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from synthcpt.errors import ConfigError
from synthcpt.methods.discovery import load_method
from synthcpt.records import Json
from synthcpt.reporting.browser import browser_section, graph_section
from synthcpt.reporting.charts.numbers import count
from synthcpt.reporting.configuration import configuration
from synthcpt.reporting.elements import Fact, Html, escape, facts, note, number
from synthcpt.reporting.entity_graph import embed_graphs
from synthcpt.reporting.gathering import RunFacts, gather, journals_of
from synthcpt.reporting.generation_figures import calls, documents, left_out, over_time, sizes
from synthcpt.reporting.page import Section, page
from synthcpt.reporting.sampling import choose
from synthcpt.reporting.speed import Timeline, timeline
from synthcpt.reporting.texts import embed_texts
from synthcpt.training.showing.plain import duration

STANDS_FOR_A_MODEL = {
    "extractive": "No language model wrote these texts: the embedded backend made them of the documents' own "
    "sentences, by rules. They show what the method asks for and how a run goes, not how well a model would write.",
    "mock": "No language model wrote these texts: they are scripted answers, for tests and timing.",
    "simulated": "No language model wrote these texts: a simulated teacher that knows the wordings of an invented "
    "world answered. They serve controlled experiments only.",
}
"""Backends that are no language model, and what a reader of their texts must know."""


def generation_page(folder: str | Path) -> str:
    """The page about a run, finished or not.

    Raises:
        UserError: the folder holds no run, or a file of it is damaged.
    """
    found = gather(Path(folder))
    with journals_of(found) as readers:
        sample = choose(readers, int(found.run.settings.get("seed") or 0))
        texts = embed_texts(found, readers, sample)
        graphs = embed_graphs(found, readers, sample)
    line = timeline(found.answers)
    data: dict[str, Json] = {"texts": texts} if texts["texts"] else {}
    data |= {"graphs": graphs} if graphs else {}
    sections = [
        Section("summary", "Summary", _summary(found, line)),
        Section("texts", "Texts", browser_section() if texts["texts"] else _no_texts(found)),
        Section("graph", "Entity graph", graph_section(graphs)),
        Section("time", "Speed and cost", over_time(found, line)),
        Section("sizes", "Sizes", sizes(found)),
        Section("left-out", "Left out", left_out(found)),
        Section("calls", "Calls", calls(found)),
        Section("documents", "Documents", documents(found)),
        Section("configuration", "Configuration", configuration(found)),
    ]
    return page(found.run.path.resolve().name, "generation", _subtitle(found), sections, data)


def _subtitle(found: RunFacts) -> str:
    settings = found.run.settings
    through = f"{settings['model'] or 'a model'}, through {settings['backend']}"
    return f"Synthetic texts by {settings['method']}, written by {through}."


def _summary(found: RunFacts, line: Timeline | None) -> str:
    settings = found.run.settings
    parts = []
    if settings["backend"] in STANDS_FOR_A_MODEL:
        parts.append(note(STANDS_FOR_A_MODEL[settings["backend"]], "warn"))
    if not found.run.complete:
        parts.append(note(_how_far(found, line), "info"))
    parts.append(facts(_tiles(found, line)))
    parts.append(_method(str(settings["method"])))
    return "".join(parts)


def _how_far(found: RunFacts, line: Timeline | None) -> str:
    finished = len(found.run.parts) - len(found.run.unfinished_parts)
    told = f"Not finished: {found.documents_done:,} of {found.documents_total:,} documents are done"
    told += f", and {finished:,} of {len(found.run.parts):,} parts" if len(found.run.parts) > 1 else ""
    if found.run.settings.get("target_tokens"):
        told += f"; {found.row_tokens / found.run.settings['target_tokens']:.0%} of the token target"
    last = f" The last answer came at {_moment(line.last_s)}." if line else " Nothing has been answered yet."
    return f"{told}.{last} All figures are of what is there now; run the same command again to go on."


def _tiles(found: RunFacts, line: Timeline | None) -> list[Fact]:
    growth = found.row_tokens / found.source_tokens if found.source_tokens else 0.0
    read, cached = found.answered("prompt_tokens"), found.answered("cached_tokens")
    dropped = sum(n for (scope, _, _), n in found.left_out.items() if scope == "text")
    tiles = [
        Fact("Documents", found.documents_total, f"{found.source_tokens:,} tokens"),
        Fact("Texts", found.rows, f"{found.row_tokens:,} tokens"),
        Fact("Expansion", f"{growth:.1f} ×" if growth else None, "tokens of texts a token of documents"),
        Fact("Calls", found.answered("answers"), _again(found)),
        Fact("Tokens in", count(read), f"{cached / read:.0%} from a prefix cache" if cached else f"{read:,}"),
        Fact("Tokens out", count(found.answered("completion_tokens")), f"{found.answered('completion_tokens'):,}"),
        Fact("Dropped", dropped, f"{dropped / (dropped + found.rows):.1%} of all texts" if dropped else "no text"),
    ]
    if found.cost is not None:
        per_million = found.cost / found.row_tokens * 1e6 if found.row_tokens else None
        each = f"{number(per_million)} a million tokens of texts" if per_million is not None else ""
        tiles.append(Fact("Cost", f"{found.cost:,.2f}", each))
    if line is not None:
        pause = f", and {duration(sum(line.pauses_s))} of pauses" if line.pauses_s else ""
        tiles.append(Fact("Working time", duration(line.working_s), f"from {_moment(line.first_s)}{pause}"))
    return tiles


def _again(found: RunFacts) -> str:
    more = sum(one.attempts - one.answers for one in found.answers)
    return f"{more:,} further attempts" if more else "each at the first attempt" if found.answers else ""


def _method(name: str) -> Html:
    try:
        method = load_method(name)
    except ConfigError:
        return Html("")
    return Html(
        f"<p><b>{escape(name)}</b>: {escape(method.summary)}. <span class='quiet'>{escape(method.paper)}.</span></p>"
    )


def _no_texts(found: RunFacts) -> str:
    if found.journals:
        return note("There are no texts yet.")
    return note("The run's journals are not here. They hold the sources and the calls; the texts are in data/.")


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M} UTC"
