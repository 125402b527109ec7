"""Plain text and what is best read as such: Markdown, logs, source code, CSV.

A CSV stays the text it is, with its header: splitting it into records would decide on quoting, types and
missing values before the question is known, and Python's `csv` is at hand in the REPL.
"""

from __future__ import annotations

from distill_core.documents.decoding import decode
from distill_core.documents.source import Reading, Source

FORMAT = "text"
SUFFIXES = (".txt", ".text", ".md", ".markdown", ".rst", ".log", ".csv", ".tsv", ".tex")


def recognise(source: Source) -> bool:
    """Never: text has no sign of its own. It is what remains."""
    return False


def read(source: Source) -> Reading:
    """The text, decoded.

    Raises:
        DocumentError: the file is binary.
    """
    text, notes = decode(source)
    return Reading(text, notes)
