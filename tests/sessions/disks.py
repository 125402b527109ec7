"""A real disk of the size a test wants: a tmpfs, where the system lets us mount one."""

from __future__ import annotations

import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def tiny(place, size):
    """`place` as a disk of `size` ("300k"); the test skips where none can be mounted."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def resize(place, size):
    """Make the disk larger or smaller; "ro" makes it read-only."""
    option = "ro" if size == "ro" else f"rw,size={size}"
    subprocess.run(["mount", "-o", f"remount,{option}", place], check=True)


def fill(path):
    """Write to `path` until there is no room left on its disk."""
    with path.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
