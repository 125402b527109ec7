"""How much memory a process has of its own: what shows whether it keeps a bound that the kernel keeps in part, or not.

Linux bounds the private memory that can be written (RLIMIT_DATA) and all addresses together. What was written and then
made read-only, or put on a stack that grows, counts for the second only, which has to be wide.
"""

from __future__ import annotations

import os
import subprocess
import sys

_PS = "/bin/ps"
_SECONDS = 5.0


def resident_bytes(pid: int) -> int | None:
    """Bytes of a process in memory that no file stands behind; where ps(1) tells them, all. None: it is gone."""
    try:
        return _pages(pid) * os.sysconf("SC_PAGE_SIZE") if sys.platform == "linux" else _by_ps(pid)
    except (OSError, ValueError, IndexError, subprocess.TimeoutExpired):
        return None


def _pages(pid: int) -> int:
    """Resident pages without those of files (proc(5), statm)."""
    with open(f"/proc/{pid}/statm", "rb") as file:  # noqa: PTH123 - it is looked at often
        _, resident, shared, *_ = map(int, file.read().split())
    return resident - shared


def _by_ps(pid: int) -> int:
    told = subprocess.run(
        [_PS, "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=_SECONDS, check=False
    ).stdout.split()
    return int(told[0]) * 1024
