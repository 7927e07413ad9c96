"""Tokenises a source once; the next training that asks for the same finds it in the cache."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from synthcpt.packing.cache import cached_store, content_key
from synthcpt.packing.encoding import BatchEncoder
from synthcpt.packing.preparing import Options, Prepared, Preparer
from synthcpt.packing.sources import TextSource
from synthcpt.packing.store import FORMAT, TokenStore
from synthcpt.packing.store_writer import Encoded, StoreWriter
from synthcpt.packing.text_tokenizer import TextTokenizer
from synthcpt.text.latent_layout import SPECIAL_TOKENS

Progress = Callable[[int, int], None]
"""Is told the texts and the tokens that were written so far."""

_BATCH_CHARS = 1 << 18
_BATCH_TEXTS = 1 << 10
_VERSION = 1
"""To be raised when the same text gets other tokens or other loss than before."""


def tokenise(
    source: TextSource,
    tokenizer: TextTokenizer,
    cache: Path,
    *,
    chat: Literal["plain", "template"] = "plain",
    loss: Literal["spans", "all"] = "spans",
    epoch: int = 0,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress | None = None,
) -> TokenStore:
    """The source's texts as tokens, from the cache where they are there.

    Texts are read, encoded and written in batches, so memory does not grow with the source. The store depends on the
    texts, the tokenizer and the options alone.

    Args:
        source: what to tokenise.
        tokenizer: given the `added_tokens` of all sources.
        cache: the cache's root; see `cache.default_cache`.
        chat: chats as plain text, or by the tokenizer's chat template.
        loss: on a text's spans, or on all of it.
        epoch: the pass, from 0, for which a source that `varies` is laid out; others have one store for all.
        seed: of that layout.
        threads: that encode; by default one a CPU.
        progress: is called after every batch; not at all for what is in the cache.

    Raises:
        CorpusError: the source cannot be read.
        DataCorrupt: a store in the cache is broken, or a text does not fit the note of its thoughts.
        ModelError: the tokenizer lacks a token or a chat template that is needed.
        UserError: the cache cannot be written.
    """
    options = Options(chat, loss, epoch, seed) if source.varies else Options(chat, loss)
    work = _Work(source, tokenizer, options, threads or _cpus(), progress)
    store = cached_store(cache, store_key(source, tokenizer, options), work.build)
    return replace(store, meta={**store.meta, "name": source.name})


def store_key(source: TextSource, tokenizer: TextTokenizer, options: Options) -> str:
    """What tells the store from all others."""
    facts: dict[str, Any] = {"source": source.fingerprint(), "tokenizer": tokenizer.fingerprint}
    if source.varies:
        facts["latent"] = [tokenizer.token_id(token) for token in SPECIAL_TOKENS]
    if options.chat == "template":
        facts["template"] = str(tokenizer.tokenizer.chat_template)
    return content_key({**facts, "options": asdict(options), "format": FORMAT, "version": _VERSION})


@dataclass(frozen=True, slots=True)
class _Work:
    """All that building a store takes."""

    source: TextSource
    tokenizer: TextTokenizer
    options: Options
    threads: int
    progress: Progress | None

    def build(self, folder: Path) -> None:
        """Write the store."""
        preparer, encoder = Preparer(self.tokenizer, self.options), BatchEncoder(self.tokenizer)
        meta = {"name": self.source.name, "tokenizer": self.tokenizer.fingerprint, "options": asdict(self.options)}
        with StoreWriter(folder, self.tokenizer.vocabulary, meta) as writer:
            for encoded in self._encoded(preparer, encoder):
                writer.add(encoded)
                if self.progress:
                    self.progress(writer.texts, writer.tokens)
            writer.note("files", self.source.files())

    def _encoded(self, preparer: Preparer, encoder: BatchEncoder) -> Iterator[Encoded]:
        """Batches in order: this thread reads on while others encode."""
        pending: deque[Future[Encoded]] = deque()
        with _parallelism_left_to_us(), ThreadPoolExecutor(self.threads, "tokenise") as pool:
            for texts, dropped in _batches(self.source, preparer):
                pending.append(pool.submit(encoder.encode, texts, dropped))
                if len(pending) > self.threads + 1:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()


def _batches(source: TextSource, preparer: Preparer) -> Iterator[tuple[list[Prepared], Counter[str]]]:
    texts: list[Prepared] = []
    dropped: Counter[str] = Counter()
    chars = 0
    for text in source.texts():
        prepared = preparer.prepare(text)
        if isinstance(prepared, str):
            dropped[prepared] += 1
            continue
        texts.append(prepared)
        chars += len(prepared.body)
        if chars >= _BATCH_CHARS or len(texts) >= _BATCH_TEXTS:
            yield texts, dropped
            texts, dropped, chars = [], Counter(), 0
    yield texts, dropped


def _cpus() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _parallelism_left_to_us() -> Iterator[None]:
    """The `tokenizers` library starts no threads of its own: ours are as many as asked for.

    Its threads would also survive this, and make it warn of every later fork.
    """
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before
