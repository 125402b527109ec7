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


class Ready(msgspec.Struct, frozen=True, tag_field="op", tag="ready"):
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


class WorkerRequest(msgspec.Struct, frozen=True, tag_field="op", tag="worker"):
    """Prompts for the worker; `batch` says whether the cell asked for several at once."""

    id: _Number
    batch: bool
    prompts: Annotated[list[str], msgspec.Meta(max_length=MOST_PROMPTS)]

    @property
    def chars(self) -> int:
        """Text in it."""
        return sum(map(len, self.prompts))


class PrimitiveRequest(msgspec.Struct, frozen=True, tag_field="op", tag="primitive"):
    """A call of a function on the host."""

    id: _Number
    name: _Name
    args: msgspec.Raw
    kwargs: msgspec.Raw

    @property
    def chars(self) -> int | None:
        """Text in it, as JSON, and something for each value: an empty one takes 64 bytes here.

        None where it is more than one call may hand over: reading it would hold this process up.
        """
        size = memoryview(self.args).nbytes + memoryview(self.kwargs).nbytes
        if size > MOST_ARGUMENT_BYTES:
            return None
        parts = _parts(self.args) + _parts(self.kwargs)
        return size + _VALUE_CHARS * parts if parts <= _MOST_ARGUMENTS else None

    def arguments(self) -> tuple[list[Any], dict[str, Any]]:
        """What the function is called with.

        Raises:
            ReplError: it is no such thing.
        """
        try:
            return _read_args(self.args), _read_kwargs(self.kwargs)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError) as error:
            raise ReplError("the REPL's process sent what is no message", found=str(error)[:200]) from error


class Answered(msgspec.Struct, frozen=True, tag_field="op", tag="final"):
    """FINAL was called."""

    value: JsonScalar
    text: str


class Begun(msgspec.Struct, frozen=True, tag_field="op", tag="begun"):
    """The child has turned to a cell."""

    cell: _Number


class Done(msgspec.Struct, frozen=True, tag_field="op", tag="done"):
    """A cell came to its end; `interrupted` if an interrupt reached it."""

    cell: _Number
    error: _Text | None
    interrupted: bool
    dropped: _Count


class Listed(msgspec.Struct, frozen=True, tag_field="op", tag="variables"):
    """The variables, as they were asked for."""

    variables: Annotated[list[Variable], msgspec.Meta(max_length=1000)]


class Copied(msgspec.Struct, frozen=True, tag_field="op", tag="copied"):
    """A copy was made, as its original tells: process id as that counts, or why not, and whether it was `refused`."""

    pid: _Count | None
    error: _Text | None
    refused: bool


class Born(msgspec.Struct, frozen=True, tag_field="op", tag="born"):
    """The first word of a copy, on a line of its own."""


class Buried(msgspec.Struct, frozen=True, tag_field="op", tag="buried"):
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


def _parts(text: msgspec.Raw) -> int:
    """How many values there can be in it: what stands in a string is none, however many commas it holds."""
    whole = bytes(text)
    # Each string has two quotes, and every quote that stands after no backslash is one of those. Taking strings out
    # one by one is only for as many as there may be.
    strings = (whole.count(b'"') - whole.count(b'\\"')) // 2
    if strings > 2 * _MOST_ARGUMENTS:  # keys are strings too
        return strings
    bare = _STRING.sub(b"", whole)
    return sum(map(bare.count, (b",", b"[", b"{")))


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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's."""
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's: the child's end is gone."""
        self._transport = None
        if not self.closed.done():
            self.closed.set_result(None)

    def send(self, message: dict[str, Any]) -> None:
        """Send a message; lost without a word where the child is gone, which shows elsewhere."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > _MOST_UNREAD:
            self._on_violation(ReplError("the REPL's process does not read what it asked for"))
            self.abort()
        else:
            body = _encode(message)
            self._transport.write(len(body).to_bytes(4, "big") + body)

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
            if self._transport is None or self._transport.get_write_buffer_size():
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
        if self._transport is not None:
            self._transport.abort()
            self._transport = None
