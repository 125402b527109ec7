"""Folders in which sessions arrive in a home: each is locked by the program that fills it, so that one that nobody
locks was left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from distill_core.liveness import hold

_PREFIX = ".arriving-"


@contextlib.contextmanager
def arriving(sessions: Path) -> Iterator[Path]:
    """A new folder inside `sessions`, which is no session and is gone afterwards.

    Raises:
        OSError: it cannot be made.
    """
    folder = Path(tempfile.mkdtemp(dir=sessions, prefix=_PREFIX))
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        hold(held)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def left_behind(sessions: Path, young: float) -> Iterator[Path]:
    """The folders of `arriving` that are older than `young` seconds and that no program fills."""
    for folder in sorted(sessions.glob(f"{_PREFIX}*")):
        try:
            held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            continue  # it has gone meanwhile, or is somebody else's
        try:
            if time.time() - os.fstat(held).st_mtime > young and _unlocked(held):
                yield folder
        finally:
            os.close(held)


def _unlocked(held: int) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks: age alone tells
    return True
