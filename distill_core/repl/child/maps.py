"""Memory maps without a file, for a process that can have no children: memory of its own.

Shared memory that no file stands behind is refused by the wall (`isolation/inside/policy.py`), and Python's `mmap` asks
for just that where it is not told otherwise. There is nobody to share it with: what a cell writes into it is then the
cell's, and goes back with it to an earlier state.
"""

from __future__ import annotations

import mmap
from typing import Any

_NO_FILE = -1
_IN_ORDER = ("flags", "prot", "access", "offset")
_Map = mmap.mmap


class _OwnMap(_Map):
    """`mmap.mmap`, private where there is no file."""

    def __new__(cls, fileno: int, length: int, *args: Any, **options: Any) -> _OwnMap:
        if fileno == _NO_FILE:
            args, options = (), _private({**dict(zip(_IN_ORDER, args, strict=False)), **options})
        return super().__new__(cls, fileno, length, *args, **options)


def _private(wish: dict[str, Any]) -> dict[str, Any]:
    """The same wish, for memory of its own."""
    access = wish.get("access", mmap.ACCESS_DEFAULT)
    if access == mmap.ACCESS_DEFAULT:
        wish["flags"] = wish.get("flags", 0) & ~mmap.MAP_SHARED | mmap.MAP_PRIVATE
    elif access == mmap.ACCESS_WRITE:
        wish["access"] = mmap.ACCESS_COPY
    elif access == mmap.ACCESS_READ:
        del wish["access"]
        wish["flags"], wish["prot"] = mmap.MAP_PRIVATE, mmap.PROT_READ
    return wish


def install() -> None:
    """Have `mmap.mmap` be that from now on."""
    _OwnMap.__name__ = _OwnMap.__qualname__ = "mmap"
    _OwnMap.__module__ = "mmap"
    mmap.mmap = _OwnMap  # type: ignore[misc]
