"""The one line to the host: length-prefixed JSON frames, shared by all threads of a cell.

A frame is four bytes of length, big-endian, then UTF-8 JSON. Requests carry an `id` and their replies repeat it;
a frame from the host without one is a command. No thread waits for frames on behalf of the others all the time:
whoever needs a reply reads until it has come, and leaves what is not its own for its owner.
"""

from __future__ import annotations

import os
import select
from _socket import AF_UNIX, CMSG_SPACE, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket
from _thread import get_ident
from collections.abc import Callable
from json.decoder import JSONDecoder
from json.encoder import JSONEncoder
from threading import Condition, Lock
from typing import Any

from .interrupts import Interrupts

_encode = JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_decode = JSONDecoder().decode
_write, _exit, _poll, _close, _dup2 = os.write, os._exit, select.poll, os.close, os.dup2
_READ_BYTES = 1 << 16
_INT = 4
_PASSED_BYTES = CMSG_SPACE(4 * _INT)
"""Room for the descriptors that an order may bring along."""
_COMMAND = 0


def _spelled(value: Any) -> Any:
    """`value` with lone surrogates spelled out as backslash escapes, so that it is UTF-8."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_spelled(key): _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    return value


def encode(message: dict[str, Any]) -> bytes:
    """A frame's body.

    Raises:
        TypeError: something in it is no JSON.
        ValueError: a number in it is not finite, or it contains itself.
    """
    try:
        return _encode(message).encode("utf-8")
    except UnicodeEncodeError:
        return _encode(_spelled(message)).encode("utf-8")


def framed(message: dict[str, Any]) -> bytes:
    """A whole frame. Raises as `encode` does."""
    body = encode(message)
    return len(body).to_bytes(4, "big") + body


def _nothing() -> None:
    """What there is to do before sending when nothing else is set."""


class Channel:
    """Frames over the socket `fd`."""

    def __init__(self, fd: int, interrupts: Interrupts) -> None:
        self.frame_bytes = 1 << 20
        self.before_sending: Callable[[], None] = _nothing
        self._fd = fd
        self._receive = socket(AF_UNIX, SOCK_STREAM, 0, fd).recvmsg
        self._passed: list[int] = []
        self._hold = interrupts
        self._buffer = bytearray()
        self._poll = _poll()
        self._poll.register(fd, select.POLLIN)
        self._sending = Lock()
        self._state = Condition(Lock())
        self._arrived: dict[int, dict[str, Any]] = {}
        self._awaited: set[int] = {_COMMAND}
        self._reader: int | None = None
        self._last = 0

    def command(self) -> dict[str, Any]:
        """The next order of the host."""
        return self._await(_COMMAND)

    def request(self, message: dict[str, Any]) -> dict[str, Any]:
        """Ask the host and wait for its reply.

        Raises:
            ValueError: the request is larger than a frame may be.
        """
        with self._state:
            self._last += 1
            number = self._last
            self._awaited.add(number)
        try:
            self.send({**message, "id": number})
            return self._await(number)
        finally:
            with self._hold, self._state:
                self._awaited.discard(number)
                self._arrived.pop(number, None)

    def send(self, message: dict[str, Any]) -> None:
        """Send one frame, after whatever was written before it."""
        self.before_sending()
        frame = framed(message)
        if len(frame) > self.frame_bytes + 4:
            raise ValueError(f"{len(frame):,} bytes are too much for one call (at most {self.frame_bytes:,})")
        with self._hold, self._sending:
            sent = _write(self._fd, frame)
            if sent < len(frame):
                rest = memoryview(frame)[sent:]
                while rest:
                    rest = rest[_write(self._fd, rest) :]

    def between_cells(self) -> None:
        """Forget a reading turn that an interrupt tore."""
        if self._reader == get_ident():
            self._reader = None

    def passed(self) -> list[int]:
        """The descriptors that came with the last order; the caller closes them."""
        passed, self._passed = self._passed, []
        return passed

    def take_over(self, fd: int, frame: bytes) -> None:
        """Go over to the line `fd`, in a copy of the process, with a first frame. `renew` is to follow."""
        _dup2(fd, self._fd, False)
        _write(self._fd, frame)
        _close(fd)

    def renew(self) -> None:
        """Forget what was under way: it is the original's."""
        self._buffer.clear()
        self._sending = Lock()
        self._state = Condition(Lock())
        self._arrived.clear()
        self._awaited = {_COMMAND}
        self._reader = None

    def _await(self, number: int) -> dict[str, Any]:
        me = get_ident()
        while True:
            try:
                with self._state:
                    while number not in self._arrived and self._reader is not None:
                        self._state.wait()
                    if number in self._arrived:
                        return self._arrived.pop(number)
                    self._reader = me
                self._read_one()
            finally:
                if self._reader == me:
                    with self._hold, self._state:
                        self._reader = None
                        self._state.notify_all()

    def _read_one(self) -> None:
        """Read until one frame more has arrived."""
        while True:
            with self._hold:
                if self._take():
                    return
            self._poll.poll()
            with self._hold:
                data, extra, _, _ = self._receive(_READ_BYTES, _PASSED_BYTES)
                if not data:
                    _exit(0)
                for level, kind, descriptors in extra:
                    self._keep(level, kind, descriptors)
                self._buffer += data

    def _keep(self, level: int, kind: int, descriptors: bytes) -> None:
        """Hold on to descriptors until the order that they came with is read; none are left of an earlier one."""
        for fd in self.passed():
            _close(fd)
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS):
            self._passed = list(memoryview(descriptors)[: len(descriptors) // _INT * _INT].cast("i"))

    def _take(self) -> bool:
        buffer = self._buffer
        if len(buffer) < 4:
            return False
        end = 4 + int.from_bytes(buffer[:4], "big")
        if len(buffer) < end:
            return False
        message = _decode(str(memoryview(buffer)[4:end], "utf-8"))
        del buffer[:end]
        number = message.get("id", _COMMAND)
        if number in self._awaited:
            self._arrived[number] = message
        return True
