"""Opening past sessions: one on the screen of a live one, or a queue of them to be judged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.approval import Approver
from distill_core.config.rubric import Rubric
from distill_core.errors import DistillError
from distill_core.recorder import Sink
from distill_core.signals import OnSignal
from sessions.kept import Kept, open_kept
from sessions.waiting import Queue
from tui.app import DistillApp
from tui.engine import LiveSession
from tui.live.playback import Fork, Playback
from tui.reviewing.card import Card
from tui.running import wire
from tui.screens.live import LiveScreen, Wiring
from tui.screens.review import ReviewScreen
from tui.setup import Setup


def past_wiring(
    events: Sequence[ev.Event],
    *,
    who: str,
    setup: Setup | None = None,
    folder: Path | None = None,
) -> Wiring:
    """What a live screen needs to show the past session that `events` are. Nothing runs behind it.

    Args:
        folder: the session's folder, where judgements are added to it.
    """
    wiring = wire(_nothing_runs, policy="auto", who=who, setup=setup)
    return msgspec.structs.replace(
        wiring,
        playback=Playback(events),
        folder=folder,
        document=None if folder is None else lambda: open_kept(folder).context,
    )


def run_past(kept: Kept, *, who: str, setup: Setup | None = None) -> Fork | None:
    """Show a past session until the person leaves it. Blocks.

    Returns:
        The arguments of `distill-tui fork`, where the person wants to go on in a fork.
    """
    wiring = past_wiring(kept.sound, who=who, setup=setup, folder=kept.folder)
    DistillApp(wiring.setup, lambda: LiveScreen(wiring)).run()
    return wiring.playback.fork if wiring.playback is not None else None


def run_queue(queue: Queue, rubric: Rubric, *, setup: Setup, labels: tuple[str, ...]) -> Fork | None:
    """Let a person judge the sessions of `queue`. Blocks; returns as `run_past`."""

    def opened(card: Card) -> Wiring:
        return past_wiring(card.events, who=card.who, setup=setup, folder=card.folder)

    return DistillApp(setup, lambda: ReviewScreen(queue, rubric, setup, labels, opened)).run()


def _nothing_runs(approver: Approver, sinks: Sequence[Sink], on_signal: OnSignal) -> LiveSession:
    raise DistillError("a past session does not run", remedy="resume it or fork it")
