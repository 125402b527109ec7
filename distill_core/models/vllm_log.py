"""What vLLM's log says went wrong: its own errors name a process that failed, the log what failed in it."""

from __future__ import annotations

import re
from pathlib import Path

PREFIX = r"(?:\([^)\n]*\) )?(?:[A-Z]+ [\d :-]+\[[^\]\n]*\] )?"
"""What vLLM puts before a line: which process, and for a logged one level, time and place."""

RAISED = re.compile(rf"^{PREFIX}((?:\w+\.)*\w*(?:Error|Exception): \S.*)", re.MULTILINE)
"""The line of a traceback that names the exception. Warnings speak of exceptions too, further in."""

LONGEST = 300
MOST_BYTES = 4_000_000


def size(log_path: Path) -> int:
    """Bytes in the log now; what comes after them is of the next start."""
    return log_path.stat().st_size if log_path.exists() else 0


def root_cause(log_path: Path, start: int) -> str | None:
    """The first exception written to the log after its first `start` bytes; None where there is none.

    Later ones say that a process ended because of it.
    """
    try:
        with log_path.open("rb") as log:
            log.seek(start)
            text = log.read(MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    found = RAISED.search(text)
    return found.group(1).strip()[:LONGEST] if found else None
