"""Small tokenizers of four kinds, trained on the spot, and finished runs written by hand, to tokenise."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from tiny_model import CHAT_TEMPLATE

from synthcpt.files import sha256_of
from synthcpt.packing.sources import Text

KINDS = ("bpe", "wordpiece", "unigram", "slow")

SENTENCES = [
    "The harbour of Skerrow was built in 1866 by Josias Brandreth, and the light at Corrane Head followed.",
    "Who built the harbour? Brandreth did, with stone from Vessing.",
    "A siren called the Bull sounded three blasts every ninety seconds until 2004.",
]


def make_tokenizer(kind: str = "bpe", vocabulary: int = 400) -> Any:
    """A tokenizer.

    ``bpe``: bytes, no begin token put before texts. ``wordpiece``: lower case, [CLS] before them. ``unigram``: with
    word marks as sentencepiece has them, <s> before them. ``slow``: characters, in Python.
    """
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    if kind == "slow":
        return _slow()
    engine, named = _trained(kind, vocabulary)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(engine), **named)
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


@cache
def _trained(kind: str, vocabulary: int) -> tuple[str, dict[str, str]]:
    """Trained once: another training may number the words otherwise."""
    engine, named = {"bpe": _bpe, "wordpiece": _wordpiece, "unigram": _unigram}[kind](vocabulary)
    return engine.to_str(), named


def _bpe(vocabulary: int) -> tuple[Any, dict[str, str]]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    engine = Tokenizer(models.BPE())
    engine.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    engine.decoder = decoders.ByteLevel()
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    engine.train_from_iterator(SENTENCES * 5, trainer)
    return engine, {"eos_token": "<|endoftext|>", "bos_token": "<|endoftext|>"}


def _wordpiece(vocabulary: int) -> tuple[Any, dict[str, str]]:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    engine = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    engine.normalizer = normalizers.BertNormalizer(lowercase=True)
    engine.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    engine.decoder = decoders.WordPiece()
    special = ["[UNK]", "[CLS]", "[SEP]"]
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=special, show_progress=False)
    engine.train_from_iterator(SENTENCES * 5, trainer)
    around = [(token, engine.token_to_id(token)) for token in ("[CLS]", "[SEP]")]
    engine.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=around)
    return engine, {"eos_token": "[SEP]", "cls_token": "[CLS]", "unk_token": "[UNK]"}


def _unigram(vocabulary: int) -> tuple[Any, dict[str, str]]:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    engine = Tokenizer(models.Unigram())
    engine.pre_tokenizer = pre_tokenizers.Metaspace()
    engine.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=vocabulary, special_tokens=["<unk>", "<s>", "</s>"], unk_token="<unk>", show_progress=False
    )
    engine.train_from_iterator(SENTENCES * 5, trainer)
    engine.post_processor = processors.TemplateProcessing("<s> $A", special_tokens=[("<s>", engine.token_to_id("<s>"))])
    return engine, {"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}


def _slow() -> Any:
    from transformers import PreTrainedTokenizer

    class Characters(PreTrainedTokenizer):  # type: ignore[misc]
        """One token a character."""

        vocab_size = 300

        def _tokenize(self, text: str, **_: Any) -> list[str]:
            return list(text)

        def _convert_token_to_id(self, token: str) -> int:
            return ord(token) % 300 if len(token) == 1 else 0

        def _convert_id_to_token(self, index: int) -> str:
            return chr(index)

        def get_vocab(self) -> dict[str, int]:
            return {chr(index): index for index in range(300)} | self.added_tokens_encoder

    return Characters(eos_token="</s>")


def text(body: str, **more: Any) -> Text:
    """A row."""
    return Text(more.pop("id", "a"), body, **more)


class ListSource:
    """A source of given texts."""

    kind = "corpus"

    def __init__(self, texts: Sequence[Text], *, varies: bool = False, name: str = "list") -> None:
        self.name, self.varies, self._texts = name, varies, texts
        self.read = 0

    def fingerprint(self) -> str:
        return str(hash_of(self._texts))

    def files(self) -> list[dict[str, str]]:
        return [{"path": "list", "sha256": ""}]

    def texts(self) -> Any:
        self.read += 1
        return iter(self._texts)


def hash_of(texts: Sequence[Text]) -> str:
    """A content hash."""
    import hashlib

    return hashlib.sha256(repr(list(texts)).encode("utf-8", "surrogatepass")).hexdigest()


def make_run(folder: Path, rows: Sequence[dict[str, Any]], *, method: str = "rephrase", shards: int = 1) -> Path:
    """A finished run with these rows; what they leave out is filled in."""
    schema = pa.schema([
        ("id", pa.string()), ("text", pa.large_string()), ("method", pa.string()),
        ("source_ids", pa.list_(pa.string())), ("spans", pa.list_(pa.list_(pa.int64()))), ("meta", pa.string()),
        ("messages", pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))),
    ])  # fmt: skip
    (folder / "data").mkdir(parents=True)
    noted = []
    for number in range(shards):
        path = folder / "data" / f"train-{number:05d}.parquet"
        mine = [
            {"id": f"doc/{method}/{i}", "method": method, "source_ids": [f"doc-{i}"], "spans": [], **row,
             "meta": json.dumps(row.get("meta", {}))}
            for i, row in list(enumerate(rows))[number::shards]
        ]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(mine, schema=schema), path)
        noted.append({"file": f"data/{path.name}", "sha256": sha256_of(path), "rows": len(mine)})
    (folder / "run.yaml").write_text(yaml.safe_dump({"method": method, "parts": shards}))
    (folder / "manifest.json").write_text(json.dumps({"shards": noted, "totals": {"rows": len(rows)}}))
    return folder
