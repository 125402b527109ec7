"""Further attacks, by class: on the host through the line, on its disk, its memory, its patience, its processes.

Each runs at every level there is, against a REPL that must serve the next cell all the same.
"""

from __future__ import annotations

import resource
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL, ReplLimits

LIMITS = ReplLimits(cell_seconds=3.0, memory_bytes=1 << 30, scratch_bytes=64 << 20)

LINE = """
import json, os, stat, struct, threading
line = [fd for fd in range(3, 64) if _sock(fd)][0]
def frame(body):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return struct.pack('>I', len(data)) + data
def send(body):
    rest = memoryview(frame(body))
    while rest:
        rest = rest[os.write(line, rest):]
"""
SOCK = """
import os, stat
def _sock(fd):
    try: return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError: return False
"""

ON_THE_LINE = {
    "a hundred million empty prompts": """
        send(b'{"op":"worker","batch":true,"id":7,"prompts":[' + b'"",' * 20_000_000 + b'""]}')""",
    "many prompts": """send({"op": "worker", "batch": True, "id": 7, "prompts": [""] * 200_000})""",
    "many values for a primitive": """
        send(b'{"op":"primitive","name":"double","id":7,"args":[' + b'[],' * 20_000_000 + b'[]],"kwargs":{}}')""",
    "nested values for a primitive": """
        n = 900_000
        send(b'{"op":"primitive","name":"double","id":7,"args":' + b'[' * n + b']' * n + b',"kwargs":{}}')""",
    "answers that are never read": """
        while True: send({"op": "worker", "batch": False, "id": 7, "prompts": ["x"]})""",
    "large prompts without end": """
        while True: send({"op": "worker", "batch": False, "id": 7, "prompts": ["x" * 20_000_000]})""",
    "primitives without end": """
        while True: send({"op": "primitive", "name": "double", "id": 7, "args": ["x" * 20_000_000], "kwargs": {}})""",
    "primitives that are not there": """
        for name in ("__class__", "perform", "os.system", ""):
            send({"op": "primitive", "name": name, "id": 7, "args": [], "kwargs": {}})""",
    "another level": """send({"op": "ready", "level": "strong", "python": "3", "probes": [], "problem": None})""",
    "variables nobody asked for": """send({"op": "variables", "variables": []})""",
    "the end of another cell": """
        send({"op": "done", "cell": 999, "error": None, "interrupted": False, "dropped": 0})""",
    "the beginning of another cell": """send({"op": "begun", "cell": 999})""",
    "an end with too long an error": """
        send({"op": "done", "cell": 2, "error": "x" * 2_000_000, "interrupted": False, "dropped": 0})""",
    "the end of this cell before its end": """
        send({"op": "done", "cell": 2, "error": None, "interrupted": False, "dropped": 0})
        while True: pass""",
    "two answers": """
        send({"op": "final", "value": "a", "text": "a"}); send({"op": "final", "value": "b", "text": "b"})""",
    "an answer of two minds": """send({"op": "final", "value": "a", "text": "b"})""",
    "an answer too long": """send({"op": "final", "value": None, "text": "x" * 2_000_000})""",
    "an unknown order": """send({"op": "eval", "code": "1"})""",
    "no message": """send(b'\\xff\\xfe\\x00')""",
    "half a frame": """os.write(line, b'\\x00\\x00\\x10\\x00{')""",
    "a frame of no size": """
        while True: os.write(line, bytes(4 * 1000))""",
    "types that are not theirs": """send({"op": "worker", "batch": "yes", "id": [], "prompts": "x"})""",
}  # fmt: skip

ON_THE_MACHINE = {
    "shared anonymous memory": """
        import mmap
        kept = [mmap.mmap(-1, 256 << 20) for _ in range(64)]
        for m in kept: m.write(bytes(256 << 20))
        print('ESCAPED')""",
    "files in the scratch folder": """
        n = 0
        while True:
            with open(f'f{n}', 'wb') as file: file.write(bytes(8 << 20))
            n += 1
            if n > 60: print('ESCAPED'); break""",
    "files that are removed and held": """
        import os, time
        held = []
        for n in range(60):
            file = open('f', 'wb', buffering=0); os.unlink('f'); file.write(bytes(16 << 20)); held.append(file)
            time.sleep(0.05)
        print('ESCAPED')""",
    "names without end": """
        n = 0
        while True: open(f'n{n}', 'w').close(); n += 1""",
    "a higher bound on memory": """
        import resource
        for what in (resource.RLIMIT_DATA, resource.RLIMIT_AS, resource.RLIMIT_NPROC, resource.RLIMIT_NOFILE):
            try: resource.setrlimit(what, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)); print('ESCAPED', what)
            except (ValueError, OSError): pass""",
    "output from a thread that lives on": """
        import os, threading
        def flood():
            while True: os.write(1, b'x' * 65536)
        threading.Thread(target=flood, daemon=True).start()
        worker('hello')""",
    "calls from a thread that lives on": """
        import threading
        def ask():
            while True:
                try: worker('late')
                except Exception: pass
        for _ in range(8): threading.Thread(target=ask, daemon=True).start()""",
    "a timer that ends the next cell": """
        import signal
        signal.signal(signal.SIGALRM, lambda *a: (_ for _ in ()).throw(SystemExit))
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)""",
    "a new filter that kills": """
        import ctypes
        libc = ctypes.CDLL(None)
        print('ESCAPED') if libc.prctl(22, 1, 0, 0, 0) == 0 else None""",
    "life after the host": """
        import ctypes
        libc = ctypes.CDLL(None)
        print('ESCAPED') if libc.prctl(1, 0, 0, 0, 0) == 0 else None""",
    "the host's own files": """
        import os, sys
        for path in ('/proc/self/root/etc/passwd', '/proc/self/cwd/../../etc/passwd', '/proc/thread-self/environ',
                     '/sys/kernel/notes', '/dev/mem', '/dev/kmsg', '/run/systemd/private', '/var/log/dpkg.log'):
            try: open(path, 'rb').read(); print('ESCAPED', path)
            except OSError: pass""",
    "extended attributes": """
        import os
        for path in ('/etc/hostname', '/'):
            try: os.listxattr(path); print('ESCAPED')
            except OSError: pass""",
}  # fmt: skip


@pytest.fixture(params=["good", "strong"])
def repl(request: pytest.FixtureRequest) -> Iterator[REPL]:
    if (reason := obstacle(request.param)) is not None:
        pytest.skip(f"level {request.param}: {reason}")
    with REPL(
        "doc",
        worker=lambda p: "W",
        primitives={"double": lambda x: 2 * x},
        limits=LIMITS,
        isolation=request.param,
    ) as made:
        yield made


def _held(repl: REPL, code: str, *, before: str = "pass") -> None:
    assert repl.execute(before).status == "ok"
    alive = threading.Event()
    ticks = 0

    def tick() -> None:
        nonlocal ticks
        while not alive.wait(0.05):
            ticks += 1

    ticker = threading.Thread(target=tick)
    ticker.start()
    peak, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    result = repl.execute(textwrap.dedent(code))
    took = time.monotonic() - started
    alive.set()
    ticker.join()
    assert "ESCAPED" not in result.stdout
    assert took < 60, "a cell of 3 s, with a wide margin for a busy machine"
    assert ticks > 0 or took < 0.5, "the host's other threads ran meanwhile"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 300 << 10, (
        "KiB that this process grew by"
    )
    following = repl.execute("print('alive', 6 * 7)")
    assert following.status == "ok"
    assert "alive 42" in following.stdout or following.dropped


@pytest.mark.parametrize("name", ON_THE_LINE)
def test_a_hostile_line_is_held(repl: REPL, name: str) -> None:
    _held(repl, ON_THE_LINE[name], before=SOCK + LINE)


@pytest.mark.parametrize("name", ON_THE_MACHINE)
def test_a_hostile_cell_is_held(repl: REPL, name: str) -> None:
    _held(repl, ON_THE_MACHINE[name])


def test_forged_answers_to_calls_reach_only_the_forger(repl: REPL) -> None:
    """What the child makes of its own end of the line changes nothing of what the host has on record."""
    code = "send({'op': 'worker', 'batch': False, 'id': 77, 'prompts': ['raw']})\nprint(worker('plain'))"
    repl.execute(SOCK + LINE)
    result = repl.execute(code)
    assert [call.prompt for call in result.worker_calls] == ["raw", "plain"]


def test_no_process_of_a_cell_is_left(repl: REPL) -> None:
    pid = repl.pid
    repl.execute(
        "import threading, time\nfor _ in range(50): threading.Thread(target=time.sleep, args=(600,)).start()"
    )
    repl.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
