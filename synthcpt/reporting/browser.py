"""The markup that the browser of texts and the entity graph fill in; what is in them comes from the page's data.

It does not depend on the run, so that a page that follows one keeps a reader's search, filters and place.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from synthcpt.records import Json
from synthcpt.reporting.elements import Html


def browser_section() -> Html:
    """Texts beside their sources, with search and filters."""
    return _markup("browser")


def graph_section(graphs: Sequence[Json]) -> Html:
    """A document's entities and the pairs asked about; empty without any."""
    return _markup("graph") if graphs else Html("")


def _markup(name: str) -> Html:
    path = files("synthcpt.reporting") / "assets" / "generation" / f"{name}.html"
    return Html(path.read_text(encoding="utf-8"))
