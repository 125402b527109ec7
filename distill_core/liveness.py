"""Whether a session is being written now: its log holds a lock that the system takes back when the program dies."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

ATTEMPTS = 20
"""Tries, 5 ms apart, to take the lock: whoever asks `is_live` has it for a moment."""


def hold(fd: int) -> bool:
    """Mark the session whose `supervisor.jsonl` is open as `fd` as being written, until `fd` is closed.

    Returns:
        Whether nobody else writes it. True on a file system without locks: numbering is then checked by
        `sessions verify` only.
    """
    for _ in range(ATTEMPTS):
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.005)
        except OSError:
            return True
        else:
            return True
    return False


def is_live(folder: Path) -> bool:
    """Whether a program is writing the session in `folder`. False where nobody can tell. Waits for nobody, not even
    for a writer of a pipe that stands in the place of the log."""
    try:
        fd = os.open(folder / "supervisor.jsonl", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        os.close(fd)
    return False
