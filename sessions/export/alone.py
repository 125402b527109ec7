"""One program at a time: a lock file that is there only while somebody holds it."""

from __future__ import annotations

import os
from pathlib import Path

from distill_core.liveness import hold


class Alone:
    """The lock at `path`; it goes with the program that holds it, however that ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: int | None = None

    def take(self) -> bool:
        """Whether the lock is ours, now or already.

        Raises:
            OSError: the file cannot be made.
        """
        while self._held is None:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not hold(fd):
                os.close(fd)
                return False
            if self._is_there(fd):
                self._held = fd
            else:
                os.close(fd)  # whoever held it has removed it since
        return True

    def _is_there(self, fd: int) -> bool:
        try:
            return os.path.samestat(os.fstat(fd), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let go of the lock, where it is ours."""
        if self._held is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._held)
            self._held = None
