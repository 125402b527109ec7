"""From the policy to a seccomp filter: classic BPF, one short block per system call, read from top to bottom.

A filter is a list of instructions (code, jt, jf, k) as in seccomp(2) and linux/filter.h. It sees `struct
seccomp_data`: number at 0, machine at 4, arguments of 64 bits from 16 on, least significant word first on the
machines that are supported.
"""

from __future__ import annotations

import errno
from struct import pack

from .machines import MACHINES, NUMBERS, Machine
from .policy import ALLOWED, ASKED, CHECKED, DIRECT, REFUSED_AS, SELF, UNDONE, Alternatives, Arg

Instruction = tuple[int, int, int, int]

_LOAD, _AND, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_NUMBER, _TOKEN, _ARGUMENTS = 0, 4, 16
_WORD = 0xFFFF_FFFF

ALLOW = 0x7FFF0000
ASK = 0x7FC00000
KILL = 0x80000000
_ERRNO = 0x00050000


def refuse(error: int) -> int:
    """The action that lets a call fail with `error`."""
    return _ERRNO | error


def compiled(machine: str, pid: int, *, asking: bool = False) -> list[Instruction]:
    """The filter for a machine.

    Args:
        machine: its name as in uname(2).
        pid: the process that it is for.
        asking: whether the filter of `asked` stands before it: what that one puts to the host is let through here.

    Raises:
        LookupError: there is no table of system calls for this machine.
    """
    if machine not in MACHINES:
        raise LookupError(f"no table of system calls for {machine}")
    known = MACHINES[machine]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _TOKEN),
        (_IF_EQUAL, 1, 0, known.token),
        (_RETURN, 0, 0, KILL),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if known.foreign:
        program += [(_IF_AT_LEAST, 0, 1, known.foreign), (_RETURN, 0, 0, refuse(errno.EPERM))]
    for name, numbers in sorted(NUMBERS.items()):
        if (number := numbers[known.column]) is not None:
            block = _block(name, known, pid, asking)
            program += [(_IF_EQUAL, 0, len(block), number), *block]
    return [*program, (_RETURN, 0, 0, refuse(errno.EPERM))]


def asked(machine: str) -> list[Instruction]:
    """The filter that puts calls to the host, and lets all else pass. Of two filters the stricter answer holds.

    Args:
        machine: its name as in uname(2), one that `compiled` knows.
    """
    known = MACHINES[machine]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _TOKEN),
        (_IF_EQUAL, 1, 0, known.token),
        (_RETURN, 0, 0, ALLOW),
        (_LOAD, 0, 0, _NUMBER),
    ]
    for name, alternatives in sorted(ASKED.items()):
        if (number := NUMBERS[name][known.column]) is not None:
            block = _checks(alternatives, holds=ASK, otherwise=ALLOW)
            program += [(_IF_EQUAL, 0, len(block), number), *block]
    return [*program, (_RETURN, 0, 0, ALLOW)]


def _block(name: str, known: Machine, pid: int, asking: bool) -> list[Instruction]:
    """What is done with a call once it is known which it is. Always returns, never falls through."""
    if name in CHECKED:
        granted = (*CHECKED[name], *ASKED.get(name, ())) if asking else CHECKED[name]
        undone = _where(_settled(UNDONE.get(name, ()), known, pid), refuse(0))
        return [*undone, *_checks(_settled(granted, known, pid))]
    if name in REFUSED_AS:
        return [(_RETURN, 0, 0, refuse(REFUSED_AS[name]))]
    if name in ALLOWED:
        return [(_RETURN, 0, 0, ALLOW)]
    raise LookupError(f"{name} has a number but no rule")


def _settled(alternatives: Alternatives, known: Machine, pid: int) -> Alternatives:
    """The same, with what stands for something in its place."""

    def settled(arg: Arg) -> Arg:
        mask = arg.mask & ~DIRECT | known.direct if arg.mask & DIRECT else arg.mask
        return Arg(arg.place, mask, pid if arg.value == SELF else arg.value)

    return tuple(tuple(map(settled, alternative)) for alternative in alternatives)


def _checks(
    alternatives: Alternatives, *, holds: int = ALLOW, otherwise: int = _ERRNO | errno.EPERM
) -> list[Instruction]:
    return [*_where(alternatives, holds), (_RETURN, 0, 0, otherwise)]


def _where(alternatives: Alternatives, action: int) -> list[Instruction]:
    """Return an action where any alternative holds; where none does, what comes next decides."""
    block: list[Instruction] = []
    for alternative in alternatives:
        tests = [_test(word, mask, value) for arg in alternative for word, mask, value in _words(arg)]
        left = sum(map(len, tests)) + 1
        for test in tests:
            left -= len(test)
            code, _, _, value = test[-1]
            block += [*test[:-1], (code, 0, left, value)]
        block.append((_RETURN, 0, 0, action))
    return block


def _words(arg: Arg) -> list[tuple[int, int, int]]:
    """The condition as up to two of 32 bits: (offset, mask, value)."""
    words = []
    for half in (0, 1):
        mask = arg.mask >> 32 * half & _WORD
        if mask:
            words.append((_ARGUMENTS + 8 * arg.place + 4 * half, mask, arg.value >> 32 * half & _WORD))
    return words


def _test(offset: int, mask: int, value: int) -> list[Instruction]:
    """Load, mask, compare; where to jump if it does not hold is put in later."""
    masking = [(_AND, 0, 0, mask)] if mask != _WORD else []
    return [(_LOAD, 0, 0, offset), *masking, (_IF_EQUAL, 0, 0, value)]


def packed(program: list[Instruction]) -> bytes:
    """The filter as the kernel takes it: `struct sock_filter` after `struct sock_filter`."""
    return b"".join(pack("=HBBI", *instruction) for instruction in program)
