"""Ordinary work with files in the scratch folder, where the wall refuses a part of it.

Modes, flags and times cannot be changed by path or descriptor: a filter of system calls sees neither, and the same
call could change a file of the host. Much of the standard library asks for it in passing (`shutil.copy`, `tarfile`,
`Path.touch`), and nobody but the cells ever sees these files. So a request for a file that is the cells' own is granted
without effect, but for the time of now, which writing sets; for any other file it fails as it would.
"""

# This stands below pathlib.
# ruff: noqa: PTH100, PTH112, PTH116, PTH117, PTH118, PTH120
from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from errno import EPERM
from typing import Any

_ROOT = os.sep


def install(scratch: str) -> None:
    """Have `os` grant these requests for what lies in the folder `scratch`."""
    own = _Own(scratch)
    granted = {"chmod": _chmod(own), "fchmod": _chmod(own), "utime": _utime(own), "chflags": _chmod(own)}
    for name, function in granted.items():
        if hasattr(os, name):  # flags of files are macOS's
            function.__name__ = function.__qualname__ = name
            setattr(os, name, function)


class _Own:
    """Tells whether a file is the cells' own."""

    def __init__(self, scratch: str) -> None:
        self._inside = os.path.realpath(scratch).rstrip(_ROOT) + _ROOT

    def __call__(self, file: Any, dir_fd: int | None, follow: bool) -> bool:
        if isinstance(file, int):
            return bool(fcntl.fcntl(file, fcntl.F_GETFL) & os.O_ACCMODE)  # no other can be opened for writing
        if dir_fd is not None:
            os.stat(file, dir_fd=dir_fd, follow_symlinks=follow)
            return not os.path.isabs(os.fspath(file))
        os.stat(file, follow_symlinks=follow)
        path = os.path.abspath(os.fsdecode(file))
        real = (
            os.path.realpath(path) if follow else os.path.join(os.path.realpath(os.path.dirname(path)), "x")
        )
        return (real + _ROOT).startswith(self._inside)


def _chmod(own: _Own) -> Callable[..., None]:
    def chmod(path: Any, mode: int, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> None:
        """Change the mode or flags of a file; one of the scratch folder keeps the mode it has."""
        if not own(path, dir_fd, follow_symlinks):
            raise PermissionError(EPERM, os.strerror(EPERM), path)

    return chmod


def _utime(own: _Own) -> Callable[..., None]:
    def utime(
        path: Any,
        times: tuple[float, float] | None = None,
        *,
        ns: tuple[int, int] | None = None,
        dir_fd: int | None = None,
        follow_symlinks: bool = True,
    ) -> None:
        """Set the times of a file; one of the scratch folder can be given the time of now, and keeps others."""
        if not own(path, dir_fd, follow_symlinks):
            raise PermissionError(EPERM, os.strerror(EPERM), path)
        if times is None and ns is None and not os.path.isdir(path):
            fd = os.open(path, os.O_WRONLY, dir_fd=dir_fd) if not isinstance(path, int) else os.dup(path)
            try:
                os.ftruncate(fd, os.fstat(fd).st_size)
            finally:
                os.close(fd)

    return utime
