"""A server started here answers only with its key, and never outlives whoever started it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path

import pytest

from distill_core.errors import ModelError
from distill_core.models.child_server import ChildServer, free_port, random_key

ROOT = Path(__file__).resolve().parents[3]


def child(tmp_path: Path, *, before: str = "", startup_seconds: float = 60.0) -> ChildServer:
    """The scripted server as a child; `before` is shell run first, in the same group."""
    port, key = free_port(), random_key()
    serve = f"exec {sys.executable} -m tests.fakes.openai_server --port {port}"
    return ChildServer(
        ["sh", "-c", f"cd {ROOT}; {before}\n{serve}"],
        env={"FAKE_API_KEY": key, "UNWANTED": None},
        log_path=tmp_path / "logs" / "server.log",
        ready_url=f"http://127.0.0.1:{port}/health",
        key=key,
        name="the scripted server",
        startup_seconds=startup_seconds,
        grace_seconds=2.0,
    )


def pid_of(server: ChildServer) -> int:
    request = urllib.request.Request(server.ready_url, headers={"Authorization": f"Bearer {server.key}"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return int(json.load(answer)["pid"])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # before it was opened, or since
        return False


def gone(pid: int, within: float = 20.0) -> bool:
    deadline = time.monotonic() + within
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks processes up in /proc")


@needs_proc
def test_it_answers_with_its_key_and_ends_when_closed(tmp_path: Path) -> None:
    with child(tmp_path) as server:
        pid = pid_of(server)
        assert server.running
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(server.ready_url, timeout=5)
    assert not server.running
    assert gone(pid)
    server.close()


@needs_proc
def test_the_key_is_in_no_process_list_and_no_stranger_reads_the_log(tmp_path: Path) -> None:
    with child(tmp_path) as server:
        assert server.key is not None
        command_lines = b"\n".join(path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline"))
        assert server.key.encode() not in command_lines
        assert server.log_path.stat().st_mode & 0o077 == 0


@needs_proc
def test_what_left_the_process_group_is_ended_too(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with child(tmp_path, before=f"setsid sh -c 'echo $$ > {note}; exec sleep 600' &"):
        sleeper = int(note.read_text())
        assert alive(sleeper)
    assert gone(sleeper)


@needs_proc
def test_a_server_that_ignores_being_asked_is_killed(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    stubborn = f"sh -c 'trap \"\" TERM; echo $$ > {note}; while :; do sleep 1; done' &"
    with child(tmp_path, before=stubborn):
        pid = int(note.read_text())
    assert gone(pid)


def starter(tmp_path: Path, then: str) -> subprocess.Popen[str]:
    """Another Python that starts the child, prints its pid and does `then`."""
    code = f"""
    import os, signal, sys, threading, time
    from pathlib import Path
    from tests.distill_core.models.test_child_server import child, pid_of
    sleeper = "setsid sh -c 'echo $$ > {tmp_path}/pid; exec sleep 600' &"
    server = child(Path({str(tmp_path)!r}), before=sleeper)
    starting = threading.Thread(target=server.start)  # a thread that ends must not take the server with it
    starting.start()
    starting.join()
    time.sleep(1.0)
    print(pid_of(server), flush=True)
    {then}
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )


@needs_proc
@pytest.mark.parametrize("end", ["kill -9", "exit", "abort"])
def test_it_dies_with_the_program_that_started_it(tmp_path: Path, end: str) -> None:
    then = {"kill -9": "time.sleep(600)", "exit": "sys.exit()", "abort": "os.abort()"}[end]
    with starter(tmp_path, then) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        if end == "kill -9":
            assert alive(pid)
            os.kill(program.pid, signal.SIGKILL)
        program.wait(30)
    assert gone(pid)
    assert gone(int((tmp_path / "pid").read_text()))


@needs_proc
def test_it_dies_with_the_watcher(tmp_path: Path) -> None:
    with child(tmp_path) as server:
        pid = pid_of(server)
        assert server._process is not None
        server._process.kill()
        assert gone(pid)


def test_a_failed_start_quotes_the_logs_last_line_without_the_key(tmp_path: Path) -> None:
    server = child(tmp_path, before='echo "no weights for $FAKE_API_KEY" >&2; exit 3')
    with pytest.raises(ModelError) as caught:
        server.start()
    line = str(caught.value)
    assert "the scripted server ended with status 3" in line
    assert "no weights for ***" in line
    assert str(server.log_path) in line
    assert server.key is not None
    assert server.key not in line


def test_a_start_that_takes_too_long_is_given_up_and_ended(tmp_path: Path) -> None:
    server = child(tmp_path, before="echo loading; exec sleep 600", startup_seconds=0.3)
    with pytest.raises(ModelError, match=r"not ready after 0\.3 s .*: loading"):
        server.start()
    assert not server.running


def test_a_missing_program_is_named(tmp_path: Path) -> None:
    server = ChildServer(
        ["/nowhere/llm-server"], log_path=tmp_path / "log", ready_url=f"http://127.0.0.1:{free_port()}/"
    )
    with pytest.raises(ModelError, match="/nowhere/llm-server"):
        server.start()
