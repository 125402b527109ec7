"""Word (.docx): paragraphs, headings, lists, tables and notes in the order of the page.

python-docx opens the package and knows the styles; the text is taken from the elements themselves, because
its `paragraph.text` leaves out tracked insertions and content controls. Deleted text stays out. Source:
ECMA-376 part 1, section 17 (WordprocessingML).
"""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING, Any

from distill_core.documents.source import Reading, Source

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = "Word"
SUFFIXES = (".docx", ".docm")

MAX_UNPACKED = 1 << 31
"""Bytes that a file may unpack to."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"(?:Heading|heading) ([1-9])$")
_OLE = b"\xd0\xcf\x11\xe0"


def recognise(source: Source) -> bool:
    """By the part that every Word file has."""
    return source.data.startswith(b"PK\x03\x04") and b"word/document.xml" in source.data


def read(source: Source) -> Reading:
    """The text of the body, then footnotes and endnotes, then what stands at the head and the foot of the pages.

    Raises:
        DocumentError: it is protected by a password, damaged, or not a Word file.
    """
    document = _opened(source)
    styles = {style.style_id: style.name or "" for style in document.styles}
    blocks = list(_blocks(document.element.body, styles))
    notes = [note for kind in ("footnotes", "endnotes") for note in _notes(document, kind)]
    margins = list(dict.fromkeys(_margins(document)))
    told = []
    if notes:
        told.append(f"{len(notes):,} footnote{'s' if len(notes) > 1 else ''} at the end")
    if margins:
        told.append("headers and footers of the pages at the end")
    return Reading("\n\n".join(blocks + notes + margins), tuple(told))


def _opened(source: Source) -> Any:
    import docx
    from docx.opc.exceptions import OpcError
    from lxml import etree

    if source.data.startswith(_OLE):
        found = "it is protected by a password, or an old .doc under the name of a .docx"
        raise source.failure(found, "save it as .docx without a password")
    damaged = "open it in a word processor and save it again as .docx"
    try:
        with zipfile.ZipFile(io.BytesIO(source.data)) as archive:
            unpacked = sum(item.file_size for item in archive.infolist())
        if unpacked > MAX_UNPACKED:
            raise source.failure(f"it unpacks to {unpacked:,} bytes", "give a smaller file")
        return docx.Document(io.BytesIO(source.data))
    except (zipfile.BadZipFile, OpcError, KeyError, ValueError, etree.XMLSyntaxError, EOFError) as error:
        raise source.failure("it is damaged or not a Word file", damaged) from error


def _blocks(parent: Any, styles: dict[str, str]) -> Iterator[str]:
    """The blocks directly in `parent`, and in the wrappers that may stand between."""
    for element in parent:
        if element.tag == f"{_W}p":
            text = _paragraph(element, styles)
            if text.strip():
                yield text
        elif element.tag == f"{_W}tbl":
            rows = [
                " | ".join(_cells(row, styles)) for row in element.iter(f"{_W}tr") if _owner(row) is element
            ]
            yield "\n".join(rows)
        elif element.tag in _WRAPPERS:
            yield from _blocks(element, styles)


_WRAPPERS = frozenset(
    f"{_W}{name}" for name in ("sdt", "sdtContent", "ins", "moveTo", "customXml", "smartTag")
)


def _owner(row: Any) -> Any:
    """The table that a row belongs to; wrappers may stand between."""
    parent = row.getparent()
    while parent.tag != f"{_W}tbl":
        parent = parent.getparent()
    return parent


def _cells(row: Any, styles: dict[str, str]) -> Iterator[str]:
    for cell in row.iter(f"{_W}tc"):
        inside = cell.getparent()
        while inside.tag != f"{_W}tr":
            inside = inside.getparent()
        if inside is row:
            yield " ".join(" ".join(_blocks(cell, styles)).split())


def _paragraph(element: Any, styles: dict[str, str]) -> str:
    text = "".join(_runs(element)).rstrip()
    style = element.find(f"{_W}pPr/{_W}pStyle")
    name = styles.get(style.get(f"{_W}val"), "") if style is not None else ""
    if found := _HEADING.match(name):
        return f"{'#' * int(found[1])} {text}" if text else ""
    if name == "Title":
        return f"# {text}" if text else ""
    numbered = element.find(f"{_W}pPr/{_W}numPr") is not None
    return f"- {text}" if text and (numbered or name.startswith("List ")) else text


def _runs(element: Any) -> Iterator[str]:
    """The text inside a paragraph, in order. Deleted text is of another element (`delText`) and so left out."""
    for child in element:
        name = child.tag.removeprefix(_W) if isinstance(child.tag, str) else ""
        if name == "t":
            yield child.text or ""
        elif name == "tab":
            yield "\t"
        elif name in ("br", "cr"):
            yield "\n"
        elif name == "noBreakHyphen":
            yield "-"
        elif name in ("footnoteReference", "endnoteReference"):
            yield f"[{name[0]}{child.get(f'{_W}id')}]"
        elif name == "p":
            yield "".join(_runs(child)) + "\n"  # a text box
        elif name not in ("pPr", "rPr", "moveFrom", "del") and child.tag != _FALLBACK:
            yield from _runs(child)


def _notes(document: Any, kind: str) -> Iterator[str]:
    """Footnotes or endnotes, each under the mark that stands in the text."""
    for part in _parts(document, kind):
        for note in part:
            text = " ".join("".join(_runs(note)).split())
            if text and note.get(f"{_W}type") is None:
                yield f"[{kind[0]}{note.get(f'{_W}id')}] {text}"


def _margins(document: Any) -> Iterator[str]:
    """What stands at the head and the foot of pages; the same text may come more than once."""
    for kind in ("header", "footer"):
        for part in _parts(document, kind):
            text = " ".join(" ".join(_blocks(part, {})).split())
            if text:
                yield f"[{kind}] {text}"


def _parts(document: Any, kind: str) -> Iterator[Any]:
    """The root elements of the parts of a kind."""
    from lxml import etree

    for relation in document.part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            parser = etree.XMLParser(resolve_entities=False, no_network=True)
            yield etree.fromstring(relation.target_part.blob, parser)
