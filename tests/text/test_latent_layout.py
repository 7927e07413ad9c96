"""The training layouts of latent thoughts, the coin between them, and the row they are read from."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthcpt.text.latent_layout import (
    END,
    POSTERIOR,
    PRIOR,
    SPECIAL_TOKENS,
    START,
    Chunk,
    guard,
    laid_out,
    pieces,
    read_chunks,
    toss,
    unguard,
    write_chunks,
)

CHUNKS = [Chunk("One. ", "think of one"), Chunk("Two. "), Chunk("Three.", "think of three")]


def test_the_layouts_are_the_papers() -> None:
    def spelt(layout: Any) -> list[str]:
        return [piece.text for piece in pieces(Chunk("X", "Z"), layout)]

    assert spelt("prior") == [START, PRIOR, "Z", END, "X"]
    assert spelt("posterior") == [START, END, "X", START, POSTERIOR, "Z", END]
    assert [piece.text for piece in pieces(Chunk("X"), "posterior")] == ["X"]
    assert {piece.text for piece in pieces(Chunk("X", "Z"), "posterior") if piece.special} < set(SPECIAL_TOKENS)


def test_modes_lay_out_all_alike() -> None:
    def joined(mode: Any) -> str:
        return "".join(piece.text for piece in laid_out(CHUNKS, 0, 0, "d", mode))

    one, three = f"{START}{PRIOR}think of one{END}", f"{START}{PRIOR}think of three{END}"
    assert joined("prior") == f"{one}One. Two. {three}Three."
    assert joined("raw") == "One. Two. Three."
    assert joined("thoughts") == one + three
    assert joined("posterior").endswith(f"{START}{END}Three.{START}{POSTERIOR}think of three{END}")


def test_the_coin_is_fair_and_tossed_anew_in_each_epoch_for_each_chunk() -> None:
    tosses = [[toss(3, epoch, "d", chunk) for chunk in range(1000)] for epoch in range(4)]
    for row in tosses:
        assert row.count("prior") == pytest.approx(500, abs=4 * math.sqrt(250))
    agreeing = [sum(a == b for a, b in zip(tosses[0], other, strict=True)) for other in tosses[1:]]
    assert all(count == pytest.approx(500, abs=4 * math.sqrt(250)) for count in agreeing)
    assert [toss(3, 0, "d", chunk) for chunk in range(1000)] == tosses[0]
    assert [toss(3, 0, "e", chunk) for chunk in range(1000)] != tosses[0]
    assert [toss(4, 0, "d", chunk) for chunk in range(1000)] != tosses[0]


def test_an_epochs_layout_follows_the_tosses() -> None:
    many = [Chunk(f"{n}", "z") for n in range(30)]
    for epoch in range(3):
        laid = "".join(piece.text for piece in laid_out(many, 7, epoch, "d"))
        assert laid == "".join("".join(p.text for p in pieces(c, toss(7, epoch, "d", n))) for n, c in enumerate(many))
    assert laid_out(many, 7, 0, "d") != laid_out(many, 7, 1, "d")


@given(st.lists(st.sampled_from(["<", "|", "latent_end", "latent_start", "latent_chunk", "|>", "<|latent_end|>", "x"])))
def test_guarding_hides_every_special_token_and_can_be_undone(parts: list[str]) -> None:
    text = "".join(parts)
    assert unguard(guard(text)) == text
    assert not [token for token in SPECIAL_TOKENS if token in guard(text)]


def test_a_row_is_read_back_to_the_character_and_a_changed_one_is_refused() -> None:
    hostile = [*CHUNKS, Chunk(f" {END}{START}{PRIOR}no thought{END}", f"of {END} and <||latent_end|>"), Chunk("")]
    text, places = write_chunks(hostile)
    assert read_chunks(text, json.loads(json.dumps(places))) == hostile
    assert text.count(END) == 3
    with pytest.raises(ValueError, match="changed"):
        read_chunks(text.replace("think", "thunk "), places)
