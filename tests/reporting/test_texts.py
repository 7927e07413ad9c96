"""What the browser of texts and the entity graph are given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from journalled_runs import begin_run, dropped, fill, journal_of, text

from synthcpt.reporting import texts as texts_module
from synthcpt.reporting.entity_graph import embed_graphs
from synthcpt.reporting.gathering import gather, journals_of
from synthcpt.reporting.sampling import choose
from synthcpt.reporting.texts import Utf16, embed_texts


def embedded(folder: Path, documents: dict[str, str], rows: list[Any]) -> tuple[dict[str, Any], list[Any]]:
    begin_run(folder)
    journal = journal_of(folder)
    fill(journal, documents, rows)
    journal.close()
    found = gather(folder)
    with journals_of(found) as readers:
        sample = choose(readers, 0)
        return embed_texts(found, readers, sample), embed_graphs(found, readers, sample)


def test_offsets_are_counted_as_javascript_counts() -> None:
    body = "a\U0001f600b\U0001f600c"
    units = Utf16(body)
    for offset in range(len(body) + 1):
        assert units.at(offset) == len(body[:offset].encode("utf-16-le")) // 2


def test_texts_come_with_their_sources_spans_and_reasons(tmp_path: Path) -> None:
    source = "Opening. \U0001f600 The Bull sounded. " + "More. " * 20
    about = {"step": "pair", "entities": [{"name": "Bull"}, {"name": "Wardens"}], "span": [11, 28]}
    rows = [
        text("one", "a", "\U0001f600 said so", spans=((2, 6),), meta=about),
        dropped("two", "b", "No.", "refusal", detail="it declined"),
    ]
    data, _ = embedded(tmp_path / "run", {"one": source, "two": "Other."}, rows)
    first = next(one for one in data["texts"] if one["id"].endswith("/a"))
    second = next(one for one in data["texts"] if one["id"].endswith("/b"))
    assert data["sources"][first["source"]]["text"] == source
    assert (first["step"], first["about"], first["spans"], first["origins"]) == (
        "pair", ["Bull", "Wardens"], [[3, 7]], [[12, 29]]
    )  # fmt: skip
    assert (second["reason"], second["detail"]) == ("refusal", "it declined")
    assert data["sources"][second["source"]]["id"] == "two"
    assert "reason" not in first
    assert data["of"] == 2


@pytest.mark.parametrize(
    "meta",
    [{}, {"span": "all"}, {"span": [5, 2]}, {"span": [0, 10**9]}, {"span": [True, 3]}, {"span": [1.5, 2.5]},
     {"span": [0, 1, 2]},
     {"entities": "none"}, {"entities": [1, None, {"name": 3}]}, {"triples": [{"triple": [1, 2]}, "x"]}, {"step": 7}],
)  # fmt: skip
def test_odd_meta_is_left_aside(tmp_path: Path, meta: dict[str, Any]) -> None:
    data, graphs = embedded(tmp_path / "run", {"one": "source " * 20}, [text("one", "a", "text", meta=meta)])
    (row,) = data["texts"]
    assert "origins" not in row
    assert "about" not in row
    assert graphs == []


def test_long_texts_and_sources_are_cut_and_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts_module, "MOST_SOURCE_CHARACTERS", 150_000)
    rows = [text("a", "t", "x" * 100_001, spans=((0, 5), (99_990, 100_001), (100_000, 100_001))), text("b", "t", "y")]
    data, _ = embedded(tmp_path / "run", {"a": "s" * 120_000, "b": "s" * 120_000}, rows)
    first = next(one for one in data["texts"] if one["id"].startswith("a/"))
    assert len(first["text"]) == 100_000
    assert first["cut"] == 100_001
    assert first["spans"] == [[0, 5], [99_990, 100_000]]
    assert sorted(len(one["text"]) for one in data["sources"]) == [50_000, 100_000]
    assert {one["cut"] for one in data["sources"]} == {120_000}


def test_a_graph_has_the_pairs_asked_and_what_is_near(tmp_path: Path) -> None:
    source = (
        "Bull and Wardens met. " + "Filler words. " * 40 + "Vessing is far away. The Wardens went home, and Anders too."
    )

    def pair(n: int, *names: str) -> Any:
        return text("one", f"p{n}", "t", n, meta={"step": "pair", "entities": [{"name": name} for name in names]})

    rows = [
        pair(1, "Bull", "Wardens"),
        pair(2, "Bull", "Vessing"),
        pair(3, "Bull", "Wardens", "Nobody"),
        pair(4, "Bull", "Anders"),
    ]
    _, (graph,) = embedded(tmp_path / "run", {"one": source}, rows)
    names = [node["name"] for node in graph["nodes"]]
    assert [(node["name"], node["mentions"], node["texts"]) for node in graph["nodes"]] == [
        ("Wardens", 2, 2), ("Bull", 1, 4), ("Vessing", 1, 1), ("Anders", 1, 1), ("Nobody", 0, 1)
    ]  # fmt: skip
    edges = {frozenset((names[a], names[b])): (count, near) for a, b, count, near, _ in graph["edges"]}
    assert edges == {
        frozenset(("Bull", "Wardens")): (2, 1), frozenset(("Bull", "Vessing")): (1, 0),
        frozenset(("Bull", "Anders")): (1, 0),
        frozenset(("Bull", "Nobody")): (1, 0), frozenset(("Wardens", "Nobody")): (1, 0),
    }  # fmt: skip


def test_listed_triples_make_a_graph_with_relations(tmp_path: Path) -> None:
    triples = [{"triple": ["Bull", "stands at", "Corrane Head"], "sentence": [0, 30]}]
    _, (graph,) = embedded(
        tmp_path / "run",
        {"one": "The Bull stands at Corrane Head. " * 3},
        [text("one", "a", "t", meta={"triples": triples})],
    )
    assert [edge[4] for edge in graph["edges"]] == ["stands at"]


def test_methods_without_pairs_have_no_graph(tmp_path: Path) -> None:
    _, graphs = embedded(tmp_path / "run", {"one": "source"}, [text("one", "a", "t", meta={"entity": "Bull"})])
    assert graphs == []
