"""An interpreter of classic BPF as the kernel runs it over `struct seccomp_data`, for looking at filters in tests."""

from __future__ import annotations

from collections.abc import Sequence
from struct import iter_unpack, pack, unpack_from

Instruction = tuple[int, int, int, int]


def instructions(program: bytes) -> list[Instruction]:
    """The instructions of a packed filter."""
    return [(code, jt, jf, k) for code, jt, jf, k in iter_unpack("=HBBI", program)]


def run(program: Sequence[Instruction], token: int, number: int, args: Sequence[int] = ()) -> int:
    """The action that the filter takes on a call."""
    words = [*args, *[0] * (6 - len(args))]
    data = pack("<iIQ6Q", number - (1 << 32) if number >= 1 << 31 else number, token, 0, *words)
    accumulator, at = 0, 0
    while True:
        code, jt, jf, k = program[at]
        at += 1
        if code == 0x20:
            (accumulator,) = unpack_from("<I", data, k)
        elif code == 0x54:
            accumulator &= k
        elif code == 0x15:
            at += jt if accumulator == k else jf
        elif code == 0x35:
            at += jt if accumulator >= k else jf
        elif code == 0x25:
            at += jt if accumulator > k else jf
        elif code == 0x05:
            at += k
        elif code == 0x06:
            return k
        else:
            raise AssertionError(f"instruction {code:#x} is not among those that filters here are made of")
