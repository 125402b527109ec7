"""The program's standard streams: there even where the shell closed them, and no reason to end a session."""

from __future__ import annotations

import io
import os
import sys
from typing import Any


def prepare() -> None:
    """Make stdin, stdout and stderr what the rest of the program takes them for.

    One that was closed leads nowhere; were its number left free, the next file that is opened would get it. A terminal
    of another encoding shows an escape rather than ending the program. What cannot be written on stderr is lost.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)
            if nowhere != number:
                os.dup2(nowhere, number)
                os.close(nowhere)
            setattr(sys, name, open(number, "r" if number == 0 else "w", closefd=False))  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if isinstance(sys.stderr, io.TextIOWrapper):
        sys.stderr = io.TextIOWrapper(
            _Forgiving(sys.stderr.fileno(), "w", closefd=False),  # as CPython does unbuffered
            encoding=sys.stderr.encoding,
            errors="backslashreplace",
            line_buffering=True,
            write_through=True,
        )


class _Forgiving(io.FileIO):
    """Whoever reads the progress may go away, or its disk be full: the session it tells of goes on all the same."""

    def write(self, data: Any, /) -> int:
        left = memoryview(data).cast("B")
        size = len(left)
        try:
            while left and (written := super().write(left)):
                left = left[written:]
        except OSError:
            pass  # nobody takes it
        return size
