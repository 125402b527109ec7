"""A child that lies: frames that the host must not believe."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from distill_core.errors import ReplError
from distill_core.repl import REPL, ReplLimits, timeline
from distill_core.repl import family as families
from distill_core.repl.protocol import Frame, Line, decode

FIND = (
    "import os, stat, json\n"
    "line = next(fd for fd in range(3, 100) if fd != 0 and _is_socket(fd))\n"
    "def send(body):\n"
    "    os.write(line, len(body).to_bytes(4, 'big') + body)\n"
)
SOCKET = (
    "import os, stat\ndef _is_socket(fd):\n"
    "    try: return stat.S_ISSOCK(os.fstat(fd).st_mode)\n    except OSError: return False\n"
)


def forge(body: str) -> str:
    """Code that sends `body` as a frame."""
    return SOCKET + FIND + f"send({body!r}.encode())\nimport time; time.sleep(600)"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "{}",
        "null",
        "nonsense",
        "[" * 100_000,
        '{"op": "unknown"}',
        '{"op": "ready", "level": "strong", "python": "3"}',
        '{"op": "done", "cell": 99, "error": null, "interrupted": false, "dropped": 0}',
        '{"op": "done", "cell": 1, "error": null, "interrupted": false, "dropped": -5}',
        '{"op": "done", "cell": 1, "error": null, "interrupted": false, "dropped": 9223372036854775808}',
        '{"op": "worker", "id": 1e99, "batch": true, "prompts": []}',
        '{"op": "worker", "id": 9223372036854775808, "batch": true, "prompts": []}',
        '{"op": "final", "value": ' + "9" * 5000 + ', "text": "x"}',
        '{"op": "final", "value": NaN, "text": "x"}',
        '{"op": "final", "op": "worker", "value": 1, "text": "x"}',
        '{"op": "done", "cell": 1, "error": 5, "interrupted": false, "dropped": 0}',
        '{"op": "worker", "id": 1, "batch": true, "prompts": "text"}',
        '{"op": "worker", "id": "x", "batch": true, "prompts": []}',
        '{"op": "worker", "id": 1, "batch": true, "prompts": [5]}',
        '{"op": "final", "value": {"a": 1}, "text": "x"}',
        '{"op": "final", "value": "a", "text": "b"}',
        '{"op": "final", "value": 1, "text": "2"}',
        '{"op": "final", "value": null, "text": "an answer"}',
        '{"op": "primitive", "id": 1, "name": "' + "x" * 1001 + '", "args": [], "kwargs": {}}',
        '{"op": "final", "value": null, "text": "' + "x" * 1_000_001 + '"}',
        '{"op": "variables", "variables": []}',
        '{"op": "final", "value": 1, "text": "\\ud800"}',
    ],
)
def test_a_forged_frame_ends_the_cell(body: str) -> None:
    with REPL("doc") as repl:
        result = repl.execute(forge(body), timeout=30)
        assert result.status == "killed"
        assert "protocol" in (result.traceback or "") or "no message" in (result.traceback or "")
        assert repl.execute("context").stdout == "'doc'\n"


def test_an_announced_size_over_the_limit_ends_the_cell() -> None:
    with REPL("", limits=ReplLimits(frame_bytes=100_000)) as repl:
        result = repl.execute(
            SOCKET + FIND + "os.write(line, (100_001).to_bytes(4, 'big'))\nwhile True: pass"
        )
        assert result.status == "killed"
        assert "100001 bytes" in (result.traceback or "")


def test_a_second_answer_ends_the_cell() -> None:
    frame = json.dumps({"op": "final", "value": 1, "text": "1"})
    with REPL("") as repl:
        result = repl.execute(
            SOCKET + FIND + f"send({frame!r}.encode()); send({frame!r}.encode())\nwhile True: pass"
        )
        assert result.status == "killed"
        assert result.final is not None


def test_a_flood_of_calls_ends_the_cell() -> None:
    async def slow(prompt: str) -> str:
        await asyncio.sleep(600)
        return prompt

    frame = '{"op": "worker", "id": %d, "batch": false, "prompts": ["x"]}'
    with REPL("", worker=slow) as repl:
        result = repl.execute(
            SOCKET + FIND + f"for i in range(10_000): send(({frame!r} % i).encode())\nwhile True: pass"
        )
        assert result.status == "killed"
        assert "too many calls" in (result.traceback or "")


def test_an_unknown_primitive_is_refused() -> None:
    frame = '{"op": "primitive", "id": 900, "name": "__import__", "args": ["os"], "kwargs": {}}'
    with REPL("") as repl:
        assert repl.execute(SOCKET + FIND + f"send({frame!r}.encode())").status == "ok"
        assert repl.execute("print('alive')").stdout == "alive\n"


class Deaf(asyncio.Transport):
    """A transport to nowhere."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """It is never full."""

    def abort(self) -> None:
        """Nothing to abort."""


def test_a_call_of_a_primitive_is_read_only_where_that_is_soon_done() -> None:
    with REPL("", primitives={"count": lambda *values: len(values)}, isolation="none") as repl:
        assert repl.execute("print(count(*range(1000)), count(0.1, 1e300, -2.5e-300))").stdout == "1000 3\n"
        for more in ("*[5e-324] * 300_000", "'x' * (17 << 20)"):
            refused = repl.execute(f"try: count({more})\nexcept PrimitiveError as error: print(error)")
            assert "one call may hand over 16,777,216 bytes" in refused.stdout, refused.traceback
        for more, why in (
            ("json.loads('[' * 101 + ']' * 101)", "hold others 100 deep"),
            ("2 ** 63", "may have 64 bits"),
            ("a=[-(2 ** 63) - 1]", "may have 64 bits"),
        ):
            refused = repl.execute(
                f"import json\ntry: count({more})\nexcept PrimitiveError as error: print(error)"
            )
            assert why in refused.stdout, refused.traceback
        fitting = "'9' * 400, '[' * 400, 2 ** 63 - 1, -(2 ** 63), 1e300, json.loads('[' * 98 + ']' * 98)"
        assert repl.execute(f"print(count({fitting}))").stdout == "6\n"
    few = ReplLimits(call_chars=40_000)
    with REPL("", primitives={"count": lambda *values: len(values)}, limits=few, isolation="none") as repl:
        many = repl.execute("print(count(*[0] * 1000))\ncount(*[0] * 3000)")  # each takes room, however short
        assert many.stdout == "1000\n"
        assert "40,000 characters" in (many.traceback or "")


@given(st.binary(max_size=200))
def test_bytes_are_a_frame_or_an_error(body: bytes) -> None:
    try:
        decode(body)
    except ReplError:
        return


@given(st.lists(st.binary(max_size=60), max_size=8), st.integers(1, 40))
async def test_a_line_takes_any_bytes_in_any_pieces(bodies: list[bytes], cut: int) -> None:
    heard: list[Frame] = []
    wrong: list[ReplError] = []
    line = Line(50, heard.append, wrong.append)
    line.connection_made(Deaf())
    stream = b"".join(len(body).to_bytes(4, "big") + body for body in bodies)
    for start in range(0, len(stream), cut):
        line.data_received(stream[start : start + cut])
    assert len(wrong) <= 1
    assert len(line._buffer) <= 54


def test_nobody_waits_for_ever_for_an_order_that_a_thread_steals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(families, "_COPY_SECONDS", 1.0)
    monkeypatch.setattr(timeline, "_LIST_SECONDS", 1.0)
    steal = "import threading\ndef steal():\n    while True: os.read(line, 1 << 20)\n"
    with REPL("doc") as repl:
        repl.execute(SOCKET + FIND + steal + "threading.Thread(target=steal, daemon=True).start()")
        with suppress(ReplError):  # whoever reads first has it
            repl.variables()
        assert "alive" in repl.execute("print('alive')").stdout


def test_a_thread_that_calls_on_and_on_while_no_cell_runs_costs_its_process() -> None:
    call = '{"op": "worker", "id": 7, "batch": false, "prompts": ["x"]}'
    flood = f"""
import threading
kept = 5
body = {call!r}.encode()
block = (len(body).to_bytes(4, 'big') + body) * 1000
def flood():
    while True: os.write(line, block)
threading.Timer(0.1, flood).start()
"""
    with REPL("", isolation="none") as repl:
        repl.execute(SOCKET + FIND + flood)
        pid = repl.pid
        deadline = time.monotonic() + 30
        while repl.pid == pid and time.monotonic() < deadline:
            time.sleep(0.05)
        assert repl.pid != pid
        told = repl.execute("print('alive')")
        assert "process was lost after the last cell" in told.stderr
        assert told.stdout == "alive\n"


def test_what_waits_for_a_slow_reader_comes_whole_and_in_order() -> None:
    wrong: list[object] = []
    sent = [{"op": "reply", "n": n, "text": "x" * (n * 7919 % 3000)} for n in range(2000)]

    async def talk() -> bytes:
        loop, (ours, theirs) = asyncio.get_running_loop(), socket.socketpair()
        got = bytearray()
        with theirs:
            theirs.setblocking(False)
            _, line = await loop.create_connection(lambda: Line(50, wrong.append, wrong.append), sock=ours)
            for message in sent[:1900]:
                line.send(message)
            for message in sent[1900:]:
                got += await loop.sock_recv(theirs, 30_000)
                line.send(message)
            with suppress(TimeoutError):
                while True:
                    got += await asyncio.wait_for(loop.sock_recv(theirs, 1 << 20), 0.5)
            line.abort()
        return bytes(got)

    got, heard = asyncio.run(talk()), []
    while got:
        size = 4 + int.from_bytes(got[:4], "big")
        heard.append(json.loads(got[4:size]))
        got = got[size:]
    assert (heard, wrong) == (sent, [])


def test_a_list_of_variables_that_says_too_much_is_not_believed() -> None:
    lie = "import sys\nsys.modules['child.variables'].look = lambda *_: "
    with REPL("doc") as repl:
        repl.execute(lie + "[{'name': 'x', 'type': 'str', 'size': 1, 'preview': 'x' * 1_000_000}]")
        with pytest.raises(ReplError):
            repl.variables()
        assert repl.execute("print('alive')").stdout == "alive\n"
