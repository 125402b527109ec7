"""Cells that go for the making of copies: forks that nobody ordered, and copies that misbehave."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.isolation.asking import Warden
from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL, ReplLimits
from distill_core.repl import family as families

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's"
)

LIMITS = ReplLimits(cell_seconds=5.0, grace_seconds=0.5)


@pytest.fixture(params=["good", "strong"])
def repl(request: pytest.FixtureRequest) -> Iterator[REPL]:
    if (reason := obstacle(request.param)) is not None:
        pytest.skip(f"level {request.param}: {reason}")
    with REPL("doc", worker=str.upper, limits=LIMITS, isolation=request.param) as made:
        assert made.without_checkpoints is None
        yield made


def family(repl: REPL) -> set[int]:
    """The processes of a REPL that its host knows."""
    ground = repl._repl._timeline._ground
    assert ground is not None
    return {node.process.pid for node in ground.family.nodes}


def session(repl: REPL) -> set[int]:
    """The processes of a REPL that there are, whoever knows them; ended ones that nobody has seen to included."""
    ground = repl._repl._timeline._ground
    assert ground is not None
    assert ground.family._child is not None
    return members(ground.family._child.group)


def members(leader: int) -> set[int]:
    """The processes of a session (proc(5), stat: the fourth field after the name)."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader:
                found.add(int(entry.name))
    return found


def status(pid: int) -> str:
    """The state of a process, as one letter."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def alive(pid: int) -> bool:
    """Whether a process runs, or could: what has ended and waits for init is gone."""
    try:
        return status(pid) not in "ZX"
    except OSError:
        return False


def strangers(repl: REPL) -> set[int]:
    """Processes of a REPL that its host does not know; bubblewrap itself apart."""
    ground = repl._repl._timeline._ground
    assert ground is not None
    assert ground.family._child is not None
    return session(repl) - family(repl) - {ground.family._child.group}


def settled(repl: REPL) -> bool:
    """Whether no stranger is left, soon."""
    until = time.monotonic() + 5
    while (left := strangers(repl)) and time.monotonic() < until:
        time.sleep(0.02)
    print("strangers:", {pid: Path(f"/proc/{pid}/stat").read_text() for pid in left})
    return not left


FORKS = {
    "fork": "os.fork()",
    "fork by the C library": "check(ctypes.CDLL(None).fork())",
    "vfork": "check(ctypes.CDLL(None, use_errno=True).syscall(58 if x86 else 220, 0x4111, 0, 0, 0, 0))",
    "clone like a fork": "check(ctypes.CDLL(None).syscall(56 if x86 else 220, 0x1200011, 0, 0, 0, 0))",
    "clone without an end": "check(ctypes.CDLL(None).syscall(56 if x86 else 220, 0, 0, 0, 0, 0))",
    "clone of memory": "check(ctypes.CDLL(None).syscall(56 if x86 else 220, 0x100 | 17, 0, 0, 0, 0))",
    "clone3": "check(ctypes.CDLL(None).syscall(435, bytes(88), 88))",
    "posix_spawn": "os.posix_spawn('/bin/true', ['true'], {})",
    "subprocess": "__import__('subprocess').run(['true'])",
    "multiprocessing": "__import__('multiprocessing').get_context('fork').Process(target=print).start()",
}
CHECK = """
import ctypes, os
x86 = os.uname().machine == 'x86_64'
def check(pid):
    if pid < 0: raise OSError(1, 'refused')
    if pid == 0: os._exit(0)
"""


@pytest.mark.parametrize("way", FORKS)
def test_no_fork_but_an_ordered_one(repl: REPL, way: str) -> None:
    repl.execute(CHECK)
    result = repl.execute(f"try: {FORKS[way]}\nexcept OSError: print('refused')\nelse: print('ESCAPED')")
    assert result.stdout == "refused\n", result.traceback
    assert settled(repl)


def lines(pid: int) -> set[str]:
    """The sockets that a process holds."""
    held = {str(fd.readlink()) for fd in Path(f"/proc/{pid}/fd").iterdir()}
    return {name for name in held if name.startswith("socket:")}


def test_a_frozen_copy_holds_nothing_of_the_line_of_its_original() -> None:
    with REPL("doc", isolation="none") as repl:
        for number in range(10):
            repl.execute(f"x = {number}")
            repl.checkpoint()
        timeline = repl._repl._timeline
        assert timeline._runner is not None
        assert timeline._shelf is not None
        kept = [kept.node.process.pid for kept in timeline._shelf]
        assert len(kept) == 11
        assert not lines(timeline._runner.process.pid) & set().union(*map(lines, kept))


def test_forks_without_end_are_refused_and_slowed_down(repl: REPL) -> None:
    repl.execute("x = 1")
    code = """
        import os, threading, time
        def fork():
            while True:
                try:
                    if os.fork() == 0: os._exit(0)
                    print('ESCAPED')
                except OSError: pass
        for _ in range(20): threading.Thread(target=fork, daemon=True).start()
        time.sleep(1)
        """
    result = repl.execute(textwrap.dedent(code), timeout=1)
    assert "ESCAPED" not in result.stdout
    assert repl.execute("print(x)").stdout == "1\n"
    assert settled(repl)


def test_signals_without_end_keep_neither_the_host_busy_nor_copies_from_being_made(
    repl: REPL, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered: list[int] = []
    granted = Warden._granted

    def counted(self: Warden, thread: int, number: int, arguments: list[int]) -> bool:
        answered.append(thread)
        return granted(self, thread, number, arguments)

    monkeypatch.setattr(Warden, "_granted", counted)
    code = """
        import ctypes, os, threading, time
        libc, number = ctypes.CDLL(None), 234 if os.uname().machine == 'x86_64' else 131
        def bother():
            own = os.getpid(), threading.get_native_id()
            while True: libc.syscall(number, *own, 0)
        for _ in range(20): threading.Thread(target=bother, daemon=True).start()
        time.sleep(1)
        """
    repl.execute(textwrap.dedent(code))
    for number in range(3):
        repl.execute(f"x = {number}")
    assert repl.checkpoint().index == 4
    assert 20 <= len(answered) < 10_000
    assert "as before it" in (repl.execute("os._exit(0)").traceback or "")
    assert repl.execute("print(x)").stdout == "2\n"


def test_a_thread_that_forks_in_the_moment_of_a_checkpoint_gets_no_process(repl: REPL) -> None:
    code = """
        import os, threading
        made = []
        def fork():
            for _ in range(100_000):
                try: pid = os.fork()
                except OSError: continue
                if pid == 0:
                    while True: pass
                made.append(pid)
        threading.Thread(target=fork, daemon=True).start()
        """
    repl.execute(textwrap.dedent(code))
    for number in range(5):
        assert repl.execute(f"x = {number}").status == "ok"
    assert repl.execute("print(made)").stdout == "[]\n"
    assert settled(repl)


HOOKS = {
    "a hook that fails before a fork": "os.register_at_fork(before=lambda: 1 / 0)",
    "a hook that fails in the copy": "os.register_at_fork(after_in_child=lambda: 1 / 0)",
    "a hook that leaves before a fork": "os.register_at_fork(before=lambda: os._exit(1))",
    "a hook that leaves in the copy": "os.register_at_fork(after_in_child=lambda: os._exit(1))",
    "a hook that closes everything in the copy": "os.register_at_fork(after_in_child=lambda: os.closerange(0, 4096))",
    "a hook that forks in the copy": "os.register_at_fork(after_in_child=lambda: [os.fork() for _ in range(9)])",
    "another fork": "os.fork = lambda: 4711",
    "another fork in the scaffold": """
import gc
for module in list(sys.modules.values()):
    if getattr(module, '_fork', None) is not None: module._fork = lambda: 4711""",
    "a scaffold that makes copies without end": """
real = os.fork
def forks():
    for _ in range(100):
        try:
            if real() == 0:
                while True: pass
        except OSError: pass
    return 4711
for module in list(sys.modules.values()):
    if getattr(module, '_fork', None) is not None: module._fork = forks""",
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host waits a shorter time for copies that never come."""
    monkeypatch.setattr(families, "_COPY_SECONDS", 1.0)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_cell_that_meddles_with_copying_harms_itself_only(repl: REPL, hook: str, impatient: None) -> None:
    repl.execute("x = 1")
    repl.checkpoint()
    assert repl.execute(f"import os, sys\n{HOOKS[hook]}").status == "ok"
    for _ in range(3):
        repl.execute("y = 2")
    assert repl.execute("print('alive', 6 * 7)").stdout == "alive 42\n"
    repl.rollback(0)
    assert repl.execute("print(context)").stdout == "doc\n"
    assert settled(repl)


@pytest.mark.parametrize("code", ["while True: pass", "import time\ntime.sleep(600)"])
@pytest.mark.timeout(120)
def test_a_copy_that_never_reports_ends_the_family_and_the_repl_goes_on(
    repl: REPL, code: str, impatient: None
) -> None:
    hook = f"import os\ndef hook():\n    {code.replace(chr(10), chr(10) + '    ')}\n"
    repl.execute(hook + "os.register_at_fork(after_in_child=hook)")
    result = repl.execute("print('alive', context)")
    assert result.stdout == "alive doc\n"
    assert result.restarted
    assert settled(repl)


def test_a_frozen_copy_does_not_run(repl: REPL) -> None:
    repl.execute("x = 1")
    repl.checkpoint()
    ground = repl._repl._timeline._ground
    assert ground is not None
    frozen = [node.process.pid for node in ground.family.nodes if node.frozen]
    assert len(frozen) == 1
    until = time.monotonic() + 10
    while (state := status(frozen[0])) != "T" and time.monotonic() < until:
        time.sleep(0.01)
    assert state == "T"


def test_copies_cannot_be_signalled_by_one_another(repl: REPL) -> None:
    repl.execute("x = 1")
    repl.checkpoint()
    code = """
        import ctypes, os, signal
        libc = ctypes.CDLL(None)
        number = 234 if os.uname().machine == 'x86_64' else 131
        hit = []
        for pid in range(1, 60):
            if pid != os.getpid() and libc.syscall(number, pid, pid, 0) == 0: hit.append(pid)
            try: os.kill(pid, 0); hit.append(pid)
            except OSError: pass
        for pid in (os.getppid(), -1, 0):
            try: os.kill(pid, 9); hit.append(pid)
            except OSError: pass
        print(hit)
        """
    assert repl.execute(textwrap.dedent(code)).stdout == "[]\n"


def test_a_process_may_signal_threads_of_its_own(repl: REPL) -> None:
    code = """
        import signal, threading
        got = []
        signal.signal(signal.SIGUSR1, lambda *a: got.append(1))
        signal.raise_signal(signal.SIGUSR1)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)
        print(got)
        """
    repl.execute("import os; os._exit(0)")
    assert repl.execute(textwrap.dedent(code)).stdout == "[1, 1]\n"


def test_bounds_of_other_processes_stay(repl: REPL) -> None:
    code = """
        import os, resource
        hit = []
        for pid in (1, os.getppid(), os.getpid() + 1, os.getpid() - 1):
            try: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)); hit.append(pid)
            except OSError: pass
        print(hit)
        """
    assert repl.execute(textwrap.dedent(code)).stdout == "[]\n"


def test_kept_states_that_hold_more_of_the_scratch_folder_than_it_may_hold_are_given_up() -> None:
    """Files without a name, held open by every state that is kept: no cell could run beside them."""
    if (reason := obstacle("good")) is not None:
        pytest.skip(reason)
    hold = "import os\nf{0} = open('f', 'wb', buffering=0); os.unlink('f'); f{0}.write(bytes(5 << 20))"
    with REPL("doc", isolation="good", limits=ReplLimits(scratch_bytes=8 << 20)) as repl:
        for number in range(3):
            repl.execute(hold.format(number))
            repl.checkpoint()
        repl.execute("import time; time.sleep(2)")
        for _ in range(3):
            assert (
                repl.execute("time = __import__('time'); time.sleep(0.6); print(context)").stdout == "doc\n"
            )


def test_words_of_a_copy_spoken_by_its_original_are_not_believed(repl: REPL) -> None:
    """A thread waits for the line of the copy that is being made, and speaks first."""
    code = """
        import os, stat, struct, threading, time
        body = b'{"op":"born"}'
        def speak():
            known = set()
            for fd in range(3, 64):
                try:
                    if stat.S_ISSOCK(os.fstat(fd).st_mode): known.add(fd)
                except OSError: pass
            while True:
                for fd in range(3, 64):
                    try:
                        if fd not in known and stat.S_ISSOCK(os.fstat(fd).st_mode):
                            os.write(fd, struct.pack('>I', len(body)) + body)
                    except OSError: pass
        for _ in range(4): threading.Thread(target=speak, daemon=True).start()
        """
    repl.execute("x = 1")
    repl.execute(textwrap.dedent(code))
    for _ in range(5):
        repl.execute("y = 1")
    assert repl.execute("print('alive', context)").stdout.endswith("alive doc\n")
    assert settled(repl)


def test_nothing_is_left_when_it_is_closed(repl: REPL) -> None:
    for number in range(20):
        repl.execute(f"x = {number}")
    forks = [repl.fork() for _ in range(3)]
    for fork in forks:
        fork.execute("y = 1")
    before = session(repl)
    assert len(before) > 20
    repl.close()
    for fork in forks:
        fork.close()
    assert not {pid: status(pid) for pid in before if Path(f"/proc/{pid}").exists()}


def test_no_zombie_is_left_at_rest(repl: REPL) -> None:
    for number in range(40):
        repl.execute(f"x = {number}" if number % 5 else "import os; os._exit(0)")
    with repl.fork() as other:
        other.execute("y = 1")
    repl.checkpoint()
    assert settled(repl)
    assert "Z" not in [status(pid) for pid in session(repl)]


HOST = """
import sys, threading, time
from distill_core.repl import REPL
repl = REPL("doc", worker=lambda p: time.sleep(600), isolation=sys.argv[1])
repl.__enter__()
for n in range(10): repl.execute(f"x = {n}")
forks = [repl.fork() for _ in range(3)]
for fork in forks[:2]: threading.Thread(target=fork.execute, args=("while True: pass", 600)).start()
print(repl._repl._timeline._ground.family._child.group, flush=True)
time.sleep(float(sys.argv[2]))
threading.Thread(target=repl.execute, args=("while True: pass", 600)).start()
time.sleep(600)
"""


@pytest.mark.parametrize("level", ["none", "good", "strong"])
@pytest.mark.parametrize("moment", [0.0, 0.05, 0.5])
def test_a_killed_host_leaves_no_process(level: str, moment: float) -> None:
    if (reason := obstacle(level)) is not None:
        pytest.skip(f"level {level}: {reason}")
    command = [sys.executable, "-c", HOST, level, str(moment)]
    host = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    leader = int(host.stdout.readline())
    threading.Event().wait(0.1 + moment)
    assert len(members(leader)) >= 15
    host.kill()
    host.wait()
    host.stdout.close()
    until = time.monotonic() + 2
    while (left := {pid for pid in members(leader) if alive(pid)}) and time.monotonic() < until:
        time.sleep(0.02)
    assert not left


HEARD_ELSEWHERE = """
from struct import pack
from distill_core.errors import ReplError
from distill_core.isolation.inside import bpf, kernel
import os
kernel.no_new_privileges()
kernel.install_asking_filter(bpf.packed([(0x06, 0, 0, bpf.ALLOW)]), os.uname().machine)
from distill_core.repl import REPL
with REPL("doc", isolation="good") as repl:
    print(repl.isolation, repl.checkpoints, repl.without_checkpoints)
    print(repl.execute("x = 1; print(context)").stdout)
    print(repl.execute("import os\\ntry: os.fork()\\nexcept OSError: print('refused')").stdout)
    result = repl.execute("os._exit(0)")
    print(result.restarted, result.restored, repl.execute("print('x' in globals(), context)").stdout)
    try: repl.fork()
    except ReplError as error: print(error)
"""


def test_where_the_host_cannot_be_asked_there_are_no_checkpoints_and_all_else_holds() -> None:
    if (reason := obstacle("good")) is not None:
        pytest.skip(reason)
    ended = subprocess.run(
        [sys.executable, "-c", HEARD_ELSEWHERE], capture_output=True, text=True, timeout=100
    )
    assert ended.stdout.split("\n") == [
        "good () [Errno 16] seccomp listener: Device or resource busy",
        "doc",
        "",
        "refused",
        "",
        "True False False doc",
        "",
        "this REPL has no checkpoints: [Errno 16] seccomp listener: Device or resource busy",
        "",
    ], ended.stderr
