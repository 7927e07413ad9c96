"""One random stream a purpose, so that no draw depends on another document or on what ran before."""

from __future__ import annotations

import hashlib
import random


def stream(seed: int, *names: str) -> random.Random:
    """A generator for one purpose, e.g. ``stream(seed, method, document_id, "triples")``.

    Equal arguments give equal streams in every process and on every platform; any other argument gives an
    unrelated one. The names are length-prefixed, so ("a", "bc") and ("ab", "c") differ.
    """
    encoded = [name.encode("utf-8", "surrogatepass") for name in names]
    framed = b"".join(len(name).to_bytes(8, "big") + name for name in encoded)
    digest = hashlib.blake2b(str(seed).encode() + b"\0" + framed, digest_size=16).digest()
    return random.Random(int.from_bytes(digest, "big"))
