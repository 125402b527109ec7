"""The program as a process of its own: signals, pipes, terminals that want no colour."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from distill_core.events import SessionFinished
from distill_core.reading import read_session
from sessions.verify import verify
from tests.fakes.openai_server import Reply, serve

LOOP = "```repl\nprint('begun', flush=True)\nwhile True:\n    pass\n```"
ANSWER = "```repl\nFINAL('forty-two')\n```"


@pytest.fixture
def environment(tmp_path):
    """A person's environment without their keys and settings."""
    (tmp_path / "config.toml").write_text("")
    (tmp_path / "doc.txt").write_text("The treasure was found by Mira Vale.\n")
    kept = {k: v for k, v in os.environ.items() if k in ("PATH", "LANG", "HOME", "TMPDIR", "VIRTUAL_ENV")}
    return {
        **kept,
        "DISTILL_HOME": str(tmp_path / "home"),
        "DISTILL_CONFIG": str(tmp_path / "config.toml"),
        "TERM": "xterm-256color",
    }


PROGRAM = """
import signal
from tui.cli import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # as on a terminal, wherever the tests were started
main()
"""


def start(args, environment, folder, **streams):
    command = [sys.executable, "-c", PROGRAM, *args]
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen(command, cwd=folder, env=environment, text=True, **options)


def asking(server, *more):
    models = ["--base-url", server.base_url, "--supervisor", "big", "--worker", "small"]
    return ["run", "doc.txt", "-q", "who?", "--headless", *models, *more]


def wait_for_output(folder, text, seconds=60.0):
    """Until a session's log under `folder` holds `text`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if any(text in path.read_text() for path in folder.glob("sessions/*/repl.jsonl")):
            return
        time.sleep(0.05)
    raise AssertionError(f"{text!r} never reached the log")


def test_ctrl_c_ends_a_running_cell_and_keeps_the_session(environment, tmp_path):
    with serve(default=Reply(text=LOOP), key=None) as server:
        process = start(asking(server), environment, tmp_path)
        wait_for_output(tmp_path / "home", "begun")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    (folder,) = (tmp_path / "home" / "sessions").iterdir()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "stopping" in err
    assert verify(folder).whole
    assert read_session(folder).events[-1].status == "stopped"
    # What the cell had printed is the best partial result there is.
    assert out == "begun\n"


def test_ctrl_c_at_the_prompt_ends_it_in_peace(environment, tmp_path):
    ours, theirs = os.openpty()
    with serve(default=Reply(text=ANSWER), key=None) as server, (tmp_path / "err").open("w") as err:
        process = start(asking(server, "--approve", "ask"), environment, tmp_path, stdin=theirs, stderr=err)
        while "[a]pprove" not in (tmp_path / "err").read_text() and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 130
    assert "stopped by the person" in (tmp_path / "err").read_text()
    assert "Fatal" not in (tmp_path / "err").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_program_that_is_told_to_go_says_how_to_go_on(environment, tmp_path, number):
    with serve(default=Reply(text=LOOP), key=None) as server:
        process = start(asking(server), environment, tmp_path)
        wait_for_output(tmp_path / "home", "begun")
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    (folder,) = (tmp_path / "home" / "sessions").iterdir()
    assert process.returncode == 128 + number
    assert f"distill-tui resume {folder.name}" in err
    assert not isinstance(read_session(folder).events[-1], SessionFinished)


def test_ctrl_c_does_not_wait_for_a_silent_server(environment, tmp_path):
    with serve(default=Reply(failure="hang"), key=None) as server:
        process = start(asking(server), environment, tmp_path)
        deadline = time.monotonic() + 60
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    (folder,) = (tmp_path / "home" / "sessions").iterdir()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert verify(folder).whole


def test_a_reader_that_leaves_early_is_no_fault(environment, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(["config"], environment, tmp_path, stdout=writing)
    os.close(writing)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert err == ""


def test_nothing_is_coloured_where_output_is_no_terminal(environment, tmp_path):
    with serve(default=Reply(text=ANSWER), key=None) as server:
        process = start(asking(server, "--json"), environment, tmp_path)
        out, err = process.communicate(timeout=60)
    assert json.loads(out)["answer"] == "forty-two"
    assert process.returncode == 0
    assert "\x1b" not in out + err


def test_no_color_is_honoured_on_a_terminal(environment, tmp_path):
    pty = pytest.importorskip("pty")
    shown = {}
    for name, extra in {"plain": {"NO_COLOR": "1"}, "coloured": {}}.items():
        with serve(default=Reply(text=ANSWER), key=None) as server:
            terminal, side = pty.openpty()
            args = asking(server, "--no-cache")
            process = start(args, {**environment, **extra}, tmp_path, stderr=side)
            os.close(side)
            shown[name] = _read(terminal)
            process.communicate(timeout=60)
    colour = b"\x1b[3"
    assert b"finished after 1 step" in shown["plain"]
    assert colour not in shown["plain"]


def _read(terminal):
    data = b""
    try:
        while piece := os.read(terminal, 65536):
            data += piece
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    return data


def test_an_answer_that_the_encoding_lacks_is_escaped(environment, tmp_path):
    with serve(default=Reply(text="```repl\nFINAL('5 €')\n```"), key=None) as server:
        process = start(asking(server), {**environment, "PYTHONIOENCODING": "latin-1"}, tmp_path)
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "5 \\u20ac\n")


def test_a_session_goes_on_where_nobody_reads_its_progress(environment, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    with serve(default=Reply(text=ANSWER), key=None) as server, Path("/dev/full").open("w") as full:
        for stderr in (writing, full):
            process = start(asking(server), environment, tmp_path, stderr=stderr)
            assert (process.communicate(timeout=60)[0], process.returncode) == ("forty-two\n", 0)
    os.close(writing)


def test_streams_that_the_shell_closed_lead_nowhere(environment, tmp_path):
    command = [sys.executable, "-c", PROGRAM, "sessions", "list"]
    (tmp_path / "home" / "sessions").mkdir(parents=True)
    closed = subprocess.run(["sh", "-c", '"$0" "$@" <&- >&- 2>err', *command], cwd=tmp_path, env=environment)
    assert (closed.returncode, (tmp_path / "err").read_text()) == (0, "no session is kept here yet\n")
    look = "import os; from tui.cli import streams; streams.prepare(); print(os.readlink('/proc/self/fd/2'))"
    closed = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, look],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert closed.stdout == "/dev/null\n"
