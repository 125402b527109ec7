"""Steering a session while it runs: stop, pause, interrupt, and who approves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from distill_core.approval import POLICIES, STEPS, StepProposal
from tui.live.model import Changes
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane
from tui.screens.write import Page, write

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen

POLICY_KEYS: dict[str, str] = {"1": "ask", "2": "cheap", "3": "on-error", "4": "auto", "5": STEPS}


class Steering:
    """What a person does to a session beside its gates."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen
        self._interrupted: str | None = None

    def panes(self) -> Mapping[str, Pane]:
        """None."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """The actions that steer."""
        return {
            "session.stop": self._stop,
            "session.pause": self._pause,
            "session.policy": self._policy,
            "cell.interrupt": self._interrupt,
        }

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def _stop(self) -> None:
        screen = self._screen

        def stop(choice: str | None) -> None:
            if choice is not None:
                screen.wiring.engine.stop(screen.wiring.who)

        screen.app.push_screen(
            ConfirmScreen("Stop the session?", [Choice("x", "stop", "stop it with its best partial result")]),
            stop,
        )

    def _pause(self) -> None:
        screen = self._screen
        screen.model.paused = not screen.model.paused
        if screen.model.paused:
            screen.wiring.engine.pause()
        else:
            screen.wiring.engine.resume()
        screen.redraw(everything=True)

    def _interrupt(self) -> None:
        cell = self._screen.model.running_cell
        if cell == self._interrupted:
            # Asked a second time: it does not listen, or the person wants to go.
            self._screen.action_act("app.quit")
            return
        self._interrupted = cell
        self._screen.wiring.engine.interrupt(self._screen.wiring.who)
        self._screen.say("The cell was asked to stop.")

    def _policy(self) -> None:
        screen = self._screen
        policy = screen.wiring.policy

        def switch(choice: str | None) -> None:
            if choice == STEPS:
                self._some_steps()
            elif choice is not None:
                policy.switch(next(name for name in POLICIES if name == choice))
                screen.redraw(everything=True)

        now = STEPS if policy.steps else policy.policy
        told = {str(name): about for name, about in POLICIES.items()}
        told[STEPS] = "the next few steps are approved, then a person decides again"
        choices = [
            Choice(key, name, told[name] + (" (now)" if name == now else ""), title=name)
            for key, name in POLICY_KEYS.items()
        ]
        screen.app.push_screen(ConfirmScreen("Who approves from the next step on?", choices), switch)

    def _some_steps(self) -> None:
        screen = self._screen

        def grant(texts: tuple[str, ...]) -> None:
            screen.wiring.policy.approve_next(int(texts[0]))
            proposal = screen.model.proposal
            if isinstance(proposal, StepProposal):
                screen.say("The one that waits is still yours to decide.")
            screen.redraw(everything=True)

        write(
            self._screen,
            [Page("How many steps are approved without asking?", "5")],
            grant,
            hint="Then you are asked again, as for every answer; p takes it back.",
            done="approve so many",
            one_line=True,
            check=lambda texts: (
                None if texts[0].strip().isdigit() and int(texts[0]) > 0 else "a number of steps is needed"
            ),
        )
