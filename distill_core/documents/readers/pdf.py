"""PDF through PDFium: lines as they stand on the page, in reading order, ligatures as letters.

Each page after the first begins with a form feed, as `pdftotext` writes it, so `text.split("\\f")[n - 1]` is
page n. Words that a line end hyphenates are put together again.
"""

from __future__ import annotations

import re
import threading

from distill_core.documents.source import Reading, Source

FORMAT = "PDF"
SUFFIXES = (".pdf",)

PAGE_BREAK = "\f"

# PDFium keeps state of its own for the whole process and must not be entered by two threads.
_lock = threading.Lock()

_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
_HYPHENATED = re.compile(r"([^\W\d_]*)\ufffe([^\W\d_]*)")
_BEFORE_LINE_END = re.compile(r"[ \t]+(?=\n)")


def recognise(source: Source) -> bool:
    """By the header that every PDF has in its first bytes."""
    return source.data[:1024].lstrip().startswith(b"%PDF-")


def read(source: Source) -> Reading:
    """The text of all pages.

    Raises:
        DocumentError: it is damaged, needs a password, or holds pictures only.
    """
    pages = [_tidy(page) for page in _pages(source)]
    if not any(page.strip() for page in pages):
        found = (
            f"it has {len(pages):,} page{'s' * (len(pages) != 1)} and no text, so it is most likely a scan"
        )
        raise source.failure(found, "run text recognition (OCR) on it first")
    text = _rejoined(f"\n{PAGE_BREAK}".join(pages))
    count = (
        "1 page" if len(pages) == 1 else f"{len(pages):,} pages, each but the first begins with a form feed"
    )
    bare = sum(1 for page in pages if not page.strip())
    return Reading(text, (count, f"{bare:,} of the pages hold no text") if bare else (count,))


def _pages(source: Source) -> list[str]:
    import pypdfium2

    with _lock:
        try:
            document = pypdfium2.PdfDocument(source.data)
        except pypdfium2.PdfiumError as error:
            if "assword" in str(error):
                found, remedy = "it is protected by a password", "save a copy without the password"
            else:
                found, remedy = "it is damaged or not a PDF", "open it in a viewer and save it again"
            raise source.failure(found, remedy) from error
        try:
            return [_page(document, number) for number in range(len(document))]
        except pypdfium2.PdfiumError as error:
            found = f"a page is damaged: {error}"
            raise source.failure(found, "open it in a viewer and save it again") from error
        finally:
            document.close()


def _page(document: object, number: int) -> str:
    page = document[number]  # type: ignore[index]
    text_page = page.get_textpage()
    # The whole range rather than a box: a box leaves out text that PDFium places outside of it by mistake.
    text: str = text_page.get_text_range()
    text_page.close()
    page.close()
    return text


def _tidy(page: str) -> str:
    page = page.replace("\r\n", "\n").replace("\r", "\n").replace(PAGE_BREAK, "").replace("\x00", "")
    return _BEFORE_LINE_END.sub("", page).rstrip()


def _rejoined(text: str) -> str:
    """PDFium marks a hyphen at a line end by U+FFFE; the document's other words tell whether it belongs there."""
    if "\ufffe" not in text:
        return text
    words = {word.casefold() for word in _WORD.findall(text.replace("\ufffe", " "))}

    def join(found: re.Match[str]) -> str:
        left, right = found[1], found[2]
        if not left or not right or right[0].isupper():
            return f"{left}-{right}"
        whole, hyphenated = (left + right).casefold(), f"{left}-{right}".casefold()
        return f"{left}-{right}" if hyphenated in words and whole not in words else left + right

    return _HYPHENATED.sub(join, text)
