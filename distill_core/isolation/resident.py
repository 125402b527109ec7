"""How much memory a process has, as ps(1) tells: for systems whose kernel keeps no bound on it."""

from __future__ import annotations

import subprocess

_PS = "/bin/ps"
_SECONDS = 5.0


def resident_bytes(pid: int) -> int | None:
    """Bytes of a process that are in memory; None where it is gone, or that is not told."""
    try:
        told = subprocess.run(
            [_PS, "-o", "rss=", "-p", str(pid)], capture_output=True, timeout=_SECONDS, check=False
        ).stdout.split()
        return int(told[0]) * 1024 if told else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
