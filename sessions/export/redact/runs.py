"""Whether a text can hold something at all, told at the speed of memory: most texts then need no closer look.

A regular expression is tried at every letter. Here each byte becomes one of two, and one search looks for a run.
"""

from __future__ import annotations

import functools


def table(characters: bytes) -> bytes:
    """A table for `holds_run`: bytes among `characters` belong to runs."""
    return bytes(1 if byte in characters else 0 for byte in range(256))


SPACES = b" \t\n\r\x0b\x0c"
UNBROKEN = table(bytes(byte for byte in range(256) if byte not in SPACES))
"""Anything but white space; bytes of letters beyond ASCII are among it."""
NUMERIC = table(b"0123456789 .()-+")
"""Digits and what stands between the digits of one number."""


@functools.lru_cache(maxsize=4)
def holds_run(text: str, kind: bytes, length: int) -> bool:
    """Whether `text` holds `length` bytes in a row that belong to `kind`.

    Several ask the same of one text, one after the other; the last answers are kept.
    """
    return b"\x01" * length in text.encode("utf-8", "surrogatepass").translate(kind)
