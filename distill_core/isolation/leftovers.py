"""Folders of processes that were killed: each is locked by its owner, so that what no owner locks can be taken away."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time

from distill_core.isolation.scratch import clear

_PREFIX = "distill-repl-"
_SETTLED = 60.0
"""Seconds after which a folder that nobody locks is not one that somebody is just about to lock."""


def locked_folder() -> tuple[str, int]:
    """A new private folder, and the descriptor that locks it for as long as this process keeps it open."""
    folder = tempfile.mkdtemp(prefix=_PREFIX)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return folder, held


def sweep() -> None:
    """Remove the folders of this account that are a minute old and that no process locks."""
    try:
        with os.scandir(tempfile.gettempdir()) as entries:
            found = [entry.path for entry in entries if entry.name.startswith(_PREFIX)]
    except OSError:
        return  # a folder that cannot be listed has nothing for us to take away
    for folder in found:
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # somebody else's, or gone
        try:
            if _left(held):
                clear(folder)
        finally:
            os.close(held)


def _left(held: int) -> bool:
    status = os.fstat(held)
    if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) != stat.S_IRWXU:
        return False
    if time.time() - status.st_mtime < _SETTLED:
        return False
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
