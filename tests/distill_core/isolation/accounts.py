"""Whom a test runs as: the account of the test run, and, where that is root, an ordinary user too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import pytest

NOBODY = 65534
REPOSITORY = Path(__file__).parents[3]


def current() -> str:
    """The account of this run: "root" or "user"."""
    return "root" if os.getuid() == 0 else "user"


def command(account: str) -> list[str]:
    """What to put before arguments of Python so that they run as `account`; skips where that cannot be had."""
    if account == current():
        return [sys.executable]
    if account == "root":
        pytest.skip("running as root takes a test run by root")
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("running as an ordinary user takes setpriv")
    python = _python_for_everyone(setpriv)
    if python is None:
        pytest.skip(f"no Python {sys.version_info.major}.{sys.version_info.minor} that every user may run")
    return [*_as_nobody(setpriv), python]


@contextmanager
def seen_from(prefix: list[str]) -> Iterator[None]:
    """Within it this process takes itself for the account that `prefix` (of a command) leads to."""
    if not prefix:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def _as_nobody(setpriv: str) -> list[str]:
    return [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


@lru_cache(maxsize=1)
def _python_for_everyone(setpriv: str) -> str | None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # setpriv keeps root's rights until it has executed something, so that this alone would prove nothing.
    code = "import os; open(os.readlink('/proc/self/exe'), 'rb')"
    for candidate in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            ended = subprocess.run([*_as_nobody(setpriv), candidate, "-c", code], capture_output=True)
        except OSError:
            continue
        if ended.returncode == 0:
            return candidate
    return None
