"""Text that can always be written: lone surrogates spelled out, everything else untouched.

Text from a document, a model or a REPL may hold code points that UTF-8 cannot carry. Whatever goes into a
log, a request or a message passes here first.
"""

from __future__ import annotations

import re
from itertools import chain
from operator import is_ as _is
from typing import Any

SURROGATE = re.compile("[\ud800-\udfff]")
"""A code point that stands for no character by itself."""


def encodable(text: str) -> str:
    r"""`text` with every lone surrogate replaced by its backslash escape (U+D800 becomes `\ud800`).

    The result encodes to UTF-8 without error. Text without surrogates comes back as the same object.
    """
    if text.isascii() or SURROGATE.search(text) is None:
        return text
    return SURROGATE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def encodable_value(value: Any) -> Any:
    """`value` with every string in its lists and dicts, keys included, as `encodable` makes it.

    What has no lone surrogates comes back as the same object. The nesting is bounded by the stack only.

    Raises:
        RecursionError: it is nested too deeply, or in itself.
    """
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, list | tuple):
        items = [encodable_value(item) for item in value]
        return value if all(map(_is, items, value)) else items
    if isinstance(value, dict):
        made = {encodable_value(key): encodable_value(item) for key, item in value.items()}
        same = all(map(_is, made, value)) and all(map(_is, made.values(), value.values()))
        return value if same and len(made) == len(value) else made
    return value


def characters(value: object) -> int:
    """Characters of all text in a document: of a str its length, of lists and dicts the sum, keys included.

    Numbers, booleans and null count as they are written. A container met twice counts once.
    """
    if not isinstance(value, dict | list | tuple):
        return len(value) if isinstance(value, str) else len(str(value))
    total = 0
    seen = {id(value)}
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        for part in chain(item, item.values()) if isinstance(item, dict) else item:
            if isinstance(part, str):
                total += len(part)
            elif not isinstance(part, dict | list | tuple):
                total += len(str(part))
            elif id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)
    return total
