"""Texts become ids that give the texts back, with loss where it belongs."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_tokenizers import KINDS, SENTENCES, ListSource, make_tokenizer, text

from synthcpt.errors import DataCorrupt, ModelError
from synthcpt.packing.encoding import group_hash
from synthcpt.packing.sources import Text
from synthcpt.packing.store import TokenStore
from synthcpt.packing.text_tokenizer import TextTokenizer, add_tokens
from synthcpt.packing.tokenise import tokenise
from synthcpt.text.latent_layout import SPECIAL_TOKENS, Chunk, laid_out, write_chunks


def ids_of(store: TokenStore, number: int = 0) -> list[int]:
    return [int(i) for i in store.ids[store.offsets[number] : store.offsets[number + 1]]]


def loss_of(store: TokenStore, number: int = 0) -> list[tuple[int, int]]:
    ranges = store.loss_ranges[store.loss_offsets[number] : store.loss_offsets[number + 1]]
    return [(int(low), int(high)) for low, high in ranges]


def tokenised(tmp_path: Path, texts: list[Text], kind: str = "bpe", bos: Any = "auto", **how: Any) -> TokenStore:
    return tokenise(ListSource(texts), TextTokenizer(make_tokenizer(kind), bos=bos), tmp_path, **how)


@pytest.mark.parametrize("threads", [1, 3])
def test_byte_level_ids_decode_to_the_texts(tmp_path: Path, threads: int) -> None:
    bodies = [*SENTENCES, "x", "a\0b", "fjörd 火 \U0001f642\n\n\tend  ", "<|endoftext|><|latent_end|>", "é\u0301"] * 300
    store = tokenised(tmp_path, [text(body) for body in bodies], threads=threads)
    tokenizer = make_tokenizer()
    assert store.texts == len(bodies)
    for number, body in enumerate(bodies):
        *ids, end = ids_of(store, number)
        assert tokenizer.decode(ids) == body
        assert end == tokenizer.eos_token_id
    assert store.utf8_bytes.tolist() == [len(body.encode()) for body in bodies]
    assert store.tokens == len(store.ids)
    assert store.meta["vocabulary"] == int(store.ids.max()) + 1
    assert len(store.loss_ranges) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_tokenizer(tmp_path: Path, kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    store = tokenised(tmp_path, [text(body) for body in SENTENCES], kind)
    before = {"wordpiece": ["[CLS]"], "unigram": ["<s>"]}.get(kind, [])
    for number, body in enumerate(SENTENCES):
        expected = tokenizer(body, add_special_tokens=False)["input_ids"]
        expected = [*tokenizer.convert_tokens_to_ids(before), *expected, tokenizer.eos_token_id]
        assert ids_of(store, number) == expected


@pytest.mark.parametrize("kind", KINDS)
def test_loss_on_the_answer_and_on_the_end_it_leads_to(tmp_path: Path, kind: str) -> None:
    body = "Who built the harbour? Brandreth did."
    texts = [
        text(body, spans=[[23, 37]]), text(body + " Yes.", spans=[(23, 37)]), text(body, spans=[(0, 3), (4, 9)]),
        text("An end?\n", spans=[(3, 7)]),
    ]  # fmt: skip
    tokenizer = make_tokenizer(kind)
    store = tokenised(tmp_path, texts, kind)

    def carried(number: int) -> list[str]:
        ids = ids_of(store, number)
        return [
            tokenizer.decode(ids[low:high], clean_up_tokenization_spaces=False).replace(" ", "").lower()
            for low, high in loss_of(store, number)
        ]

    end = tokenizer.eos_token
    assert carried(0) == ["brandrethdid." + end.lower()]
    assert carried(1) == ["brandrethdid."]
    assert [part.strip() for part in carried(2)] in (["who", "built"], ["whobuilt"])
    assert "".join(carried(3)) == "end?" + end.lower()


def test_begin_tokens_never_carry_loss_where_there_are_spans(tmp_path: Path) -> None:
    store = tokenised(tmp_path, [text("Who did?", spans=[(0, 8)])], "unigram")
    assert loss_of(store) == [(1, len(ids_of(store)))]


def test_loss_on_everything_if_asked(tmp_path: Path) -> None:
    store = tokenised(tmp_path, [text("Who did?", spans=[(0, 3)])], loss="all")
    assert loss_of(store) == []


def test_what_cannot_be_trained_on_is_counted(tmp_path: Path) -> None:
    texts = [
        text(""), text(" \n"), text("A", spans=[(5, 9)]), text("A B", spans=[(1, 2)]), text("kept", spans=[(0, 4)]),
    ]  # fmt: skip
    store = tokenised(tmp_path, texts)
    assert store.texts == 1
    assert store.meta["dropped"] == {"empty": 2, "no_loss": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_special_tokens_in_a_text_are_letters(tmp_path: Path, kind: str) -> None:
    tokenizer = make_tokenizer(kind)
    hostile = "a <|endoftext|> </s> <s> [SEP] [CLS] <|im_end|> b"
    store = tokenised(tmp_path, [text(hostile), text(hostile, spans=[(0, len(hostile))])], kind, bos="never")
    special = {tokenizer.convert_tokens_to_ids(t) for t in tokenizer.all_special_tokens} - {tokenizer.unk_token_id}
    for number in (0, 1):
        *ids, end = ids_of(store, number)
        assert end == tokenizer.eos_token_id
        assert not special & set(ids)
        assert len(ids) > 20


def test_a_text_that_gets_round_the_renaming_is_left_out(tmp_path: Path) -> None:
    store = tokenised(tmp_path, [text("a \U0010ffff</s> b"), text("c </s> d")], "unigram")
    assert store.texts == 1
    assert store.meta["dropped"] == {"control_tokens": 1}


def test_groups_steps_and_rows(tmp_path: Path) -> None:
    texts = [
        text("one", source_ids=("a", "b"), step="easy", file=0, row=3),
        text("two", source_ids=(), step="hard", file=1, row=0),
        text("three", source_ids=("b",), step="easy", file=1, row=9),
    ]
    store = tokenised(tmp_path, texts)
    assert store.group_offsets.tolist() == [0, 2, 2, 3]
    assert store.groups.tolist() == [group_hash("a"), group_hash("b"), group_hash("b")]
    assert [store.meta["steps"][step] for step in store.steps] == ["easy", "hard", "easy"]
    assert store.rows.tolist() == [[0, 3], [1, 0], [1, 9]]


def test_lone_surrogates_are_replaced_and_spans_stay(tmp_path: Path) -> None:
    store = tokenised(tmp_path, [text("\ud800 q \udc00 yes", spans=[(6, 9)])])
    tokenizer = make_tokenizer()
    assert tokenizer.decode(ids_of(store)[:-1]) == "\ufffd q \ufffd yes"
    assert tokenizer.decode(ids_of(store)[slice(*loss_of(store)[0])]) in (" yes<|endoftext|>", "yes<|endoftext|>")


def test_ids_take_two_bytes_where_that_is_enough(tmp_path: Path) -> None:
    assert tokenised(tmp_path, [text("one")]).ids.dtype == np.uint16
    wide = make_tokenizer("bpe")
    add_tokens(wide, [f"<{number}>" for number in range(66_000)])
    store = tokenise(ListSource([text("one <65999>")]), TextTokenizer(wide), tmp_path)
    assert store.ids.dtype == np.uint32
    assert wide.decode(ids_of(store)[:-1]) == "one <65999>"


def test_a_text_longer_than_a_block_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthcpt.packing.engines.LONG_CHARS", 3000)
    body = " ".join(SENTENCES * 40)
    end = len(body) - 10
    store = tokenised(tmp_path, [text("short"), text(body), text("short"), text(body, spans=[(10, end)])])
    tokenizer = make_tokenizer()
    assert [tokenizer.decode(ids_of(store, n)[:-1]) for n in range(4)] == ["short", body, "short", body]
    assert tokenizer.decode(ids_of(store, 3)[slice(*loss_of(store, 3)[0])]).strip() in body
    assert len(loss_of(store, 3)) == 1


LATENT = [Chunk("Skerrow has a light."), Chunk(" It <|latent_end|> burns.", "Why?"), Chunk(" End.", "Because.")]


def latent_text() -> Text:
    body, places = write_chunks(LATENT)
    return text(body, id="doc/latent/0", latent=True, meta={"chunks": places})


def test_latent_thoughts_are_laid_out_anew_in_every_epoch(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    add_tokens(tokenizer, SPECIAL_TOKENS)
    made = TextTokenizer(tokenizer)
    source = ListSource([latent_text()], varies=True)
    seen = set()
    for epoch in range(8):
        store = tokenise(source, made, tmp_path, epoch=epoch, seed=5)
        pieces = laid_out(LATENT, 5, epoch, "doc/latent/0")
        expected = []
        for piece in pieces:
            ids = tokenizer(piece.text, add_special_tokens=False)["input_ids"]
            assert (len(ids) == 1) == piece.special
            expected += ids
        assert ids_of(store) == [*expected, made.end]
        assert store.utf8_bytes[0] == sum(len(piece.text.encode()) for piece in pieces if not piece.special)
        seen.add(tuple(expected))
    assert len(seen) > 1
    assert loss_of(store) == []


def test_latent_tokens_must_be_added_and_notes_must_fit(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Add it before"):
        tokenise(ListSource([latent_text()], varies=True), TextTokenizer(make_tokenizer()), tmp_path)
    tokenizer = make_tokenizer()
    add_tokens(tokenizer, SPECIAL_TOKENS)
    changed = text(latent_text().text + "!", id="doc/0", latent=True, meta=latent_text().meta)
    with pytest.raises(DataCorrupt, match="'doc/0' does not fit"):
        tokenise(ListSource([changed], varies=True), TextTokenizer(tokenizer), tmp_path)
    assert not list((tmp_path / "tokens").glob("[!.]*"))


def test_the_order_of_the_texts_and_the_environment_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    told: list[tuple[int, int]] = []
    texts = [
        text("word " * (1 + number % 7), row=number, source_ids=[f"{number}"] * (number % 3), spans=[(0, 4)])
        for number in range(5000)
    ]
    store = tokenised(tmp_path, texts, threads=4, progress=lambda *counts: told.append(counts))
    assert store.rows[:, 1].tolist() == list(range(5000))
    assert np.diff(store.group_offsets).tolist() == [number % 3 for number in range(5000)]
    assert store.groups[store.group_offsets[4001]] == group_hash("4001")
    assert np.diff(store.loss_offsets).tolist() == [1 if number % 7 else 2 for number in range(5000)]
    assert told == sorted(told)
    assert told[-1] == (store.texts, store.tokens)
    assert "TOKENIZERS_PARALLELISM" not in os.environ


def test_memory_does_not_grow_with_the_source(tmp_path: Path) -> None:
    class Stream(ListSource):
        def texts(self) -> Iterator[Text]:
            return (text(f"{number} " + SENTENCES[number % 3] * 8, row=number) for number in range(self.count))

    def peak(count: int) -> int:
        source = Stream([text(str(count))])
        source.count = count
        tracemalloc.start()
        tokenise(source, made, tmp_path, threads=1)
        highest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return highest

    made = TextTokenizer(make_tokenizer())
    peak(10)
    assert peak(6000) < 1.2 * peak(2000)
