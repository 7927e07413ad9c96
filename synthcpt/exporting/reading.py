"""The texts of finished runs and of corpora, as they go to another trainer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from synthcpt.errors import ConfigError, DataCorrupt
from synthcpt.exporting.config import ExportConfig
from synthcpt.exporting.rows import Text, joined_spans
from synthcpt.exporting.tokens import Counting
from synthcpt.packing import sources
from synthcpt.text.latent_layout import laid_out, read_chunks


@dataclass(slots=True)
class Source:
    """A run or a corpus that the user named.

    Attributes:
        source: where its texts come from.
        replay: it is there against forgetting.
        config, counting: how its texts are to be written.
        dropped: texts left out by the last reading, by reason.
    """

    source: sources.TextSource
    replay: bool
    config: ExportConfig
    counting: Counting
    dropped: Counter[str] = field(default_factory=Counter)

    @property
    def latent(self) -> bool:
        """It holds texts with latent thoughts, whose tokens the model must be given."""
        return self.source.varies

    def texts(self) -> Iterator[Text]:
        """All texts, in the source's order; the same each time.

        Raises:
            CorpusError: a corpus that cannot be read.
            DataCorrupt: a text and the note of its thoughts do not fit.
        """
        self.dropped.clear()
        for row in self.source.texts():
            text = self._text_of(row)
            if not text.text.strip():
                self.dropped["empty"] += 1
            elif text.spans is not None and not text.spans:
                self.dropped["no_loss"] += 1
            else:
                yield text

    def _text_of(self, row: sources.Text) -> Text:
        text, spans = row.text, row.spans
        if row.latent:
            text, spans = self._laid_out(row), ()
        elif row.messages and self.config.chat == "template":
            text, spans = self.counting.render([dict(message) for message in row.messages])
        if self.config.loss == "all" or not spans:
            return Text(text, None, group_of(row))
        return Text(text, joined_spans(spans), group_of(row))

    def _laid_out(self, row: sources.Text) -> str:
        """A text with latent thoughts, each before or after its chunk as the first epoch's coin has it."""
        try:
            chunks = read_chunks(row.text, row.meta["chunks"])
        except ValueError as error:
            raise DataCorrupt(f"{self.source.name}: the text {row.id!r} does not fit its own chunks.") from error
        return "".join(piece.text for piece in laid_out(chunks, self.config.seed, 0, row.id))


def group_of(row: sources.Text) -> int:
    """A number for the source document of a text; 0 for a text that has none."""
    if not row.source_ids:
        return 0
    return int.from_bytes(blake2b(row.source_ids[0].encode("utf-8", "surrogatepass"), digest_size=8).digest()) | 1


def open_sources(config: ExportConfig, counting: Counting) -> list[Source]:
    """The data, then the replay.

    Raises:
        ConfigError: a source is named twice.
        RunIncomplete, DataCorrupt, CorpusError: a source cannot be used.
    """
    specs = [*config.data, *config.replay]
    if twice := [spec for spec, count in Counter(specs).items() if count > 1]:
        raise ConfigError(f"{twice[0]} is named twice; a source is data or replay, once.")
    return [
        Source(
            sources.open_source(
                spec, text_field=config.text_field, title_field=config.title_field, id_field=config.id_field
            ),
            number >= len(config.data), config, counting,
        )
        for number, spec in enumerate(specs)
    ]  # fmt: skip
