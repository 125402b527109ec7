"""The compiled filter: the same as libseccomp makes of the same policy, and what it must refuse."""

from __future__ import annotations

import errno
import random
import signal
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest

from distill_core.isolation.inside import bpf
from distill_core.isolation.inside.machines import MACHINES, NUMBERS
from distill_core.isolation.inside.policy import ALLOWED, CHECKED, DIRECT, REFUSED_AS, SELF, UNDONE, Arg

from .interpreter import Instruction, instructions, run

PID = 4321
ALLOW, EPERM, ENOSYS = bpf.ALLOW, bpf.refuse(errno.EPERM), bpf.refuse(errno.ENOSYS)
CLONE_THREAD = 0x3D0F00


def _filter(machine: str = "x86_64") -> list[Instruction]:
    return instructions(bpf.packed(bpf.compiled(machine, PID)))


def _ask(name: str, *args: int, machine: str = "x86_64") -> int:
    known = MACHINES[machine]
    number = NUMBERS[name][known.column]
    assert number is not None
    return run(_filter(machine), known.token, number, args)


def test_every_call_has_exactly_one_rule_and_a_number() -> None:
    groups = [ALLOWED, set(CHECKED), set(REFUSED_AS)]
    assert sum(map(len, groups)) == len(set.union(*map(set, groups)))
    assert set(NUMBERS) == set.union(*map(set, groups))
    assert all(numbers[0] is not None for numbers in NUMBERS.values())


FORBIDDEN = (
    "execve execveat fork vfork socket connect bind listen accept accept4 sendmsg sendmmsg recvmmsg kill "
    "tkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_open pidfd_send_signal pidfd_getfd memfd_create "
    "memfd_secret ptrace process_vm_readv process_vm_writev process_madvise process_mrelease "
    "io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key bpf userfaultfd "
    "perf_event_open mount umount2 move_mount open_tree fsopen fsmount fsconfig mount_setattr pivot_root "
    "chroot setns unshare open_by_handle_at name_to_handle_at kexec_load init_module finit_module "
    "delete_module personality modify_ldt iopl ioperm seccomp setuid setgid setreuid setresuid setgroups "
    "capset setrlimit setsid setpgid setpriority ioprio_set sched_setaffinity sched_setscheduler "
    "sched_setattr migrate_pages move_pages mbind kcmp chmod fchmod fchmodat chown lchown fchown fchownat "
    "utime utimes utimensat futimesat setxattr lsetxattr fsetxattr removexattr mknod mknodat "
    "truncate creat inotify_init inotify_init1 inotify_add_watch fanotify_init shmget shmat msgget semget "
    "mq_open reboot swapon syslog acct quotactl sethostname settimeofday clock_settime adjtimex "
    "timer_create signalfd4 vmsplice splice tee setsockopt arch_prctl landlock_create_ruleset "
    "epoll_create epoll_ctl epoll_wait epoll_pwait epoll_pwait2 "
)


@pytest.mark.parametrize("name", FORBIDDEN.split())
def test_dangerous_calls_have_no_rule(name: str) -> None:
    assert name not in NUMBERS


def test_another_machine_kills_and_x32_is_refused() -> None:
    program = _filter()
    assert run(program, MACHINES["aarch64"].token, 0) == bpf.KILL
    assert run(program, 0x40000003, 0) == bpf.KILL  # 32-bit x86, reached by int 0x80
    for number in (0x40000000, 0x40000000 + 41, 0x7FFFFFFF, 0xFFFFFFFF):
        assert run(program, MACHINES["x86_64"].token, number) == EPERM


def test_a_machine_without_a_table_gets_no_filter() -> None:
    with pytest.raises(LookupError, match="riscv64"):
        bpf.compiled("riscv64", PID)


@pytest.mark.parametrize("machine", MACHINES)
def test_threads_may_be_made_and_processes_not(machine: str) -> None:
    def ask(*args: int) -> int:
        return _ask("clone", *args, machine=machine)

    assert ask(CLONE_THREAD) == ALLOW
    assert ask(CLONE_THREAD | 0x400000) == ALLOW
    for flags in (
        17,
        0x01200011,
        0x4111,
        CLONE_THREAD & ~0x10000,
        CLONE_THREAD | 0x20000000,
        CLONE_THREAD | 1 << 32,
    ):
        assert ask(flags) == EPERM
    for namespace in (0x20000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x80):
        assert ask(CLONE_THREAD | namespace) == EPERM
    assert _ask("clone3", machine=machine) == ENOSYS


def test_fcntl_signals_nobody() -> None:
    for harmless in (0, 1, 2, 3, 5, 36, 1030):
        assert _ask("fcntl", 5, harmless) == ALLOW
    assert _ask("fcntl", 5, 4, 0o4000) == ALLOW
    for signalling in (8, 9, 10, 11, 15, 1024, 1026, 1031, 1033):
        assert _ask("fcntl", 5, signalling, 1) == EPERM
    assert _ask("fcntl", 5, 4, 0o4000 | 0x2000) == EPERM
    assert _ask("fcntl", 5, 4 | 1 << 32, 0x2000) == EPERM, (
        "the kernel drops the upper half of a 32-bit argument"
    )


def test_locks_are_granted_and_nobody_waits_for_them() -> None:
    assert _ask("flock", 3, 2) == bpf.refuse(0)
    for locking in (6, 7, 37, 38, 6 | 1 << 32):
        assert _ask("fcntl", 3, locking) == bpf.refuse(0)
    assert set(UNDONE) <= set(CHECKED)


def test_memory_is_private_or_a_file_s() -> None:
    for flags in (0x22, 0x4022, 0x122, 0x1, 0x2, 0x3, 0x8001, 0x802):
        assert _ask("mmap", 0, 4096, 3, flags) == ALLOW
    for flags in (0x21, 0x23, 0x4021, 0x2022, 0x2002, 0x2001, 0x40022, 0x40002):
        assert _ask("mmap", 0, 4096, 3, flags) == EPERM


def test_nothing_is_watched_at_the_kernel_s_expense() -> None:
    assert _ask("epoll_create1") == ENOSYS


def test_ioctl_reaches_no_terminal() -> None:
    assert _ask("ioctl", 0, 0x5401) == ALLOW
    for dangerous in (0x5412, 0x541C, 0x5412 | 1 << 32, 0x5422, 0x8901, 0x4B3A):
        assert _ask("ioctl", 0, dangerous) == EPERM


def test_other_processes_are_out_of_reach() -> None:
    assert _ask("prlimit64", 0) == ALLOW
    assert _ask("prlimit64", PID) == EPERM
    assert _ask("prlimit64", 1) == EPERM
    assert _ask("tgkill", PID, PID, 6) == ALLOW
    for other in (1, PID + 1, 0, 0xFFFFFFFF):
        assert _ask("tgkill", other, other, 9) == EPERM


def test_a_process_does_not_stop_itself() -> None:
    for number in range(66):
        held = number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU) or number > 64
        assert _ask("tgkill", PID, PID, number) == (EPERM if held else ALLOW)


def test_bounds_can_be_set_but_for_the_one_on_core_dumps() -> None:
    assert _ask("prlimit64", 0, 4, 0) == ALLOW
    assert _ask("prlimit64", 0, 2, 0x7F0000000000) == ALLOW
    assert _ask("prlimit64", 0, 4, 0x7F0000000000) == EPERM
    assert _ask("prlimit64", 0, 4 | 1 << 32, 0x1000) == EPERM


def test_descriptors_of_all_threads_are_in_one_table() -> None:
    for flags in (0, 4):
        assert _ask("close_range", 3, 900, flags) == ALLOW
    for flags in (1, 2, 6, 8, 2 | 1 << 32):
        assert _ask("close_range", 3, 900, flags) == EPERM


def test_pipes_are_pipes_and_barriers_are_its_own() -> None:
    assert _ask("pipe2", 0, 0o2004000) == ALLOW
    for flags in (0x80, 0o40000, 0o2):
        assert _ask("pipe2", 0, flags) == EPERM
    for command in (0, 8, 16):
        assert _ask("membarrier", command, 0) == ALLOW
        assert _ask("membarrier", command, 1) == EPERM
    for command in (1, 2, 4, 32, 128):
        assert _ask("membarrier", command, 0) == EPERM


def test_clocks_are_no_window_on_other_processes() -> None:
    for name in ("clock_gettime", "clock_getres", "clock_nanosleep"):
        for clock in range(12):
            assert _ask(name, clock) == ALLOW
        for pid in (1, PID, PID + 1):
            assert _ask(name, (~pid << 3 | 2) & 0xFFFFFFFF) == EPERM
            assert _ask(name, (~pid << 3 | 2) & 0xFFFFFFFFFFFFFFFF) == EPERM


def test_futexes_hand_on_no_priority() -> None:
    for operation in (0, 1, 9 | 128, 9 | 256 | 128, 10 | 128):
        assert _ask("futex", 0x1000, operation) == ALLOW
    for operation in (2, 6, 7, 8, 11, 12, 13, 6 | 128, 11 | 128 | 256, 13 | 1 << 32):
        assert _ask("futex", 0x1000, operation) == EPERM


def test_disk_space_is_taken_by_writing_only() -> None:
    assert _ask("fallocate") == bpf.refuse(errno.EOPNOTSUPP)


def test_no_write_waits_for_the_disk_and_nobody_has_to_wait_for_ours() -> None:
    for name in ("fsync", "fdatasync", "msync"):
        assert _ask(name, 3) == bpf.refuse(0)
    for flags in (0o10000, 0o4010000):
        assert _ask("openat", 0, 0, 0o101 | flags) == EPERM
        assert _ask("openat", 0, 0, flags) == EPERM
    assert _ask("pwritev2", 3, 0, 0, 0, 0, 0x10) == ALLOW
    for machine, direct, directory in (("x86_64", 0x4000, 0x10000), ("aarch64", 0x10000, 0x4000)):
        assert _ask("openat", 0, 0, direct, machine=machine) == EPERM
        assert _ask("openat", 0, 0, 2 | direct, machine=machine) == EPERM
        assert _ask("openat", 0, 0, directory, machine=machine) == ALLOW
    for flags in (1, 2, 4, 6, 0x80):
        assert _ask("pwritev2", 3, 0, 0, 0, 0, flags) == EPERM
        assert _ask("preadv2", 3, 0, 0, 0, 0, flags) == EPERM


def test_what_others_read_does_not_show() -> None:
    assert _ask("preadv2", 3, 0, 0, 0, 0, 0) == ALLOW
    assert _ask("preadv2", 3, 0, 0, 0, 0, 8) == EPERM, "RWF_NOWAIT"
    assert _ask("fadvise64", 3, 0, 0, 4) == bpf.refuse(0)
    assert not {"mincore", "cachestat", "readahead"} & set(NUMBERS)


def test_sockets_lead_nowhere() -> None:
    assert _ask("socketpair", 1, 1 | 0o2004000, 0) == ALLOW
    assert _ask("socketpair", 1, 2, 0) == EPERM, "a datagram socket could be given an address"
    assert _ask("socketpair", 2, 1, 0) == EPERM
    assert _ask("sendto", 3, 1, 1, 0, 0, 0) == ALLOW
    assert _ask("sendto", 3, 1, 1, 0, 0x7F0000000000, 16) == EPERM
    assert _ask("sendto", 3, 1, 1, 1, 0, 0) == EPERM, "urgent data"
    assert _ask("recvfrom", 3, 1, 1, 0x42, 0, 0) == ALLOW
    assert _ask("recvfrom", 3, 1, 1, 1, 0, 0) == EPERM
    assert _ask("getsockopt", 3, 1, 3) == ALLOW
    assert _ask("getsockopt", 3, 1, 77) == EPERM


def test_prctl_names_threads_and_nothing_else() -> None:
    assert _ask("prctl", 15) == ALLOW
    for option in (1, 4, 8, 22, 24, 28, 38, 47, 59, 0x59616D61):
        assert _ask("prctl", option) == EPERM


def test_a_file_opened_for_reading_is_not_truncated() -> None:
    assert _ask("openat", 0, 0, 0o1000) == EPERM
    assert _ask("openat", 0, 0, 0o1101) == ALLOW
    assert _ask("openat", 0, 0, 0o1002) == ALLOW
    assert _ask("openat", 0, 0, 0) == ALLOW


def test_no_file_is_made_that_runs_as_somebody_else() -> None:
    for name, place in (("open", 1), ("openat", 2)):
        assert _ask(name, *[0] * place, 0o101, 0o777) == ALLOW
        for mode in (0o4755, 0o2755, 0o1777, 0o4755 | 1 << 32):
            assert _ask(name, *[0] * place, 0o101, mode) == EPERM


def test_a_link_takes_two_names() -> None:
    assert _ask("linkat", 0xFFFFFF9C, 0, 0xFFFFFF9C, 0, 0) == ALLOW
    assert _ask("linkat", 0xFFFFFF9C, 0, 0xFFFFFF9C, 0, 0x400) == ALLOW
    assert _ask("linkat", 5, 0, 0xFFFFFF9C, 0, 0x1000) == EPERM, (
        "AT_EMPTY_PATH names a file by its descriptor"
    )


@pytest.mark.parametrize("machine", MACHINES)
def test_forks_and_signals_are_put_to_the_host_and_all_else_is_as_ever(machine: str) -> None:
    known = MACHINES[machine]
    asked = instructions(bpf.packed(bpf.asked(machine)))
    plain, asking = (
        instructions(bpf.packed(bpf.compiled(machine, PID, asking=asking))) for asking in (False, True)
    )
    fork = 0x1200011
    for name, numbers in NUMBERS.items():
        if (number := numbers[known.column]) is None:
            continue
        for args in [*_interesting(name), [fork, 0, 0, 0, 0, 0], [fork | 1 << 32, 0, 0, 0, 0, 0]]:
            sent = name == "tgkill" and args[2] & 0xFFFFFFFF in {*range(65)} - {*range(19, 23)}
            put = sent or (name == "clone" and args[0] == fork)
            assert run(asked, known.token, number, args) == (bpf.ASK if put else ALLOW)
            assert run(asking, known.token, number, args) == (
                ALLOW if put else run(plain, known.token, number, args)
            )
    assert run(asked, 0, 0) == ALLOW
    assert run(asking, 0, 0) == bpf.KILL


@pytest.fixture(scope="module")
def seccomp() -> Any:
    if not sys.platform.startswith("linux"):
        pytest.skip("libseccomp is Linux's")
    try:
        import pyseccomp  # type: ignore[import-untyped]
    except (ImportError, RuntimeError) as error:  # RuntimeError: libseccomp itself is not there
        pytest.skip(f"needs libseccomp: {error}")
    return pyseccomp


def _by_libseccomp(seccomp: Any, machine: str) -> list[Instruction]:
    arch = {"x86_64": seccomp.Arch.X86_64, "aarch64": seccomp.Arch.AARCH64}[machine]
    made = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    made.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
    if arch != seccomp.system_arch():
        made.add_arch(arch)
        made.remove_arch(seccomp.system_arch())
    for name, numbers in NUMBERS.items():
        if numbers[MACHINES[machine].column] is None:
            continue
        if name in ALLOWED:
            made.add_rule(seccomp.ALLOW, name)
        elif name in REFUSED_AS:
            made.add_rule(seccomp.ERRNO(REFUSED_AS[name]), name)
        for alternative in UNDONE.get(name, ()):
            made.add_rule(seccomp.ERRNO(0), name, *(_condition(seccomp, machine, arg) for arg in alternative))
        for alternative in CHECKED.get(name, ()):
            made.add_rule(seccomp.ALLOW, name, *(_condition(seccomp, machine, arg) for arg in alternative))
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return instructions(file.read())


def _condition(seccomp: Any, machine: str, arg: Arg) -> Any:
    value = PID if arg.value == SELF else arg.value
    mask = arg.mask ^ DIRECT | MACHINES[machine].direct if arg.mask & DIRECT else arg.mask
    return seccomp.Arg(arg.place, seccomp.MASKED_EQ, mask, value)


@pytest.mark.parametrize("machine", MACHINES)
def test_numbers_are_those_of_libseccomp(seccomp: Any, machine: str) -> None:
    arch = {"x86_64": seccomp.Arch.X86_64, "aarch64": seccomp.Arch.AARCH64}[machine]
    for name, numbers in NUMBERS.items():
        resolved = seccomp.resolve_syscall(arch, name)
        assert numbers[MACHINES[machine].column] == (resolved if resolved >= 0 else None), name


def _interesting(name: str) -> Iterator[list[int]]:
    """Arguments at and around all that the policy compares with, and some at random."""
    choice = random.Random(name)
    values = {0, 1, 2, 17, PID, 0xFFFFFFFF, 1 << 32, (1 << 64) - 1}
    for alternative in (*CHECKED.get(name, ()), *UNDONE.get(name, ())):
        for arg in alternative:
            value = PID if arg.value == SELF else arg.value
            values |= {
                value,
                value ^ 1,
                value | 1 << 32,
                value | 0x2000,
                value | 0x1000,
                value | 0x4000,
                value | 0x10000,
                value | 0x80000,
                value & ~0x10000,
            }
    pool = sorted(values)
    for _ in range(300 if name in CHECKED else 3):
        yield [choice.choice(pool) if choice.random() < 0.9 else choice.getrandbits(64) for _ in range(6)]


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_does_what_libseccomp_makes_of_the_same_policy(seccomp: Any, machine: str) -> None:
    ours, theirs = _filter(machine), _by_libseccomp(seccomp, machine)
    known = MACHINES[machine]
    name_of = {numbers[known.column]: name for name, numbers in NUMBERS.items()}
    for number in range(600):
        for args in _interesting(name_of.get(number, "")):
            assert run(ours, known.token, number, args) == run(theirs, known.token, number, args), (
                number,
                args,
            )
    assert run(ours, 0, 0) == run(theirs, 0, 0) == bpf.KILL
