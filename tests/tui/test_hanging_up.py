"""A terminal that goes away: the log is whole, the session has no end, and the program is gone."""

from __future__ import annotations

import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from fcntl import ioctl
from pathlib import Path

import pytest

from distill_core import events as ev
from distill_core.reading import read_session
from sessions.verify import verify
from tests.fakes.openai_server import Reply, serve
from tests.tui.test_hostile import read_until

CODE = "```repl\nprint('begun', flush=True)\nwhile True: pass\n```"


def close(program: subprocess.Popen[bytes], terminal: int) -> None:
    os.close(terminal)


def kill(program: subprocess.Popen[bytes], terminal: int) -> None:
    program.send_signal(signal.SIGHUP)
    read_until(terminal, None)


@pytest.mark.parametrize("goes", [close, kill])
def test_a_session_with_a_running_cell_is_left_as_it_stands(
    tmp_path: Path, goes: Callable[[subprocess.Popen[bytes], int], None]
) -> None:
    (tmp_path / "doc.txt").write_text("nothing in it\n")
    with serve(lambda _: Reply(text=CODE), key=None, served=("big", "small")) as server:
        ours, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        models = ["--base-url", server.base_url, "--supervisor", "big", "--worker", "small"]
        program = subprocess.Popen(
            [sys.executable, "-m", "tui", "run", "doc.txt", "-q", "?", "--log-dir", "s", *models],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={
                **os.environ,
                "TERM": "xterm-256color",
                "DISTILL_HOME": str(tmp_path / "home"),
                "PYTHONPATH": str(Path(__file__).parents[2]),
            },
            cwd=tmp_path,
            start_new_session=True,
            preexec_fn=lambda: ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        try:
            read_until(ours, b"Approve")
            os.write(ours, b"a")
            until(lambda: b"cell_output" in (tmp_path / "s" / "repl.jsonl").read_bytes())
            goes(program, ours)
            program.wait(30)
        finally:
            program.kill()
            program.wait(10)
            if goes is kill:
                os.close(ours)
    events = read_session(tmp_path / "s").events
    assert isinstance(events[-1], ev.CellOutput)
    assert not [event for event in events if isinstance(event, ev.SessionFinished)]
    assert verify(tmp_path / "s").whole


def until(holds: Callable[[], bool]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("never got there")
