"""Lines of a log that could not be written yet: kept in memory, in their order, until the disk takes them.

A full disk must not end a session that may have cost hours. What the disk never took is put where there is room when
the log is closed, and said.
"""

from __future__ import annotations

import errno
import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from distill_core.errors import LogError
from distill_core.plurals import count

PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EFBIG})
"""Troubles that room, or a disk that comes back, ends."""

OnTrouble = Callable[[str], None]


class Backlog:
    """Writes lines in order; keeps those that cannot be written now. From any thread.

    Args:
        folder: the log's, for what is said.
        on_trouble: told once when lines begin to wait, and once when all are written again.
    """

    def __init__(self, folder: Path, on_trouble: OnTrouble = lambda _: None) -> None:
        self._folder = folder
        self._tell = on_trouble
        self._lines: deque[tuple[int, bytes]] = deque()
        self._lock = threading.Lock()
        self._trouble: OSError | None = None
        self._written = False

    def __len__(self) -> int:
        return len(self._lines)

    def write(self, fd: int, line: bytes) -> None:
        """Write `line` behind what waits.

        Raises:
            OSError: for a reason that does not pass, or nothing was ever written here: there is no session to keep.
        """
        with self._lock:
            self._lines.append((fd, line))
            self._drain()

    def again(self) -> None:
        """Try to write what waits.

        Raises:
            OSError: as `write`.
        """
        with self._lock:
            self._drain()

    def _drain(self) -> None:
        while self._lines:
            try:
                _write_whole(*self._lines[0])
            except OSError as error:
                if error.errno not in PASSING or not self._written:
                    self._lines.clear()
                    raise
                self._wait(error)
                return
            self._lines.popleft()
            self._written = True
        if self._trouble is not None:
            self._trouble = None
            self._tell(f"the session's log in {self._folder} is written again; nothing is missing")

    def _wait(self, error: OSError) -> None:
        if self._trouble is None:
            self._tell(
                f"cannot write the session's log in {self._folder}: {error.strerror}; "
                "it is kept in memory until there is room (free some space)"
            )
        self._trouble = error

    def rescue(self, names: dict[int, Path]) -> None:
        """Give up waiting: put the whole log, with what waits, into a folder of the system's for such things.

        Args:
            names: the file of each descriptor.

        Raises:
            LogError: always, where something waits: what it says is where the log is now.
        """
        with self._lock:
            if not self._lines:
                return
            lost, why = len(self._lines), (self._trouble.strerror if self._trouble else "") or "unknown"
            what = f"{count(lost, 'event')} of the session in {self._folder} could not be written"
            try:
                place = Path(tempfile.mkdtemp(prefix=f"distill-tui-{self._folder.name}-")) / self._folder.name
                place.mkdir()
                for path in names.values():
                    (place / path.name).write_bytes(path.read_bytes())
                for fd, line in self._lines:
                    with (place / names[fd].name).open("ab") as file:
                        file.write(line)
            except OSError as error:
                raise LogError(
                    what,
                    found=f"{why}; nor elsewhere: {error.strerror}",
                    remedy="they are lost; free some space",
                ) from error
            self._lines.clear()
            raise LogError(
                what,
                found=why,
                remedy=f"the whole session is in {place}; free some space and run: "
                f"distill-tui sessions import {place}",
            )


def _write_whole(fd: int, line: bytes) -> None:
    """Append `line`; where the disk takes only a piece, cut that off again, so that the stream stays whole."""
    written = 0
    try:
        while written < len(line):
            written += os.write(fd, line[written:])
    except OSError:
        if written:
            os.ftruncate(fd, os.fstat(fd).st_size - written)
        raise
