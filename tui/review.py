"""Opening a past session on the screen of a live one."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from distill_core import events as ev
from distill_core.approval import Approver
from distill_core.errors import DistillError
from distill_core.recorder import Sink
from distill_core.signals import OnSignal
from tui.app import DistillApp, wire
from tui.engine import LiveSession
from tui.live.playback import Playback
from tui.screens.live import LiveScreen, Wiring
from tui.setup import Setup


def past_wiring(events: Sequence[ev.Event], *, who: str, setup: Setup | None = None) -> Wiring:
    """What a live screen needs to show the past session that `events` are. Nothing runs behind it."""
    wiring = wire(_nothing_runs, policy="auto", who=who, setup=setup)
    return msgspec.structs.replace(wiring, playback=Playback(events))


def run_review(events: Sequence[ev.Event], *, who: str, setup: Setup | None = None) -> None:
    """Show a past session until the person leaves it. Blocks."""
    wiring = past_wiring(events, who=who, setup=setup)
    DistillApp(wiring.setup, lambda: LiveScreen(wiring)).run()


def _nothing_runs(approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> LiveSession:
    raise DistillError("a past session does not run", remedy="resume it or fork it")
