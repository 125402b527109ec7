"""Runs a corpus of attacks against REPLs of one level, beside a host that counts what was reached; tells what came.

A program of its own, so that it can run as another account, and so that its memory is the host's and nobody else's.
argv: the corpus ("own", of that only what the kernel's "wall" holds, or a file with CORPUS in it), the level, then ids
of cases (none: all). Prints one JSON object a case: id, problems (what must not have happened and did), soft (the same
for what the corpus lets pass), seconds.

Most attacks wait more than they work, so several run at a time. An attack that must be refused leaves its REPL as it
was, so the next one goes on with it; after any other the REPL goes back to its first state. Those that are marked
"serial" put weight on the host itself and run one by one, so that its memory and patience can be told.
"""

from __future__ import annotations

import json
import resource
import runpy
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from distill_core.errors import ReplError
from distill_core.repl import REPL, CellResult, ReplLimits, timeline
from distill_core.repl import family as families
from tests.distill_core.isolation.host import Host
from tui.text import clean

Case = dict[str, Any]

LIMITS = ReplLimits(cell_seconds=3.0, memory_bytes=768 << 20, scratch_bytes=64 << 20, worker_calls=2000)
_AT_A_TIME = 6
_ALONE = ("scratch-", "descriptor-inventory")
"""Attacks that leave traces which no going back takes away, and one that would take what others left for a leak."""
_GROWTH_BYTES = 300 << 20
_WAIT = 2.0
"""Seconds that the host waits for a copy, or a list of variables, that an attack keeps from coming."""
_PATIENCE = 20.0
"""Seconds that a busy machine may take on top: what is told apart here is late and never."""
_CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n", "\t"}
_FLIPPING = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _answer(prompt: str) -> str:
    """The worker: echoes, after a second where it is told to be slow."""
    if prompt.startswith("SLOW"):
        time.sleep(1)
    return f"W<{prompt[:40]}>"


def _double(value: Any) -> Any:
    return 2 * value


def _new(level: str) -> REPL:
    return REPL(
        "the document",
        "the question",
        worker=_answer,
        primitives={"double": _double},
        limits=LIMITS,
        isolation=level,
    )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _seen(result: CellResult) -> SimpleNamespace:
    """A result as a screen gets it: through the function that every foreign text passes."""
    return SimpleNamespace(
        stdout=clean(result.stdout),
        stderr=clean(result.stderr),
        status="interrupted" if result.status == "timeout" else result.status,
        tb=None if result.traceback is None else clean(result.traceback),
        final=None if result.final is None else clean(result.final.text),
        calls=[call.prompt for call in result.worker_calls],
        elapsed=result.elapsed,
        killed=result.status == "killed",
    )


def _told(seen: SimpleNamespace) -> list[str]:
    texts = [seen.stdout, seen.stderr, seen.tb or "", seen.final or ""]
    problems = []
    if any("ESCAPED" in text for text in texts):
        problems.append("it says that it escaped: " + " ".join(texts)[:300])
    if any("CANARY-" in text for text in [*texts, *seen.calls]):
        problems.append("a secret came out")
    if any((_CONTROLS | _FLIPPING) & set(text) for text in texts):
        problems.append("characters that a terminal obeys")
    return problems


def _first_again(repl: REPL) -> bool:
    """Go back to before the first cell; whether that could be done."""
    try:
        repl.rollback(0)
    except ReplError:
        return False
    return True


class Run:
    """A run of a corpus at one level."""

    def __init__(self, level: str, host: Host) -> None:
        self._level = level
        self._host = host
        self._kept: list[REPL] = []
        self._lock = threading.Lock()

    def row(self, case: Case) -> dict[str, Any]:
        """What came of a case."""
        started = time.monotonic()
        with self._repl(case) as repl:
            if repl.isolation != self._level:
                problems, soft = [f"the level is {repl.isolation}"], []
            else:
                problems, soft = self._attack(case, repl)
        seconds = round(time.monotonic() - started, 2)
        return {"id": case["id"], "problems": problems, "soft": soft, "seconds": seconds}

    @contextmanager
    def _repl(self, case: Case) -> Iterator[REPL]:
        """A REPL in its first state: one that an attack before left, gone back to that, or a new one."""
        if case["id"].startswith(_ALONE):
            with _new(self._level) as repl:
                yield repl
            return
        with self._lock:
            repl = self._kept.pop() if self._kept else _new(self._level).__enter__()
        try:
            yield repl
        finally:
            if (case["expect"] == "blocked" and "pre" not in case) or _first_again(repl):
                with self._lock:
                    self._kept.append(repl)
            else:
                repl.close()

    def _attack(self, case: Case, repl: REPL) -> tuple[list[str], list[str]]:
        timeout = case.get("timeout", 4)
        budget = case.get("budget", timeout + 4) + _PATIENCE
        hard: list[str] = []
        lenient: list[str] = []
        gentle = lenient if case.get("soft") else hard
        for block in case.get("pre", []):
            if (ran := repl.execute(block)).status != "ok":
                hard.append(f"a block before the attack failed: {ran.traceback}")
        before, started = _peak(), time.monotonic()
        with _ticking() as ticks:
            seen = _seen(repl.execute(self._host.substituted(case["code"]), timeout=timeout))
        if (took := time.monotonic() - started) > budget:
            hard.append(f"control came back after {took:.1f} s, {budget} were allowed")
        if not ticks and took > 3:  # a machine may stand still for a second by itself
            hard.append("the host's other threads stood still")
        if case.get("serial") and (grown := _peak() - before) > _GROWTH_BYTES:
            hard.append(f"the host grew by {grown >> 20} MiB")
        gentle.extend(_told(seen))
        if "CANARY-" in seen.stdout:
            hard.append("a secret came out")
        if case["expect"] != "contained" and seen.status not in ("ok", "error", "final"):
            hard.append(f"the cell ended as {seen.status}: {seen.tb}")
        if "check" in case and not case["check"](seen):
            gentle.append(f"its own check fails: {seen}"[:800])
        if "post" in case:
            block, wanted = case["post"]
            after = _seen(repl.execute(block))
            if wanted not in after.stdout:
                gentle.append(f"afterwards: {after.stdout!r} {after.tb}")
        try:
            repl.variables()
        except ReplError:
            pass  # the process was lost after the cell: the next one tells
        alive = repl.execute("print('alive', 6*7)")
        if (
            "alive 42\n" not in alive.stdout and not alive.dropped
        ):  # a thread left behind may write more than is kept
            hard.append(f"the next cell: {alive.stdout[:300]!r} {alive.traceback}")
        return [*hard, *self._host.harm()], lenient

    def close(self) -> None:
        """End the REPLs that were kept."""
        for repl in self._kept:
            repl.close()


@contextmanager
def _ticking() -> Iterator[list[None]]:
    """Grows a list while this process's other threads get to run."""
    ended = threading.Event()
    ticks: list[None] = []

    def tick() -> None:
        while not ended.wait(0.1):
            ticks.append(None)

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        yield ticks
    finally:
        ended.set()
        thread.join()


def _corpus(name: str) -> list[Case]:
    if name in ("own", "wall"):
        from tests.distill_core.isolation.attacks import CORPUS, of_the_kernel

        return [case for case in CORPUS if name == "own" or of_the_kernel(case["id"])]
    cases: list[Case] = runpy.run_path(name)["CORPUS"]
    return [{**case, "serial": case["cat"] in ("protocol", "output", "values")} for case in cases]


def main() -> None:
    """Run the cases and print what came of each."""
    corpus, level, *wanted = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    families._COPY_SECONDS = timeline._LIST_SECONDS = _WAIT
    cases = [case for case in _corpus(corpus) if not wanted or case["id"] in wanted]
    host = Host()
    run = Run(level, host)
    try:
        for case in cases:
            if case.get("serial"):
                print(json.dumps(run.row(case)), flush=True)
        with ThreadPoolExecutor(_AT_A_TIME) as pool:
            for row in pool.map(run.row, [case for case in cases if not case.get("serial")]):
                print(json.dumps(row), flush=True)
    finally:
        run.close()
        host.close()


if __name__ == "__main__":
    main()
