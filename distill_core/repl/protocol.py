"""What may cross the line between host and child, as the host sees it.

A frame is four bytes of length, big-endian, then UTF-8 JSON. The child runs code that nobody vouched for, so every
frame is measured before it is kept and checked against these types before anything looks at it.
"""

from __future__ import annotations

import array
import asyncio
import re
import socket
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Annotated, Any, TypeAlias, cast

import msgspec

from distill_core.errors import ReplError
from distill_core.events import JsonScalar
from distill_core.repl.values import Variable

_MOST_NODES = 2_000_000
"""Values in one frame. Each takes some 60 bytes here, many times what it takes on the line."""
MOST_PROMPTS = 100_000
MOST_ARGUMENT_BYTES, _MOST_ARGUMENTS = 16 << 20, 250_000
"""Of one call of a primitive, which is read with all its numbers: of some that takes ten microseconds each."""
_MOST_DEPTH = 100
"""Of containers in each other. Readers of JSON, and those who show it, give up at some depth below a thousand."""
_TOO_MUCH = f"one call may hand over {MOST_ARGUMENT_BYTES:,} bytes, and a quarter of a million values"
_INTEGER_CHARS = 20
_VALUE_CHARS = 16
_MOST_DIGITS = 64
"""Of a number with a fraction: 17 tell each from all others, and the time for reading more has no bound."""
_MOST_UNREAD = 64 << 20
_MOST_PROBES = 100
_Text = Annotated[str, msgspec.Meta(max_length=1_000_000)]
_Name = Annotated[str, msgspec.Meta(max_length=1000)]
_Number = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
"""A number that every reader of a log can hold."""
_Count = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]


class Ready(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="ready"):
    """The child holds the document and has locked itself down to `level`.

    Args:
        level: what it has proven.
        python: version of its interpreter.
        probes: the doors it tried, as (name, whether it is shut, how that showed).
        problem: the step of locking down that failed, if one did.
        no_copies: why no copies of it can be made; None if they can.
    """

    level: str
    python: str
    probes: Annotated[list[tuple[_Name, bool, _Name]], msgspec.Meta(max_length=_MOST_PROBES)]
    problem: _Text | None
    no_copies: _Text | None


class WorkerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="worker"):
    """Prompts for the worker; `batch` says whether the cell asked for several at once."""

    id: _Number
    batch: bool
    prompts: Annotated[list[str], msgspec.Meta(max_length=MOST_PROMPTS)]

    def weigh(self) -> int | str:
        """Text in it."""
        return sum(map(len, self.prompts))


class PrimitiveRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="primitive"
):
    """A call of a function on the host."""

    id: _Number
    name: _Name
    args: msgspec.Raw
    kwargs: msgspec.Raw

    def weigh(self) -> int | str:
        """Text in it, as JSON, and something for each value: an empty one takes 64 bytes here.

        Words where it is not to be read at all: because that would hold this process up, or because no reader of a log
        could hold it.
        """
        size = memoryview(self.args).nbytes + memoryview(self.kwargs).nbytes
        if size > MOST_ARGUMENT_BYTES:
            return _TOO_MUCH
        parts = 0
        for text in (self.args, self.kwargs):
            if (bare := _without_strings(text)) is None:
                return _TOO_MUCH
            parts += sum(map(bare.count, (b",", b"[", b"{")))
            if parts > _MOST_ARGUMENTS:
                return _TOO_MUCH
            if _deepest(bare) > _MOST_DEPTH:
                return f"a value handed over may hold others {_MOST_DEPTH} deep"
            if not all(map(_fits, _LONG_INTEGER.findall(bare))):
                return "a whole number handed over may have 64 bits"
        return size + _VALUE_CHARS * parts

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with.

        Raises:
            ReplError: it is no such thing.
        """
        try:
            return _read_args(self.args), _read_kwargs(self.kwargs)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise ReplError("the REPL's process sent what is no message", found=str(error)[:200]) from error


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="final"):
    """FINAL was called."""

    value: JsonScalar
    text: str


class Begun(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="begun"):
    """The child has turned to a cell."""

    cell: _Number


class Done(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="done"):
    """A cell came to its end; `interrupted` if an interrupt reached it."""

    cell: _Number
    error: _Text | None
    interrupted: bool
    dropped: _Count


class Listed(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="variables"):
    """The variables, as they were asked for."""

    variables: Annotated[list[Variable], msgspec.Meta(max_length=1000)]


class Copied(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="copied"):
    """A copy was made, as its original tells: process id as that counts, or why not, and whether it was `refused`."""

    pid: _Count | None
    error: _Text | None
    refused: bool


class Born(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="born"):
    """The first word of a copy, on a line of its own."""


class Buried(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="buried"):
    """Copies of this process that have ended: (process id as it counts, status; negative is the signal)."""

    ended: Annotated[list[tuple[_Count, _Number]], msgspec.Meta(max_length=10_000)]


Frame: TypeAlias = (
    Ready | WorkerRequest | PrimitiveRequest | Answered | Begun | Done | Listed | Copied | Born | Buried
)
Reply: TypeAlias = Ready | Listed | Copied | Buried
"""Frames that answer an order, each order by one."""


def refusal(request: WorkerRequest | PrimitiveRequest, why: str) -> dict[str, Any]:
    """The answer to a call that is not made."""
    if isinstance(request, PrimitiveRequest):
        return {"id": request.id, "error": why}
    count = len(request.prompts)
    return {"id": request.id, "texts": [None] * count, "errors": [(index, why) for index in range(count)]}


def _fraction(text: str) -> float:
    """A number with a fraction. (The decoder's own way takes twenty times as long for some.)"""
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"a number of {len(text)} characters")
    if not isfinite(number := float(text)):
        raise ValueError(f"{text} is beyond all numbers")
    return number


_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)


_LONG_INTEGER = re.compile(rb"(?<![\d.eE+-])-?\d{19,}+(?![.eE])")
_ALL_BUT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def _without_strings(text: msgspec.Raw) -> bytes | None:
    """JSON without what stands in its strings, which is no value however many commas it holds; None where there are
    more strings than there may be values."""
    whole = bytes(text)
    # Each string has two quotes, and every quote that stands after no backslash is one of those. Taking strings out
    # one by one is only for as many as there may be; keys are strings too.
    if whole.count(b'"') - whole.count(b'\\"') > 4 * _MOST_ARGUMENTS:
        return None
    return _STRING.sub(b"", whole)


def _deepest(bare: bytes) -> int:
    """How many containers enclose each other at most."""
    depth = deepest = 0
    for bracket in bare.translate(None, _ALL_BUT_BRACKETS):
        if bracket in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        else:
            depth -= 1
    return deepest


def _fits(integer: bytes) -> bool:
    """Whether a whole number has 64 bits at most, with its sign."""
    return len(integer) <= _INTEGER_CHARS and -(1 << 63) <= int(integer) < 1 << 63


_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_read_args = msgspec.json.Decoder(list[Any], float_hook=_fraction).decode
_read_kwargs = msgspec.json.Decoder(dict[str, Any], float_hook=_fraction).decode
_encode = msgspec.json.Encoder().encode


def decode(body: bytes | bytearray | memoryview) -> Frame:
    """A frame of the child.

    Raises:
        ReplError: it is not one.
    """
    if sum(map(bytes(body).count, (b",", b"[", b"{"))) > _MOST_NODES:
        raise ReplError("the REPL's process broke its protocol", found="a message of too many parts")
    try:
        return _decoder.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ReplError("the REPL's process sent what is no message", found=str(error)[:200]) from error


def spelled(text: str) -> str:
    """`text` with lone surrogates spelled out as backslash escapes, so that it is UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text


class Line(asyncio.Protocol):
    """The host's end of the line.

    Args:
        frame_bytes: size that no frame may exceed.
        on_frame: gets each frame, in order.
        on_violation: gets told once what was wrong; nothing is read after that.
    """

    def __init__(
        self, frame_bytes: int, on_frame: Callable[[Frame], None], on_violation: Callable[[ReplError], None]
    ) -> None:
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._frame_bytes = frame_bytes
        self._on_frame = on_frame
        self._on_violation = on_violation
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None
        # What waits behind the message that the child is reading: asyncio would add up its own queue at each write.
        self._waiting = bytearray()
        self._full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=0)

    def pause_writing(self) -> None:
        """Asyncio's: the child has no room for the rest of the last message."""
        self._full = True

    def resume_writing(self) -> None:
        """Asyncio's: it has taken all of it."""
        self._full = False
        if self._waiting and self._transport is not None:
            waiting, self._waiting = self._waiting, bytearray()
            self._transport.write(waiting)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: the child's end is gone."""
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; lost without a word where the child is gone, which shows elsewhere."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() + len(self._waiting) > _MOST_UNREAD:
            self._on_violation(ReplError("the REPL's process does not read what it asked for"))
            self.abort()
            return
        body = _encode(message)
        data = len(body).to_bytes(4, "big") + body
        if self._full:
            self._waiting += data
        else:
            self._transport.write(data)

    def send_with(self, sock: socket.socket, message: dict[str, Any], fds: Sequence[int]) -> None:
        """Send a message and descriptors with it, to a child that has read all that came before.

        Args:
            sock: the socket that this line runs over.
            message: the message.
            fds: descriptors; the child gets its own of each.

        Raises:
            ReplError: it has not, or it is gone.
        """
        body = _encode(message)
        data = len(body).to_bytes(4, "big") + body
        try:
            if self._transport is None or self._full:
                raise BlockingIOError
            passed = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))]
            if sock.sendmsg([data], passed) != len(data):
                raise BlockingIOError
        except OSError as error:
            raise ReplError("the REPL's process does not read what it is sent") from error

    def data_received(self, data: bytes) -> None:
        """Asyncio's: take apart what came."""
        if self._transport is None:
            return
        buffer = self._buffer
        buffer += data
        try:
            while len(buffer) >= 4 and self._transport is not None:
                size = int.from_bytes(buffer[:4], "big")
                if size > self._frame_bytes:
                    raise ReplError(
                        "the REPL's process broke its protocol",
                        found=f"it announced a message of {size} bytes, {self._frame_bytes} are allowed",
                    )
                if len(buffer) < 4 + size:
                    break
                frame = decode(bytes(memoryview(buffer)[4 : 4 + size]))
                del buffer[: 4 + size]
                self._on_frame(frame)
        except ReplError as error:
            self._on_violation(error)
            self.abort()

    def abort(self) -> None:
        """Hear nothing more."""
        self._buffer.clear()
        self._waiting.clear()
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
