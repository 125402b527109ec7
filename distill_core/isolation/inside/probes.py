"""Trying the doors: what a locked child can still do, found out by doing it.

Each probe attempts something that must fail. What counts is the error: one that only a boundary gives. Everything is
tried by the lowest means (`_socket`, `posix`), for these run before every first cell.
"""

from __future__ import annotations

import _socket
import errno
import os
from typing import NamedTuple

_WITNESS_ADDED = ".new"
_NOWHERE = "/nonexistent/probe"
_DISCARD_PORT = 9
_REFUSED = (errno.EPERM, errno.EACCES)
_HIDDEN = (*_REFUSED, errno.ENOENT, errno.EROFS)
_KNOWN_ENVIRONMENT = frozenset(
    (
        "HOME",
        "LC_ALL",
        "LC_CTYPE",
        "MALLOC_ARENA_MAX",
        "PATH",
        "PWD",
        "PYTHONHASHSEED",
        "PYTHONUTF8",
        "TMPDIR",
        # These two macOS and its Python put there by themselves.
        "__CF_USER_TEXT_ENCODING",
        "__PYVENV_LAUNCHER__",
    )
)


class Probe(NamedTuple):
    """One door: whether it is shut, and how that showed."""

    name: str
    shut: bool
    detail: str


class Witness(NamedTuple):
    """Things of the host to try.

    Args:
        file: path of a file that the host can read and write.
        host: process id of the host, in the host's own counting.
        memory_bytes: memory that the child must not be able to have; None to leave that out.
        program: what to execute: no program, so that nothing happens where that is let through.
    """

    file: str
    host: int
    memory_bytes: int | None
    program: str = _NOWHERE


def attest(witness: Witness) -> tuple[Probe, ...]:
    """Try every door once. Leaves no mark."""
    return (
        _probe("read a file of the host", _HIDDEN, lambda: _open(witness.file, os.O_RDONLY)),
        _probe("write to a file of the host", _HIDDEN, lambda: _open(witness.file, os.O_WRONLY)),
        _probe("create a file of the host", _HIDDEN, lambda: _create(witness.file + _WITNESS_ADDED)),
        _probe("change the mode of a file of the host", _HIDDEN, lambda: os.chmod(witness.file, 0o700)),
        _probe("see a file of the host", _HIDDEN, lambda: os.stat(witness.file)),
        _probe("list the root folder", _REFUSED, lambda: os.listdir("/")),
        _environment(witness.host),
        _probe("reach the loopback network", _REFUSED, _connect),
        _probe("start a process", _REFUSED, _fork),
        _probe("execute a program", _REFUSED, lambda: os.execv(witness.program, [witness.program])),
        _probe("signal the host", _REFUSED, lambda: os.kill(witness.host, 0)),
        _probe("signal itself with kill", _REFUSED, lambda: os.kill(os.getpid(), 0)),
        *(() if witness.memory_bytes is None else (_memory(witness.memory_bytes),)),
    )


def _probe(name: str, shut_by: tuple[int, ...], attempt: object) -> Probe:
    try:
        attempt()  # type: ignore[operator]
    except OSError as error:
        code = error.errno or 0
        return Probe(name, code in shut_by, errno.errorcode.get(code, str(code)))
    return Probe(name, False, "done")


def _open(path: str, flags: int) -> None:
    os.close(os.open(path, flags))


def _create(path: str) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    os.unlink(path)


def _connect() -> None:
    connection = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    try:
        connection.connect(("127.0.0.1", _DISCARD_PORT))
    finally:
        connection.close()


def _fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def _environment(host: int) -> Probe:
    """Its own, and that of others as /proc shows it."""
    name = "read the environment of the host"
    if unknown := sorted(set(os.environ) - _KNOWN_ENVIRONMENT):
        return Probe(name, False, f"inherited {', '.join(unknown)}")
    for process in (str(host), str(os.getppid()), "1", "self"):
        probe = _probe(name, (*_HIDDEN, errno.ESRCH), lambda: _open(f"/proc/{process}/environ", os.O_RDONLY))  # noqa: B023
        if not probe.shut:
            return Probe(name, False, f"/proc/{process}/environ: {probe.detail}")
    return probe


def _memory(size: int) -> Probe:
    """Ask for more than there may be; memory that is never touched costs nothing."""
    import mmap

    name = "exceed the bound on memory"
    private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
    for flags in (private, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS):
        try:
            mmap.mmap(-1, size, flags=flags).close()
        except (OSError, MemoryError):
            continue
        return Probe(name, False, "private memory" if flags == private else "shared memory")
    return Probe(name, True, "ENOMEM")
