"""Landlock: which files are in reach, no TCP, and no signal or abstract socket across the border.

See landlock(7) and linux/landlock.h. A right that the kernel's version does not know cannot be refused through it;
the seccomp filter is made so that nothing then depends on it.
"""

from __future__ import annotations

import os
import stat

from . import kernel
from .policy import WRITABLE_DEVICES, Paths

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_DIR, _REMOVE_FILE = (1 << bit for bit in range(6))
_MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_FILE_RIGHTS_BY_VERSION = (0, 13, 14, 15, 15, 16)
"""How many file system rights each version knows, from the lowest bit on."""
_ALL_NETWORK = 0b11
"""LANDLOCK_ACCESS_NET_BIND_TCP, CONNECT_TCP."""
_ALL_SCOPES = 0b11
"""LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET, SIGNAL."""

_ON_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE
_READ = _READ_FILE | _READ_DIR
_SCRATCH = (
    _READ | _WRITE_FILE | _TRUNCATE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER
)


def restrict(paths: Paths) -> int:
    """Put this thread under Landlock; returns the version of it that is in force.

    Paths that do not exist, or cannot be reached anyway, are left out.

    Raises:
        OSError: this kernel has no Landlock, or refuses it.
    """
    version = kernel.landlock_version()
    files = (1 << _FILE_RIGHTS_BY_VERSION[min(version, len(_FILE_RIGHTS_BY_VERSION) - 1)]) - 1
    fields = 1 + (version >= 4) + (version >= 6)
    ruleset = kernel.landlock_ruleset(files, _ALL_NETWORK, _ALL_SCOPES, fields)
    try:
        for rights, group in (
            (_READ, paths.read),
            (_READ_DIR, paths.list),
            (_READ_FILE, paths.device),
            (_WRITE_FILE, WRITABLE_DEVICES),
            (_SCRATCH, paths.scratch),
        ):
            for path in group:
                _allow(ruleset, rights & files, path)
        kernel.landlock_restrict(ruleset)
    finally:
        os.close(ruleset)
    return version


def _allow(ruleset: int, rights: int, path: str) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except (FileNotFoundError, PermissionError):
        return
    try:
        if not stat.S_ISDIR(os.fstat(fd).st_mode):
            rights &= _ON_FILE
        if rights:
            kernel.landlock_allow(ruleset, rights, fd)
    finally:
        os.close(fd)
