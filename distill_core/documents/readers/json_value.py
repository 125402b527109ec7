"""JSON: a list or dict stays one; a single value becomes its text.

What JSON cannot exchange safely is made safe and noted: NaN and infinities become null, whole numbers beyond
64 bits and lone surrogates are spelled out as text. Source: RFC 8259, sections 6 and 8.2.
"""

from __future__ import annotations

import json
import re
from typing import Any

from distill_core.documents.decoding import decode
from distill_core.documents.source import Reading, Source
from distill_core.text import encodable

FORMAT = "JSON"
SUFFIXES = (".json", ".geojson", ".ipynb")

_LONG_NUMBER = re.compile(r"\d{19}")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


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
    changed: dict[str, None] = {}

    def whole(digits: str) -> int | str:
        if len(digits) <= 20 and -(2**63) <= int(digits) < 2**64:
            return int(digits)
        changed["whole numbers beyond 64 bits are kept as text"] = None
        return digits

    def constant(name: str) -> None:
        changed["NaN and infinities were changed to null"] = None

    value = json.loads(text, parse_constant=constant, parse_int=whole if _LONG_NUMBER.search(text) else None)
    if _SURROGATE_ESCAPE.search(text):
        value = _spelled_out(value)
    return value, tuple(changed)


def _spelled_out(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list):
        return [_spelled_out(item) for item in value]
    if isinstance(value, dict):
        return {encodable(key): _spelled_out(item) for key, item in value.items()}
    return value
