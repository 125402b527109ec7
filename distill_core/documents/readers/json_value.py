"""JSON: a list or dict stays one; a single value becomes its text.

What JSON cannot exchange safely is made safe and noted: NaN and infinities become null, whole numbers beyond
64 bits and lone surrogates are spelled out as text. Source: RFC 8259, sections 6 and 8.2.
"""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

from distill_core.documents.decoding import decode
from distill_core.documents.source import Reading, Source
from distill_core.text import encodable

FORMAT = "JSON"
SUFFIXES = (".json", ".geojson", ".ipynb")


_LONG = "whole numbers beyond 64 bits are kept as text"
_DIGITS = 20
"""Of a whole number of 64 bits, with its sign; none that is longer fits."""


def recognise(source: Source) -> bool:
    """Never: text may look like JSON and be meant as text."""
    return False


def read(source: Source) -> Reading:
    """The list or dict in the file.

    Raises:
        DocumentError: it is not JSON, with the line where it stops being so.
    """
    text, notes = decode(source)
    try:
        value, more = parse(text)
    except json.JSONDecodeError as error:
        remedy = "repair it, or name it .txt to read it as text"
        if error.msg == "Extra data":
            remedy = "name it .jsonl if each line is a value of its own, or .txt to read it as text"
        found = f"it is not JSON: {error.msg}, line {error.lineno:,}, column {error.colno:,}"
        raise source.failure(found, remedy) from error
    except (RecursionError, ValueError) as error:
        found = f"its JSON cannot be held: {error}"
        raise source.failure(found, "name it .txt to read it as text") from error
    if not isinstance(value, str | list | dict):
        value = json.dumps(value)
    return Reading(value, notes + more)


def parse(text: str) -> tuple[Any, tuple[str, ...]]:
    """The value in `text`, and notes on what had to be changed.

    Raises:
        json.JSONDecodeError: it is not JSON.
        RecursionError: it is nested deeper than Python can follow.
    """
    try:
        value = msgspec.json.decode(text)
        msgspec.json.encode(value)  # refuses whole numbers beyond 64 bits
    except (msgspec.DecodeError, OverflowError, RecursionError):
        # Python's parser is slower, takes what many programs write all the same, and says where it stops.
        changes: dict[str, None] = {}

        def whole(digits: str) -> int | str:
            # More digits than some thousands Python would refuse to read.
            if len(digits) <= _DIGITS:
                return int(digits)
            changes[_LONG] = None
            return digits

        return _exchangeable(json.loads(text, parse_int=whole), changes), tuple(changes)
    return value, ()


def _exchangeable(value: Any, changes: dict[str, None]) -> Any:
    """`value` without what JSON cannot carry; each kind of change is noted in `changes`."""
    if isinstance(value, list):
        return [_exchangeable(item, changes) for item in value]
    if isinstance(value, dict):
        return {_spelled(key, changes): _exchangeable(item, changes) for key, item in value.items()}
    if isinstance(value, str):
        return _spelled(value, changes)
    if isinstance(value, float) and not math.isfinite(value):
        changes["NaN and infinities were changed to null"] = None
        return None
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        changes[_LONG] = None
        return str(value)
    return value


def _spelled(text: str, changes: dict[str, None]) -> str:
    safe = encodable(text)
    if safe is not text:
        changes["lone surrogates are spelled out"] = None
    return safe
