"""What the locked child may do, as data. Nothing here acts; `lockdown` carries it out.

A system call that is not named here fails with EPERM. Three groups are: calls that take any argument (ALLOWED),
calls whose arguments are looked at (CHECKED), and calls that fail with another error, because libraries fall back
on an older call when they see it, or come to nothing with none (REFUSED_AS; where arguments tell, UNDONE). Of
pointers a filter sees only the number, never what it points to: so a call whose harm depends on memory (sendmsg,
clone3, openat2) is not allowed at all.
"""

from __future__ import annotations

import errno
from typing import NamedTuple

INT = 0xFFFF_FFFF
"""Mask of an argument that the kernel takes as 32 bits: whatever stands in the upper half means nothing."""
LONG = 0xFFFF_FFFF_FFFF_FFFF
"""Mask of an argument that the kernel takes whole."""
SELF = -1
"""Stands, as a value, for this process's id, known when the filter is made."""
DIRECT = 1 << 64
"""Stands, in a mask, for O_DIRECT, which is another bit on each machine."""


class Arg(NamedTuple):
    """Holds where argument `place` (the first is 0), masked, is `value`."""

    place: int
    mask: int
    value: int


Alternatives = tuple[tuple[Arg, ...], ...]
"""A call is allowed if all of any one alternative holds."""


class Bounds(NamedTuple):
    """What the kernel bounds.

    Args:
        threads: threads at once; None for no bound.
        address_bytes: address space beyond what is mapped at lock-down; None for no bound.
    """

    threads: int | None
    address_bytes: int | None


class Paths(NamedTuple):
    """The parts of the file system that stay in reach.

    Args:
        read: files and folders (with all that is in them) that may be read.
        list: folders whose names may be listed, the files in them not read.
        device: device files that may be read; those of WRITABLE_DEVICES may be written too.
        scratch: folders that may be read and written.
    """

    read: tuple[str, ...] = ()
    list: tuple[str, ...] = ()
    device: tuple[str, ...] = ()
    scratch: tuple[str, ...] = ()


WRITABLE_DEVICES = ("/dev/null",)
"""Not /dev/zero: mapped for writing it is memory that is shared (see `_MAP_SHARED`)."""

ALLOWED: frozenset[str] = frozenset(
    (
        # memory
        "brk", "mprotect", "mremap", "munmap",
        # open descriptors
        "close", "dup", "dup2", "dup3", "eventfd2", "fstat", "ftruncate",
        "getdents64", "lseek", "pipe", "poll", "ppoll", "pread64", "preadv", "pselect6",
        "pwrite64", "pwritev", "read", "readv", "select", "sendfile", "write", "writev",
        # paths: which of them may be reached is Landlock's part
        "access", "chdir", "faccessat", "faccessat2", "fchdir", "getcwd", "link", "lstat", "mkdir", "mkdirat",
        "newfstatat", "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir", "stat", "statx", "symlink",
        "symlinkat", "unlink", "unlinkat",
        # a socket pair of its own, as event loops use it
        "getpeername", "getsockname", "shutdown",
        # time
        "alarm", "getitimer", "gettimeofday", "nanosleep", "setitimer", "time", "times",
        # threads of its own, and signals to itself
        "exit", "exit_group", "getcpu", "pause", "restart_syscall", "rseq",
        "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
        "sched_get_priority_max", "sched_get_priority_min", "sched_yield", "set_robust_list", "set_tid_address",
        "sigaltstack", "wait4", "waitid",
        # facts about itself
        "getegid", "geteuid", "getgid", "getgroups", "getpgrp", "getpid", "getppid", "getrandom", "getresgid",
        "getresuid", "getrlimit", "getrusage", "gettid", "getuid", "sysinfo", "umask", "uname",
    )
)  # fmt: skip

REFUSED_AS: dict[str, int] = {
    "clone3": errno.ENOSYS,  # its flags are in memory; the C library goes back to clone, which is checked
    "openat2": errno.ENOSYS,
    # What it watches is memory of the kernel's that no bound of a process counts, and that the account of the person
    # has a share of together with all other programs. Python's selectors and event loops go back to poll.
    "epoll_create1": errno.ENOSYS,
    # It takes disk space in no time, faster than a host that looks now and then could see; writing takes its place.
    "fallocate": errno.EOPNOTSUPP,
    # Done without doing anything: what is in the scratch folder goes with the process, and to have the disk write it
    # now would keep all others waiting who write to that disk.
    "fdatasync": 0,
    "fsync": 0,
    "msync": 0,
    # Taking a file out of the system's memory and seeing when it is there again tells what other processes read.
    "fadvise64": 0,
    # Nobody else is at the cells' own files, and nobody is to wait for those of the system and of Python.
    "flock": 0,
    # Copying a file asks for its extended attributes, and goes on where there are none of them.
    "flistxattr": errno.EOPNOTSUPP,
    "listxattr": errno.EOPNOTSUPP,
    "llistxattr": errno.EOPNOTSUPP,
}

_CLONE_THREAD_FLAGS = 0x3D0F00
"""CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM|SETTLS|PARENT_SETTID|CHILD_CLEARTID: pthread_create's (clone(2))."""
_CLONE_FORK_FLAGS = 0x1200011
"""CLONE_CHILD_SETTID|CHILD_CLEARTID, and SIGCHLD at the end: the C library's fork."""
_CLONE_DETACHED = 0x400000
"""Without meaning since Linux 2.6; musl still sets it."""
_O_TRUNC, _O_DSYNC = 0o1000, 0o10000
_SPECIAL_MODES = 0o7000
"""Set-user-id and its like: no file that one account of the host can run as another, in whatever folder."""
_AT_SYMLINK_FOLLOW = 0x400
_RWF_APPEND = 0x10
"""Not DSYNC and SYNC, which keep the disk, nor HIPRI, which keeps a processor, nor NOWAIT, which tells what of a file
the system has in memory, and so what other processes read."""
_SOCK_FLAGS = 0o2004000
"""SOCK_CLOEXEC|SOCK_NONBLOCK."""
_FIOCLEX, _FIONCLEX, _FIONBIO, _FIONREAD, _TCGETS, _TIOCGWINSZ = (
    0x5451,
    0x5450,
    0x5421,
    0x541B,
    0x5401,
    0x5413,
)
_F_SETFL, _O_ASYNC, _O_DIRECT = 4, 0x2000, 0x4000 | 0x10000
"""O_DIRECT of x86-64 and of aarch64; the other's is O_DIRECTORY there, which nobody sets. By O_ASYNC the kernel signals
processes; by O_DIRECT a pipe keeps each write apart, and the host reads one byte at a time (pipe(2))."""
_F_HARMLESS = (0, 1, 2, 3, 5, 36, 1030, 1032)
"""F_DUPFD, GETFD, SETFD, GETFL, GETLK, OFD_GETLK, DUPFD_CLOEXEC, GETPIPE_SZ.
Not among them: F_SETOWN, F_SETOWN_EX, F_SETSIG, F_NOTIFY and F_SETLEASE, by which the kernel signals processes."""
_F_LOCKS = (6, 7, 37, 38)
"""F_SETLK, SETLKW, OFD_SETLK, OFD_SETLKW."""
_RECEIVING, _SENDING = 0x2 | 0x40 | 0x100, 0x40 | 0x4000 | 0x8000
"""MSG_PEEK, DONTWAIT, WAITALL; MSG_DONTWAIT, NOSIGNAL, MORE. Not MSG_OOB: nobody needs it, kernel bugs came of it."""
_SOL_SOCKET = 1
_SO_HARMLESS = (3, 4, 7, 8, 38, 39)
"""SO_TYPE, ERROR, SNDBUF, RCVBUF, PROTOCOL, DOMAIN. Not SO_PEERPIDFD, a handle on the process at the other end."""
_MAP_SHARED, _MAP_ANONYMOUS, _MAP_LOCKED, _MAP_HUGETLB = 0x1, 0x20, 0x2000, 0x40000
"""HUGETLB is a pool that the machine keeps for programs that cannot do without it, and what is LOCKED stays in memory
whoever needs it. Memory both SHARED and ANONYMOUS is a file without a name: its pages stay when all but one of them
are unmapped, and then no bound of a process counts them."""
_ADVICE = (0, 1, 2, 3, 4, 8, 10, 11, 14, 15, 16, 17, 18, 19)
"""MADV_NORMAL to DONTNEED, FREE, DONTFORK, DOFORK, HUGEPAGE, NOHUGEPAGE, DONTDUMP, DODUMP, WIPEONFORK, KEEPONFORK. Not
MERGEABLE, by which the time of a write tells what other processes have in memory, nor those that push pages out."""
_CLOCKS = 15
"""CLOCK_REALTIME to CLOCK_TAI. Higher and negative ids are processor clocks of other processes, and devices."""
_FUTEX_PRIVATE, _FUTEX_REALTIME = 128, 256
_FUTEX_HARMLESS = (0, 1, 3, 4, 5, 9, 10)
"""FUTEX_WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET. Not those that hand on priority: they
act on whatever thread the memory names, and kernel bugs have come of them time and again."""
_CLOSE_ON_EXEC = 4
"""Of close_range. Not UNSHARE: a thread with a table of descriptors of its own has a bound of its own on them, and what
it holds shows nowhere."""
_BARRIERS = (0, 8, 16)
"""MEMBARRIER_CMD_QUERY, PRIVATE_EXPEDITED and its registration. The others interrupt every processor there is."""
_PIPE_FLAGS = 0o2004000
"""O_CLOEXEC|O_NONBLOCK. Not O_NOTIFICATION_PIPE, a queue of the kernel's own events."""
_RLIMITS = (0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
"""All but RLIMIT_CORE: at 1 there is no core dump, at 0 there is one where dumps are piped to a program (core(5))."""
_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA = 15, 16, 0x53564D41
_SIGNALS = ((~15, 0), (~1, 16), (~0, 18), (~0, 23), (~7, 24), (~31, 32), (~0, 64))
"""As (mask, value): 0 to 18, 23 and upwards. Not SIGSTOP, TSTP, TTIN and TTOU, 19 to 22: a process that stops itself
says nothing and ends by nothing, so that the next one who asks it for something waits as long as may be."""


def _one_of(place: int, values: tuple[int, ...]) -> Alternatives:
    return tuple((Arg(place, INT, value),) for value in values)


def _sent(*first: Arg) -> Alternatives:
    """A signal that stops nobody."""
    return tuple((*first, Arg(2, INT & mask, value)) for mask, value in _SIGNALS)


def _opening(flags: int) -> Alternatives:
    """Truncating needs a descriptor for writing; before its third version Landlock did not see to that. No write is to
    wait for the disk (O_DSYNC, O_SYNC, which comprises it, and O_DIRECT), and no read is to make it busy every time."""
    kinds = ((_O_TRUNC, 0), (1, 1), (2, 2))
    plain = Arg(flags + 1, _SPECIAL_MODES, 0)
    return tuple((Arg(flags, bits | _O_DSYNC | DIRECT, value), plain) for bits, value in kinds)


CHECKED: dict[str, Alternatives] = {
    "clock_getres": ((Arg(0, INT & ~_CLOCKS, 0),),),
    "clock_gettime": ((Arg(0, INT & ~_CLOCKS, 0),),),
    "clock_nanosleep": ((Arg(0, INT & ~_CLOCKS, 0),),),
    "clone": ((Arg(0, LONG & ~_CLONE_DETACHED, _CLONE_THREAD_FLAGS),),),
    "close_range": ((Arg(2, INT & ~_CLOSE_ON_EXEC, 0),),),
    "fcntl": (
        *_one_of(1, _F_HARMLESS),
        (Arg(1, INT, _F_SETFL), Arg(2, _O_ASYNC | _O_DIRECT, 0)),
    ),
    "futex": tuple((Arg(1, INT & ~(_FUTEX_PRIVATE | _FUTEX_REALTIME), op),) for op in _FUTEX_HARMLESS),
    "get_robust_list": ((Arg(0, INT, 0),),),
    "getsockopt": tuple((Arg(1, INT, _SOL_SOCKET), Arg(2, INT, name)) for name in _SO_HARMLESS),
    "ioctl": _one_of(1, (_FIOCLEX, _FIONCLEX, _FIONBIO, _FIONREAD, _TCGETS, _TIOCGWINSZ)),
    # Landlock lets files be linked within the scratch folder only; by descriptor alone is another matter.
    "linkat": ((Arg(4, INT & ~_AT_SYMLINK_FOLLOW, 0),),),
    "madvise": _one_of(2, _ADVICE),
    "membarrier": tuple((Arg(0, INT, command), Arg(1, INT, 0)) for command in _BARRIERS),
    "mmap": tuple(
        (Arg(3, _MAP_HUGETLB | _MAP_LOCKED | either, 0),) for either in (_MAP_SHARED, _MAP_ANONYMOUS)
    ),
    "open": _opening(1),
    "openat": _opening(2),
    "pipe2": ((Arg(1, INT & ~_PIPE_FLAGS, 0),),),
    "prctl": _one_of(0, (_PR_SET_NAME, _PR_GET_NAME, _PR_SET_VMA)),
    "prlimit64": tuple(
        (Arg(0, INT, 0), change) for change in (Arg(2, LONG, 0), *(Arg(1, INT, limit) for limit in _RLIMITS))
    ),
    "preadv2": ((Arg(5, INT, 0),),),
    "pwritev2": ((Arg(5, INT & ~_RWF_APPEND, 0),),),
    # An unconnected or datagram socket could be given an address; a connected stream cannot (unix(7)).
    "socketpair": ((Arg(0, INT, 1), Arg(1, INT & ~_SOCK_FLAGS, 1)),),
    "recvfrom": ((Arg(3, INT & ~_RECEIVING, 0),),),
    "recvmsg": ((Arg(2, INT & ~_RECEIVING, 0),),),
    "sendto": ((Arg(4, LONG, 0), Arg(3, INT & ~_SENDING, 0)),),
    "sched_getaffinity": ((Arg(0, INT, 0),),),
    "tgkill": _sent(Arg(0, INT, SELF)),
}

UNDONE: dict[str, Alternatives] = {"fcntl": _one_of(1, _F_LOCKS)}
"""Calls that succeed without doing anything. A lock takes memory of the kernel's that nothing bounds; see `flock`."""

ASKED: dict[str, Alternatives] = {
    "clone": ((Arg(0, LONG, _CLONE_FORK_FLAGS),),),
    "tgkill": _sent(),
}
"""Calls that the host is asked about, one by one (SECCOMP_RET_USER_NOTIF): a fork, which it grants where it has just
ordered one, and a signal to a thread, which it grants where the thread is the caller's own. A filter alone cannot tell:
copies of a process share its filter and differ in their ids. Where the host cannot be asked, the rules above hold."""
