"""The few calls of the Linux kernel that locking down takes, each checked, each a typed function.

Numbers and structures: linux/landlock.h, linux/seccomp.h, linux/prctl.h, linux/capability.h. The Landlock calls have
the same numbers on every machine.
"""

from __future__ import annotations

import ctypes
import os
from struct import pack

_libc = ctypes.CDLL(None, use_errno=True)

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1
_LOG_NOTHING, _LOG_FLAGS_SINCE = 1 << 0, 7
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS, _PR_SET_THP_DISABLE = 4, 22, 38, 41
_SECCOMP_MODE_FILTER = 2
_SECCOMP_NUMBERS = {"x86_64": 317, "aarch64": 277}
_SECCOMP_SET_MODE_FILTER, _SECCOMP_NEW_LISTENER = 1, 1 << 3
_CAPABILITY_VERSION_3 = 0x20080522


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def _call(what: str, number: int, *args: object) -> int:
    # Looked up here and not above: this module is loaded on systems too whose C library may have no such function.
    syscall = _libc.syscall
    syscall.restype = ctypes.c_long
    return _checked(syscall(ctypes.c_long(number), *args), what)


def landlock_version() -> int:
    """The version of Landlock's interface.

    Raises:
        OSError: this kernel has none, or it is switched off.
    """
    return _call(
        "Landlock", _CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_CREATE_RULESET_VERSION)
    )


def landlock_ruleset(files: int, network: int, scopes: int, fields: int) -> int:
    """A descriptor of a new ruleset.

    Args:
        files: file system rights that are refused unless a rule gives them.
        network: the same for the network.
        scopes: what is refused beyond the own domain.
        fields: how many of the three this kernel knows.
    """
    attributes = pack("=3Q", files, network, scopes)[: 8 * fields]
    return _call(
        "landlock_create_ruleset",
        _CREATE_RULESET,
        attributes,
        ctypes.c_size_t(len(attributes)),
        ctypes.c_uint(0),
    )


def landlock_allow(ruleset: int, rights: int, path: int) -> None:
    """Give `rights` on what the descriptor `path` stands for, and everything beneath it."""
    rule = pack("=Qi", rights, path)
    _call(
        "landlock_add_rule",
        _ADD_RULE,
        ctypes.c_int(ruleset),
        ctypes.c_int(_RULE_PATH_BENEATH),
        rule,
        ctypes.c_uint(0),
    )


def landlock_restrict(ruleset: int) -> None:
    """Put this thread, and what it starts, under the ruleset for good.

    What it refuses is not put into the system's audit log (LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF): who is refused
    without end would fill that.
    """
    flags = _LOG_NOTHING if landlock_version() >= _LOG_FLAGS_SINCE else 0
    _call("landlock_restrict_self", _RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint(flags))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def install_filter(instructions: bytes) -> None:
    """Put this thread, and what it starts, under a seccomp filter for good."""
    program = _Program(len(instructions) // 8, instructions)
    _prctl("seccomp", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))


def install_asking_filter(instructions: bytes, machine: str) -> int:
    """The same for a filter that puts calls to a listener; returns the listener's descriptor.

    Raises:
        OSError: this kernel has no listeners (Linux 5.0), or there is one already.
    """
    program = _Program(len(instructions) // 8, instructions)
    return _call(
        "seccomp listener",
        _SECCOMP_NUMBERS[machine],
        ctypes.c_uint(_SECCOMP_SET_MODE_FILTER),
        ctypes.c_uint(_SECCOMP_NEW_LISTENER),
        ctypes.byref(program),
    )


def no_new_privileges() -> None:
    """No program started from here gains rights by set-user-id or file capabilities."""
    _prctl("no_new_privs", _PR_SET_NO_NEW_PRIVS, 1, None)


def no_dump() -> None:
    """This process leaves no core dump, whatever its bounds. Its own account can then not look into /proc for it."""
    _prctl("no dump", _PR_SET_DUMPABLE, 0, None)


def _prctl(what: str, option: int, value: int, pointer: object) -> None:
    _checked(
        _libc.prctl(
            ctypes.c_int(option), ctypes.c_ulong(value), pointer, ctypes.c_ulong(0), ctypes.c_ulong(0)
        ),
        what,
    )


def no_huge_pages() -> None:
    """Pages of the usual size only. Of a huge one all stays while a small part of it is mapped, whatever is counted."""
    _prctl("no huge pages", _PR_SET_THP_DISABLE, 1, None)


def drop_capabilities() -> None:
    """Give up all that makes root more than a user."""
    header = pack("=Ii", _CAPABILITY_VERSION_3, 0)
    _checked(_libc.capset(header, bytes(24)), "capset")
