"""PDF, HTML, Word and PowerPoint as Markdown, through markitdown; nothing is fetched and no plugin runs."""

from __future__ import annotations

import io
import re
import warnings
from functools import cache
from typing import Any

from synthcpt.corpus.sources import Source
from synthcpt.corpus.streams import open_bytes
from synthcpt.errors import CorpusError, MissingExtra

_SLIDE_MARK = re.compile(r"^<!-- Slide number: \d+ -->\n?", re.MULTILINE)
_CONVERTERS = {
    ".pdf": "PdfConverter",
    ".html": "HtmlConverter",
    ".htm": "HtmlConverter",
    ".docx": "DocxConverter",
    ".pptx": "PptxConverter",
}


def convert(source: Source) -> tuple[str, str]:
    """A file's title ("" where it names none) and its text as Markdown, neither of them cleaned.

    Raises:
        CorpusError: it cannot be converted: broken, encrypted, or something else than its suffix says.
        MissingExtra: markitdown, or a package it needs for this kind, is not installed.
    """
    import markitdown

    with open_bytes(source) as stream:
        data = stream.read()
    # HTML is taken for UTF-8 first, then for what it declares; without this markitdown guesses from the bytes.
    info = markitdown.StreamInfo(extension=source.kind, charset="utf-8")
    try:
        with warnings.catch_warnings():
            # What the converters' parsers find odd in a file is no news to who reads a corpus.
            warnings.simplefilter("ignore")
            result = _converter(_CONVERTERS[source.kind]).convert_stream(io.BytesIO(data), stream_info=info)
    except markitdown.MarkItDownException as error:
        raise _as_user_error(error, source) from error
    return result.title or "", _SLIDE_MARK.sub("", result.markdown)


@cache
def _converter(class_name: str) -> Any:
    """A MarkItDown with one converter: with all, a misnamed file could reach one that sends it to a web service."""
    import markitdown
    import markitdown.converters

    converter = markitdown.MarkItDown(enable_builtins=False, enable_plugins=False)
    converter.register_converter(getattr(markitdown.converters, class_name)())
    return converter


def _as_user_error(error: Any, source: Source) -> CorpusError | MissingExtra:
    from markitdown import MissingDependencyException

    causes = [attempt.exc_info[1] for attempt in getattr(error, "attempts", None) or [] if attempt.exc_info]
    if any(isinstance(cause, MissingDependencyException) for cause in causes):
        return MissingExtra(f"markitdown[{source.kind.lstrip('.')}]", "convert", f"read {source.path}")
    cause = causes[0] if causes else error
    said = " ".join(f"{type(cause).__name__}: {cause}".split())[:200].rstrip(": ")
    return CorpusError(
        f"{source.path} cannot be converted to text ({said}). It may be damaged, encrypted or misnamed: save it anew, "
        "convert it to a text file yourself, or take it out of the input."
    )
