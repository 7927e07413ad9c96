"""Sets a passage in a frame and lays its tasks out behind it, so that all of it fits a number of tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from synthcpt.text.mining.miner import Draw
from synthcpt.text.mining.segments import Segments, Span, one_line
from synthcpt.text.mining.tasks import Task
from synthcpt.text.mining.templates import Template, templates
from synthcpt.text.tokens import estimate_tokens

FRAMES = {
    (True, True): (("summary", 0.4), ("completion", 0.1), ("both", 0.4), ("neither", 0.1)),
    (True, False): (("summary", 0.5), ("neither", 0.5)),
    (False, True): (("completion", 0.5), ("neither", 0.5)),
    (False, False): (("neither", 1.0),),
}
"""(it has a title, it has two sentences) -> frames and how often each is chosen."""

_LONGEST_TITLE_CHARS = 200
_GAP_TOKENS = 1
"""More than the blank line between two pieces and the rounding of their estimates can cost."""


@dataclass(frozen=True, slots=True)
class Framed:
    """A passage in its frame.

    Attributes:
        name: the frame's, ``plain`` for none.
        text: what is trained on.
        tokens: about how many it has.
        tasks: those the frame asks: the title, the rest of the text.
    """

    name: str
    text: str
    tokens: int
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """A text to train on, about how many tokens it has, its tasks in order, and those there was no room for."""

    text: str
    tokens: int
    tasks: tuple[Task, ...]
    left_out: tuple[Task, ...]


def plain(segments: Segments, title: str) -> Framed:
    """The passage under its title, and nothing else."""
    start, end = _body(segments, title)
    text = _titled(segments.text[start:end], one_line(title))
    return Framed("plain", text, estimate_tokens(text), ())


def frame(segments: Segments, title: str, draw: Draw, *, first: bool, most_tokens: int) -> Framed:
    """Set a passage in a frame; plain where no frame fits.

    Args:
        segments: the passage.
        title: its document's; "" for none.
        draw: gives random streams.
        first: it is the first of its document, so that the title alone may announce it.
        most_tokens: of the whole.
    """
    title = one_line(title)
    shown = title if len(title) <= _LONGEST_TITLE_CHARS else ""
    start, end = body = _body(segments, title)
    cuts = _cuts(segments, body)
    name = _choose(FRAMES[bool(shown), bool(cuts)], draw("frame").random())
    template = draw("frame").choice(_fitting(name, first=first))
    values = {"title": shown, "text": segments.text[start:end]}
    tasks: list[Task] = []
    if "rest" in template.slots:
        cut = draw("frame").choice(cuts)
        first_half = segments.text[start:cut].rstrip()
        values |= {"first": first_half, "rest": segments.text[cut:end]}
        tasks.append(Task("completion", "generate", "", "", (cut, end), {"first": (start, start + len(first_half))}))
    if "title" in template.slots:
        tasks.append(_title_task(segments, template, shown, body))
    else:
        key = "first" if "first" in template.slots else "text"
        values[key] = _titled(values[key], title)
    text = template.fill(values)
    tokens = estimate_tokens(text)
    return Framed(name, text, tokens, tuple(tasks)) if tokens <= most_tokens else plain(segments, title)


def compose(framed: Framed, blocks: Sequence[Sequence[Task]], domain: str, most_tokens: int, draw: Draw) -> Composed:
    """Lay out the tasks, the kinds in a random order; where room is short, each kind has its first before its second.

    Args:
        framed: the passage.
        blocks: the tasks, a list each kind.
        domain: what a reader of the texts is an expert in; "" for nothing.
        most_tokens: of the whole.
        draw: gives random streams.
    """
    if not any(blocks):
        return Composed(framed.text, framed.tokens, framed.tasks, ())
    order = draw("layout").sample(blocks, len(blocks))
    shipped = templates()
    phrases = shipped.handover + (shipped.handover_domain if domain else ())
    handover = draw("layout").choice(phrases).fill({"domain": domain})
    room = most_tokens - framed.tokens - estimate_tokens(handover) - _GAP_TOKENS
    kept = _fit(order, room)
    chosen = [task for block, count in zip(order, kept, strict=True) for task in block[:count]]
    left_out = [task for block, count in zip(order, kept, strict=True) for task in block[count:]]
    added = "\n\n".join(filter(None, [handover if chosen else "", *(task.text for task in chosen)]))
    text = f"{framed.text}\n\n{added}" if added else framed.text
    return Composed(text, framed.tokens + estimate_tokens(added), (*framed.tasks, *chosen), tuple(left_out))


def _fit(blocks: Sequence[Sequence[Task]], room: int) -> list[int]:
    """How many tasks of each block fit, taken in turns."""
    kept, open_blocks = [0] * len(blocks), set(range(len(blocks)))
    while open_blocks:
        for number in sorted(open_blocks):
            block, at = blocks[number], kept[number]
            cost = estimate_tokens(block[at].text) + _GAP_TOKENS if at < len(block) else room + 1
            if cost > room:
                open_blocks.discard(number)
            else:
                room -= cost
                kept[number] += 1
    return kept


def _choose(weighted: Sequence[tuple[str, float]], at: float) -> str:
    for name, share in weighted:
        if at < share:
            return name
        at -= share
    return weighted[-1][0]


def _fitting(name: str, *, first: bool) -> tuple[Template, ...]:
    """The frame's templates; a later passage is not what its title alone announces, but may have the title asked."""
    frames = templates().frames
    if name == "summary" and first:
        return frames["summary"] + frames["summary_reversed"]
    if name == "both" and not first:
        return tuple(template for template in frames[name] if _asks_title(template))
    return frames[name]


def _asks_title(template: Template) -> bool:
    return template.pieces[-2] == "title"


def _title_task(segments: Segments, template: Template, title: str, body: Span) -> Task:
    """Asks for the title, or for the text that has it; the title's place is its first mention, letter by letter."""
    at = segments.text.find(title)
    place = (at, at + len(title)) if at >= 0 else None
    if _asks_title(template):
        return Task("title", "generate", "", title, place, {"text": body})
    return Task("title", "reversed", "", "", body, {} if place is None else {"title": place})


def _body(segments: Segments, title: str) -> Span:
    """The passage without white space at its edges, and without a first line that is the title."""
    if not segments.spans:
        return 0, 0
    start, end = segments.spans[0][0], segments.spans[-1][1]
    line_end = segments.text.find("\n", start, end)
    line_end = end if line_end < 0 else line_end
    line = segments.text[start : min(line_end, start + 2 * _LONGEST_TITLE_CHARS + len(title))]
    if title and one_line(line.strip("#=* \t")) == one_line(title) and segments.text[line_end:end].strip():
        start = line_end + len(segments.text[line_end:end]) - len(segments.text[line_end:end].lstrip())
    return start, end


def _cuts(segments: Segments, body: Span) -> list[int]:
    """Where the body may be cut: at the starts of sentences, but not behind a heading."""
    spans, text = segments.spans, segments.text
    return [
        spans[number][0]
        for number in range(1, len(spans))
        if spans[number - 1][0] >= body[0] and text[spans[number - 1][0]] != "#"
    ]


def _titled(text: str, title: str) -> str:
    return f"# {title}\n\n{text}" if title else text
