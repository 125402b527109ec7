"""Real sample files, made on the spot: PDFs byte by byte, Word files with python-docx."""

from __future__ import annotations

from pathlib import Path


def pdf(pages: list[bytes], *, password: bool = False) -> bytes:
    """A PDF 1.4 file (ISO 32000-1, 7.5) with one page for each content stream, in Helvetica."""
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
    ]
    kids = []
    for content in pages:
        objects.append(b"<</Length %d>>stream\n%s\nendstream" % (len(content), content))
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>/Contents %d 0 R>>"
        objects.append(page % len(objects))
        kids.append(b"%d 0 R" % len(objects))
    objects[1] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(kids), b" ".join(kids))
    locked = b""
    if password:
        # Keys that the empty password does not open.
        objects.append(b"<</Filter/Standard/V 1/R 2/P -44/O<%s>/U<%s>>>" % (b"41" * 32, b"42" * 32))
        locked = b"/Encrypt %d 0 R/ID[<41><41>]" % len(objects)
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        locked,
        len(out),
    )
    return out + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (len(objects) + 1, table, trailer)


def lines(*texts: bytes, x: int = 72, y: int = 720) -> bytes:
    """A content stream that shows one text a line."""
    shown = b" ".join(b"(%s) Tj T*" % text for text in texts)
    return b"BT /F 12 Tf %d %d Td 14 TL %s ET\n" % (x, y, shown)


def word(path: Path) -> Path:
    """A Word file with headings, a list, a table, a hyperlink, tracked changes and a content control."""
    import docx
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    document = docx.Document()
    document.add_heading("Survey", 0)
    document.add_heading("Methods", 1)
    document.add_paragraph("Before the table.")
    table = document.add_table(rows=2, cols=3)
    for cell, text in zip(table.rows[0].cells, ("name", "year", "note"), strict=True):
        cell.text = text
    table.cell(1, 0).text = "Mira"
    merged = table.cell(1, 1).merge(table.cell(1, 2))
    merged.text = "2024"
    document.add_paragraph("After the table.")
    document.add_paragraph("first", style="List Bullet")
    body = document.element.body
    for xml in (
        "<w:p {}><w:r><w:t xml:space='preserve'>Kept </w:t></w:r>"
        "<w:ins w:id='1' w:author='a'><w:r><w:t>added</w:t></w:r>"
        "</w:ins>"
        "<w:del w:id='2' w:author='a'><w:r><w:delText>removed</w:delText></w:r></w:del></w:p>",
        "<w:sdt {}><w:sdtContent><w:p><w:r><w:t>controlled</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        "<w:p {}><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>",
    ):
        body.insert(len(body) - 1, parse_xml(xml.format(nsdecls("w"))))
    document.save(str(path))
    return path
