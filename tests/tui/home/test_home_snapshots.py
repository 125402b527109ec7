"""How the home screen and its form look. Clock and ids are fixed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.fakes.kept_sessions import keep
from tests.tui.home.test_home_screen import Runner
from tui.app import DistillApp
from tui.memory import Memory, NewSession
from tui.screens.home import HomeScreen
from tui.setup import Setup, plain

SnapCompare = Callable[..., bool]


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shows(snap_compare: SnapCompare, home: Path, size: tuple[int, int], *keys: str) -> bool:
    memory = Memory()
    memory.keep(new=NewSession(documents="agreement.pdf", question="Which clause caps liability?"))
    setup = Setup(palettes=plain().palettes, memory=memory)
    app = DistillApp(setup, lambda: HomeScreen(setup, home, Runner()))

    async def before(pilot: Pilot[None]) -> None:
        await pilot.pause(0.5)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        await pilot.pause(0.2)

    return snap_compare(app, terminal_size=size, run_before=before)


def test_nothing_kept_yet(snap_compare: SnapCompare, tmp_path: Path) -> None:
    assert shows(snap_compare, tmp_path / "none", (80, 24))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_sessions(snap_compare: SnapCompare, tmp_path: Path, size: tuple[int, int]) -> None:
    keep(tmp_path, "20260301-093000-abc123", question="Which clause caps liability?", answer="Section 9.2")
    keep(tmp_path, "20260301-083000-def456", question="Who decided on the freeze?", answer=None)
    assert shows(snap_compare, tmp_path, size, "j")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_form(snap_compare: SnapCompare, tmp_path: Path, size: tuple[int, int]) -> None:
    assert shows(snap_compare, tmp_path / "none", size, "n")


def test_a_fault_in_the_form(snap_compare: SnapCompare, tmp_path: Path) -> None:
    assert shows(snap_compare, tmp_path / "none", (80, 24), "n", "ctrl+s")
