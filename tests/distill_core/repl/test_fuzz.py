"""Whatever bytes the child sends: the host takes them for a message or for a violation, and for nothing else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from distill_core.errors import ReplError
from distill_core.repl.protocol import Frame, Line, decode
from tests.fuzz.host import SOUND, framed, hear

_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_json = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_OPS = ("ready", "worker", "primitive", "final", "begun", "done", "variables", "eval", "")
_KEYS = (
    "id", "batch", "prompts", "name", "args", "kwargs", "value", "text", "cell", "error", "interrupted", "dropped",
    "variables", "level", "python", "probes", "problem",
)  # fmt: skip
_messages = st.builds(
    lambda op, rest: {"op": op, **rest},
    st.sampled_from(_OPS),
    st.dictionaries(st.sampled_from(_KEYS), _json, max_size=len(_KEYS)),
)
_bodies = _messages.map(lambda message: json.dumps(message).encode()) | st.binary(max_size=200)


@settings(max_examples=500, deadline=None)
@given(_bodies)
def test_a_body_is_a_message_or_a_violation(body: bytes) -> None:
    try:
        decode(body)
    except ReplError:
        return


class _Transport(asyncio.Transport):
    """A transport that counts what is written and knows that it was aborted."""

    aborted = False

    def abort(self) -> None:
        self.aborted = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It is never full."""


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_bodies, max_size=8), st.binary(max_size=40), st.integers(1, 50))
def test_a_stream_is_heard_up_to_the_first_violation(bodies: list[bytes], tail: bytes, piece: int) -> None:
    async def heard() -> tuple[list[Frame], list[ReplError], Any]:
        frames: list[Frame] = []
        violations: list[ReplError] = []
        line = Line(1 << 16, frames.append, violations.append)
        transport = _Transport()
        line.connection_made(transport)
        stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies) + tail
        for start in range(0, len(stream), piece):
            line.data_received(stream[start : start + piece])
        return frames, violations, transport

    frames, violations, transport = asyncio.run(heard())
    assert len(violations) <= 1
    assert transport.aborted == bool(violations)
    sound = 0
    for body in bodies:
        try:
            decode(body)
        except ReplError:
            break
        sound += 1
    assert len(frames) >= sound


_said = st.lists(_bodies | st.sampled_from(SOUND), max_size=12)


@settings(max_examples=100, deadline=None)
@given(_said, st.binary(max_size=20))
def test_the_whole_host_takes_whatever_a_running_cell_says(bodies: list[bytes], tail: bytes) -> None:
    asyncio.run(hear([*map(framed, bodies), tail]))


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(SOUND), st.integers(0, 80), _scalars), max_size=8))
def test_the_whole_host_takes_sound_frames_with_a_wrong_value(said: list[tuple[bytes, int, Any]]) -> None:
    def bent(body: bytes, place: int, value: Any) -> bytes:
        message = json.loads(body)
        key = sorted(message)[place % len(message)]
        return json.dumps(message if key == "op" else {**message, key: value}).encode()

    asyncio.run(hear([framed(bent(*one)) for one in said]))


def test_the_frames_to_begin_with_are_sound() -> None:
    for body in SOUND:
        decode(body)
    asked = asyncio.run(hear(map(framed, SOUND[:3])))
    assert asked.violation is None
    assert [call.response for call in asked.result.worker_calls] == ["a", "b é"]
    assert asked.answers
    assert asyncio.run(hear(map(framed, SOUND[:5]))).result.status == "final"
