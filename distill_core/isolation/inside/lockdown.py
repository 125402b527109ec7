"""Carrying the policy out, step by step and for good, and saying what level that comes to.

The steps come in an order in which each can still be done: bounds before rights, file system before system calls.
A level is never taken from what was asked for, only from what the probes then found shut.
"""

from __future__ import annotations

import os
import resource
from collections.abc import Callable

from . import bpf, kernel, landlock
from .attestation import GOOD, NONE, STRONG, Attestation
from .descriptors import close_all_but
from .policy import Bounds, Paths
from .probes import Probe, Witness, attest

_ONLY_STRONG = "see a file of the host"
_UIDS_OF_NOBODY = 2_000_000_000
_QUEUED_SIGNALS = 64
"""That wait to be taken. The kernel counts them by account, and with none left no program of it can set a timer."""
_NO_CORE = 1
"""Too small for a core file, and the value at which the kernel starts no program to take the dump (core(5))."""


def lock_down(
    paths: Paths,
    bounds: Bounds,
    keep: tuple[int, ...],
    witness: Witness,
    hand_over: Callable[[int], None] | None = None,
) -> Attestation:
    """Give up every right that a cell does not need. There is no way back.

    Must be called while the process has one thread: what is given up is given up by threads.

    Args:
        paths: files that stay in reach.
        bounds: what is bounded.
        keep: descriptors that stay open; all others are closed.
        witness: things of the host to try afterwards.
        hand_over: gives the host the descriptor through which it is asked about single calls; absent, it is never
            asked, and no copy of this process can be made.
    """
    no_copies: str | None = "the host cannot be asked"
    try:
        no_copies = _lock(paths, bounds, keep, hand_over)
        problem = None
    except (OSError, LookupError) as error:
        problem = str(error)
    probes = attest(witness)
    return Attestation(NONE if problem else _proven(probes), probes, problem, no_copies)


def _lock(
    paths: Paths, bounds: Bounds, keep: tuple[int, ...], hand_over: Callable[[int], None] | None
) -> str | None:
    """All the steps; returns why there can be no copies, None if there can."""
    if _threads() != 1:
        raise LookupError(f"locking down takes a process with one thread, this one has {_threads()}")
    machine = os.uname().machine
    plain, asking = (bpf.compiled(machine, os.getpid(), asking=asking) for asking in (False, True))
    close_all_but(keep)
    _bound(bounds)
    kernel.drop_capabilities()
    kernel.no_new_privileges()
    landlock.restrict(paths)
    no_copies = "the host does not listen" if hand_over is None else _listened_to(machine, hand_over)
    kernel.install_filter(bpf.packed(plain if no_copies else asking))
    return no_copies


def _listened_to(machine: str, hand_over: Callable[[int], None]) -> str | None:
    """Let the host be asked about single calls. Comes before the filter that forbids to pass descriptors on."""
    try:
        listener = kernel.install_asking_filter(bpf.packed(bpf.asked(machine)), machine)
    except OSError as error:
        return str(error)
    try:
        hand_over(listener)
    finally:
        os.close(listener)
    return None


def _proven(probes: tuple[Probe, ...]) -> str:
    open_doors = {probe.name for probe in probes if not probe.shut}
    if not open_doors:
        return STRONG
    return GOOD if open_doors == {_ONLY_STRONG} else NONE


def _threads() -> int:
    return len(os.listdir("/proc/self/task"))


def _bound(bounds: Bounds) -> None:
    _leave_no_core()
    _lower(resource.RLIMIT_SIGPENDING, _QUEUED_SIGNALS)
    if bounds.address_bytes is not None:
        kernel.no_huge_pages()
        _lower(resource.RLIMIT_AS, _address_bytes() + bounds.address_bytes)
    if bounds.threads is not None:
        _lower(resource.RLIMIT_NPROC, _charged_to_others() + bounds.threads)


def _leave_no_core() -> None:
    """No core dump: neither a file, nor a program of root's that is handed this process's memory."""
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (_NO_CORE, _NO_CORE))
    except ValueError:  # it is 0 for good already
        kernel.no_dump()


def _lower(what: int, value: int) -> None:
    ceiling = resource.getrlimit(what)[1]
    value = value if ceiling == resource.RLIM_INFINITY else min(value, ceiling)
    resource.setrlimit(what, (value, value))


def _address_bytes() -> int:
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _charged_to_others() -> int:
    """Threads of other processes that the kernel counts together with ours: the bound comes on top of them.

    The kernel counts threads by real user. Root is exempt from the bound, and shares its account with the whole
    machine: so root takes on a real user of its own, and stays what it is in all else.
    """
    if os.getuid() == 0:
        try:
            os.setresuid(_UIDS_OF_NOBODY + int.from_bytes(os.urandom(3), "big"), 0, 0)
        except OSError:
            return _threads_of(0)  # a container in which there are no such users
        return 0
    return _threads_of(os.getuid())


def _threads_of(uid: int) -> int:
    count = -1  # this process is among them
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                if os.stat(f"/proc/{name}").st_uid == uid:
                    count += os.stat(f"/proc/{name}/task").st_nlink - 2
            except OSError:
                continue  # it has ended meanwhile
    return count
