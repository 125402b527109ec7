"""The host's side of the line, whole, with nobody behind it: what a child says goes in, and what came of it out."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import Any, NamedTuple, cast

import msgspec

from distill_core.repl.calls import Calls
from distill_core.repl.capture import Capture, Written
from distill_core.repl.node import Node
from distill_core.repl.values import CellResult, ReplLimits

FRAME_BYTES = 1 << 20
LIMITS = ReplLimits(worker_calls=200, frame_bytes=FRAME_BYTES, concurrency=4)
SOUND = (
    b'{"op":"begun","cell":1}',
    b'{"op":"worker","batch":true,"id":7,"prompts":["a","b \\u00e9"]}',
    b'{"op":"primitive","name":"double","id":7,"args":[1,2.5,null,{"a":[]}],"kwargs":{"b":true}}',
    b'{"op":"final","value":"x","text":"x"}',
    b'{"op":"done","cell":1,"error":null,"interrupted":false,"dropped":0}',
    b'{"op":"variables","variables":[{"name":"a","type":"int","size":null,"preview":"1"}]}',
    b'{"op":"ready","level":"strong","python":"3","probes":[],"problem":null,"no_copies":null}',
    b'{"op":"copied","pid":1,"error":null,"refused":false}',
    b'{"op":"buried","ended":[[1,0]]}',
    b'{"op":"born"}',
)
"""A frame of each kind."""


class Heard(NamedTuple):
    """What came of what was said.

    Args:
        violation: what was wrong with it, if anything was.
        result: the cell's, as far as it came.
        answers: bytes that the host sent.
        taken: pieces that it took, the one with the violation included; it hears nothing after that.
    """

    violation: str | None
    result: CellResult
    answers: int
    taken: int


class _Nobody:
    """A process that there is not."""

    pid = 0
    killed = False

    def cpu_seconds(self) -> float:
        return 0.0

    def interrupt(self) -> None:
        return

    def kill(self) -> None:
        self.killed = True

    def freeze(self) -> None:
        return

    def thaw(self) -> None:
        return


class _Silence:
    """Output of which there is none."""

    def begin(self, written: Written) -> None:
        return

    def drain(self) -> None:
        return

    def end(self) -> None:
        return


class _Nowhere(asyncio.Transport):
    """A transport that counts what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = 0

    def write(self, data: Any) -> None:
        self.sent += len(data)

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def abort(self) -> None:
        return


async def _echo(prompt: str) -> str:
    return prompt


async def _double(value: Any, **more: Any) -> Any:
    return [value, value, more]


async def hear(pieces: Iterable[bytes]) -> Heard:
    """Let the host take these bytes from a child that runs a cell; fails if it does anything but judge them."""
    loop = asyncio.get_running_loop()
    unexpected: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: unexpected.append(context))
    nobody, nowhere = _Nobody(), _Nowhere()
    node = Node(nobody, cast(socket.socket, None), FRAME_BYTES)
    node.employ(Calls(_echo, None, {"double": _double}, LIMITS.concurrency), cast(Capture, _Silence()))
    node._line.connection_made(nowhere)
    cell = node.start(1, "pass", "", 60.0, Written(LIMITS.output_chars, None), LIMITS)
    taken = 0
    try:
        for piece in pieces:
            taken += 1
            node._line.data_received(piece)
            if cell._tasks:
                await asyncio.sleep(0)
            if node.violation is not None:
                break
        while cell._tasks:
            await asyncio.sleep(0)
    finally:
        cell.lose("nobody is there")
    result = cell.result(None)
    msgspec.json.encode(result)
    assert not unexpected, unexpected
    assert cell.fault is None, cell.fault
    assert nobody.killed == (node.violation is not None)
    assert len(node._line._buffer) <= FRAME_BYTES + 4
    return Heard(node.violation, result, nowhere.sent, taken)


def framed(body: bytes) -> bytes:
    """A body with its size before it."""
    return len(body).to_bytes(4, "big") + body
