"""The child process: started bare, watched, and gone for certain when it has to go."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

_CPU_CLOCK = 2
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
    """

    def __init__(self, seed: int, document: int) -> None:
        with ExitStack() as ours, ExitStack() as theirs:
            self.scratch = tempfile.mkdtemp(prefix="distill-repl-")
            ours.callback(shutil.rmtree, self.scratch, ignore_errors=True)
            self.socket, line = socket.socketpair()
            ours.callback(self.socket.close)
            theirs.callback(line.close)
            self.out, out = _owned(_roomy_pipe(), ours, theirs)
            self.err, err = _owned(_roomy_pipe(), ours, theirs)
            life, _ = _owned(os.pipe(), theirs, ours)
            self._process = subprocess.Popen(
                [sys.executable, "-s", "-S", "-P", "-c", _BOOT]
                + [str(argument) for argument in (_HOME, line.fileno(), life, os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(line.fileno(), life, document),
                env=self._environment(seed),
                cwd=self.scratch,
                start_new_session=True,
            )
            self._ours = ours.pop_all()
        self.pid = self._process.pid

    def _environment(self, seed: int) -> dict[str, str]:
        """Everything the child knows of its surroundings; nothing of the host's own."""
        return {
            "PATH": os.defpath,
            "HOME": self.scratch,
            "TMPDIR": self.scratch,
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

    def interrupt(self) -> None:
        """Ask the running cell to stop."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End it and what it started, now."""
        if self._process.returncode is None:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                self._process.kill()

    async def ended(self) -> int:
        """Wait until it is dead and reaped; returns its status (negative: the signal)."""
        if hasattr(os, "pidfd_open"):
            await self._exit_noticed()
        return await asyncio.to_thread(self._process.wait)

    async def _exit_noticed(self) -> None:
        loop = asyncio.get_running_loop()
        noticed: asyncio.Future[None] = loop.create_future()
        pidfd = os.pidfd_open(self.pid)

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
