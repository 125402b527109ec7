"""A process after lock-down: what it proves of itself, what it still can do, and what it cannot."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from distill_core.isolation import bubblewrap
from distill_core.isolation.inside.policy import Paths
from distill_core.isolation.reach import reach

from . import accounts

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's"
)

_INSIDE = Path("distill_core", "isolation")
_CHILD = Path("tests", "distill_core", "isolation", "locked_child.py")


class Outcome(NamedTuple):
    """What came of a locked process."""

    level: str
    probes: dict[str, bool]
    problem: str | None
    output: str
    status: int


class Place:
    """A scratch folder for the child, and a file of the host beside it."""

    def __init__(self, account: str, level: str, folder: Path) -> None:
        self.account, self.level = accounts.account(account), level
        self.inside, self.child = self.account.repository / _INSIDE, self.account.repository / _CHILD
        self.scratch, self.witness = folder / "scratch", folder / "witness"
        self.scratch.mkdir()
        self.witness.write_text("CANARY-witness")
        if self.account.prefix:
            for path in (folder, self.scratch, self.witness):
                os.chown(path, accounts.NOBODY, accounts.NOBODY)

    def run(self, program: str, *, threads: int | None = 64) -> Outcome:
        """Lock a process down and let it run `program`."""
        command = self.account.command
        inside = bubblewrap.SCRATCH if self.level == "strong" else str(self.scratch)
        paths = _paths(self.account, inside)
        settings = {
            "paths": paths,
            "witness": str(self.witness),
            "host": os.getpid(),
            "threads": threads,
            "address_bytes": 1 << 30,
            "forbidden_bytes": 2 << 30,
        }
        child = [
            "-s",
            "-S",
            str(self.child),
            str(self.inside),
            json.dumps(settings),
            textwrap.dedent(program),
        ]
        if self.level == "strong":
            command = _in_namespaces(self.account, child, Paths(*map(tuple, paths)))
        else:
            command = [*command, *child]
        ended = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.scratch,
            env={"PATH": os.defpath, "HOME": inside, "TMPDIR": inside, "LC_ALL": "C.UTF-8"},
            timeout=60,
        )
        first, _, rest = ended.stdout.partition("\n")
        assert first.startswith("["), ended.stderr
        level, probes, problem, _ = json.loads(first)
        return Outcome(
            level, {name: shut for name, shut, _ in probes}, problem, rest + ended.stderr, ended.returncode
        )


def _in_namespaces(account: accounts.Account, child: list[str], paths: Paths) -> list[str]:
    """The command by way of bubblewrap, made by the account that runs it."""
    bwrap = bubblewrap.found()
    if bwrap is None:
        pytest.skip("level strong takes bubblewrap")
    repository = account.repository
    with accounts.seen_from(account):
        return [
            *account.prefix,
            *bubblewrap.wrapped(
                bwrap,
                [_executable(account.command), *child],
                paths,
                code=[str(repository / _INSIDE / "inside"), str(repository / _CHILD)],
                scratch_bytes=64 << 20,
            ),
        ]


def _executable(command: list[str]) -> str:
    code = "import os; print(os.readlink('/proc/self/exe'))"
    return subprocess.run([*command, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def _paths(account: accounts.Account, scratch: str) -> list[list[str]]:
    """What the interpreter of this account needs, as it says itself: it may be another than that of the tests."""
    if not account.prefix:
        return [list(group) for group in reach((), (), scratch)]
    code = (
        "import sys, json; from distill_core.isolation.reach import reach; "
        "print(json.dumps(reach((), (), sys.argv[1])))"
    )
    asked = subprocess.run(
        [*account.command, "-c", code, scratch],
        capture_output=True,
        text=True,
        check=True,
        cwd=account.repository,
        env=account.environment,
    )
    paths: list[list[str]] = json.loads(asked.stdout)
    return paths


@pytest.fixture(params=["root-good", "user-good", "root-strong", "user-strong"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="distill-test-"))  # not pytest's own folder: nobody may enter that
    account, level = request.param.split("-")
    yield Place(account, level, folder)
    shutil.rmtree(folder)


def test_the_level_is_proven_and_nothing_is_left_of_the_proof(place: Place) -> None:
    outcome = place.run("print('alive')")
    assert outcome.problem is None
    still_open = [name for name, shut in outcome.probes.items() if not shut]
    assert still_open == ([] if place.level == "strong" else ["see a file of the host"])
    assert outcome.level == place.level
    assert outcome.output == "alive\n"
    assert place.witness.read_text() == "CANARY-witness"
    assert sorted(path.name for path in place.witness.parent.iterdir()) == ["scratch", "witness"]


def test_the_standard_library_goes_on_working(place: Place) -> None:
    outcome = place.run("""
        import asyncio, concurrent.futures, csv, ctypes, datetime, decimal, hashlib, lzma, random, re, sqlite3, ssl
        import statistics, subprocess, tempfile, urllib.request, uuid, xml.etree.ElementTree, zipfile, zoneinfo, os
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(abs, range(100))) == 4950
        async def later():
            await asyncio.sleep(0.001)
            return await asyncio.to_thread(lambda: 7)
        assert asyncio.run(later()) == 7
        with tempfile.TemporaryDirectory() as folder:
            with open(folder + "/x", "w") as file: file.write("x")
            os.rename(folder + "/x", folder + "/y")
            base = sqlite3.connect(folder + "/base")
            base.execute("create table t (a)"); base.commit(); base.close()
        with tempfile.NamedTemporaryFile() as file: file.write(b"x")
        assert zoneinfo.ZoneInfo("Europe/Berlin")
        assert hashlib.sha256(b"").hexdigest().startswith("e3b0")
        assert ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 5)() == 5
        print(uuid.uuid4().version, datetime.datetime.now().year > 2000)
    """)
    assert outcome.output == "4 True\n"
    assert outcome.status == 0


DOORS = {
    "read": "open(witness).read()",
    "read through the parent folder": "open('../witness').read()",
    "write": "open(witness, 'w')",
    "append": "open(witness, 'a')",
    "truncate": "__import__('os').truncate(witness, 0)",
    "truncate what may be read": "__import__('os').open(__import__('os').__file__, 512)",
    "remove": "__import__('os').unlink(witness)",
    "rename": "__import__('os').rename(witness, witness + '2')",
    "rename into scratch": "__import__('os').rename(witness, 'w')",
    "hard link": "__import__('os').link(witness, 'w')",
    "symbolic link": "__import__('os').symlink(witness, 'w') or open('w').read()",
    "mode": "__import__('os').chmod(witness, 0)",
    "mode of a library": "__import__('os').chmod(__import__('os').__file__, 0)",
    "owner": "__import__('os').chown(witness, 0, 0)",
    "times": "__import__('os').utime(witness, (0, 0))",
    "attributes": "__import__('os').setxattr(witness, 'user.x', b'x')",
    "list": "__import__('os').listdir(__import__('os').path.dirname(witness))",
    "processes": "__import__('os').listdir('/proc')",
    "own files": "__import__('os').listdir('/proc/self/fd')",
    "own memory": "open('/proc/self/mem', 'r+b')",
    "mounts": "open('/proc/self/mountinfo').read()",
    "shared memory": "__import__('os').listdir('/dev/shm')",
    "new shared memory": "open('/dev/shm/distill-probe', 'x')",
    "terminal": "open('/dev/tty')",
    "accounts": "open('/etc/passwd').read()",
    "other packages": "open(sorted(__import__('glob').glob(__import__('os').__file__[:-5] + '*-packages/*.*'))[0])",
    "plant a module": "open(__import__('os').__file__ + '.new', 'x')",
    "change a module": "open(__import__('os').__file__, 'r+')",
    "internet socket": "__import__('socket').socket()",
    "datagram socket": "__import__('socket').socket(type=2)",
    "unix socket": "__import__('socket').socket(1)",
    "netlink socket": "__import__('socket').socket(16, 3)",
    "raw packets": "__import__('socket').socket(17, 3)",
    "datagram pair": "__import__('socket').socketpair(1, 2)",
    "signal": "__import__('os').kill(host, 0)",
    "signal all": "__import__('os').kill(-1, 0)",
    "signal the group": "__import__('os').killpg(0, 0)",
    "signal a process handle": "__import__('os').pidfd_open(host)",
    "leave the session": "__import__('os').setsid()",
    "niceness of the host": "__import__('os').setpriority(0, host, 19)",
    "processors of the host": "__import__('os').sched_setaffinity(host, {0})",
    "bounds of the host": "__import__('resource').prlimit(host, 7, (1, 1))",
    "fork": "__import__('os').fork()",
    "spawn": "__import__('os').posix_spawn('/bin/true', ['true'], {})",
    "subprocess": "__import__('subprocess').run(['true'])",
    "execute": "__import__('os').execv('/bin/true', ['true'])",
    "memory file": "__import__('os').memfd_create('x')",
    "become root": "__import__('os').setuid(0)",
    "become another": "__import__('os').setresuid(1, 1, 1)",
    "own signal from a descriptor": "__import__('fcntl').fcntl(1, 8, host)",
}  # fmt: skip


def test_every_one_of_these_is_refused(place: Place) -> None:
    outcome = place.run(f"""
        for name, attempt in {DOORS!r}.items():
            try:
                got = eval(attempt)
            except OSError:
                continue
            except IndexError:
                continue  # no other packages here
            print("OPEN", name, got)
        print("tried")
    """)
    assert outcome.output == "tried\n"
    assert outcome.status == 0
    assert place.witness.read_text() == "CANARY-witness"


def test_system_calls_that_have_no_business_here_are_refused(place: Place) -> None:
    outcome = place.run("""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        known = {'x86_64': 0, 'aarch64': 1}[os.uname().machine]
        calls = {'io_uring_setup': (425, 425), 'bpf': (321, 280), 'ptrace': (101, 117), 'keyctl': (250, 219),
                 'userfaultfd': (323, 282), 'perf_event_open': (298, 241), 'process_vm_readv': (310, 270),
                 'mount': (165, 40), 'unshare': (272, 97), 'setns': (308, 268), 'open_by_handle_at': (304, 265),
                 'seccomp': (317, 277), 'clone3': (435, 435), 'fsopen': (430, 430), 'personality': (135, 92),
                 'sendmsg': (46, 211), 'memfd_secret': (447, 447), 'inotify_init1': (294, 26), 'unknown': (2047, 2047)}
        for name, numbers in calls.items():
            ctypes.set_errno(0)
            result = libc.syscall(numbers[known], 0, 0, 0, 0, 0)
            if result >= 0 or ctypes.get_errno() not in (1, 38):
                print('OPEN', name, result, ctypes.get_errno())
        print('tried')
    """)
    assert outcome.output == "tried\n"


def test_threads_are_bounded_whatever_their_stack(place: Place) -> None:
    outcome = place.run(
        """
        import threading
        threading.stack_size(32768)
        release = threading.Event()
        count = 0
        try:
            while count < 2000:
                threading.Thread(target=release.wait).start()
                count += 1
        except RuntimeError:
            pass
        release.set()
        print(count < 64)
        """,
        threads=64,
    )
    assert outcome.output == "True\n"


def test_the_process_may_abort_itself(place: Place) -> None:
    # The first process of a namespace can ignore SIGABRT; the C library then makes it fault.
    assert place.run("import os; os.abort()").status in (-6, 128 + 11)


def test_a_call_of_another_machine_kills(place: Place) -> None:
    if os.uname().machine != "x86_64":
        pytest.skip("int 0x80 is x86's")
    outcome = place.run("""
        import ctypes, mmap
        page = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, 7)
        page.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')  # mov eax, 20 (getpid of i386); int 0x80; ret
        address = ctypes.addressof(ctypes.c_char.from_buffer(page))
        print('OPEN', ctypes.CFUNCTYPE(ctypes.c_int)(address)())
    """)
    assert "OPEN" not in outcome.output
    assert outcome.status in (-31, 128 + 31)  # SIGSYS


def test_abstract_sockets_are_out_of_reach(place: Place) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("\0distill-test-" + str(os.getpid()))
        listener.listen()
        listener.setblocking(False)
        outcome = place.run(f"""
            import socket
            a, b = socket.socketpair()
            for attempt in (lambda: a.connect('\\0distill-test-{os.getpid()}'),
                            lambda: a.sendto(b'x', '\\0distill-test-{os.getpid()}'),
                            lambda: a.sendmsg([b'x'], [], 0, '\\0distill-test-{os.getpid()}')):
                try:
                    attempt()
                except OSError:
                    continue
                print('OPEN')
        """)
        assert outcome.output == ""
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_process_with_threads_is_not_taken_for_locked(place: Place) -> None:
    """What is given up is given up thread by thread, so the level must be none."""
    code = (
        "import threading, sys, runpy; threading.Thread(target=threading.Event().wait, daemon=True).start(); "
        "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0])"
    )
    settings = {
        "paths": [[], [], [], []],
        "witness": str(place.witness),
        "host": os.getpid(),
        "threads": None,
        "address_bytes": None,
        "forbidden_bytes": None,
    }  # fmt: skip
    ended = subprocess.run(
        [*place.account.command, "-s", "-S", "-c", code, str(place.child), str(place.inside), json.dumps(settings), ""],
        capture_output=True, text=True, timeout=60, env={}, cwd=place.scratch,
    )  # fmt: skip
    level, _, problem, _ = json.loads(ended.stdout.partition("\n")[0])
    assert level == "none"
    assert "one thread" in problem
