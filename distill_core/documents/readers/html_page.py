"""HTML as a person reads it: blocks on lines of their own, scripts and styles gone.

Headings keep their rank as `#`, list items their `-`, table cells are parted by ` | `, and `pre` keeps its
spaces.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from distill_core.documents.decoding import decode
from distill_core.documents.source import Reading, Source

if TYPE_CHECKING:
    from lxml import etree

FORMAT = "HTML"
SUFFIXES = (".html", ".htm", ".xhtml")

_START = re.compile(
    rb"\s*(?:<!--.{0,2000}?-->\s*|<\?xml[^>]{0,200}>\s*)*<(?:!doctype\s+html|html)\b", re.I | re.S
)
_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.I)
_HEADINGS = {f"h{rank}": "#" * rank + " " for rank in range(1, 7)}
_CELLS = frozenset({"td", "th"})
_CELL_END = " | "
_HIDDEN = frozenset(
    {"script", "style", "template", "noscript", "svg", "math", "iframe", "object", "head", "select"}
)
_PARAGRAPHS = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "nav", "aside", "blockquote", "figure",
    "form",
     "fieldset", "details", "table", "ul", "ol", "dl", "pre", "hr", "address", "body", *_HEADINGS}
)  # fmt: skip
_LINES = frozenset({"li", "tr", "dt", "dd", "figcaption", "caption", "summary", "option", "legend"})
_SPACES = re.compile(r"[ \t\n\r\f\v]+")


def recognise(source: Source) -> bool:
    """By its first tag, where no suffix says that it is meant as text."""
    return source.suffix == "" and _START.match(source.data[:4096]) is not None


def read(source: Source) -> Reading:
    """The text of the page, its title first.

    Raises:
        DocumentError: it is binary, or has no text.
    """
    text, notes = decode(source, _declared(source.data))
    root = _parse(source, text)
    title = " ".join((root.findtext(".//head/title") or "").split())
    body = _Writer()
    body.walk(root)
    return Reading("\n\n".join(part for part in (title, body.text()) if part), notes)


def _declared(data: bytes) -> str | None:
    found = _CHARSET.search(data[:4096])
    return found[1].decode("ascii", "replace").lower() if found else None


def _parse(source: Source, text: str) -> etree._Element:
    from lxml import etree, html

    # Handed over as bytes: lxml refuses text that declares an encoding of its own.
    parser = html.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(text.replace("\x00", "").encode("utf-8", "backslashreplace"), parser)
    except etree.ParserError as error:
        raise source.failure("there is no text in it", "give a page with text in it") from error
    if any("depth" in entry.message for entry in parser.error_log):
        # The parser gives up there, and the rest of the page would be missing without a word.
        raise source.failure("its tags are nested too deep", "save it as text in a browser")
    return root


class _Writer:
    """Collects text and line ends while a tree is walked, without recursion: pages nest deeper than Python may."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._breaks = 0
        self._fresh = True
        self._lead = False
        self._pre = 0

    def text(self) -> str:
        """What was collected, without spaces at line ends."""
        return "\n".join(line.rstrip() for line in "".join(self._parts).split("\n")).strip("\n")

    def walk(self, root: etree._Element) -> None:
        """Write everything below `root`."""
        from lxml import etree

        walker = etree.iterwalk(root, events=("start", "end"))
        for event, element in walker:
            tag = element.tag if isinstance(element.tag, str) else ""
            if event == "start":
                if tag in _HIDDEN:
                    walker.skip_subtree()
                else:
                    self._open(tag)
                    self._write(element.text)
            else:
                if tag not in _HIDDEN:
                    self._close(tag)
                self._write(element.tail)

    def _open(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._break(2)
        elif tag in _LINES:
            self._break(1)
        if tag == "pre":
            self._pre += 1
        elif tag == "br":
            self._breaks, self._fresh, self._lead = min(self._breaks + 1, 2), True, False
        elif tag == "li":
            self._begin("- ")
        elif tag in _HEADINGS:
            self._begin(_HEADINGS[tag])

    def _close(self, tag: str) -> None:
        if tag == "pre":
            self._pre -= 1
        if tag in _CELLS:
            self._parts.append(_CELL_END)
            self._breaks, self._fresh = 0, True
        elif tag == "tr":
            while self._parts and self._parts[-1] == _CELL_END:
                self._parts.pop()
            self._break(1)
        elif tag in _PARAGRAPHS:
            self._break(2)
        elif tag in _LINES:
            self._break(1)

    def _break(self, lines: int) -> None:
        """The next text begins a new line, after a blank one for `lines` 2."""
        # A block that opens a list item or heading stays on its line.
        if self._parts and not self._lead:
            self._breaks = max(self._breaks, lines)
            self._fresh = True

    def _begin(self, lead: str) -> None:
        self._put(lead)
        self._fresh = self._lead = True

    def _write(self, text: str | None) -> None:
        if not text:
            return
        if self._pre:
            self._put(text)
            self._fresh = text.endswith("\n")
            return
        if "  " in text or not text.isprintable():
            text = _SPACES.sub(" ", text)
        if self._fresh:
            text = text.lstrip(" ")
        if text:
            self._put(text)
            self._fresh = text.endswith(" ")

    def _put(self, text: str) -> None:
        if self._breaks:
            self._parts.append("\n" * self._breaks)
            self._breaks = 0
        self._lead = False
        self._parts.append(text)
