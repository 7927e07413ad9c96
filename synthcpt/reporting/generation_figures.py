"""What a generation run did over time, how large its texts are, what was left out, and what it asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from synthcpt.generation.reasons import REASONS
from synthcpt.reporting.charts import Axis, Bar, BarChart, BarGroup, Histogram, chart_figure
from synthcpt.reporting.charts.numbers import count, whole
from synthcpt.reporting.elements import Cell, Column, Content, escape, figures, table
from synthcpt.reporting.gathering import RunFacts
from synthcpt.reporting.speed import Timeline, speed_chart, spending_chart
from synthcpt.training.showing.plain import duration

_MOST_DOCUMENTS, _MOST_SIZES = 500, 200_000


def over_time(found: RunFacts, line: Timeline | None) -> str:
    if line is None or line.working_s <= 0:
        return ""
    charts = figures([chart_figure(speed_chart(line)), chart_figure(spending_chart(line, found.run.settings))])
    told = []
    if line.pauses_s:
        longest = duration(max(line.pauses_s))
        told.append(f"Standstills over ten minutes are left out: {len(line.pauses_s):,}, the longest of {longest}.")
    if not found.run.settings.get("prices"):
        told.append("The run has no prices, so there is no cost; give --price-in and --price-out to have it counted.")
    return charts + (f"<p class='quiet small'>{escape(' '.join(told))}</p>" if told else "")


def sizes(found: RunFacts) -> str:
    sources = [float(one.source_tokens) for _, one in found.documents]
    if not sources:
        return ""
    share = max(1, -(-sum(found.row_sizes.values()) // _MOST_SIZES))  # of very many, every so many by size
    sizes = [float(size) for size in sorted(found.row_sizes.elements())[::share]]
    counted = "texts" if share == 1 else f"texts, one in {share:,}"
    charts = [
        Histogram("Texts", "How many texts have how many tokens.", _tokens(sizes), sizes, counted=counted, height=150),
        Histogram(
            "Documents", "How many documents have how many tokens.", _tokens(sources), sources, counted="documents",
            colour=2, height=150,
        ),
    ]  # fmt: skip
    return figures([chart_figure(chart, _spread(chart.values)) for chart in charts if chart.values])


def _tokens(sizes: Sequence[float]) -> Axis:
    return Axis("tokens", count, log=bool(sizes) and min(sizes) > 0 and max(sizes) > 30 * min(sizes))


def _spread(sizes: Sequence[float]) -> str:
    ordered = sorted(sizes)
    low, middle, high = (ordered[int(share * (len(ordered) - 1))] for share in (0.05, 0.5, 0.95))
    return f"Half have at most {middle:,.0f} tokens; nine in ten have between {low:,.0f} and {high:,.0f}."


def left_out(found: RunFacts) -> str:
    if not found.left_out:
        return "<p>Nothing was left out: every call was answered, and every text passed the method's gates.</p>"
    what = {"text": "texts dropped", "request": "calls given up", "document": "documents without a text"}
    groups, rows = [], []
    for scope, name in what.items():
        by_reason: Counter[str] = Counter()
        for (of, _, reason), n in found.left_out.items():
            if of == scope:
                by_reason[reason] += n
        if by_reason:
            bars = [Bar(reason, float(n), note=REASONS.get(reason, "")) for reason, n in by_reason.most_common(12)]
            groups.append(BarGroup(name, bars))
            rows += [(name, reason, REASONS.get(reason, ""), n) for reason, n in by_reason.most_common()]
    chart = BarChart("Left out, by reason", "How much was left out for which reason.", Axis("count", whole), groups)
    listed = table(["what", "reason", "meaning", "count"], rows, caption="Left out")
    where = "Dropped texts are in the browser above, and whole in rejected/; given-up calls are in failures/."
    return chart_figure(chart, where, numbers=False) + listed


def calls(found: RunFacts) -> str:
    if not found.answers:
        return ""
    sums: dict[str, Counter[str]] = {}
    names = ("answers", "attempts", "prompt_tokens", "cached_tokens", "completion_tokens", "cut")
    for one in found.answers:
        sums.setdefault(one.prompt, Counter()).update({name: getattr(one, name) for name in names})
    new = max(1, sum(each["completion_tokens"] for each in sums.values()))
    rows = [_call_row(prompt, each, new) for prompt, each in sorted(sums.items(), key=lambda one: -one[1]["answers"])]
    columns = [
        Column("prompt"), Column("answers", "right"), Column("tokens in, each", "right"),
        Column("tokens out, each", "right"), Column("from cache", "right", "share of the prompt tokens"),
        Column("cut off", "right", "answers that ended at their token limit"),
        Column("attempts", "right", "for one answer, on average"), Column("share of tokens out", "right"),
    ]  # fmt: skip
    return table(columns, rows, caption="Calls by prompt")


def _call_row(prompt: str, each: Mapping[str, int], new: int) -> list[Content | Cell]:
    answers = each["answers"]
    cached, written = each["cached_tokens"] / max(1, each["prompt_tokens"]), each["completion_tokens"] / new
    return [
        prompt, answers, round(each["prompt_tokens"] / answers), round(each["completion_tokens"] / answers),
        Cell(f"{cached:.0%}", cached), each["cut"], round(each["attempts"] / answers, 2),
        Cell(f"{written:.0%}", written),
    ]  # fmt: skip


def documents(found: RunFacts) -> str:
    if not found.documents:
        return ""
    listed = sorted((one for _, one in found.documents), key=lambda one: (-one.row_tokens, one.id))
    shown = listed[:_MOST_DOCUMENTS]
    rows = [
        (
            one.title or one.id, one.source_tokens, one.rows, one.row_tokens,
            Cell(f"{one.row_tokens / one.source_tokens:.1f} ×", one.row_tokens / one.source_tokens)
            if one.source_tokens else None,
            one.rejected, one.failed, "finished" if one.done else "under way" if one.rows else "waiting",
        )
        for one in shown
    ]  # fmt: skip
    columns: list[Column | str] = [
        "document", "tokens", "texts", "tokens of texts", Column("expansion", "right"), "dropped", "calls given up",
        "state",
    ]  # fmt: skip
    made = table(columns, rows, caption="Texts by document", tall=True)
    if len(listed) == len(shown):
        return made
    return f"{made}<p class='quiet small'>The {len(shown):,} with the most tokens of texts, of {len(listed):,}.</p>"
