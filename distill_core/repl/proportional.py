"""What frozen states cost: memory in proportion to the processes that share it, as the kernel counts."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from distill_core.repl.handle import fields_of, told

_MINOR_FAULTS, _RESIDENT = 7, 21
"""Places in /proc/PID/stat after the name: pages that came without reading a disk, and pages mapped (proc(5))."""
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Pages(NamedTuple):
    """Pages of a process in bytes: those that it has newly got so far, copies of shared ones among them, and all."""

    touched: int
    resident: int


class Share(msgspec.Struct, frozen=True):
    """Memory of a process in bytes: all that it maps, and its proportional part of that (proc(5), smaps_rollup)."""

    resident: int
    proportional: int


def share(pid: int) -> Share | None:
    """The memory of a process; None where the system does not tell. Takes milliseconds for gigabytes."""
    found = {}
    try:
        for line in told(pid, "smaps_rollup").split(b"\n"):
            name, _, value = line.partition(b":")
            if name in (b"Rss", b"Pss"):
                found[name] = int(value.split()[0]) * 1024
    except (OSError, ValueError):
        return None
    return Share(found[b"Rss"], found[b"Pss"]) if len(found) == 2 else None


def beyond(running: Share, frozen: Sequence[Share]) -> int:
    """Bytes that frozen processes hold beyond what the running one would hold alone."""
    together = running.proportional + sum(each.proportional for each in frozen)
    return max(0, together - running.resident)


def pages(pid: int) -> Pages:
    """What a process has and has got, by a cheaper count than its share; zeros where unknown."""
    try:
        fields = fields_of(pid)
        return Pages(int(fields[_MINOR_FAULTS]) * _PAGE, int(fields[_RESIDENT]) * _PAGE)
    except (OSError, ValueError, IndexError):
        return Pages(0, 0)
