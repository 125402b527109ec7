"""Measures the live screen in a real pseudo-terminal, beside plain Textual applications that draw the same text.

python benchmarks/screen.py keys [SECONDS] [RATE]  key to paint while RATE events a second come; 60, 1000
python benchmarks/screen.py calls [N]              filter, sort and scroll N worker calls; 100,000
python benchmarks/screen.py open [N]               open a kept session of N cells; 10,000
python benchmarks/screen.py start                  first paint of the home screen and of an empty app
python benchmarks/screen.py memory [N]             memory that an event takes, over N of them; 100,000
"""

from __future__ import annotations

import asyncio
import os
import pty
import random
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
import tracemalloc
from collections.abc import Iterator, Sequence
from fcntl import ioctl
from pathlib import Path

from distill_core import events as ev
from distill_core.approval import Approver
from distill_core.models.base import Usage
from distill_core.recorder import Recorder, Sink
from distill_core.signals import OnSignal
from distill_core.specification import RunResult

ROOT = Path(__file__).parents[1]
SIZE = (40, 120)
TEXT = "row {:>7}: the parties agree that the fees of twelve months are the most that either owes\n"


def started() -> ev.SessionStarted:
    """The first event of a made-up session."""
    return ev.SessionStarted(
        step=0,
        session_id="20260301-093000-abc123",
        kind="research",
        query="Which clause caps liability?",
        document=ev.DocumentRef(sha256="0" * 64, kind="str", chars=214_503, name="agreement.pdf"),
        supervisor="supervisor",
        worker="worker",
        limits=ev.Limits(),
        isolation="strong",
        program="0",
        python="3",
    )


def opening(step: int, code: str = "print(worker_batch(pieces))") -> Iterator[ev.Event]:
    """A step up to its running cell."""
    call, cell = f"s{step}", f"c{step}"
    yield ev.SupervisorCalled(step=step, call_id=call, model="m", extends=None, message_ids=(), params={})
    yield ev.SupervisorReplied(
        step=step,
        call_id=call,
        text=f"I look.\n\n```repl\n{code}\n```",
        model="m",
        usage=Usage(),
        elapsed=1.0,
    )
    yield ev.CellProposed(step=step, cell_id=cell, call_id=call, index=0, code=code)
    yield ev.CellStarted(step=step, cell_id=cell, code=code)


def busy(number: int) -> Iterator[ev.Event]:
    """What a cell does again and again: a row of output, a worker call and its reply."""
    yield ev.CellOutput(step=1, cell_id="c1", stream="stdout", text=TEXT.format(number))
    yield ev.WorkerCallStarted(
        step=1, cell_id="c1", call_id=f"w{number}", prompt=f"piece {number}", model="m", params={}
    )
    usage = Usage(prompt_tokens=400, completion_tokens=12, calls=1)
    yield ev.WorkerCallReturned(
        step=1, call_id=f"w{number}", response=f"reply {number}", model="m", usage=usage, elapsed=0.4
    )


class Feeding:
    """A session that emits events at a rate."""

    def __init__(self, rate: float, sinks: Sequence[Sink]) -> None:
        self._rate = rate
        self._recorder = Recorder(sinks)

    async def run(self) -> RunResult:
        """Until it is cancelled."""
        self._recorder.emit(started())
        for event in opening(1):
            self._recorder.emit(event)
        begun, sent, number = time.monotonic(), 0, 0
        while True:
            while sent < (time.monotonic() - begun) * self._rate:
                for event in busy(number):
                    self._recorder.emit(event)
                    sent += 1
                number += 1
            await asyncio.sleep(0.005)

    def interrupt(self, by: str) -> None:
        """Nothing."""

    def stop(self, by: str) -> None:
        """Nothing."""

    worker_slots = None
    again = None

    def leave(self) -> None:
        """Nothing."""

    def pause(self) -> None:
        """Nothing."""

    def resume(self) -> None:
        """Nothing."""


# ---------------------------------------------------------------- the applications, in processes of their own


def ours(rate: float) -> None:
    """The live screen over a session that emits events."""
    from tui.cli.program import collect_seldom, paint_often

    collect_seldom()  # as the program does when it starts
    paint_often()

    from tui.running import run_live

    def make(approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> Feeding:
        return Feeding(rate, sinks)

    run_live(make, who="bench", policy="auto")  # type: ignore[arg-type]  # all that the screen asks of a session


def plain(rate: float) -> None:
    """A plain Textual application with as much text in two logs."""
    from textual.app import App, ComposeResult
    from textual.widgets import RichLog

    class Plain(App[None]):
        CSS = "RichLog { border: round white; height: 1fr; } RichLog:focus { border-title-style: bold; }"
        BINDINGS = [("1", "go('#one')", ""), ("2", "go('#two')", "")]  # noqa: RUF012  # as Textual has it

        def compose(self) -> ComposeResult:
            for name, title in (("one", "1 Timeline"), ("two", "2 Supervisor")):
                log = RichLog(id=name, max_lines=20_000)
                log.border_title = title
                yield log

        def on_mount(self) -> None:
            self.begun, self.sent = time.monotonic(), 0
            self.set_interval(0.05, self.feed)

        def feed(self) -> None:
            due = int((time.monotonic() - self.begun) * rate)
            for name in ("#one", "#two"):
                text = "".join(TEXT.format(n) for n in range(self.sent, due, 3))
                if text:
                    self.query_one(name, RichLog).write(text.rstrip("\n"))
            self.sent = due

        def action_go(self, name: str) -> None:
            self.query_one(name).focus()

    Plain().run()


def empty() -> None:
    """An application with nothing but a word."""
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Empty(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("New session")

    Empty().run()


# ---------------------------------------------------------------- the terminal


class Terminal:
    """A program in a pseudo-terminal."""

    def __init__(self, *arguments: str) -> None:
        self.fd, theirs = pty.openpty()
        ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.begun = time.perf_counter()
        self.program = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=ROOT,
            env={**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        os.close(theirs)

    def until(self, found: re.Pattern[bytes], seconds: float) -> float | None:
        """Seconds until the program has painted what is looked for; None if it does not."""
        begun, got = time.perf_counter(), b""
        while (left := begun + seconds - time.perf_counter()) > 0:
            ready, _, _ = select.select([self.fd], [], [], left)
            if ready:
                got = got[-200:] + os.read(self.fd, 65536)
                if found.search(got):
                    return time.perf_counter() - begun
        return None

    def close(self) -> None:
        """End it."""
        self.program.kill()
        self.program.wait()
        os.close(self.fd)


def bold(title: bytes) -> re.Pattern[bytes]:
    """A title as it is painted in bold: that of the pane that has the focus."""
    return re.compile(rb"\x1b\[1;[0-9;]*m ?" + title)


def keys(seconds: float, rate: float) -> None:
    """Key to paint: go from pane to pane, wait for the title to turn bold.

    The pause before each key differs: with a pause as long as the screen's own round, keys would meet always the same
    moment of that.
    """
    pauses = random.Random(1)
    for name in ("ours", "plain"):
        terminal = Terminal(__file__, name, str(rate))
        took: list[float] = []
        lost = 0
        try:
            if terminal.until(re.compile(rb"Supervisor"), 60) is None:
                raise SystemExit(f"{name} paints nothing")
            terminal.until(re.compile(rb"never painted"), 3)
            ends = time.perf_counter() + seconds
            while time.perf_counter() < ends:
                for key, title in ((b"1", b"1 Timeline"), (b"2", b"2 Supervisor")):
                    os.write(terminal.fd, key)
                    painted = terminal.until(bold(title), 5)
                    lost += painted is None
                    took.append(painted if painted is not None else 5.0)
                    terminal.until(re.compile(rb"never painted"), pauses.uniform(0.03, 0.13))
        finally:
            terminal.close()
        parts = statistics.quantiles(took, n=100)
        figures = f"p50 {parts[49] * 1000:.0f}, p95 {parts[94] * 1000:.0f}, p99 {parts[98] * 1000:.0f} ms"
        print(f"{name:<6} {rate:,.0f} events/s, {len(took)} keys, {lost} lost: {figures}")


def start() -> None:
    """First paint, several times in turn."""
    took: dict[str, list[float]] = {"home": [], "empty": []}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(7):
            for name, arguments in (
                ("home", ("-m", "tui", "home", "--home", home)),
                ("empty", (__file__, "empty")),
            ):
                terminal = Terminal(*arguments)
                painted = terminal.until(re.compile(rb"New session"), 60)
                terminal.close()
                took[name].append(painted or 60)
    median = {name: statistics.median(times) * 1000 for name, times in took.items()}
    print(f"first paint: home {median['home']:.0f} ms, empty Textual app {median['empty']:.0f} ms")


# ---------------------------------------------------------------- in this process


def calls(count: int) -> None:
    """Filter, sort and page through many worker calls."""
    from tui.running import LiveApp, wire
    from tui.screens.watching import Watching

    async def measure() -> None:
        wiring = wire(lambda *_: None, policy="auto", who="bench")  # type: ignore[arg-type,return-value]  # never made
        app = LiveApp(wiring)
        app.wiring.engine.start = lambda: None  # type: ignore[method-assign]  # events come from here
        async with app.run_test(size=(120, 40)) as pilot:
            screen = next(s for s in app.screen_stack if hasattr(s, "model"))
            recorder = Recorder([type("Into", (), {"write": staticmethod(screen.model.take)})()])
            for event in (started(), *opening(1)):
                recorder.emit(event)
            for number in range(count):
                for event in busy(number):
                    recorder.emit(event)
            screen.redraw()
            await pilot.press("4")
            rows = next(part.rows.workers for part in screen.parts if isinstance(part, Watching))
            for key, what in (
                ("v", "filter"),
                ("v", "filter"),
                ("s", "sort by time"),
                ("s", "sort by tokens"),
            ):
                begun = time.perf_counter()
                screen.action_act("workers.filter" if key == "v" else "workers.order")
                print(f"{what} ({rows.view.filter}, {rows.count():,} rows): {since(begun)}")
            pane = screen.pane("workers")
            begun = time.perf_counter()
            for _ in range(100):
                pane.action_page(1)
                pane.render_lines(pane.size.region)
            print(f"100 pages, each drawn: {since(begun)}")

    asyncio.run(measure())


def open_kept(cells: int) -> None:
    """Open a kept session, from its folder to its first painting."""
    from distill_core.reading import read_session
    from distill_core.recorder import SessionLog
    from tui.app import DistillApp
    from tui.cli.program import collect_seldom
    from tui.review import past_wiring
    from tui.screens.live import LiveScreen

    collect_seldom()  # as the program does when it starts
    with tempfile.TemporaryDirectory() as folder:
        log = SessionLog(Path(folder) / "s")
        recorder = Recorder([log])
        recorder.emit(started())
        for step in range(1, cells + 1):
            for event in opening(step):
                recorder.emit(event)
            cell = f"c{step}"
            recorder.emit(ev.CellOutput(step=step, cell_id=cell, stream="stdout", text=TEXT.format(step)))
            recorder.emit(ev.CellFinished(step=step, cell_id=cell, status="ok", elapsed=0.1, active=0.1))
        log.close()

        async def measure() -> None:
            begun = time.perf_counter()
            reading = read_session(Path(folder) / "s")
            print(f"read {len(reading.events):,} events: {since(begun)}")
            wiring = past_wiring(reading.events, who="bench")
            app = DistillApp(wiring.setup, lambda: LiveScreen(wiring))
            async with app.run_test(size=(120, 40)):
                # The pilot lets the test begin when the application has come to rest.
                print(f"a session of {cells:,} cells, read and painted: {since(begun)}")

        asyncio.run(measure())


def memory(count: int) -> None:
    """What the screen's knowledge and rows grow by an event."""
    from tui.live.model import LiveModel
    from tui.live.panes import Panes

    model = LiveModel()
    panes = Panes(model)
    recorder = Recorder([type("Into", (), {"write": staticmethod(model.take)})()])
    for event in (started(), *opening(1)):
        recorder.emit(event)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    emitted = 0
    for number in range(count // 3):
        for event in busy(number):
            recorder.emit(event)
            emitted += 1
        if number % 100 == 0:
            panes.take(model.changes())
    panes.take(model.changes())
    after, _ = tracemalloc.get_traced_memory()
    print(f"{emitted:,} events: {(after - before) / emitted:.0f} bytes an event")


def since(begun: float) -> str:
    """Milliseconds since `begun`."""
    return f"{(time.perf_counter() - begun) * 1000:.0f} ms"


def main(command: str = "", *rest: str) -> None:
    """Run one of the measurements."""
    numbers = [float(number) for number in rest]
    match command:
        case "ours":
            ours(*numbers)
        case "plain":
            plain(*numbers)
        case "empty":
            empty()
        case "keys":
            keys(*(numbers + [60.0, 1000.0][len(numbers) :]))
        case "calls":
            calls(int(numbers[0]) if numbers else 100_000)
        case "open":
            open_kept(int(numbers[0]) if numbers else 10_000)
        case "start":
            start()
        case "memory":
            memory(int(numbers[0]) if numbers else 100_000)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:])
