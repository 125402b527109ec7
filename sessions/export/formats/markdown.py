"""`markdown`: a session as a report to read, one file a session. Whatever the session holds stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sessions.export.readable import Facts, Heading, Note, Piece, Source, Words, pieces, visible
from sessions.export.rows import Format, Options, Row, Verdict, file_name, of_session
from sessions.export.trace import Trace

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+\-!|~&$:@])")
_TICKS = re.compile("`+")
_TONES = {"good": "✓ ", "bad": "✗ ", "": ""}


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One file a session."""
    text = "\n\n".join(_told(piece) for piece in pieces(trace)) + "\n"
    name = file_name("reports", trace, "md")
    yield Row(key=trace.session_id, columns={"text": text}, origin=of_session(trace), name=name)


def _told(piece: Piece) -> str:
    match piece:
        case Heading(level, text, tone):
            return f"{'#' * level} {_TONES[tone]}{_line(text)}"
        case Facts(pairs):
            return "\n".join(["| | |", "|---|---|", *(f"| {_line(n)} | {_line(v)} |" for n, v in pairs)])
        case Words(text):
            return "\n".join(f"> {_line(line)}" for line in visible(text).splitlines() or [""])
        case Note(text, tone):
            return f"*{_TONES[tone]}{_line(text)}*"
        case Source(text, language, title):
            return (f"{_line(title)}:\n\n" if title else "") + _fenced(visible(text), language)


def _line(text: str) -> str:
    """Words of anybody's in one line, with nothing in them that Markdown takes for its own."""
    return _SPECIAL.sub(r"\\\1", " ".join(visible(text).split()))


def _fenced(text: str, language: str) -> str:
    longest = max((len(run) for run in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


FORMAT = Format(
    name="markdown",
    help="a session as a report to read, in Markdown",
    rows=rows,
    storage="files",
    provenance="inside",
    suffix="md",
    teaches="One report a session in `reports/`. They are to be read: there is nothing here for `load_dataset`.",
)
