"""Duplicates and near-duplicates, as `curate` drops them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from full_runs import text_of, write_full_run

from synthcpt.curation import curate

Row = Mapping[str, Any]


def kept(tmp_path: Path, rows: Sequence[Row], **settings: Any) -> list[int]:
    """The places of the rows that stay."""
    out = curate(write_full_run(tmp_path / "run", rows), tmp_path / "out", **settings)
    return [json.loads(meta)["number"] for meta in pq.read_table(out / "data").column("meta").to_pylist()]


def rejected(tmp_path: Path) -> list[dict[str, Any]]:
    paths = (tmp_path / "out" / "rejected").iterdir()
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def changed(text: str, *places: int) -> str:
    words = text.split()
    for place in places:
        words[place] = "otherwise"
    return " ".join(words)


def test_the_same_text_again_is_dropped_whoever_made_it(tmp_path: Path) -> None:
    text = text_of(1)
    rows = [
        {"text": text, "document": "a"},
        {"text": text_of(2), "document": "a"},
        {"text": text.upper().replace(" ", "\n\n"), "document": "b", "step": "other"},
        {"text": text + "."},
    ]
    assert kept(tmp_path, rows) == [0, 1, 3]
    (only,) = rejected(tmp_path)
    assert (only["reason"], only["detail"]) == ("duplicate", "the same as a/rephrase/step-0")
    assert only["id"] == "b/rephrase/other-2"
    assert only["meta"] == {"number": 2, "step": "other"}


def test_the_first_of_several_stays(tmp_path: Path) -> None:
    rows = [{"text": text_of(n % 3)} for n in range(9)]
    assert kept(tmp_path, rows) == [0, 1, 2]
    assert {row["detail"][-1] for row in rejected(tmp_path)} == {"0", "1", "2"}


def test_duplicates_may_be_kept(tmp_path: Path) -> None:
    assert kept(tmp_path, [{"text": text_of(1)}] * 3, exact=False, near=False) == [0, 1, 2]


def test_the_same_text_with_another_part_to_learn_stays(tmp_path: Path) -> None:
    rows = [{"text": text_of(1), "spans": spans} for spans in ([], [[0, 10]], [[20, 30]], [[0, 10]])]
    assert kept(tmp_path, rows) == [0, 1, 2]


def test_copies_of_the_source_stay_unless_they_are_not_wanted(tmp_path: Path) -> None:
    rows = [{"text": text_of(1), "step": "source"}] * 3 + [{"text": text_of(2)}]
    assert kept(tmp_path / "keep", rows) == [0, 1, 2, 3]
    assert kept(tmp_path / "drop", rows, source_copies="drop") == [0, 3]


def test_near_duplicates_of_one_prompt_are_dropped(tmp_path: Path) -> None:
    text = text_of(1, 200)
    rows = [{"text": text}, {"text": changed(text, 0)}, {"text": changed(text, 50, 100, 150)}]
    assert kept(tmp_path, rows) == [0, 2]
    (only,) = rejected(tmp_path)
    assert (only["reason"], only["detail"]) == ("near_duplicate", "Jaccard similarity 0.99 to doc/rephrase/step-0")


@pytest.mark.parametrize("other", [{"document": "b"}, {"step": "qa"}, {"method": "entigraph"}])
def test_texts_asked_for_otherwise_are_never_near_duplicates(tmp_path: Path, other: Row) -> None:
    text = text_of(1, 200)
    assert kept(tmp_path, [{"text": text}, {"text": changed(text, 0), **other}]) == [0, 1]


def test_another_number_is_another_fact(tmp_path: Path) -> None:
    text = text_of(1, 300)
    rows = [
        {"text": f"{text} In 1847 it was."},
        {"text": f"{text} In 1848 it was."},
        {"text": f"{text} In 1847 it is."},
    ]
    assert kept(tmp_path, rows) == [0, 1]


def test_another_part_to_learn_is_another_text(tmp_path: Path) -> None:
    text = text_of(1, 300)
    ends = ("Ansgar Teale", "Mungo Teale", "Ansgar Teale!")
    rows = [{"text": f"{text} {end}", "spans": [[len(text) + 1, len(text) + 1 + len(end)]]} for end in ends]
    assert kept(tmp_path, rows) == [0, 1]


def test_short_texts_are_compared_exactly_only(tmp_path: Path) -> None:
    short, long = text_of(1, 49), text_of(2, 50)
    rows = [{"text": short}, {"text": short + "!"}, {"text": long}, {"text": long + "!"}]
    assert kept(tmp_path, rows) == [0, 1, 2]


def test_what_is_dropped_hides_nothing(tmp_path: Path) -> None:
    """A text like a dropped one, but not like a kept one, stays."""
    text = text_of(1, 200)
    rows = [{"text": text}, {"text": changed(text, 60)}, {"text": changed(text, 60, 120, 180)}]
    assert kept(tmp_path, rows, jaccard=0.9) == [0, 2]


def test_the_threshold_is_exact(tmp_path: Path) -> None:
    # 104 words have 100 shingles, and the last word is in one: 99 of 101 agree.
    text = text_of(1, 104)
    rows = [{"text": text}, {"text": changed(text, 103)}]
    assert kept(tmp_path / "below", rows, jaccard=0.98) == [0]
    assert kept(tmp_path / "above", rows, jaccard=0.981) == [0, 1]


def test_it_finds_what_comparing_all_with_all_finds(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    base = [text_of(n, 160) for n in range(6)]
    texts = [
        changed(base[n], *rng.choice(160, rng.integers(0, 6), replace=False)) for n in rng.integers(0, 6, 150).tolist()
    ]
    rows = [{"text": text, "document": f"doc-{number % 2}"} for number, text in enumerate(texts)]
    expected: list[int] = []
    seen: set[str] = set()
    exact = [number for number, text in enumerate(texts) if not (text in seen or seen.add(text))]
    for number in exact:
        words = texts[number].split()
        mine = {tuple(words[at : at + 5]) for at in range(len(words) - 4)}
        for other in expected:
            words = texts[other].split()
            theirs = {tuple(words[at : at + 5]) for at in range(len(words) - 4)}
            if other % 2 == number % 2 and len(mine & theirs) / len(mine | theirs) >= 0.9:
                break
        else:
            expected.append(number)
    assert 10 < len(expected) < len(exact) - 10
    assert kept(tmp_path, rows) == expected
