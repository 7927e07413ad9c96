"""A document's entities and the pairs that texts were asked about: EntiGraph's graph, or that of listed triples.

Edges carry how often both ends are near one another in the source, which is what the page draws the entities together
by: the pairs asked for are often all of them, and have no shape of their own.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Mapping
from itertools import combinations
from typing import Any

from synthcpt.engine.reading import JournalReader
from synthcpt.records import Json
from synthcpt.reporting.gathering import RunFacts
from synthcpt.reporting.sampling import Sample
from synthcpt.reporting.texts import names_of
from synthcpt.text.mentions import Haystack

MOST_GRAPHS, MOST_ROWS, MOST_NODES = 60, 12_000, 120
_NEAR_CHARACTERS = 250


def embed_graphs(facts: RunFacts, readers: dict[int, JournalReader], sample: Sample) -> list[Json]:
    """Graphs of documents, those first of which the page holds every text; empty where the method asks for no pairs.

    Returns:
        For each ``id`` and ``title`` of the document, ``nodes`` (``name``, ``mentions`` in the source, ``texts``) and
        ``edges`` ([first, second, texts, times near one another in the source, relation or empty]).
    """
    chosen = {(part, place.document) for part, places in sample.places.items() for place in places}
    documents = [(part, one) for part, one in facts.documents if (part, one.number) in chosen and one.rows]
    documents.sort(key=lambda item: (item[0], item[1].number) not in sample.whole)
    graphs: list[Json] = []
    rows = 0
    for part, document in documents:
        if len(graphs) == MOST_GRAPHS or rows > MOST_ROWS:
            break
        rows += document.rows
        nodes, edges, relations = _asked(readers[part], document.number)
        if not edges:
            if rows > 200 and not graphs:
                break  # this method asks for no pairs
            continue
        graphs.append(
            {
                "id": document.id,
                "title": document.title or document.id,
                "whole": (part, document.number) in sample.whole,
                **_graph(nodes, edges, relations, readers[part].text(document.number)),
            }
        )
    return graphs


def _asked(
    reader: JournalReader, document: int
) -> tuple[Counter[str], Counter[tuple[str, str]], dict[tuple[str, str], str]]:
    """Texts by entity and by pair, and the relation of a pair where a triple names one."""
    nodes: Counter[str] = Counter()
    edges: Counter[tuple[str, str]] = Counter()
    relations: dict[tuple[str, str], str] = {}
    for row in reader.rows_of(document):
        meta = row.get("meta") or {}
        triples = _triples(meta)
        names = names_of(meta) if meta.get("entities") or triples else []
        nodes.update(names)
        for first, relation, second in triples:
            relations.setdefault(_pair(first, second), relation)
        pairs = [(first, second) for first, _, second in triples] or list(combinations(names, 2))
        edges.update({_pair(*pair) for pair in pairs if pair[0] != pair[1]})
    return nodes, edges, relations


def _triples(meta: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    listed = meta.get("triples")
    triples = [one.get("triple") for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return [
        (one[0], one[1], one[2])
        for one in triples
        if isinstance(one, list) and len(one) == 3 and all(isinstance(part, str) and part for part in one)
    ]


def _pair(first: str, second: str) -> tuple[str, str]:
    return (first, second) if first <= second else (second, first)


def _graph(
    texts: Counter[str], edges: Counter[tuple[str, str]], relations: Mapping[tuple[str, str], str], source: str
) -> dict[str, Json]:
    haystack = Haystack(source)
    found = {name: [start for start, _ in haystack.find_all(name)] for name in texts}
    order = {name: place for place, name in enumerate(texts)}
    kept = sorted(texts, key=lambda name: (-len(found[name]), -texts[name], order[name]))[:MOST_NODES]
    places = {name: place for place, name in enumerate(kept)}
    lines = [
        [places[a], places[b], count, _near(found[a], found[b]), relations.get((a, b), "")]
        for (a, b), count in sorted(edges.items())
        if a in places and b in places
    ]
    nodes = [{"name": name, "mentions": len(found[name]), "texts": texts[name]} for name in kept]
    return {"nodes": nodes, "edges": lines, "left_out": len(texts) - len(kept)}


def _near(first: list[int], second: list[int]) -> int:
    """How many mentions of the first have one of the second nearby; both sorted."""
    return sum(
        bisect_left(second, place - _NEAR_CHARACTERS) < bisect_right(second, place + _NEAR_CHARACTERS)
        for place in first
    )
