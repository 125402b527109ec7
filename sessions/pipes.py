"""Further processes of this program, each a module of its own, and the pipes to them."""

from __future__ import annotations

import os
import subprocess
import sys
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


def started(
    module: str,
    *arguments: str,
    stdin: int = subprocess.PIPE,
    stdout: int | None = None,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """A process that runs `module` with the interpreter and the import path of this one.

    Raises:
        OSError: there can be none.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return subprocess.Popen(
        [sys.executable, "-P", "-m", module, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        env={**os.environ, "PYTHONPATH": path},
    )
