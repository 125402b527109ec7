"""Doors that Linux's wall shuts in other ways: tables of processes, services behind Mach ports, links to files.

Numbers: sys/sysctl.h, servers/bootstrap.h. A door that cannot be tried counts as open.
"""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Callable

from .probes import Probe

_CTL_KERN, _KERN_PROCARGS2 = 1, 49
_NOT_PRIVILEGED = 1100
"""BOOTSTRAP_NOT_PRIVILEGED: the answer where a policy, and not the absence of a service, says no."""
_KEYCHAIN = b"com.apple.SecurityServer"
_ROOM = 1 << 16
_LINK = "linked"


def doors(host: int) -> tuple[Probe, ...]:
    """Try them once. `host` is the host's process id."""
    return (
        _tried("read the environment of the host by sysctl", lambda: _environment(host)),
        _tried("look up the keychain's service", _keychain),
        _tried("bring a file of the host into its own folder by a link", _link),
    )


def _tried(name: str, attempt: Callable[[], tuple[bool, str]]) -> Probe:
    try:
        return Probe(name, *attempt())
    except (AttributeError, ValueError, OSError) as error:
        return Probe(name, False, f"cannot be tried: {error}")


def _environment(process: int) -> tuple[bool, str]:
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "sysctlbyname"):  # Linux has had another `sysctl`
        raise AttributeError("there is no sysctl here")
    name = (ctypes.c_int * 3)(_CTL_KERN, _KERN_PROCARGS2, process)
    found, size = ctypes.create_string_buffer(_ROOM), ctypes.c_size_t(_ROOM)
    if libc.sysctl(name, ctypes.c_uint(3), found, ctypes.byref(size), None, ctypes.c_size_t(0)) == 0:
        return False, "done"
    error = ctypes.get_errno()
    return error in (errno.EPERM, errno.EACCES), errno.errorcode.get(error, str(error))


def _link() -> tuple[bool, str]:
    """This file: under a name of one's own it could be written to, and the host imports what lies beside it."""
    try:
        os.link(__file__, _LINK)
    except OSError as error:
        code = error.errno or 0
        return code in (errno.EPERM, errno.EACCES, errno.EXDEV), errno.errorcode.get(code, str(error))
    os.unlink(_LINK)
    return False, "done"


def _keychain() -> tuple[bool, str]:
    libc = ctypes.CDLL(None)
    port, found = ctypes.c_uint.in_dll(libc, "bootstrap_port"), ctypes.c_uint()
    answer = libc.bootstrap_look_up(port, _KEYCHAIN, ctypes.byref(found))
    return answer == _NOT_PRIVILEGED, "done" if answer == 0 else f"bootstrap error {answer}"
