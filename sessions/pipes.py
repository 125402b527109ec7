"""Pipes between this program's own processes."""

from __future__ import annotations

from contextlib import suppress
from typing import IO

_SIZE = 1 << 20
"""The most that an ordinary user may ask for on Linux."""


def widen(pipe: IO[bytes] | int | None) -> None:
    """Let a pipe hold a megabyte, so that whoever writes to it need not wait for each piece to be read."""
    try:
        import fcntl
    except ImportError:
        return
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _SIZE)
