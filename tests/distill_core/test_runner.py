"""`run` while somebody presses Ctrl-C."""

import os
import signal
import threading
import time

import pytest

from distill_core.reading import read_session
from distill_core.runner import run
from sessions.verify import verify
from tests.fakes.models import Scripted, echo


@pytest.fixture
def listening_to_ctrl_c():
    """Ctrl-C as on a terminal; a shell starts what it puts in the background without it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("listening_to_ctrl_c")
def test_ctrl_c_waits_until_the_session_has_ended_well(tmp_path):
    folder = tmp_path / "s"
    begun = threading.Event()

    def interrupt():
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if (folder / "repl.jsonl").is_file() and "begun" in (folder / "repl.jsonl").read_text():
                begun.set()
                os.kill(os.getpid(), signal.SIGINT)
                return
            time.sleep(0.05)

    watcher = threading.Thread(target=interrupt)
    watcher.start()
    with pytest.raises(KeyboardInterrupt):
        run(
            "q",
            "text",
            Scripted("```repl\nprint('begun', flush=True)\nwhile True: pass\n```"),
            echo(),
            log_dir=folder,
        )
    watcher.join()
    assert begun.is_set()
    assert verify(folder).whole
    assert read_session(folder).events[-1].status == "stopped"
