"""The process: what it knows, and that nothing of it is left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from distill_core.repl import REPL, ReplLimits

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def gone(pid: int, seconds: float = 10) -> bool:
    """Whether process `pid` ends within `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state in "ZX":
            return True
        time.sleep(0.02)
    return False


def count(pid: int, what: str) -> int:
    """How many of `what` ("fd", "task") process `pid` has."""
    return len(list(Path(f"/proc/{pid}/{what}").iterdir()))


def open_fds() -> int:
    """Descriptors of this process."""
    return count(os.getpid(), "fd")


def children() -> set[str]:
    """Processes whose parent is this one, zombies included."""
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                found.add(entry.name)
    return found


def test_the_environment_is_clean(monkeypatch: pytest.MonkeyPatch, repl: REPL) -> None:
    monkeypatch.setenv("SOME_API_KEY", "secret-canary")
    with REPL("") as fresh:
        result = fresh.execute("import os\nprint(dict(os.environ))")
    assert "secret-canary" not in result.stdout
    assert "PYTHONPATH" not in result.stdout


def test_nothing_of_the_host_is_loaded(repl: REPL) -> None:
    result = repl.execute(
        "import sys\nprint([m for m in sys.modules if m.split('.')[0] in ('distill_core', 'msgspec')])"
    )
    assert result.stdout == "[]\n"


def test_its_own_folder_is_not_importable_and_packages_are_by_list_only(repl: REPL) -> None:
    assert repl.execute("import aio").status == "error"
    assert repl.execute("import msgspec").status == "error"
    with REPL("", packages=["msgspec"]) as other:
        assert other.execute("import msgspec.json; print(msgspec.json.encode(1))").stdout == "b'1'\n"


def test_it_works_in_a_scratch_folder_that_goes_with_it() -> None:
    code = "import os\nopen('note', 'w').write('x');\nprint(os.getcwd())"
    with REPL("", isolation="none") as repl:
        folder = Path(repl.execute(code).stdout.strip())
        assert (folder / "note").read_text() == "x"
    assert not folder.exists()
    assert not folder.parent.exists()


def test_files_and_descriptors_are_bounded() -> None:
    with REPL("", limits=ReplLimits(scratch_bytes=1_000_000, open_files=64)) as repl:
        assert "File too large" in (repl.execute("open('big', 'wb').write(b'x' * 2_000_000)").traceback or "")
        assert "Too many open files" in (
            repl.execute("files = [open('small', 'w') for _ in range(100)]").traceback or ""
        )
        assert repl.execute("files = None\nprint('alive')").stdout == "alive\n"


@linux
def test_nothing_is_left_behind() -> None:
    with REPL("x"):
        pass
    threads, fds, processes = threading.active_count(), open_fds(), children()
    for code in ("1", "import os; os._exit(0)", "import os; os.closerange(3, 4096)"):
        with REPL("x", worker=str.upper) as repl:
            repl.execute(code)
            repl.execute("worker_batch(['a'] * 10)")
    assert open_fds() == fds
    assert children() == processes
    assert threading.active_count() <= threads + 10


@linux
def test_many_cells_leak_no_descriptor(repl: REPL) -> None:
    for number in range(20):  # from then on as many checkpoints are kept as ever
        repl.execute(f"print({number})\nworker('x')")
    repl.checkpoint()
    pid = repl.pid
    assert pid is not None
    mine, theirs = open_fds(), count(pid, "fd")
    for number in range(200):
        repl.execute(f"print({number})\nworker('x')")
    repl.checkpoint()
    deadline = time.monotonic() + 10
    while open_fds() > mine and time.monotonic() < deadline:
        time.sleep(0.05)  # what a copy that has just ended held is given back soon after
    assert open_fds() <= mine
    assert count(pid, "fd") == theirs


@linux
@pytest.mark.parametrize("name", [b"\xff\xfe", b") R 1 (", b"a\nSeccomp:\t0"])
def test_a_process_may_call_itself_what_it_likes(repl: REPL, name: bytes) -> None:
    named = repl.execute(f"import ctypes\nprint(ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0))\nx = 1")
    assert named.stdout == "0\n"
    code = "import threading\nt = threading.Thread(target=print, args=(x,))\nt.start()\nt.join()"
    assert repl.execute(code).stdout == "1\n"
    assert repl.execute("import os\nx = 2\nos._exit(3)").restored
    assert repl.execute("print(x)").stdout == "1\n"


@linux
def test_it_has_one_thread_between_cells(repl: REPL) -> None:
    repl.execute("print(1); worker_batch(['a'] * 3)")
    pid = repl.pid
    assert pid is not None
    assert count(pid, "task") == 1


@linux
@pytest.mark.parametrize(
    "cell",
    [
        "pass",
        "while True: pass",
        "worker('x')",
        "import signal, time; signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65)); time.sleep(600)",
    ],
)
def test_it_dies_with_its_host(cell: str) -> None:
    program = textwrap.dedent(
        f"""
        import threading, time
        from distill_core.repl import REPL
        repl = REPL("doc", worker=lambda p: time.sleep(600))
        repl.__enter__()
        print(repl.pid, flush=True)
        repl.execute({cell!r}, timeout=600, on_output=None)
        print("done", flush=True)
        time.sleep(600)
        """
    )
    host = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    pid = int(host.stdout.readline())
    time.sleep(0.2)
    host.kill()
    host.wait()
    host.stdout.close()
    assert gone(pid, 2)


@linux
def test_it_outlives_the_thread_that_entered_it() -> None:
    repl = REPL("doc")
    thread = threading.Thread(target=repl.__enter__)
    thread.start()
    thread.join()
    time.sleep(0.2)
    assert repl.execute("context").stdout == "'doc'\n"
    repl.close()


@linux
def test_what_a_cell_started_goes_with_it() -> None:
    with REPL("", isolation="none") as repl:
        code = "import os, time\npid = os.fork()\nif not pid:\n    time.sleep(600)\nprint(pid)"
        pid = int(repl.execute(code).stdout)
    assert gone(pid)


def test_ten_at_once() -> None:
    def one(number: int) -> str:
        with REPL(f"doc {number}", worker=lambda p: f"{number}:{p}") as repl:
            for _ in range(5):
                repl.execute("x = worker('a')")
            return repl.execute("print(context, x)").stdout

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(one, range(10))) == [f"doc {n} {n}:a\n" for n in range(10)]


def test_the_terminals_interrupt_does_not_reach_it(repl: REPL) -> None:
    assert repl.pid is not None
    assert os.getpgid(repl.pid) != os.getpgrp()


def test_ignored_signals_of_the_host_are_not_inherited() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with REPL("") as repl:
            assert repl.execute("while True: pass", timeout=0.3).status == "timeout"
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_host_with_many_descriptors_open_has_children_with_few() -> None:
    held = [os.open(os.devnull, os.O_RDONLY) for _ in range(300)]
    try:
        with REPL("") as repl:
            repl.execute("kept = 1")
            assert repl.execute("import os; os.abort()").status == "killed"
            largest = "max(fd for fd in range(4096) if os.path.lexists(f'/proc/self/fd/{fd}'))"
            assert int(repl.execute(f"import os; print({largest})").stdout) < 64
    finally:
        for fd in held:
            os.close(fd)
