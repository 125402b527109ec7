"""The first process of a family: started bare, watched, and gone for certain when it has to go."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import sysconfig
import weakref
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path

from distill_core.isolation.bubblewrap import SCRATCH
from distill_core.isolation.launch import Boundary
from distill_core.isolation.leftovers import locked_folder, sweep
from distill_core.isolation.mapped import Filling
from distill_core.isolation.resident import resident_bytes
from distill_core.isolation.scratch import MOST_ENTRIES, clear, crowded, overfull
from distill_core.repl import exits
from distill_core.repl.bytecode import keep_compiled
from distill_core.repl.guardian import Guardian
from distill_core.repl.handle import at_rest, cpu_seconds

_RESERVE = 128 << 20
"""Bytes beyond the bound on memory at which a process is ended: the kernel's bound, with all that the scaffold may take
for itself, is to be met first."""
_SHELL_SIGNAL = 128
"""bubblewrap, like a shell, ends with this and the signal that ended its child."""
_NAMESPACES, _GUARDED = 0, -1
"""What a child is told in the place of its host's id: that namespaces, or a guardian, see to its end."""
_HOME = Path(__file__).parent
_CODE = (str(_HOME / "child"),)
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from child.main import main; del sys.path[0]; "
    "main(*map(int, sys.argv[2:]))"
)


def package_folders() -> list[str]:
    """Where packages for this interpreter are installed."""
    return list(dict.fromkeys(sysconfig.get_path(name) for name in ("platlib", "purelib")))


class Child:
    """A started process with its lines: `socket`, `out`, `err` (readable ends), `hatch`, and its life.

    Args:
        seed: fixes the order of sets of strings, so that a program run again does the same again.
        document: descriptor of shared memory that the child may read as the same number.
        boundary: what it is started behind.
    """

    def __init__(self, seed: int, document: int, boundary: Boundary) -> None:
        self._boundary = boundary
        keep_compiled((*_CODE, *boundary.code))
        with ExitStack() as ours, ExitStack() as theirs:
            folder, held = locked_folder()
            ours.callback(os.close, held)
            ours.callback(clear, folder)
            self.scratch, self.witness = _furnished(folder)
            self.socket, line = _owned_sockets(ours, theirs)
            self.hatch, hatch = _owned_sockets(ours, theirs)
            self.out, out = owned(roomy_pipe(), ours, theirs)
            self.err, err = owned(roomy_pipe(), ours, theirs)
            life, self._hold_on_life = owned(firm_pipe(), theirs, ours)
            self._information, information = owned(firm_pipe(), ours, theirs)
            host = _NAMESPACES if boundary.namespaces else os.getpid() if _kernel_sees_to_it() else _GUARDED
            arguments = [str(argument) for argument in (_HOME, line.fileno(), life, hatch.fileno(), host)]
            self._process = subprocess.Popen(
                boundary.command(
                    [sys.executable, "-s", "-S", "-P", "-c", _BOOT, *arguments],
                    _CODE,
                    self.scratch,
                    information,
                ),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                pass_fds=(
                    line.fileno(),
                    hatch.fileno(),
                    life,
                    document,
                    *([information] if boundary.namespaces else ()),
                ),
                env=self._environment(seed),
                cwd=self.scratch,
                start_new_session=True,
            )
            self._guardian = _guarded(self._process, life) if host == _GUARDED else None
            self._ours = ours.pop_all()
        self.pid = self.group = self._process.pid
        self._firm: int | None = None
        self._room: int | None = None
        self._weight = 0
        self._filling = Filling(self.scratch, boundary.scratch_bytes or 0, MOST_ENTRIES)
        _living.add(self)

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
        """Processor time that it has used."""
        return cpu_seconds(self.pid)

    def settle(self) -> None:
        """Take note of the process itself, where it is not the one that was started. For when it has begun to run."""
        if self._boundary.namespaces:
            self.pid = json.loads(os.read(self._information, 4096))["child-pid"]
            self._firm = os.pidfd_open(self.pid)
            self._ours.callback(os.close, self._firm)
            self._room = _opened(f"/proc/{self.pid}/root{SCRATCH}")
            if self._room is not None:
                self._ours.callback(os.close, self._room)
        if self.bounds_memory:
            self._weight = resident_bytes(self.pid) or 0

    def complaint(self) -> str:
        """What it has written to its error stream, for when it did not begin to run."""
        try:
            return os.read(self.err, 4000).decode("utf-8", "replace").strip()
        except BlockingIOError:
            return ""

    @property
    def bounds_memory(self) -> bool:
        """Whether there is a bound on memory, which this side has to see to where the kernel does not."""
        return self._boundary.memory_bytes is not None

    def overweight(self, pid: int) -> bool:
        """Whether this process, or the copy of it that `pid` is, has taken more memory than it may since it began."""
        taken = (resident_bytes(pid) or 0) - self._weight
        return taken > (self._boundary.memory_bytes or 0) + _RESERVE

    @property
    def bounds_scratch(self) -> bool:
        """Whether its scratch folder is to be kept small."""
        return self._boundary.level != "none" and self._boundary.scratch_bytes is not None

    def overfull(self, pids: Collection[int]) -> bool:
        """Whether its scratch folder, and what these processes hold of it, is more than it may be.

        Of one in memory the kernel bounds the bytes, and nobody the names, which take memory too.
        """
        if self._boundary.namespaces:
            return self._room is not None and crowded(f"/proc/self/fd/{self._room}")
        return overfull(self.scratch, self._boundary.scratch_bytes or 0, pids)

    @property
    def filling(self) -> bool:
        """Whether its scratch folder could hold more than a look at it, while it is being filled, tells.

        Who fills it sees when it is looked at, and can move what is in it out of the way just then.
        """
        return not self._boundary.namespaces and self._filling.by_more()

    def certainly_overfull(self, pids: Collection[int], stopped: Collection[int]) -> bool:
        """As `overfull`, while those that may write are stopped: nothing moves, and all that is held is looked at."""
        if at_rest(stopped):
            self._filling.start_anew()
        return overfull(self.scratch, self._boundary.scratch_bytes or 0, pids, maps=True)

    def empty_scratch(self) -> None:
        """Remove all that is in its scratch folder."""
        if not self._boundary.namespaces:
            clear(self.scratch, keep=True)
        elif self._room is not None:
            clear(f"/proc/self/fd/{self._room}/.", keep=True)

    def interrupt(self) -> None:
        """Ask the running cell to stop."""
        self._signal(signal.SIGINT)

    def freeze(self) -> None:
        """Let none of its threads run."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them run again."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is not None:
            return
        if self._firm is None:
            self._process.send_signal(number)
            return
        with contextlib.suppress(ProcessLookupError):  # it has ended, which shows elsewhere
            signal.pidfd_send_signal(self._firm, number)

    def kill(self) -> None:
        """End it and what it started, now."""
        if self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it has ended, which shows elsewhere
            if self._firm is not None:
                # The first of its namespace takes all others along, and bubblewrap, its parent, sees to it.
                signal.pidfd_send_signal(self._firm, signal.SIGKILL)
            else:
                _kill_group(self.group)

    async def ended(self) -> int:
        """Wait until it is dead and reaped; returns its status (negative: the signal)."""
        await exits.ended(self._process.pid)
        self.kill()  # what it has started, while its number is still its own
        if self._guardian is not None:
            await asyncio.to_thread(self._guardian.dismiss)
        status = await asyncio.to_thread(self._process.wait)
        return _SHELL_SIGNAL - status if self._boundary.namespaces and status > _SHELL_SIGNAL else status

    def release(self) -> None:
        """Give back what is held for a dead process."""
        _living.discard(self)
        self._ours.close()
        _sweep_once()

    def let_live(self, nothing: int) -> None:
        """In a fork of this process: hold its life no longer. `nothing` is a descriptor to put in the place."""
        os.dup2(nothing, self._hold_on_life, False)


def _guarded(process: subprocess.Popen[bytes], life: int) -> Guardian:
    """A guardian of a process that was just started; where there can be none the process ends."""
    try:
        return Guardian(process.pid, life)
    except OSError:
        process.kill()
        process.wait()
        raise


def _opened(folder: str) -> int | None:
    """A descriptor of a folder in a process's namespace, which no other process's can take the place of; None where
    this system does not let us look."""
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None


def _kill_group(group: int) -> None:
    """End the processes of a group that is our own child's.

    Raises:
        ProcessLookupError: there are none.
    """
    try:
        os.killpg(group, signal.SIGKILL)
    except PermissionError:
        if _kernel_sees_to_it():
            raise
        # Of a group that has ended and was not seen to yet, macOS says that this is not permitted (XNU, killpg1).


def _kernel_sees_to_it() -> bool:
    """Whether the kernel ends processes with others, and keeps bounds on memory."""
    return sys.platform == "linux"


@functools.cache
def _sweep_once() -> None:
    """At the first end, when nobody waits, rather than at a start."""
    sweep()


_living: weakref.WeakSet[Child] = weakref.WeakSet()


def _forked() -> None:
    """A fork of the host must not keep the host's processes alive after the host's end."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for child in list(_living):
        child.let_live(nothing)
    os.close(nothing)


os.register_at_fork(after_in_child=_forked)


def _furnished(folder: str) -> tuple[str, str]:
    """The scratch folder, and a file that the child is to try to get at."""
    folder = os.path.realpath(folder)
    scratch, witness = os.path.join(folder, "scratch"), os.path.join(folder, "witness")  # noqa: PTH118
    os.mkdir(scratch, 0o700)  # noqa: PTH102
    # Empty, and yet one that may be executed: what then comes of it is an error, whether a wall gives it or not.
    os.close(os.open(witness, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o700))
    return scratch, witness


def _owned_sockets(ours: ExitStack, theirs: ExitStack) -> tuple[socket.socket, socket.socket]:
    pair = socket.socketpair()
    ours.callback(pair[0].close)
    theirs.callback(pair[1].close)
    return pair


def owned(pipe: tuple[int, int], reading: ExitStack, writing: ExitStack) -> tuple[int, int]:
    """A pipe whose ends are closed with these stacks."""
    reading.callback(os.close, pipe[0])
    writing.callback(os.close, pipe[1])
    return pipe


def firm_pipe() -> tuple[int, int]:
    """A pipe that nobody can open once more by way of /proc, where copies of a child see each other's descriptors."""
    reading, writing = os.pipe()
    if sys.platform == "linux":
        os.fchmod(reading, 0)
    return reading, writing


def roomy_pipe() -> tuple[int, int]:
    """Such a pipe whose reading end does not block, as roomy as the system lets us have it."""
    reading, writing = firm_pipe()
    os.set_blocking(reading, False)
    if sys.platform == "linux":
        import fcntl

        try:
            fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            return reading, writing  # over the user's share of pipe memory: the usual size does, only slower
    return reading, writing
