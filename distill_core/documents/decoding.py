"""Bytes to text: byte order mark, then UTF-8, then a guess that is owned up to.

Line ends become `\\n`, so that one search finds what it looks for on any system; everything else stays.
"""

from __future__ import annotations

import codecs

from distill_core.documents.guessing import guess
from distill_core.documents.source import Source

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_BINARY: tuple[tuple[bytes, str, str], ...] = (
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "it is a password-protected or pre-2007 Office file",
        "save it as .docx without a password, or as .txt",
    ),
    (b"PK\x03\x04", "it is a zip archive or an Office file", "unpack it, or export it as .txt, .csv or .pdf"),
    (b"\x1f\x8b", "it is compressed with gzip", "unpack it first"),
    (b"BZh", "it is compressed with bzip2", "unpack it first"),
    (b"\xfd7zXZ\x00", "it is compressed with xz", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "it is compressed with zstd", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive", "unpack it first"),
    (b"Rar!\x1a\x07", "it is a rar archive", "unpack it first"),
    (b"\x89PNG", "it is an image", "run text recognition (OCR) on it first"),
    (b"\xff\xd8\xff", "it is an image", "run text recognition (OCR) on it first"),
    (b"GIF8", "it is an image", "run text recognition (OCR) on it first"),
    (b"\x7fELF", "it is a program", "give a document"),
    (b"SQLite format 3\x00", "it is an SQLite database", "export the tables as .csv"),
    (b"{\\rtf", "it is an RTF file", "save it as .docx or .txt"),
    (b"%PDF-", "it is a PDF that cannot be opened", "repair it, or export it as .txt"),
)

_SAMPLE = 1 << 16
"""Bytes that are looked at for what kind of file it is."""

_BELOW_LEAD_BYTES = bytes(range(0xC2))


def decode(source: Source, declared: str | None = None) -> tuple[str, tuple[str, ...]]:
    """The text of a file, and notes on what was assumed.

    Args:
        declared: the encoding that the content itself names, tried after mark and before UTF-8.

    Raises:
        DocumentError: the file is binary, or not in the encoding that its mark names.
    """
    text, note = _characters(source, declared)
    notes = [note] if note else []
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        notes.append("line ends were changed to \\n")
    return text, tuple(notes)


def _characters(source: Source, declared: str | None) -> tuple[str, str]:
    data = source.data
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _marked(source, encoding)
    _refuse_binary(source)
    for encoding in filter(None, (declared, "utf-8")):
        try:
            text = data.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        return text, "" if encoding == "utf-8" else f"read as {encoding}, as it says itself"
    wide = _wide_encoding(data)
    if wide:
        return data.decode(wide, "backslashreplace"), f"read as {wide}, a guess"
    damaged = _nearly_utf8(data)
    if damaged is not None:
        return damaged
    return _guessed(data)


def _marked(source: Source, encoding: str) -> tuple[str, str]:
    name = encoding.removesuffix("-sig")
    try:
        text = source.data.decode(encoding)
    except UnicodeDecodeError as error:
        found = f"it is marked as {name} and is not, from byte {error.start:,} on"
        raise source.failure(found, "save it again as UTF-8") from error
    return text, "" if name == "utf-8" else f"read as {name}, by its byte order mark"


def _refuse_binary(source: Source) -> None:
    for magic, found, remedy in _BINARY:
        if source.data.startswith(magic):
            raise source.failure(found, remedy)
    sample = source.data[:_SAMPLE]
    controls = sum(sample.count(byte) for byte in range(32) if byte not in b"\t\n\r\x0b\x0c\x1b")
    if controls > len(sample) // 50 + 1 and not _wide_encoding(source.data):
        raise source.failure("it is a binary file", "give a text, PDF, Word, HTML, JSON or CSV file")


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: nearly every second byte of Western text is NUL, and the others are not."""
    sample = data[: _SAMPLE - _SAMPLE % 2]
    half = len(sample) // 2
    if half < 2:
        return None
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > half * 0.7 and even < half * 0.02:
        return "utf-16-le"
    if even > half * 0.7 and odd < half * 0.02:
        return "utf-16-be"
    return None


def _nearly_utf8(data: bytes) -> tuple[str, str] | None:
    """UTF-8 with a few bytes damaged, which no other encoding would make better."""
    bad = data.decode("utf-8", "replace").count("\ufffd") - data.count("\ufffd".encode())
    lead_bytes = len(data.translate(None, _BELOW_LEAD_BYTES))
    if lead_bytes - bad < 20 * bad:
        return None
    text = data.decode("utf-8", "backslashreplace")
    return text, f"read as UTF-8, with damaged places ({bad:,}) spelled out as \\xNN"


def _guessed(data: bytes) -> tuple[str, str]:
    for encoding in guess(data):
        try:
            return data.decode(encoding), f"read as {encoding}, a guess"
        except (UnicodeDecodeError, LookupError):
            continue
    raise AssertionError("latin-1 decodes any bytes")
