"""Letting go of descriptors: what the process was started with, by whomever, and does not need."""

from __future__ import annotations

import os
import sys

_BEYOND_ALL = 1 << 30


def close_all_but(keep: tuple[int, ...]) -> None:
    """Close every descriptor that is not in `keep`."""
    first = 0
    for fd in sorted(set(keep)):
        if fd > first:  # an empty range would be taken for one without end
            os.closerange(first, fd)
        first = fd + 1
    # Linux closes a range in one call; elsewhere each number is one, and so only those that there can be are closed.
    os.closerange(first, _BEYOND_ALL if sys.platform == "linux" else max(first, os.sysconf("SC_OPEN_MAX")))
