"""Draws the pictures of the live screen in this folder from the log of a real session.

    distill-tui demo --playbook --headless --log-dir SESSION
    python docs/make_screenshots.py SESSION

The session's own events go through the screen up to a moment at which something waits for a decision:
`live.svg` at the answer, `live-step.svg` at the second step (or the first, if there is only one).
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from distill_core import events as ev
from distill_core.analysis import analyse
from distill_core.approval import Approver, FinalProposal, ProposedCell, StepProposal
from distill_core.reading import read_session
from distill_core.recorder import Sink
from distill_core.specification import RunResult
from tui.running import LiveApp, wire
from tui.screens.live import LiveScreen

SIZE = (120, 40)
DOCS = Path(__file__).parent


class Replay:
    """Sends recorded events to the screen up to a decision, proposes what was decided on then, and waits."""

    def __init__(self, events: Sequence[ev.Event], approver: Approver, sinks: Sequence[Sink]) -> None:
        self._events = events
        self._approver = approver
        self._sinks = sinks

    async def run(self) -> RunResult:
        """Replay; ends by being dropped."""
        *before, last = self._events
        for event in before:
            for sink in self._sinks:
                sink.write(event)
        assert isinstance(last, ev.DecisionMade)
        await self._approver.decide(proposal(before, last))
        raise RuntimeError("nobody decides on a picture")

    def interrupt(self, by: str) -> None:
        """Nothing runs."""

    def stop(self, by: str) -> None:
        """Nothing runs."""

    worker_slots = None
    again = None

    def leave(self) -> None:
        """Nothing runs."""

    def pause(self) -> None:
        """Nothing runs."""

    def resume(self) -> None:
        """Nothing runs."""


def proposal(before: Sequence[ev.Event], made: ev.DecisionMade) -> StepProposal | FinalProposal:
    """What `made` decided on."""
    finals = [
        e for e in before if isinstance(e, ev.FinalProposed) and made.proposal_id == f"final:{e.cell_id}"
    ]
    if finals:
        return FinalProposal(proposal_id=made.proposal_id, step=made.step, answer=finals[0].answer)
    cells = [e for e in before if isinstance(e, ev.CellProposed) and e.call_id == made.proposal_id]
    return StepProposal(
        proposal_id=made.proposal_id,
        step=made.step,
        turns=None,
        reply="",
        cells=tuple(ProposedCell(cell_id=c.cell_id, code=c.code, analysis=analyse(c.code)) for c in cells),
    )


async def draw(events: Sequence[ev.Event], path: Path) -> None:
    """The screen after all but the last of `events`, as SVG."""
    wiring = wire(
        lambda approver, sinks, _: Replay(events, approver, sinks),
        policy="ask",
        who="ada",
        now=lambda: events[-1].timestamp,
    )
    app = LiveApp(wiring)
    async with app.run_test(size=SIZE) as pilot:
        screen = app.screen
        assert isinstance(screen, LiveScreen)
        while screen.model.gate is None:
            await pilot.pause(0.05)
        await pilot.pause(0.5)
        picture = app.export_screenshot(title="distill-tui", simplify=True)
        wiring.bridge.close()
        wiring.engine.cancel()
    # The fonts named there would be fetched from elsewhere whenever somebody looks.
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", picture, flags=re.DOTALL), encoding="utf-8")


def main(folder: Path) -> None:
    """Draw both pictures."""
    events = read_session(folder).events
    decisions = [i for i, e in enumerate(events) if isinstance(e, ev.DecisionMade)]
    answers = [i for i in decisions if str(getattr(events[i], "proposal_id", "")).startswith("final:")]
    steps = [i for i in decisions if i not in answers]
    if not answers or not steps:
        raise SystemExit(f"{folder} holds no session with a step and an answer")
    asyncio.run(draw(events[: answers[-1] + 1], DOCS / "live.svg"))
    asyncio.run(draw(events[: steps[min(1, len(steps) - 1)] + 1], DOCS / "live-step.svg"))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
