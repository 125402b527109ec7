"""The watcher between this program and a server it started: a process of its own, standard library only.

Run by path as `python -I child_watch.py GRACE_SECONDS ARGV…`. It starts ARGV in a session of its own and
waits. When the server ends, when the program that started the watcher closes its end of the watcher's stdin,
or when that program dies in any way (kill -9 included: the kernel closes the pipe), every process the server
started is ended too.

Why a process: PR_SET_PDEATHSIG alone is tied to the *thread* that forked and says nothing to grandchildren.
Here the thread that forks is the watcher's only one, so the signal means what it says, and as the child
subreaper of Linux the watcher inherits whatever the server leaves behind. Elsewhere the process group is what
is known, and is ended whole.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LOOK_SECONDS = 0.5


def main(argv: list[str]) -> int:
    """Start `argv[1:]`, outlive it, leave nothing of it behind; its exit status is ours."""
    grace = float(argv[0])
    parent = os.getppid()
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _: stopping.append(received))
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    server = subprocess.Popen(
        argv[1:], stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=_die_with(os.getpid())
    )
    while not stopping and os.getppid() == parent and server.poll() is None:
        readable, _, _ = select.select([sys.stdin.fileno(), woken], [], [], LOOK_SECONDS)
        if woken in readable:
            os.read(woken, 4096)
        if sys.stdin.fileno() in readable and not os.read(sys.stdin.fileno(), 4096):
            break
        _reap(server)
    _end(server, grace)
    status = server.wait()
    return status if status >= 0 else 128 - status


def _prctl(option: int, value: int) -> None:
    """Ask the Linux kernel; other systems have no such call and do without."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _die_with(watcher: int) -> Callable[[], None]:
    """What the forked child does before exec: be killed with the watcher, even if it died a moment ago."""

    def before_exec() -> None:
        _prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
        if os.getppid() != watcher:
            os._exit(1)

    return before_exec


def _end(server: subprocess.Popen[bytes], grace: float) -> None:
    """Ask the group to stop, then kill every process that is left after `grace` seconds."""
    _signal_group(server, signal.SIGTERM)
    deadline = time.monotonic() + grace
    while _alive(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    while _alive(server):
        _signal_group(server, signal.SIGKILL)
        for pid in _descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def _alive(server: subprocess.Popen[bytes]) -> bool:
    """Whether anything the server started still runs."""
    _reap(server)
    if server.poll() is None:
        return True
    if sys.platform == "linux":
        return bool(_descendants(os.getpid()))
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, 0)
        return True
    return False


def _reap(server: subprocess.Popen[bytes]) -> None:
    """Collect inherited orphans; the server's own status is for `server.poll`."""
    for pid in _children(os.getpid()):
        if pid != server.pid:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _signal_group(server: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(server.pid, number)


def _children(pid: int) -> list[int]:
    """The direct children of a process, zombies included; empty where /proc does not list them."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _descendants(pid: int) -> list[int]:
    found = _children(pid)
    for child in found:  # grows while it is walked: children of children come in at the end
        found += _children(child)
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
