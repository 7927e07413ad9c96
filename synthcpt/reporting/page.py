"""One self-contained HTML page: no network, nothing executed but the package's own script, light and dark.

Styles and scripts are files under ``assets/``: those of ``common/`` go into every page, those of a folder named after
the page's kind into that kind. The Content-Security-Policy names them by hash and forbids everything else, so that even
markup which slipped through unescaped could neither run nor load anything.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import orjson

from synthcpt import __version__
from synthcpt.records import Json
from synthcpt.reporting.elements import (
    Cell,
    Column,
    Content,
    Fact,
    Html,
    code,
    content,
    disclosure,
    escape,
    facts,
    figure,
    figures,
    note,
    number,
    table,
)  # fmt: skip

__all__ = [
    "Cell", "Column", "Content", "Fact", "Html", "Section", "code", "content", "disclosure", "escape", "facts",
    "figure", "figures", "note", "number", "page", "served", "table",
]  # fmt: skip

_OFFLINE, _SERVED = "connect-src 'none'", "connect-src 'self'"
_FOR_SCRIPTS = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


@dataclass(frozen=True)
class Section:
    """A part of a page, listed in its table of contents.

    Attributes:
        id: its anchor; unique in the page.
        title: its heading, plain text.
        body: HTML; everything untrusted in it has gone through `escape`.
    """

    id: str
    title: str
    body: str


def page(
    title: str, kind: str, subtitle: str, sections: Sequence[Section], data: Mapping[str, Json] | None = None
) -> str:
    """The whole page.

    Args:
        title: the run's name, plain text.
        kind: what it is about, e.g. ``generation``; chooses the assets, and is shown above the title.
        subtitle: one plain line under the title.
        sections: in order; those with an empty body are left out.
        data: what scripts read: each name becomes a JSON block with the id ``data-NAME``.
    """
    shown = [section for section in sections if section.body]
    style, script = _assets(kind, "css"), _assets(kind, "js")
    blocks = "".join(
        f"<script type='application/json' id='data-{escape(name)}'>{embedded(value)}</script>\n"
        for name, value in (data or {}).items()
    )
    contents = "".join(f"<li><a href='#{escape(one.id)}'>{escape(one.title)}</a></li>" for one in shown)
    main = "\n".join(_section(one) for one in shown)
    policy = (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)}; img-src data:; {_OFFLINE}; "
        "base-uri 'none'; form-action 'none'"
    )
    return f"""<!doctype html>
<html lang="en" data-kind="{escape(kind)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="synthcpt {escape(__version__)}">
<link rel="icon" href="data:,">
<title>{escape(title)} · synthcpt</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header id="head" data-digest="{_digest(title, kind, subtitle)}"><div class="head-text">
<p class="kind">{escape(kind)}</p>
<h1>{escape(title)}</h1>
<p class="subtitle">{escape(subtitle)}</p>
</div></header>
<div id="bar"><div><nav aria-label="Contents"><ol>{contents}</ol></nav>
<span id="live" role="status" hidden></span><button type="button" id="theme" hidden></button></div></div>
<main id="main">
{main}
</main>
<footer><p>Made by synthcpt {escape(__version__)}. This page holds all it shows and loads nothing.</p></footer>
{blocks}<script>{script}</script>
</body>
</html>
"""


def served(html: str, digest: str = "", state: str = "") -> str:
    """A page as the local server hands it out: it may ask that server for news, and does.

    Args:
        html: the page.
        digest: what it asks for news since.
        state: ``finished``, or empty while there is more to come.
    """
    live = f'<html data-live="{escape(digest)}" data-state="{escape(state)}" '
    return html.replace(_OFFLINE, _SERVED, 1).replace("<html ", live, 1)


def embedded(value: Json) -> str:
    """JSON that may stand inside a script element: none of its text can end the element or a line of script."""
    text = orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()
    for character, instead in _FOR_SCRIPTS.items():
        text = text.replace(character, instead)
    return text


def _section(section: Section) -> str:
    name = escape(section.id)
    return (
        f"<section id='{name}' aria-labelledby='{name}-title' data-digest='{_digest(section.title, section.body)}'>"
        f"<h2 id='{name}-title'>{escape(section.title)}</h2>\n{section.body}</section>"
    )


def _digest(*texts: str) -> str:
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "replace"), digest_size=8).hexdigest()


def _source(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


@lru_cache(maxsize=16)
def _assets(kind: str, suffix: str) -> str:
    """All files of a kind's page, by folder and name; none of them may hold ``</script`` or ``</style``."""
    root = files("synthcpt.reporting") / "assets"
    texts = []
    for folder in (root / "common", root / kind):
        if folder.is_dir():
            found = sorted(
                (file for file in folder.iterdir() if file.name.endswith(f".{suffix}")), key=lambda f: f.name
            )
            texts += [file.read_text(encoding="utf-8") for file in found]
    return "\n" + "\n".join(texts)
