"""Taking the document out of shared memory, without ever holding it twice.

A string is built in place: joining or decoding it whole would need its size again, and a document may be most of
the memory there is.
"""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator
from json.decoder import JSONDecoder
from typing import Any

_PIECE = 1 << 20


def receive(fd: int, kind: str, chars: int, widest: int) -> Any:
    """The context.

    Args:
        fd: shared memory that holds it, at its start; closed afterwards.
        kind: "str" for the text itself, "json" for JSON.
        chars: length of the text in characters.
        widest: upper bound of its code points, tight enough to choose the storage width.
    """
    try:
        os.lseek(fd, 0, os.SEEK_SET)
        pieces = _decoded(fd)
        if kind == "json":
            return JSONDecoder().decode("".join(pieces))
        if chars <= _PIECE:
            return "".join(pieces)
        return _in_place(pieces, chars, widest)
    finally:
        os.close(fd)


def _decoded(fd: int) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8")("surrogatepass")
    while data := os.read(fd, _PIECE):
        yield decoder.decode(data)
    yield decoder.decode(b"", True)


def _in_place(pieces: Iterator[str], chars: int, widest: int) -> str:
    """One string of `chars` characters, filled piece by piece.

    Uses PyUnicode_New and PyUnicode_CopyCharacters of the C API (Unicode Objects and Codecs, python/cpython): a
    string may be written while nobody else refers to it, hence the bare addresses.
    """
    import ctypes

    api = ctypes.pythonapi
    new, copy = api.PyUnicode_New, api.PyUnicode_CopyCharacters
    new.restype, new.argtypes = ctypes.c_void_p, (ctypes.c_ssize_t, ctypes.c_uint32)
    copy.restype = ctypes.c_ssize_t
    copy.argtypes = (
        ctypes.c_void_p,
        ctypes.c_ssize_t,
        ctypes.py_object,
        ctypes.c_ssize_t,
        ctypes.c_ssize_t,
    )
    address = new(chars, widest)
    filled = 0
    for piece in pieces:
        filled += copy(address, filled, piece, 0, len(piece))
    if filled != chars:
        raise ValueError(f"the document has {filled} characters, {chars} were announced")
    text: str = ctypes.cast(address, ctypes.py_object).value
    release = api.Py_DecRef
    release.restype, release.argtypes = None, (ctypes.c_void_p,)
    release(address)
    return text
