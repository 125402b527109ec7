"""Attacks of our own, by class: on files, descriptors, processes, machine, interpreter, screen and line."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL

from .attacks import CORPUS
from .conftest import PLACES, SECONDS, Outcome, tried

_TRIED = [
    (case["id"], account, level)
    for account, level in PLACES
    for case in CORPUS
    if tried(case["id"], account, level)
]

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="Landlock and seccomp are Linux's"
)


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize(("case", "account", "level"), _TRIED, ids=["-".join(tried) for tried in _TRIED])
def test_held(case: str, account: str, level: str, outcome: Outcome) -> None:
    if (reason := obstacle(level)) is not None:
        pytest.skip(f"level {level}: {reason}")
    assert outcome("own", account, level)[case]["problems"] == []


test_held.corpus = "own"  # type: ignore[attr-defined]


def test_an_attack_that_succeeds_is_told(tmp_path: Path) -> None:
    """The harness itself: without a wall, it says what happened."""
    from .corpus_run import Run
    from .host import Host

    host = Host()
    run = Run("none", host)
    try:
        for code, said in (
            ("print(open('@@FILE@@').read())", "a secret came out"),
            ("open('@@WRITE@@', 'w')", "the home has changed"),
            ("print('ESC' 'APED')", "it says that it escaped"),
            ("import time; time.sleep(600)", "ended as interrupted"),
        ):
            row = run.row({"id": "x", "code": code, "expect": "blocked", "timeout": 1})
            assert any(said in problem for problem in row["problems"]), row
            (host.home / "written").unlink(missing_ok=True)
    finally:
        run.close()
        host.close()


@pytest.mark.parametrize("level", ["strong", "good"])
def test_no_process_of_a_cell_is_left(level: str) -> None:
    if (reason := obstacle(level)) is not None:
        pytest.skip(f"level {level}: {reason}")
    with REPL("", isolation=level) as repl:
        pid = repl.pid
        sleepers = "threading.Thread(target=time.sleep, args=(600,)).start()"
        repl.execute(f"import threading, time\nfor _ in range(50): {sleepers}")
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}").exists()
