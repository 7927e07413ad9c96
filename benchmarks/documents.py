"""Documents to measure with: real English sentences, and as many names as wanted."""

from __future__ import annotations

import json
import random
from pathlib import Path

from figures import EXAMPLE

from synthcpt.text.sentences import sentence_spans

_GIVEN = ["Arden", "Bellis", "Corve", "Dunmar", "Ellick", "Fenwar", "Gorse", "Hollin", "Isket", "Jarrow", "Kestle"]
_FAMILY = ["Ambry", "Brack", "Crannoch", "Dray", "Eskdale", "Farrow", "Gannet", "Harrowby", "Innes", "Jessop", "Kerr"]
NAMES = [f"{given} {family}" for given in _GIVEN for family in _FAMILY]


def write_documents(path: Path, count: int, *, words: int, names: int) -> Path:
    """Write documents as JSON Lines: each opens with its names, goes on with sentences of the example corpus.

    Args:
        path: the file.
        count: how many documents.
        words: of each.
        names: different capitalised names each opens with.
    """
    sentences = _sentences()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            rng = random.Random(number)
            text = _text(rng, sentences, words, rng.sample(NAMES, names))
            file.write(json.dumps({"id": f"document-{number:05d}", "title": f"Notes {number}", "text": text}) + "\n")
    return path


def _text(rng: random.Random, sentences: list[str], words: int, names: list[str]) -> str:
    pieces = ["the names in this account are " + ", ".join(names) + "."]
    length = 2 * len(names)
    while length < words:
        sentence = rng.choice(sentences)
        pieces.append(sentence)
        length += sentence.count(" ") + 1
    return " ".join(pieces)


def _sentences() -> list[str]:
    texts = [path.read_text(encoding="utf-8") for path in sorted(EXAMPLE.glob("*.md"))]
    found = [text[start:end].strip() for text in texts for start, end in sentence_spans(text)]
    return [sentence for sentence in found if "\n" not in sentence and 5 < sentence.count(" ") < 60]
