"""Letting go of descriptors: what the process was started with, by whomever, and does not need."""

from __future__ import annotations

import os
import sys

_BEYOND_ALL = 1 << 30
_OPEN = "/dev/fd"


def close_all_but(keep: tuple[int, ...]) -> None:
    """Close every descriptor that is not in `keep`.

    Raises:
        OSError: it cannot be told which there are.
    """
    if sys.platform != "linux":
        # Each number would be a call of its own, and of how many there can be the system may say "any" (sysconf(3)).
        for name in os.listdir(_OPEN):
            if name.isdecimal() and int(name) not in keep:
                _close(int(name))
        return
    first = 0
    for fd in sorted(set(keep)):
        if fd > first:  # an empty range would be taken for one without end
            os.closerange(first, fd)
        first = fd + 1
    os.closerange(first, _BEYOND_ALL)  # one call (close_range(2))


def _close(fd: int) -> None:
    try:
        os.close(fd)
    except OSError:
        return  # the one by which the folder was listed
