"""Each format comes out as text that can be searched and quoted."""

from __future__ import annotations

import json
import math
import threading
from pathlib import Path

import pytest

from distill_core.documents import Document, load
from distill_core.errors import DocumentError
from tests.distill_core.documents.samples import lines, pdf, word


@pytest.fixture
def made(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write(name: str, data: bytes | str) -> Path:
        path = tmp_path / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    return write


def text_of(document: Document) -> str:
    assert isinstance(document.value, str)
    return document.value


# ---------------------------------------------------------------- text


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.csv", "a.log", "a.py", "README", "a.unknown"])
def test_text_is_taken_as_it_is(made, name: str) -> None:  # type: ignore[no-untyped-def]
    text = "name,found\n\n  Mira — 中文 🎉 {braces}\t\x1b[31m\n"
    document = load(made(name, text))
    assert (document.value, document.kind, document.chars, document.notes) == (text, "str", len(text), ())
    assert document.name == name


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ("naïve — text".encode("utf-8-sig"), None),
        ("naïve — text".encode("utf-16"), "utf-16, by its byte order mark"),
        (b"\xff\xfe\x00\x00" + "naïve — text".encode("utf-32-le"), "utf-32, by its byte order mark"),
        (("naïve — text" * 9).encode("utf-16-le"), "utf-16-le, a guess"),
        (("naïve — text" * 9).encode("utf-16-be"), "utf-16-be, a guess"),
        (("The café — “naïve” text of Zoë’s résumé. " * 9).encode("cp1252"), "cp1252, a guess"),
        (("Съешь же ещё этих мягких французских булок, да выпей чаю. " * 9).encode("cp1251"), "a guess"),
        (("これは日本語の文章です。文字コードを調べます。" * 9).encode("shift_jis"), "a guess"),
    ],
    ids=["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "cp1252", "cp1251", "shift_jis"],
)
def test_encoding_is_found_and_a_guess_is_said(made, data: bytes, note: str | None) -> None:  # type: ignore[no-untyped-def]
    document = load(made("a.txt", data))
    assert any(word in text_of(document) for word in ("naïve", "французских", "日本語"))
    assert "\ufeff" not in text_of(document)
    assert (document.notes == ()) if note is None else (note in document.notes[0])


def test_one_damaged_byte_does_not_change_the_encoding_of_the_rest(made) -> None:  # type: ignore[no-untyped-def]
    document = load(made("a.txt", "naïve — text ".encode() * 100 + b"\xff end"))
    assert text_of(document).endswith("naïve — text \\xff end")
    assert "damaged" in document.notes[0]


def test_line_ends_become_one_kind(made) -> None:  # type: ignore[no-untyped-def]
    document = load(made("a.txt", "a\r\nb\rc\n"))
    assert document.value == "a\nb\nc\n"
    assert document.notes == ("line ends were changed to \\n",)


# ---------------------------------------------------------------- JSON


def test_json_stays_a_value(made) -> None:  # type: ignore[no-untyped-def]
    value = {"a": [1, 2.5, None, True], "é": {"b": "中文"}}
    document = load(made("a.json", json.dumps(value)))
    assert (document.value, document.kind) == (value, "dict")
    assert load(made("b.json", "[1, 2]")).kind == "list"
    assert load(made("c.json", '"only text"')).value == "only text"
    assert load(made("d.json", "3.5")).value == "3.5"


def test_json_that_cannot_be_exchanged_is_made_safe(made) -> None:  # type: ignore[no-untyped-def]
    document = load(
        made("a.json", '{"n": NaN, "i": -Infinity, "big": 123456789012345678901234, "s": "\\ud800", "k": 1}')
    )
    assert document.value == {"n": None, "i": None, "big": "123456789012345678901234", "s": "\\ud800", "k": 1}
    assert len(document.notes) == 3
    assert not any(isinstance(v, float) and math.isnan(v) for v in document.value.values())


def test_json_lines_are_a_list(made) -> None:  # type: ignore[no-untyped-def]
    document = load(made("a.jsonl", '{"a": 1}\r\n\n  \n[2]\nNaN\n"x"'))
    assert document.value == [{"a": 1}, [2], None, "x"]


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"a": 1,\n "b": }', "line 2, column 7"),
        ("a.json", '{"a": 1}\n{"a": 2}', ".jsonl if each line"),
        ("a.json", "[" * 200_000, "cannot be held"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', "line 2 is not JSON"),
    ],
)
def test_broken_json_is_located(made, name: str, text: str, words: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(DocumentError) as caught:
        load(made(name, text))
    assert words in str(caught.value)
    assert name in str(caught.value)


# ---------------------------------------------------------------- HTML

PAGE = """<!DOCTYPE html><html><head><title> The  page </title><style>p {color: red}</style>
<script>var x = "</p>";</script></head><body><h2>Part <em>one</em></h2>
<p>First <b>bold</b>,
  wrapped line.<br>  Second&nbsp;line &amp; more.</p><ul><li>one</li><li><p>two</p></li></ul>
<table><tr><th>name</th><th>year</th></tr><tr><td>Mira</td><td>2024</td></tr></table>
<pre>  kept
    spaces</pre><noscript>hidden</noscript><!-- comment --><div><div>deep</div></div>tail</body></html>"""


def test_html_keeps_blocks_and_drops_scripts(made) -> None:  # type: ignore[no-untyped-def]
    assert load(made("a.html", PAGE)).value == (
        "The page\n\n## Part one\n\nFirst bold, wrapped line.\nSecond\xa0line & more.\n\n- one\n- two\n\n"
        "name | year\nMira | 2024\n\n  kept\n    spaces\n\ndeep\n\ntail"
    )


def test_html_is_recognised_without_a_suffix_and_left_alone_with_another(made) -> None:  # type: ignore[no-untyped-def]
    assert "<p>" not in text_of(load(made("page", PAGE)))
    assert load(made("page.txt", PAGE)).value == PAGE


def test_html_is_read_in_the_encoding_that_it_declares(made) -> None:  # type: ignore[no-untyped-def]
    page = '<html><head><meta charset="windows-1251"></head><body><p>ещё булок</p></body></html>'
    assert load(made("a.html", page.encode("cp1251"))).value == "ещё булок"
    xhtml = '<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>naïve</p></body></html>'
    assert load(made("a.xhtml", xhtml)).value == "naïve"


def test_html_nested_deeper_than_python_recurses(made) -> None:  # type: ignore[no-untyped-def]
    assert "bottom" in text_of(load(made("a.html", "<html><body>" + "<div>" * 1500 + "bottom")))
    with pytest.raises(DocumentError, match="nested too deep"):
        load(made("b.html", "<html><body>" + "<div>" * 5000 + "bottom"))


# ---------------------------------------------------------------- PDF


def test_pdf_keeps_lines_and_pages_and_joins_hyphenated_words(made) -> None:  # type: ignore[no-untyped-def]
    first = lines(b"This is an exam-", b"ple of well-known words, in well-", b"known text.", b"Next line.")
    columns = lines(b"left one", b"left two") + lines(b"right one", b"right two", x=300)
    document = load(made("a.pdf", pdf([first, columns, b""])))
    pages = text_of(document).split("\f")
    assert pages[0] == "This is an example of well-known words, in well-known text.\nNext line.\n"
    assert pages[1] == "left one\nleft two\nright one\nright two\n"
    assert pages[2] == ""
    assert document.notes[0].startswith("3 pages")


def test_real_pdf_has_whole_lines(shared: Path) -> None:
    document = load(shared / "data" / "pdf" / "prm800k_instructions_phase_2.pdf")
    text = text_of(document)
    assert (
        "things that look ok at first, but will turn out to be wrong on closer inspection - stay vigilant!"
        in text
    )
    assert text.count("\f") == 16
    words_a_line = [len(line.split()) for line in text.splitlines() if line.strip()]
    assert sum(words_a_line) / len(words_a_line) > 8


def test_pdf_is_known_by_its_content(made) -> None:  # type: ignore[no-untyped-def]
    for name in ("paper", "paper.txt"):
        assert load(made(name, pdf([lines(b"Hello there")]))).value == "Hello there"
    assert "by its content" in load(made("paper.txt", pdf([lines(b"Hello there")]))).notes[0]


def test_pdfs_can_be_read_in_threads(made) -> None:  # type: ignore[no-untyped-def]
    path = made("a.pdf", pdf([lines(b"Hello there")] * 20))
    read: list[Document] = []
    threads = [threading.Thread(target=lambda: read.append(load(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 8
    assert len({text_of(document) for document in read}) == 1


# ---------------------------------------------------------------- Word


def test_word_keeps_order_tables_and_insertions(tmp_path: Path) -> None:
    assert load(word(tmp_path / "a.docx")).value == (
        "# Survey\n\n# Methods\n\nBefore the table.\n\nname | year | note\nMira | 2024\n\nAfter the table.\n\n"
        "- first\n\nKept added\n\ncontrolled\n\na\tb\nc"
    )


def test_word_is_known_by_its_content(tmp_path: Path) -> None:
    path = word(tmp_path / "a.docx").rename(tmp_path / "a.bin")
    assert "Before the table." in text_of(load(path))


def test_word_headers_and_footers_stand_at_the_end_once(tmp_path: Path) -> None:
    import docx

    document = docx.Document()
    document.add_paragraph("The body.")
    for section in (document.sections[0], document.add_section()):
        section.header.is_linked_to_previous = False
        section.header.paragraphs[0].text = "Between A and B"
    document.sections[0].footer.paragraphs[0].text = "As of May 2024"
    document.save(str(tmp_path / "a.docx"))
    read = load(tmp_path / "a.docx")
    assert read.value == "The body.\n\n[header] Between A and B\n\n[footer] As of May 2024"
    assert read.notes == ("headers and footers of the pages at the end",)


def test_word_footnotes_stand_at_the_end(tmp_path: Path) -> None:
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    reference = f"<w:r {nsdecls('w')}><w:footnoteReference w:id='2'/></w:r>"
    document.add_paragraph("A claim")._p.append(parse_xml(reference))
    notes = (
        f"<w:footnotes {nsdecls('w')}><w:footnote w:type='separator' w:id='0'>"
        "<w:p><w:r><w:t>--</w:t></w:r></w:p></w:footnote>"
        "<w:footnote w:id='2'><w:p><w:r><w:t>Its source.</w:t></w:r></w:p></w:footnote></w:footnotes>"
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.footnotes+xml"
    part = Part(PackURI("/word/footnotes.xml"), kind, notes.encode(), document.part.package)
    document.part.relate_to(part, RELATIONSHIP_TYPE.FOOTNOTES)
    document.save(str(tmp_path / "a.docx"))
    assert load(tmp_path / "a.docx").value == "A claim[f2]\n\n[f2] Its source."
