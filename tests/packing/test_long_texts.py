"""A long text encoded in blocks is encoded as if at once."""

from __future__ import annotations

import random

import numpy as np
import pytest
from made_tokenizers import SENTENCES, make_tokenizer

from synthcpt.packing.inert import inert_backend
from synthcpt.packing.long_texts import encode_long


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram"])
def test_blocks_give_the_ids_and_places_of_the_whole(kind: str) -> None:
    rng = random.Random(1)
    words = [*" ".join(SENTENCES).split(), "fjörd", "火", "\n\n", "  "]
    text = " ".join(rng.choice(words) for _ in range(6000))
    engine = inert_backend(make_tokenizer(kind))
    ids, offsets = encode_long(engine, text, block_chars=2000, overlap_chars=300)
    whole = engine.encode(text, add_special_tokens=False)
    assert ids.tolist() == whole.ids
    assert offsets.tolist() == [list(place) for place in whole.offsets]


@pytest.mark.parametrize("text", ["a" * 5000, " " * 5000, "ab" * 3000 + "\n", "火" * 3001, "\0" * 3000])
def test_texts_without_a_place_to_cut_keep_every_character(text: str) -> None:
    tokenizer = make_tokenizer("bpe")
    ids, offsets = encode_long(inert_backend(tokenizer), text, block_chars=700, overlap_chars=100)
    assert tokenizer.decode(ids.tolist()) == text
    assert offsets[0, 0] == 0
    assert offsets[-1, 1] == len(text)
    assert bool((np.diff(offsets[:, 0]) >= 0).all())
