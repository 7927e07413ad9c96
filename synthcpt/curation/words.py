"""A text as an array of numbers, one a normalised word, and the hashes of its runs of words.

Every comparison here is of runs of words, of several lengths. A word is hashed once, and the runs of all lengths are
made of their words' hashes by array arithmetic, which costs a fraction of putting them together as strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from synthcpt.text.folding import is_spaceless

Hashes = npt.NDArray[np.uint64]

_WORD = re.compile(r"\w+")
_MOST_CACHED = 1 << 20
_TO_SPACES = bytes(byte if chr(byte).isalnum() or byte == 0x5F else 0x20 for byte in range(128)) + bytes(128)
_SHIFT = np.uint64(29)
_ODD = np.array([(0x9E3779B97F4A7C15 * (2 * place + 1)) & (2**64 - 1) for place in range(64)], dtype=np.uint64)


def words_of(text: str) -> list[str]:
    """The words without case and punctuation; in scripts without spaces between words a character is one."""
    folded = text.casefold()
    if folded.isascii():  # as below, and twice as fast
        return folded.encode().translate(_TO_SPACES).decode().split()
    words: list[str] = []
    for word in _WORD.findall(folded):
        words += word if any(map(is_spaceless, word)) else [word]
    return words


class WordHasher(dict[str, int]):
    """Numbers for words, the same everywhere; remembers those it has seen, up to a million."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MOST_CACHED:
            self.clear()
        number = int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
        self[word] = number
        return number

    def hashes(self, text: str) -> Hashes:
        """One number a word of the text."""
        words = words_of(text)
        return np.fromiter(map(self.__getitem__, words), dtype=np.uint64, count=len(words))


def run_hashes(words: Hashes, length: int) -> Hashes:
    """A hash of every run of ``length`` words, in order; none where the text is shorter."""
    return next(run_hashes_each(words, [length]), words[:0])


def run_hashes_each(words: Hashes, lengths: Iterable[int]) -> Iterator[Hashes]:
    """`run_hashes` for several lengths, which must ascend; ends before a length that the text does not have."""
    hashed, done = words * _ODD[0], 1  # words' hashes are random in all their bits, so these need no mixing
    for length in lengths:
        if length > len(words):
            return
        for place in range(done, length):
            hashed = (hashed[:-1] ^ (hashed[:-1] >> _SHIFT)) * _ODD[place] + words[place:]
        done = length
        yield hashed


def mixed(numbers: Hashes) -> Hashes:
    """Each number's bits spread over all 64 (the finaliser of splitmix64)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def hash64(*parts: str) -> int:
    """A number for strings, the same everywhere; ("a", "bc") and ("ab", "c") differ."""
    hasher = blake2b(digest_size=8)
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        hasher.update(len(encoded).to_bytes(8, "big") + encoded)
    return int.from_bytes(hasher.digest(), "big")
