"""Tokenised texts are found again by their content; nothing half done is ever taken for whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from made_tokenizers import SENTENCES, ListSource, make_tokenizer, text

from synthcpt.errors import DataCorrupt, UserError
from synthcpt.packing.cache import cached_store, default_cache, known_sha256
from synthcpt.packing.store import ARRAYS, TokenStore
from synthcpt.packing.text_tokenizer import TextTokenizer, add_tokens
from synthcpt.packing.tokenise import tokenise
from synthcpt.text.latent_layout import SPECIAL_TOKENS

TEXTS = [text(sentence, source_ids=("a",), spans=[(0, 5)]) for sentence in SENTENCES]


def test_the_same_is_read_once(tmp_path: Path) -> None:
    made, source = TextTokenizer(make_tokenizer()), ListSource(TEXTS)
    first = tokenise(source, made, tmp_path)
    again = ListSource(TEXTS, name="another name")
    second = tokenise(again, made, tmp_path, epoch=3, seed=9)
    assert (source.read, again.read) == (1, 0)
    assert second.path == first.path
    assert (first.name, second.name) == ("list", "another name")
    for name in ARRAYS:
        assert np.array_equal(getattr(first, name), getattr(second, name)), name


@pytest.mark.parametrize("what", ["text", "tokenizer", "bos", "loss", "chat"])
def test_another_text_tokenizer_or_option_is_another_store(tmp_path: Path, what: str) -> None:
    first = tokenise(ListSource(TEXTS), TextTokenizer(make_tokenizer()), tmp_path)
    source = ListSource([*TEXTS[:-1], text("Other.")] if what == "text" else TEXTS)
    tokenizer = make_tokenizer("bpe", 380 if what == "tokenizer" else 400)
    made = TextTokenizer(tokenizer, bos="always" if what == "bos" else "auto")
    second = tokenise(
        source,
        made,
        tmp_path,
        loss="all" if what == "loss" else "spans",
        chat="template" if what == "chat" else "plain",
    )
    assert source.read == 1
    assert second.path != first.path


def test_only_sources_that_vary_have_a_store_an_epoch(tmp_path: Path) -> None:
    tokenizer = make_tokenizer()
    add_tokens(tokenizer, SPECIAL_TOKENS)
    made = TextTokenizer(tokenizer)
    for varies, stores in ((False, 1), (True, 3)):
        source = ListSource(TEXTS, varies=varies)
        paths = {
            tokenise(source, made, tmp_path / str(varies), epoch=epoch, seed=seed).path
            for epoch, seed in ((0, 0), (1, 0), (0, 1), (0, 0))
        }
        assert len(paths) == stores


@pytest.mark.parametrize("array", ARRAYS)
def test_a_store_of_another_size_is_refused(tmp_path: Path, array: str) -> None:
    made = TextTokenizer(make_tokenizer())
    path = tokenise(ListSource(TEXTS), made, tmp_path).path
    file = path / f"{array}.bin"
    whole = file.read_bytes()
    for wrong in (whole[:-1], whole + b"\0"):
        file.write_bytes(wrong)
        with pytest.raises(DataCorrupt, match=r"Delete that folder; it will be made anew"):
            tokenise(ListSource(TEXTS), made, tmp_path)


def test_an_empty_store_can_be_opened(tmp_path: Path) -> None:
    store = tokenise(ListSource([text(" ")]), TextTokenizer(make_tokenizer()), tmp_path)
    assert (store.texts, store.tokens, store.rows.shape, store.loss_ranges.shape) == (0, 0, (0, 2), (0, 2))
    assert len(store.lengths()) == 0


class Dying(ListSource):
    """Kills its process, or fails, when the first batches have been written."""

    how = "kill"

    def texts(self):  # type: ignore[no-untyped-def]
        yield from (text(f"{number} {SENTENCES[0]}") for number in range(20_000))
        if self.how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError("the disk is gone")


def test_a_killed_process_leaves_nothing_that_counts_and_is_cleaned_up_after(tmp_path: Path) -> None:
    here = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "support")]
    script = (
        f"import sys, pathlib; sys.path[:0] = {here!r}\nimport test_cache\n"
        f"test_cache.tokenise(test_cache.Dying([]), test_cache.TextTokenizer(test_cache.make_tokenizer()), "
        f"pathlib.Path({str(tmp_path)!r}), threads=1)"
    )
    process = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True)
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    folder = tmp_path / "tokens"
    half = list(folder.glob(".*.building"))
    assert len(half) == 1
    assert (half[0] / "ids.bin").stat().st_size > 0
    assert not list(folder.glob("[!.]*"))
    tokenise(ListSource(TEXTS), TextTokenizer(make_tokenizer()), tmp_path)
    assert len(list(folder.glob("[!.]*"))) == 1
    assert not list(folder.glob(".*"))


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    class Failing(Dying):
        how = "fail"

    with pytest.raises(OSError, match="disk is gone"):
        tokenise(Failing([]), TextTokenizer(make_tokenizer()), tmp_path)
    assert not list((tmp_path / "tokens").iterdir())


def test_two_that_build_at_once_get_the_same_whole_store(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=60)

    class Slow(ListSource):
        def texts(self):  # type: ignore[no-untyped-def]
            both.wait()  # each is at it before the other is done
            yield from TEXTS
            both.wait()

    found: list[TokenStore] = []
    work = [
        threading.Thread(
            target=lambda: found.append(tokenise(Slow(TEXTS), TextTokenizer(make_tokenizer()), tmp_path, threads=1))
        )
        for _ in range(2)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert [store.texts for store in found] == [3, 3]
    assert found[0].path == found[1].path
    assert [path.name for path in (tmp_path / "tokens").iterdir()] == [found[0].path.name]


def test_a_cache_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "tokens").write_text("a file")
    with pytest.raises(UserError, match="cannot be written"):
        tokenise(ListSource(TEXTS), TextTokenizer(make_tokenizer()), tmp_path)


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHCPT_CACHE", "/a/b")
    assert default_cache() == Path("/a/b")
    monkeypatch.delenv("SYNTHCPT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    assert default_cache() == Path("/x/synthcpt")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/users/me")
    assert default_cache() == Path("/users/me/.cache/synthcpt")


def test_a_files_hash_is_noted_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "a"
    file.write_text("one")
    first = known_sha256(file, tmp_path / "cache")
    with monkeypatch.context() as patched:
        patched.setattr("synthcpt.packing.cache.sha256_of", lambda path: pytest.fail("read again"))
        assert known_sha256(file, tmp_path / "cache") == first
    file.write_text("two")
    os.utime(file, ns=(1, 1))
    assert known_sha256(file, tmp_path / "cache") != first


def test_a_build_that_writes_no_store_is_not_taken_for_one(tmp_path: Path) -> None:
    with pytest.raises(DataCorrupt):
        cached_store(tmp_path, "key", lambda folder: folder.mkdir(parents=True))
