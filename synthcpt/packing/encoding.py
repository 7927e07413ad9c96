"""A batch of prepared texts as ids, with what stands around each text and which of its tokens carry loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from synthcpt.packing.engines import Ids, make_engine
from synthcpt.packing.loss_ranges import Ranges, add_range
from synthcpt.packing.preparing import Prepared
from synthcpt.packing.store_writer import Encoded
from synthcpt.packing.text_tokenizer import TextTokenizer

_SHORT = 1 << 16
"""Longer texts' ids go into the batch as arrays of their own and not through a list."""


@lru_cache(maxsize=1 << 14)
def group_hash(document_id: str) -> int:
    """The first 8 bytes of the id's BLAKE2b, by which texts made from one document are known."""
    return int.from_bytes(blake2b(document_id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


class BatchEncoder:
    """Encodes batches; may be called from several threads at once.

    Args:
        tokenizer: with all tokens that the texts need.
    """

    def __init__(self, tokenizer: TextTokenizer) -> None:
        self._before, self._end = list(tokenizer.before), tokenizer.end
        self._tokenizer = tokenizer
        self._engine = make_engine(tokenizer)

    def encode(self, texts: Sequence[Prepared], dropped: Counter[str]) -> Encoded:
        """The batch, ready to be written.

        Args:
            texts: in order.
            dropped: texts left out before, by reason; those left out here are added to it.
        """
        found = self._found(texts)
        batch = _Batch(Encoded(np.empty(0, dtype=np.uint32), dropped=dropped))
        for prepared, (ids, ranges) in zip(texts, found, strict=True):
            if len(ids) == 0:
                dropped["empty"] += 1
            elif self._engine.forbidden and not prepared.control and self._is_forged(prepared, ids):
                dropped["control_tokens"] += 1
            elif prepared.spans and not ranges:
                dropped["no_loss"] += 1
            else:
                self._add(batch, prepared, ids, ranges)
        return batch.finished()

    def _found(self, texts: Sequence[Prepared]) -> list[tuple[Ids, Ranges]]:
        """Ids and loss of each text, those of one kind encoded together."""
        plain = [text.body for text in texts if not (text.pieces or text.spans or text.control)]
        pieces = [piece.text for text in texts for piece in text.pieces if not piece.special]
        by_kind = {
            "plain": iter([(ids, Ranges()) for ids in self._engine.ids(plain)]),
            "spans": iter(self._with_loss([text for text in texts if text.spans and not text.control], False)),
            "control": iter(self._with_loss([text for text in texts if text.control], True)),
        }
        piece_ids = iter(self._engine.ids(pieces))
        found: list[tuple[Ids, Ranges]] = []
        for text in texts:
            if text.pieces:
                found.append((self._joined(text, [list(next(piece_ids)) for p in text.pieces if not p.special]), []))
            else:
                found.append(next(by_kind["control" if text.control else "spans" if text.spans else "plain"]))
        return found

    def _is_forged(self, prepared: Prepared, ids: Ids) -> bool:
        """Special tokens came out of it that nobody put in."""
        forbidden = self._engine.forbidden
        return sum(int(number) in forbidden for number in ids) > sum(piece.special for piece in prepared.pieces)

    def _with_loss(self, texts: Sequence[Prepared], control: bool) -> list[tuple[Ids, Ranges]]:
        return self._engine.with_loss([(text.body, text.spans) for text in texts], control=control) if texts else []

    def _joined(self, text: Prepared, encoded: Sequence[list[int]]) -> list[int]:
        rest = iter(encoded)
        ids: list[int] = []
        for piece in text.pieces:
            ids.extend([self._tokenizer.token_id(piece.text)] if piece.special else next(rest))
        return ids

    def _add(self, batch: _Batch, prepared: Prepared, ids: Ids, ranges: Ranges) -> None:
        before, end = self._before, [self._end]
        if prepared.control:  # a template may write them itself
            before = [] if list(ids[: len(before)]) == before else before
            end = [] if ids[-1] == self._end else end
        if ranges:
            ranges = [(low + len(before), high + len(before)) for low, high in ranges]
            if end and prepared.spans[-1][1] >= len(prepared.body.rstrip()):
                # The answer is the text's last word, so that the text ends here is part of it.
                add_range(ranges, len(before) + len(ids), len(before) + len(ids) + len(end))
        batch.add(prepared, before, ids, end)
        batch.encoded.loss.append(ranges)


@dataclass(slots=True)
class _Batch:
    """Texts' ids on their way into one array."""

    encoded: Encoded
    arrays: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    flat: list[int] = field(default_factory=list)

    def add(self, prepared: Prepared, before: list[int], ids: Ids, end: list[int]) -> None:
        """Append a text; its loss is left to the caller."""
        self.flat.extend(before)
        if isinstance(ids, list) and len(ids) < _SHORT:
            self.flat.extend(ids)
        else:
            self._flush()
            self.arrays.append(np.asarray(ids, dtype=np.uint32))
        self.flat.extend(end)
        source, encoded = prepared.source, self.encoded
        encoded.lengths.append(len(before) + len(ids) + len(end))
        encoded.utf8_bytes.append(_utf8_bytes(prepared.body))
        encoded.steps.append(source.step)
        encoded.rows.append((source.file, source.row))
        encoded.groups.append([group_hash(document) for document in source.source_ids])

    def finished(self) -> Encoded:
        """With all ids."""
        self._flush()
        if self.arrays:
            self.encoded.ids = np.concatenate(self.arrays)
        return self.encoded

    def _flush(self) -> None:
        if self.flat:
            self.arrays.append(np.array(self.flat, dtype=np.uint32))
            self.flat = []


def _utf8_bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())
