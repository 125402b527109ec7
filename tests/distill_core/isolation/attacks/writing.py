"""How an attack is written down, and what each finds defined when it runs."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

PRELUDE = '''
import ctypes, errno, os, struct, sys, time
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
MACHINE = os.uname().machine
def sysc(number, *args):
    """A system call by number: its result, or minus its error."""
    ctypes.set_errno(0)
    result = libc.syscall(ctypes.c_long(number), *(a if isinstance(a, (bytes, type(None))) else ctypes.c_long(a) for a in args))
    return result if result >= 0 else -ctypes.get_errno()
def refused(**attempts):
    """Each attempt must raise an error of the system, or give nothing."""
    for name, attempt in attempts.items():
        try: got = attempt()
        except (OSError, PermissionError, ValueError, ImportError, RuntimeError, AttributeError, EOFError, MemoryError): continue
        if got not in (None, False, b'', '', []): print('ESCAPED', name, repr(got)[:200])
def denied(*calls):
    """Each system call, (number, args...), must fail for lack of rights or not exist."""
    for call in calls:
        result = sysc(*call)
        if -result not in (errno.EPERM, errno.EACCES, errno.ENOSYS): print('ESCAPED', call, result)
'''  # fmt: skip


def attack(
    name: str,
    why: str,
    code: str,
    expect: str = "blocked",
    *,
    setup: str = "",
    bare: bool = False,
    serial: bool = False,
    check: Callable[[SimpleNamespace], bool] | None = None,
    pre: Sequence[str] = (),
    post: tuple[str, str] | None = None,
    timeout: float = 4,
) -> dict[str, Any]:
    """A case of the corpus.

    Args:
        name: unique among all.
        why: what it is after.
        code: the cell.
        expect: "blocked" (refused, and the REPL is as it was), "contained" (the cell may die of it), "ok".
        setup: what goes before it.
        bare: whether it does without the prelude.
        serial: whether it puts weight on the host and must run alone.
        check: what more must hold of the result.
        pre: cells before it.
        post: a cell after it, and what that must print.
        timeout: seconds of the cell.
    """
    case: dict[str, Any] = {
        "id": name,
        "why": why,
        "code": ("" if bare else PRELUDE) + setup + textwrap.dedent(code),
        "expect": expect,
        "serial": serial,
        "timeout": timeout,
    }
    if check is not None:
        case["check"] = check
    if pre:
        case["pre"] = [PRELUDE, *map(textwrap.dedent, pre)]
    if post is not None:
        case["post"] = post
    return case
