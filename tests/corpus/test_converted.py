"""PDF, HTML, Word and PowerPoint through markitdown."""

import socket
import sys
import zipfile
from pathlib import Path

import pytest

from synthcpt.corpus import converted, read_documents
from synthcpt.errors import CorpusError, MissingExtra
from synthcpt.records import Document

pytest.importorskip("markitdown", reason="needs the convert extra")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        pytest.fail("a converter went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def write_pdf(path: Path, *lines: str) -> Path:
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    content = f"BT /F1 12 Tf 14 TL 72 720 Td {shown} ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        b" /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
    ]
    data, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(data)
    path.write_bytes(data + b"xref\n0 5\n0000000000 65535 f \n" + table + trailer)
    return path


def write_docx(path: Path, heading: str, *paragraphs: str) -> Path:
    word = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    types = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    style = '<w:pPr><w:pStyle w:val="Heading1"/></w:pPr>'
    body = f"<w:p>{style}<w:r><w:t>{heading}</w:t></w:r></w:p>"
    body += "".join(f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>" for text in paragraphs)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{types}.document.main+xml"/>'
        f'<Override PartName="/word/styles.xml" ContentType="{types}.styles+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "word/styles.xml": f'<w:styles xmlns:w="{word}"><w:style w:type="paragraph" w:styleId="Heading1">'
        '<w:name w:val="heading 1"/></w:style></w:styles>',
        "word/document.xml": f'<w:document xmlns:w="{word}"><w:body>{body}</w:body></w:document>',
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, xml in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + xml)
    return path


def write_pptx(path: Path, *slides: tuple[str, str]) -> Path:
    import pptx

    presentation = pptx.Presentation()
    for title, body in slides:
        slide = presentation.slides.add_slide(presentation.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    presentation.save(str(path))
    return path


def read_one(path: Path) -> Document:
    [document] = read_documents([str(path)])
    return document


def test_pdf(tmp_path: Path) -> None:
    document = read_one(write_pdf(tmp_path / "annual_report.pdf", "# Hello from a page.", "The second line."))
    assert document.text.split("\n")[:2] == ["# Hello from a page.", "The second line."]
    assert (document.id, document.title) == ("annual_report.pdf", "annual report")


def test_docx(tmp_path: Path) -> None:
    document = read_one(write_docx(tmp_path / "a.docx", "The Heading", "Héllo.", "World."))
    assert document.text == "# The Heading\n\nHéllo.\n\nWorld."
    assert document.title == "The Heading"


def test_pptx_without_slide_marks(tmp_path: Path) -> None:
    document = read_one(write_pptx(tmp_path / "a.pptx", ("First slide", "one"), ("Second slide", "two")))
    assert document.text.splitlines() == ["# First slide", "one", "", "# Second slide", "two"]
    assert document.title == "First slide"


@pytest.mark.parametrize("name", ["a.html", "a.HTM"])
def test_html(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(
        "<html><head><title>The\n page</title><style>p{}</style></head><body><h1>Big</h1><p>Text &amp; more, "
        '<b>bold</b> <img src="http://example.invalid/x.png"></p><script>alert(1)</script></body></html>'
    )
    document = read_one(tmp_path / name)
    assert document.title == "The page"
    assert "# Big" in document.text
    assert "Text & more, **bold**" in document.text
    assert "alert" not in document.text


@pytest.mark.parametrize(
    "data",
    [
        "<p>Über ein Café</p>".encode(),
        "\ufeff<p>Über ein Café</p>".encode(),
        "<p>Über ein Café</p>".encode("utf-16"),
        '<meta charset="iso-8859-1"><p>Über ein Café</p>'.encode("latin-1"),
        '<meta charset="iso-8859-1"><p>Über ein Café</p>'.encode(),
    ],
    ids=["UTF-8", "UTF-8 with a BOM", "UTF-16", "declared", "declared wrongly"],
)
def test_html_in_its_encoding(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.html").write_bytes(data)
    assert read_one(tmp_path / "a.html").text == "Über ein Café"


def test_a_wrong_declaration_is_noticed_beyond_the_first_64_kb(tmp_path: Path) -> None:
    head = '<html><head><meta charset="iso-8859-1"></head><body><p>'
    (tmp_path / "a.html").write_bytes(f"{head}{'word ' * 20_000}Café</p></body></html>".encode())
    assert read_one(tmp_path / "a.html").text.endswith("word Café")


def test_deeply_nested_html_gives_its_text(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text("<div>" * 5000 + "inside" + "</div>" * 5000)
    assert read_one(tmp_path / "a.html").text == "inside"


@pytest.mark.parametrize("suffix", [".pdf", ".docx", ".pptx"])
@pytest.mark.parametrize("data", [b"", b"no such thing", b"PK\x03\x04 broken", b"%PDF-1.4 broken"])
def test_what_is_not_what_its_suffix_says_is_an_error(tmp_path: Path, suffix: str, data: bytes) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=rf"a{suffix} cannot be converted to text \(\w+.*take it out"):
        read_one(path)


def test_a_misnamed_file_reaches_no_other_converter(tmp_path: Path) -> None:
    write_docx(tmp_path / "a.docx", "The Heading").rename(tmp_path / "a.pdf")
    with pytest.raises(CorpusError, match="cannot be converted"):
        read_one(tmp_path / "a.pdf")


def test_plugins_are_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import markitdown

    def refuse(*args: object, **kwargs: object) -> None:
        pytest.fail("plugins were enabled")

    monkeypatch.setattr(markitdown.MarkItDown, "enable_plugins", refuse)
    converted._converter.cache_clear()  # so that the converter is made under this test's eyes
    (tmp_path / "a.html").write_text("<p>text</p>")
    assert read_one(tmp_path / "a.html").text == "text"


def test_without_markitdown_the_extra_is_named_before_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "markitdown", None)
    (tmp_path / "a.txt").write_text("text")
    assert read_one(tmp_path / "a.txt").text == "text"
    write_pdf(tmp_path / "b.pdf", "text")
    with pytest.raises(MissingExtra, match=r"pip install 'synthcpt\[convert\]'"):
        read_documents([str(tmp_path)])


def test_without_a_converters_own_package_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from markitdown.converters import _pptx_converter

    try:
        raise ModuleNotFoundError("No module named 'pptx'")
    except ModuleNotFoundError:
        monkeypatch.setattr(_pptx_converter, "_dependency_exc_info", sys.exc_info())
    with pytest.raises(MissingExtra, match=r"markitdown\[pptx\] is needed .*synthcpt\[convert\]"):
        read_one(write_pptx(tmp_path / "a.pptx", ("title", "body")))
