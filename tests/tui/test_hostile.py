"""Hostile text in every place where foreign text is drawn: what reaches the terminal is harmless and whole.

| place | test |
|---|---|
| status, timeline, supervisor, output, worker calls, decision, final answer | here, every pane |
| a worker call in full, its override; the editor of code, answers, forks | here |
| candidates side by side, dry runs, differences, evidence | here |
| the REPL's variables and the scratch prompt; errors of the engine, their tracebacks; notifications | here |
| how a cell came out differently | here |
| the bytes that a terminal gets | here, byte by byte |
| document, search, quotations | document/test_pane.py |
| judgements: the form, what is judged, the list | annotating/test_judging.py |
| settling what annotators differ in; two sessions side by side | judging/ |
| review queue and its card, the form of a fork | test_review_queue.py |
| kept sessions, their details, statistics | test_sessions_screen.py |
| home screen and the names in its forms | home/test_home_screen.py |
| export: rows, what is left out, names | test_export_screen.py |
| headless progress and the plain prompt | headless/ |
| lines of commands: run, sessions, errors | cli/test_run.py, cli/test_sessions.py, cli/test_process.py |
| pages and Markdown of an export | sessions/export/test_reports.py |
"""

from __future__ import annotations

import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import msgspec
from textual.strip import Strip

from distill_core import events as ev
from distill_core.evidence import Finding
from distill_core.forecast import Forecast
from distill_core.record import RecordedCell
from distill_core.repl import CellResult, Variable
from distill_core.rerunning import Divergence, Rerun
from distill_core.text import encodable
from tests.fakes.hostile import CODE, HOSTILE, LONG, STEP
from tests.tui.harness import Opened, open_screen
from tui.lines import wrap
from tui.live.probing import scratch_lines, variable_lines
from tui.screens.compare import CompareScreen
from tui.screens.differing import DifferingScreen

FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ud800-\udfff]")


def strips(opened: Opened) -> list[Strip]:
    """The rows of the whole screen as they go to the terminal."""
    screen = opened.app.screen
    return list(screen._compositor.render_strips(screen.size))


def check(opened: Opened) -> str:
    """Assert that nothing on the screen is obeyed, is a link or is too wide; return its text."""
    text = []
    for strip in strips(opened):
        assert strip.cell_length == opened.app.size.width
        for segment in strip:
            assert not segment.control
            assert not FORBIDDEN.search(segment.text), segment.text
            if segment.style is not None:
                assert segment.style.link is None
                assert "@click" not in segment.style.meta
        text.append(strip.text)
    return "\n".join(text)


async def walk(opened: Opened, *sizes: tuple[int, int]) -> str:
    """Look at every pane at its start and at its end, and check what is drawn each time."""
    seen = []
    for size in sizes:
        await opened.pilot.resize_terminal(*size)
        for pane in "12345":
            for place in ("home", "end"):
                await opened.press(pane, place)
                seen.append(check(opened))
    return "\n".join(seen)


async def test_every_pane_draws_hostile_text_harmlessly() -> None:
    async with open_screen([STEP], query=HOSTILE, isolation=HOSTILE) as opened:
        await opened.until(lambda model: model.gate == "step")
        assert "␛]52;c;ZXZpbA==␇" in await walk(opened, (120, 40))
        await opened.press("a")
        await opened.until(lambda model: model.gate == "final")
        seen = await walk(opened, (120, 40), (80, 24))
        assert "[@click=app.quit]click[/]" in seen
        assert "[bold red]markup[/]" in seen
        assert "characters more, whole in the log" in seen


async def test_the_log_has_it_as_it_was() -> None:
    async with open_screen([STEP], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        assert opened.kept.of(ev.CellOutput)[0].text == encodable(HOSTILE + "\n")


async def test_a_worker_call_read_in_full() -> None:
    async with open_screen([STEP], policy="auto") as opened:
        await opened.until(lambda model: not model.live)
        await opened.press("4", "home", "enter")
        assert "␛]52;c;ZXZpbA==␇" in check(opened)


async def test_the_editor_draws_clean_and_gives_back_exactly() -> None:
    async with open_screen([STEP]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("e")
        assert "␛]52;c;ZXZpbA==␇" in check(opened)
        await opened.press("#", "ctrl+s")
        assert "ctrl+s again" in check(opened), "it is no Python"
        await opened.press("ctrl+s")
        await opened.until(lambda _: len(opened.kept.of(ev.DecisionMade)) == 1)
        assert opened.kept.of(ev.DecisionMade)[0].after == ("#" + CODE.replace("\ud83d", "\\ud83d"),)


async def test_an_error_of_the_engine() -> None:
    async with open_screen([], raises=RuntimeError(HOSTILE)) as opened:
        await opened.until(lambda model: model.ended is not None)
        assert "RuntimeError: ␛]52" in await walk(opened, (120, 40), (80, 24))
        await opened.press("T")
        assert "␛]52;c;ZXZpbA==␇" in check(opened)


async def test_how_a_cell_came_out_differently() -> None:
    cell = RecordedCell(cell_id="c1", step=1, code=CODE, output=(), calls=(), primitives=(), finished=None)
    said = Divergence(step=1, cell_id="c1", kind="output", recorded=HOSTILE, found=f"{HOSTILE}\n{LONG}")
    run = Rerun(cell=cell, result=CellResult(status="ok"), differences=(said,))
    async with open_screen([STEP]) as opened:
        await opened.until(lambda model: model.gate == "step")
        opened.app.push_screen(DifferingScreen(run, may_branch=True))
        await opened.pilot.pause(0.1)
        assert "␛]52;c;ZXZpbA==␇" in check(opened)
        await opened.press("end")
        assert "LLLL" in check(opened)


async def test_a_name_from_outside_in_a_notification() -> None:
    async with open_screen([STEP]) as opened:
        await opened.until(lambda model: model.gate == "step")
        opened.screen.say(HOSTILE)
        await opened.pilot.pause(0.1)
        assert "[@click=app.quit]click[/]" in check(opened).replace("\n", "")


OBEYED = {
    "OSC 52 (clipboard)": rb"\x1b\]52",
    "OSC 8 (link)": rb"\x1b\]8;",
    "erase of the whole screen by the text": rb"\x1b\[2J\x1b\[31mred",
    "C1 control": rb"\xc2[\x80-\x9f]",
    "bidirectional control": rb"\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\xd8\x9c",
}


def test_what_a_terminal_gets_byte_by_byte() -> None:
    """The program in a pseudo-terminal, through the gate to the answer: no byte of the foreign text is obeyed."""
    ours, theirs = pty.openpty()
    ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.hostile"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        cwd=Path(__file__).parents[2],
        start_new_session=True,
    )
    os.close(theirs)
    try:
        sent = read_until(ours, b"Approve")
        os.write(ours, b"e")
        sent += read_until(ours, b"save and run")
        os.write(ours, b"\x13")  # ctrl+s: nothing was changed, so this approves
        sent += read_until(ours, b"Accept")
        os.write(ours, b"a")
        sent += read_until(ours, b"finished")
        os.write(ours, b"q")
        sent += read_until(ours, None)
        assert program.wait(30) == 0
    finally:
        program.kill()
        os.close(ours)
    assert "␛]52;c;ZXZpbA==␇".encode() in sent
    for name, pattern in OBEYED.items():
        assert not re.search(pattern, sent), name


def read_until(terminal: int, mark: bytes | None) -> bytes:
    """What the program writes until it has written `mark`, or to its end."""
    got = b""
    while mark is None or mark not in got:
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, got[-2000:]
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other side has closed
            piece = b""
        if not piece:
            assert mark is None, got[-2000:]
            return got
        got += piece
    return got


async def test_candidates_forecasts_and_findings_draw_hostile_text_harmlessly() -> None:
    forecast = Forecast(call_id="s1", complete=False, worker_calls=1, why=HOSTILE)
    step = msgspec.structs.replace(
        STEP, others=(f"```repl\n{CODE}\n{CODE}\n```", HOSTILE), forecasts=(forecast,)
    )
    found = Finding(quote=HOSTILE, status="missing", score=0.0)
    async with open_screen([step], findings=[found]) as opened:
        await opened.until(lambda model: model.gate == "step")
        await opened.press("g", "2")
        for _ in range(100):
            if isinstance(opened.app.screen, CompareScreen):
                break
            await opened.pilot.pause(0.02)
        for key in ("right", "right", "d", "left"):
            await opened.press(key)
            assert "markup" in check(opened)
        await opened.press("2", "a")
        await opened.until(lambda model: bool(model.findings))
        await opened.pilot.pause(0.1)
        await opened.press("5", "home")
        assert "not found" in check(opened)
        await opened.press("4", "home", "enter")
        assert "markup" in check(opened)


def test_what_a_probe_finds_is_harmless() -> None:
    variable = Variable(name=HOSTILE, type=HOSTILE, size=1, preview=HOSTILE)
    result = CellResult(status="error", output=(("stdout", HOSTILE),), traceback=HOSTILE + "\n" + LONG)
    for line in [*variable_lines([variable]), *scratch_lines(HOSTILE, result)]:
        for row in wrap(line, 80):
            assert not any(FORBIDDEN.search(text) for text, _ in row)
