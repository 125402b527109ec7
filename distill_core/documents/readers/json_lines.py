"""JSON Lines: one value a line, together a list. Blank lines do not count. Source: https://jsonlines.org"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from distill_core.documents.decoding import decode
from distill_core.documents.readers.json_value import parse
from distill_core.documents.source import Reading, Source

FORMAT = "JSON Lines"
SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")


def recognise(source: Source) -> bool:
    """Never: text may look like JSON and be meant as text."""
    return False


def read(source: Source) -> Reading:
    """The list of values.

    Raises:
        DocumentError: a line is not JSON; the error says which.
    """
    text, notes = decode(source)
    try:
        values: list[Any] = msgspec.json.Decoder().decode_lines(text)
        msgspec.json.encode(values)
        return Reading(values, notes)
    except (msgspec.DecodeError, OverflowError, RecursionError):
        return _line_by_line(source, text, notes)


def _line_by_line(source: Source, text: str, notes: tuple[str, ...]) -> Reading:
    """Slower than all at once, lenient as `parse` is, and able to say which line is wrong."""
    values: list[Any] = []
    changes: dict[str, None] = {}
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value, more = parse(line)
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
            found = f"line {number:,} is not JSON: {reason}"
            raise source.failure(found, "repair the line, or name it .txt to read it as text") from error
        values.append(value)
        changes |= dict.fromkeys(more)
    return Reading(values, notes + tuple(changes))
