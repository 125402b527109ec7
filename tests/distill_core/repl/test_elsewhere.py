"""A process on a system without memory files, process descriptors, parent-death signals and bounds on memory.

What differs there is what these tests turn off; all else is this system's.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import sysconfig
import textwrap
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from distill_core import repl as repl_package
from distill_core.errors import ReplError
from distill_core.repl import REPL, ReplLimits

from .test_process import gone

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there it is what it is")

TURN = """
import os, sys, sysconfig
sysconfig.get_config_vars()
sys.platform = "darwin"
del os.memfd_create, os.pidfd_open
"""
LINUX = {
    os: ("memfd_create", "pidfd_open", "waitid", "O_PATH", "sched_getaffinity", "eventfd", "pipe2"),
    signal: ("pidfd_send_signal",),
    socket: ("SO_PASSCRED", "SCM_CREDENTIALS"),
    fcntl: ("F_SETPIPE_SZ", "F_GETPIPE_SZ"),
    resource: ("prlimit",),
}
"""What of Python's modules macOS has not, nor older versions of Python there."""
wait = os.waitid


class Event(NamedTuple):
    """What is asked of a queue of events."""

    ident: int
    filter: int
    flags: int
    fflags: int


class Queue:
    """A queue of events that tells of one thing: that a child has ended (kqueue(2), sys/event.h)."""

    KQ_FILTER_PROC, KQ_EV_ADD, KQ_EV_ONESHOT, KQ_NOTE_EXIT = -5, 0x1, 0x10, 0x80000000
    heard: ClassVar[list[Event]] = []

    def control(self, changes: list[Event], most: int) -> list[Event]:
        """Wait until the child has ended; at once where it has."""
        (asked,) = changes
        assert asked[1:] == (self.KQ_FILTER_PROC, self.KQ_EV_ADD | self.KQ_EV_ONESHOT, self.KQ_NOTE_EXIT)
        assert most == 1
        wait(os.P_PID, asked.ident, os.WEXITED | os.WNOWAIT)
        self.heard.append(asked)
        return [asked]

    def close(self) -> None:
        """Nothing to close."""


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    sysconfig.get_config_vars()  # read from a file that is named after the system
    monkeypatch.setattr(sys, "platform", "darwin")
    for module, names in LINUX.items():
        for name in names:
            monkeypatch.delattr(module, name, raising=False)
    if hasattr(
        os, "process_cpu_count"
    ):  # of Python 3.13: as it was made there, it asks what was just taken away
        monkeypatch.setattr(os, "process_cpu_count", os.cpu_count)
    for name in ("KQ_FILTER_PROC", "KQ_EV_ADD", "KQ_EV_ONESHOT", "KQ_NOTE_EXIT"):
        monkeypatch.setattr(select, name, getattr(Queue, name), raising=False)
    monkeypatch.setattr(select, "kevent", Event, raising=False)
    monkeypatch.setattr(select, "kqueue", Queue, raising=False)


def test_it_starts_takes_the_document_works_and_ends(elsewhere: None) -> None:
    text = "wört " * 300_000
    with REPL(text, worker=str.upper, worker_batch=lambda prompts: prompts[::-1], isolation="none") as repl:
        pid = repl.pid
        assert pid is not None
        assert repl.execute("print(len(context), context == 'wört ' * 300_000)").stdout == "1500000 True\n"
        assert repl.execute("print(worker('a'), worker_batch(['b', 'c']))").stdout == "A ['c', 'b']\n"
        assert "no handles" in (repl.without_checkpoints or "")
        assert repl.execute("while True: pass", timeout=0.2).status == "timeout"
        lost = repl.execute(f"import os; os._exit({os.EX_OK})")
        assert (lost.status, lost.restarted) == ("killed", True)
        assert gone(pid)
        pid = repl.pid
        assert pid is not None
        assert repl.execute("print(1)").stdout == "1\n"
    assert gone(pid)
    assert pid in [event.ident for event in Queue.heard]


def test_a_process_that_takes_too_much_memory_is_ended(elsewhere: None) -> None:
    # Shared memory: the bound that this kernel keeps at level none does not count it.
    take = """
        import mmap
        taken = mmap.mmap(-1, 300 << 20)
        for page in range(0, len(taken), mmap.PAGESIZE): taken[page] = 1
        while True: pass
        """
    with REPL("", limits=ReplLimits(memory_bytes=100 << 20), isolation="none") as repl:
        result = repl.execute(textwrap.dedent(take))
        assert result.status == "killed"
        assert "more memory than it may have" in (result.traceback or "")
        assert repl.execute("print(1)").stdout == "1\n"


def test_a_process_that_nobody_would_end_with_the_host_does_not_stay(
    elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
        if "guardian" in command:
            raise BlockingIOError(errno.EAGAIN, "no more processes")
        started.append(popen(command, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start)
    with pytest.raises(ReplError, match="no more processes"), REPL("", isolation="none"):
        pass
    assert [process.returncode for process in started] == [-signal.SIGKILL]


def test_flags_of_files_are_granted_as_modes_are(tmp_path: Path) -> None:
    program = f"""
        import os, sys
        os.chflags = None
        sys.path.insert(0, {str(Path(repl_package.__file__).parent)!r})
        from child import files
        files.install({str(tmp_path)!r})
        open({str(tmp_path / "own")!r}, "w").close()
        os.chflags({str(tmp_path / "own")!r}, 0, follow_symlinks=False)
        try: os.chflags(os.__file__, 0)
        except PermissionError: print("refused")
        """
    ran = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "refused\n"


def test_a_group_that_has_ended_already_is_no_error(elsewhere: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """As macOS answers a signal to processes that have ended and were not seen to."""

    def killpg(group: int, number: int) -> None:
        ended = wait(os.P_PID, group, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if ended is not None:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        kill(group, number)

    kill = os.killpg
    monkeypatch.setattr(os, "killpg", killpg)
    with REPL("", isolation="none") as repl:
        assert repl.execute("import os; os._exit(3)").restarted
        assert repl.execute("print(1)").stdout == "1\n"


@pytest.mark.parametrize("cell", ["while True: pass", "sum(range(10**14))"])
def test_a_host_that_is_killed_takes_it_along(cell: str) -> None:
    host = textwrap.dedent(
        f"""
        {textwrap.indent(TURN, " " * 8).strip()}
        from distill_core.repl import REPL
        with REPL("", isolation="none") as repl:
            print(repl.pid, flush=True)
            repl.execute({cell!r})
        """
    )
    with subprocess.Popen([sys.executable, "-c", host], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    assert gone(pid)


def test_what_its_end_leaves_in_a_locked_folder_is_removed(elsewhere: None, tmp_path: Path) -> None:
    from distill_core.isolation.scratch import clear

    locked = tmp_path / "scratch" / "locked"
    locked.mkdir(parents=True)
    (locked / "file").touch()
    locked.chmod(0)
    if os.geteuid() == 0 or os.chmod in os.supports_follow_symlinks:
        clear(str(tmp_path / "scratch"))
        assert not (tmp_path / "scratch").exists()
