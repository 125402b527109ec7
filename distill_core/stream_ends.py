"""The ends of streams: their last whole lines, however long the stream is."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, NamedTuple

import msgspec

_PIECE = 1 << 16


class End(NamedTuple):
    """The end of a stream: its last lines without their line feeds, and where the last of them ends, in bytes."""

    lines: list[bytes]
    size: int


def read_end(file: BinaryIO, enough: Callable[[bytes], bool] = lambda first: True) -> End:
    """The last whole lines of a stream. What is torn behind them is left out.

    Args:
        file: opened for reading, as bytes.
        enough: told the first of the lines that were read; False to read more of them, from further in front.
    """
    size = at = file.seek(0, 2)
    tail = b""
    while at > 0:
        at = max(0, at - max(_PIECE, len(tail)))
        file.seek(at)
        tail = file.read(size - at)
        first = tail.find(b"\n") + 1
        end = tail.find(b"\n", first)
        if at > 0 and end >= 0 and enough(tail[first:end]):
            break
    whole = tail.rfind(b"\n") + 1
    lines = tail[:whole].split(b"\n")[:-1]
    # Where it does not reach back to the stream's beginning, the first line may be the end of one.
    return End(lines[1:] if at > 0 else lines, at + whole)


class _Numbered(msgspec.Struct):
    seq: int


_decoder = msgspec.json.Decoder(_Numbered)


def number(line: bytes) -> int:
    """The number of the event that stands in a line.

    Raises:
        msgspec.DecodeError: there is none.
    """
    try:
        return _decoder.decode(line).seq
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
