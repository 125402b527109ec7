"""A terminal that does not echo: what is typed while a screen is put together waits for it and is not seen twice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def hushed() -> Iterator[None]:
    """Echo nothing until the block is over, if stdin is a terminal of a system that has such a setting."""
    if sys.platform == "win32" or not sys.stdin.isatty():
        yield
        return
    import termios

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    flags = [*before]
    flags[3] &= ~termios.ECHO
    termios.tcsetattr(fd, termios.TCSANOW, flags)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSANOW, before)
