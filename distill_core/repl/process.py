"""The child process: started bare, watched, and gone for certain when it has to go."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from distill_core.isolation.launch import Boundary
from distill_core.isolation.scratch import clear, overfull

_CPU_CLOCK = 2
_SHELL_SIGNAL = 128
"""bubblewrap, like a shell, ends with this and the signal that ended its child."""
_HOME = Path(__file__).parent
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from child.main import main; del sys.path[0]; "
    "main(*map(int, sys.argv[2:]))"
)


def package_folders() -> list[str]:
    """Where packages for this interpreter are installed."""
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("platlib", "purelib")))


class Child:
    """A started process with its four lines: `socket`, `out`, `err` (readable ends), and its life.

    Args:
        seed: fixes the order of sets of strings, so that a program run again does the same again.
        document: descriptor of shared memory that the child may read as the same number.
        boundary: what it is started behind.
    """

    def __init__(self, seed: int, document: int, boundary: Boundary) -> None:
        self._boundary = boundary
        self._handle: int | None = None
        with ExitStack() as ours, ExitStack() as theirs:
            folder = tempfile.mkdtemp(prefix="distill-repl-")
            ours.callback(clear, folder)
            self.scratch, self.witness = _furnished(folder)
            self.socket, line = socket.socketpair()
            ours.callback(self.socket.close)
            theirs.callback(line.close)
            self.out, out = _owned(_roomy_pipe(), ours, theirs)
            self.err, err = _owned(_roomy_pipe(), ours, theirs)
            life, _ = _owned(os.pipe(), theirs, ours)
            self._information, information = _owned(os.pipe(), ours, theirs)
            host = 0 if boundary.namespaces else os.getpid()
            arguments = [str(argument) for argument in (_HOME, line.fileno(), life, host)]
            self._process = subprocess.Popen(
                boundary.command(
                    [sys.executable, "-s", "-S", "-P", "-c", _BOOT, *arguments],
                    [str(_HOME / "child")],
                    information,
                ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(line.fileno(), life, document, *([information] if boundary.namespaces else ())),
                env=self._environment(seed),
                cwd=self.scratch,
                start_new_session=True,
            )
            self._ours = ours.pop_all()
        self.pid = self._process.pid

    def _environment(self, seed: int) -> dict[str, str]:
        """Everything the child knows of its surroundings; nothing of the host's own."""
        home = self._boundary.home(self.scratch)
        return {
            "PATH": os.defpath,
            "HOME": home,
            "TMPDIR": home,
            "LC_ALL": "C.UTF-8",
            "PYTHONUTF8": "1",
            "PYTHONHASHSEED": str(seed % (1 << 32)),
            "MALLOC_ARENA_MAX": "4",
        }

    def cpu_seconds(self) -> float:
        """Processor time that it has used (clock_getcpuclockid(3)); 0 where that cannot be known."""
        try:
            return time.clock_gettime((~self.pid << 3) | _CPU_CLOCK) if sys.platform == "linux" else 0.0
        except OSError:
            return 0.0

    def settle(self) -> None:
        """Take note of the process itself, where it is not the one that was started. For when it has begun to run."""
        if self._boundary.namespaces:
            self.pid = json.loads(os.read(self._information, 4096))["child-pid"]
            handle = self._handle = os.pidfd_open(self.pid)
            self._ours.callback(os.close, handle)

    def complaint(self) -> str:
        """What it has written to its error stream, for when it did not begin to run."""
        try:
            return os.read(self.err, 4000).decode("utf-8", "replace").strip()
        except BlockingIOError:
            return ""

    @property
    def fills_the_disk(self) -> bool:
        """Whether its scratch folder is the host's, and is to be kept small: in one of memory the kernel does so."""
        return self._boundary.level == "good" and self._boundary.scratch_bytes is not None

    def overfull(self) -> bool:
        """Whether its scratch folder holds more than it may."""
        return overfull(self.scratch, self._boundary.scratch_bytes or 0, self.pid)

    def interrupt(self) -> None:
        """Ask the running cell to stop."""
        if self._process.returncode is not None:
            return
        if self._handle is None:
            self._process.send_signal(signal.SIGINT)
            return
        try:
            signal.pidfd_send_signal(self._handle, signal.SIGINT)
        except ProcessLookupError:
            return  # it has ended, which shows elsewhere

    def kill(self) -> None:
        """End it and what it started, now."""
        if self._process.returncode is None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._process.kill()

    async def ended(self) -> int:
        """Wait until it is dead and reaped; returns its status (negative: the signal)."""
        if hasattr(os, "pidfd_open"):
            await self._exit_noticed()
        status = await asyncio.to_thread(self._process.wait)
        return _SHELL_SIGNAL - status if self._boundary.namespaces and status > _SHELL_SIGNAL else status

    async def _exit_noticed(self) -> None:
        loop = asyncio.get_running_loop()
        noticed: asyncio.Future[None] = loop.create_future()
        pidfd = os.pidfd_open(self._process.pid)

        def notice() -> None:
            loop.remove_reader(pidfd)
            if not noticed.done():
                noticed.set_result(None)

        loop.add_reader(pidfd, notice)
        try:
            await noticed
        finally:
            loop.remove_reader(pidfd)
            os.close(pidfd)

    def release(self) -> None:
        """Give back what is held for a dead process."""
        self._ours.close()


def _furnished(folder: str) -> tuple[str, str]:
    """The scratch folder, and a file that the child is to try to get at."""
    scratch, witness = os.path.join(folder, "scratch"), os.path.join(folder, "witness")  # noqa: PTH118
    os.mkdir(scratch, 0o700)  # noqa: PTH102
    os.close(os.open(witness, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    return scratch, witness


def _owned(pipe: tuple[int, int], reading: ExitStack, writing: ExitStack) -> tuple[int, int]:
    reading.callback(os.close, pipe[0])
    writing.callback(os.close, pipe[1])
    return pipe


def _roomy_pipe() -> tuple[int, int]:
    """A pipe whose reading end does not block, as roomy as the system lets us have it."""
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            return reading, writing  # over the user's share of pipe memory: the usual size does, only slower
    return reading, writing
