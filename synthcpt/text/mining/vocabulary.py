"""A domain's words: what a SentencePiece model of its texts keeps whole, and a language model's tokenizer does not.

Trained on a sample of the corpus's sentences, those whose hashes are lowest, so that neither the order of the documents
nor anything but the sentences themselves decides which they are, and memory stays bounded.
"""

from __future__ import annotations

import heapq
import io
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson

from synthcpt.errors import ConfigError
from synthcpt.text.abbreviations import word_set
from synthcpt.text.mining.phrases import long_word
from synthcpt.text.sentences import sentence_spans

MOST_SENTENCES = 50_000
_SENTENCE_CHARS = (20, 600)
_PIECES = 16_000
MOST_LETTERS, FEWEST_LETTERS = 10, 8
_ENOUGH_KEYWORDS = 1000
_MARKS = "▁Ġ#"
_VOCABULARY_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt")

_COMMON = word_set(
    """absolutely academically accessible accommodate accompanied accomplish accordingly accounting achievement
    activities additional additionally adjustment administration administrative advantages afternoon agreement
    agricultural alternative altogether announcement anniversary apparently appearance application applications
    appointment appreciate approached approaches appropriate approximately arrangement arrangements assessment
    assistance associated association assumption atmosphere attempting attractive australian authorities background
    basketball beautifully beginning beginnings biological biography birthday breakfast calculated california candidates
    capability categories celebrated celebration certificate certification challenges challenging champions
    championship characters characteristic characteristics christianity christmas circumstances civilization
    collection collections combination comfortable commentary commercial commission commissioner commitment committees
    communicate communication communications communities comparison competition competitive complement completely
    completion complexity complicated components composition comprehensive concentrated concentration conclusion
    conditions conference confidence confirmation connecting connection connections consequence consequences
    consequently conservation conservative considerable considerably consideration considered considering consistent
    consistently consisting constitution construction consultant consumption contemporary containing continental
    continuing continuous contribute contributed contribution contributions controlled controlling controversial
    controversy convention conventional conversation cooperation corporation corresponding criticized crossroads
    currently declaration decorations definitely definition delivering democratic demonstrate demonstrated department
    departments dependent description designated destination destruction determined developing development developments
    difference differences difficulties difficulty dimensions directions disappeared disappointed discovered discussion
    discussions distinction distinguished distribution documentary documentation economically educational effectively
    efficiency electricity electronic elementary eliminated elsewhere emergency employment encouraged encouraging
    engagement engineering entertainment enterprise environment environmental equivalent especially essentially
    established establishment estimated evaluation eventually everything everywhere examination excellence exceptional
    exhibition existence expectations experience experienced experiences experiment experimental explanation
    exploration expression extensively extraordinary facilities federation foundation frequently friendship functional
    fundamental furthermore generation generations government governmental governments gradually graduation guidelines
    historical horizontal households hypothesis identified identification imagination immediately impossible
    impressive improvement improvements incorporated increasing increasingly incredible independence independent
    independently individual individuals industrial information infrastructure initially initiative institution
    institutions instructions instrument instruments integration intellectual intelligence interested interesting
    international interpretation interview introduced introduction investigate investigation investment involvement
    journalist leadership legislation legislative literature maintained maintaining maintenance management
    manufacturer manufacturers manufacturing mathematics meaningful measurement mechanical mechanisms membership
    metropolitan moderately motivation multiplied musicians mysterious nationally necessarily negotiations
    neighborhood nevertheless newspapers nomination nonetheless notification observation observations occasionally
    occupation officially operations opportunities opportunity opposition organisation organisations organization
    organizations originally outstanding parliament participate participated participants participation particular
    particularly partnership passengers percentage performance performances permission personality perspective
    phenomenon philosophy photograph photographs photography politicians population populations positively possession
    possibilities possibility potentially practically preparation presentation presidential previously principles
    privileged procedures proceedings production productions profession professional professor profitable programming
    progressive prominently properties proportion proposition protection psychology psychological publication
    publications publishing qualifications recognition recognized recommendation recommended recording
    reflection regardless registered regulation regulations relationship relationships relatively reliability
    remarkable remembered replacement represent representation representative representatives represented representing
    republican reputation requirement requirements researchers residential resolution respectively responsibilities
    responsibility responsible restaurant restaurants restoration restriction restrictions revolution revolutionary
    satisfaction scholarship scientific scientists secretary selections separately separation settlement significance
    significant significantly similarities simultaneously situations sometimes somewhere southeastern southwestern
    specialist specialized specifically specification spectacular statement statistical statistics strategies
    strengthen structural structures subsequent subsequently substantial substantially successful successfully
    sufficient suggestion surrounded surrounding sustainable technical techniques technological technologies technology
    television temperature temperatures temporarily territories themselves theoretical therefore throughout
    tournament traditional traditionally transaction transferred transformation transition translated translation
    transmission transportation travelling treatments ultimately understand understanding understood unfortunately
    university universities unsuccessful vegetables vocabulary volunteers vulnerable washington widespread withdrawal
    yourselves"""
)
"""Long words that tokenizers mostly know as one piece: no mark of a domain. For runs that name no tokenizer."""


class SentenceSample:
    """Sentences whose hashes are lowest; each counts once, however often it stands in the corpus."""

    def __init__(self, most: int = MOST_SENTENCES) -> None:
        self._most = most
        self._heap: list[tuple[int, str]] = []
        self._held: set[int] = set()

    def add(self, text: str) -> None:
        """Take in a text."""
        shortest, longest = _SENTENCE_CHARS
        for start, end in sentence_spans(text):
            sentence = text[start:end].strip()
            if len(sentence) >= shortest:
                self._offer(sentence[:longest])

    def _offer(self, sentence: str) -> None:
        digest = blake2b(sentence.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        key = -int.from_bytes(digest, "big")  # negative: the heap's first is then the highest hash, the next to go
        if key in self._held:
            return
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, (key, sentence))
        elif key > self._heap[0][0]:
            self._held.discard(heapq.heapreplace(self._heap, (key, sentence))[0])
        else:
            return
        self._held.add(key)

    def sentences(self) -> list[str]:
        """The sample, in the order of the hashes."""
        return [sentence for _, sentence in sorted(self._heap, reverse=True)]


def choose_letters(keywords: Sequence[str]) -> int:
    """How many letters a keyword should have at least: the paper's ten, or fewer where there are few so long ones.

    The paper's corpora have billions of words. In one of thousands, three words of ten letters hardly ever meet in a
    sentence, and word-to-text, two fifths of the paper's tasks, would be missing altogether.
    """
    for letters in range(MOST_LETTERS, FEWEST_LETTERS, -1):
        if sum(len(word) >= letters for word in keywords) >= _ENOUGH_KEYWORDS:
            return letters
    return FEWEST_LETTERS


def domain_keywords(sentences: Iterable[str], known: frozenset[str], letters: int = 10) -> list[str]:
    """Long words that are pieces of the sentences' own SentencePiece model, in lower case, sorted.

    Only pieces that start a word and are words of the sentences as they stand: half of a word is no keyword.

    Args:
        sentences: what to train on.
        known: words to leave out, in lower case.
        letters: the fewest letters of a keyword.
    """
    clean = [line for sentence in sentences if (line := _clean(sentence))]
    words = {match[0] for line in clean for match in long_word(letters).finditer(unicodedata.normalize("NFKC", line))}
    if not words:
        return []
    whole = {piece[1:].lower() for piece in _train(clean) if piece.startswith("▁") and piece[1:] in words}
    return sorted(whole - known)


def _clean(sentence: str) -> str:
    """Without what the trainer cannot read: runs of white space, half characters, its own word mark, great length."""
    text = " ".join(sentence.replace("▁", " ").replace("\0", " ").split())
    return text.encode("utf-8", "ignore").decode()[: _SENTENCE_CHARS[1]]


def _train(sentences: list[str]) -> Iterator[str]:
    """The pieces of a unigram model of the sentences; one thread, so that they are the same each time."""
    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, model_type="unigram", vocab_size=_PIECES,
        hard_vocab_limit=False, num_threads=1, shuffle_input_sentence=False, minloglevel=2,
    )  # fmt: skip
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return (processor.id_to_piece(number) for number in range(processor.get_piece_size()))


def known_words(path: str) -> frozenset[str]:
    """The words a tokenizer has as single pieces, in lower case; without a path, some common English ones.

    Args:
        path: a Hugging Face ``tokenizer.json``, a SentencePiece ``.model``, a ``vocab.json``, a list of words, or a
            folder that holds one of these; "" for none.

    Raises:
        ConfigError: it is none of these.
    """
    if not path:
        return _COMMON
    file = Path(path).expanduser()
    if file.is_dir():
        inside = [file / name for name in _VOCABULARY_FILES if (file / name).is_file()]
        if not inside:
            raise ConfigError(f"The folder {path} holds no tokenizer: none of {', '.join(_VOCABULARY_FILES)}.")
        file = inside[0]
    try:
        pieces = _pieces(file)
    except OSError as error:
        raise ConfigError(f"The tokenizer {path} cannot be read: {error.strerror or error}.") from error
    except (ValueError, TypeError, LookupError, RuntimeError) as error:  # not JSON, not UTF-8, not a model
        raise ConfigError(f"{path} is no tokenizer that can be read: give a tokenizer.json or a .model.") from error
    return frozenset(piece.strip(_MARKS).lower() for piece in pieces)


def _pieces(file: Path) -> list[str]:
    data = file.read_bytes()
    if file.suffix == ".model":
        import sentencepiece

        processor = sentencepiece.SentencePieceProcessor(model_proto=data)
        return [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    if file.suffix != ".json":
        return data.decode("utf-8").split()
    loaded: Any = orjson.loads(data)
    vocabulary = loaded["model"]["vocab"] if "model" in loaded else loaded
    listed = list(vocabulary) if isinstance(vocabulary, dict) else [piece for piece, _ in vocabulary]
    return [str(piece) for piece in listed]
