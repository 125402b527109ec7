"""A session on a screen of its own: `wire` connects the two, `run_live` opens it for the command line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from distill_core.approval import PersonApprover, PolicyApprover, PolicyName
from distill_core.recorder import utc_now
from distill_core.specification import RunResult
from tui.app import GRACE, DistillApp
from tui.branching import MakeFork
from tui.bridge import Bridge
from tui.engine import Engine, MakeSession
from tui.screens.live import LiveScreen, Wiring
from tui.setup import Setup, plain


class LiveApp(DistillApp):
    """One session on a screen.

    Args:
        wiring: what the screen is connected to.
        theme: name of the palette to begin with; default: the setup's.
    """

    def __init__(self, wiring: Wiring, theme: str | None = None) -> None:
        self.wiring = wiring
        super().__init__(wiring.setup, lambda: LiveScreen(wiring))
        if theme is not None:
            self.theme = theme

    def on_mount(self) -> None:
        """Let the engine go; Textual has called the base's handler by itself."""
        self.wiring.engine.start()


def wire(
    make_session: MakeSession,
    *,
    policy: PolicyName,
    who: str,
    setup: Setup | None = None,
    now: Callable[[], datetime] = utc_now,
    fork: MakeFork | None = None,
    beside: Engine | None = None,
    instead: Callable[[int | None], None] | None = None,
) -> Wiring:
    """Connect a session that is still to be made with a screen that is still to be opened.

    Args:
        make_session: as `run_live`'s.
        policy: who approves at the start.
        who: the person's name, for the record.
        setup: what the person's settings make of the screens; default: nothing.
        now: the clock for elapsed time.
        fork: makes forks of the session.
        beside: the engine of the session that it is a fork of.
        instead: as `Wiring`'s.
    """
    bridge = Bridge()
    person = PersonApprover(who, bridge.show)
    approver = PolicyApprover(policy, person)
    return Wiring(
        engine=Engine(make_session, approver, bridge, beside),
        bridge=bridge,
        person=person,
        policy=approver,
        who=who,
        setup=setup or plain(),
        now=now,
        fork=fork,
        instead=instead,
    )


def run_live(
    make_session: MakeSession,
    *,
    policy: PolicyName = "ask",
    who: str,
    setup: Setup | None = None,
    fork: MakeFork | None = None,
) -> RunResult | None:
    """Run a session on the live screen until the person leaves it. Blocks.

    Args:
        make_session: makes the session from an approver, sinks and a receiver of signals; called on the engine's
            thread, once the screen is open.
        policy: who approves at the start.
        who: the person's name, for the record.
        setup: what the person's settings make of the screens; default: nothing.
        fork: makes forks of the session.

    Returns:
        The result; None where the person dropped the session.

    Raises:
        DistillError: what the engine ended with; the person has seen it.
    """
    wiring = wire(make_session, policy=policy, who=who, setup=setup, fork=fork)
    try:
        LiveApp(wiring).run()
    finally:
        wiring.bridge.close()
        end(wiring.engine)
    if wiring.engine.error is not None:
        raise wiring.engine.error
    return wiring.engine.result


def end(engine: Engine) -> None:
    """Let go of a session that its screen has left.

    A person who leaves has decided what becomes of it. Where the screen went away by itself, the session is dropped
    where it stands: its log has no end, so it can be resumed.
    """
    if engine.alive:
        engine.leave()
        engine.join(GRACE)
