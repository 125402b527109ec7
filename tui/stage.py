"""The stage: runs a command of the program inside the application, and shows the session that it makes on a screen.

The command runs on a thread of its own, as it would in a terminal, so that everything that starts a session starts it
the same way. When its session begins it is shown; when the person has left that screen the command goes on to its end.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from distill_core.errors import DistillError

if TYPE_CHECKING:
    from distill_core.approval import PolicyName
    from distill_core.rerunning import Rerun
    from distill_core.specification import RunResult
    from tui.app import DistillApp
    from tui.branching import MakeFork
    from tui.diverging import Choice
    from tui.engine import MakeSession

PATIENCE = 20.0
"""Seconds that a command gets to let go of its session once the application is gone."""


class AppStage:
    """Sessions on the screens of an application, one at a time."""

    def __init__(self, app: DistillApp) -> None:
        self._app = app
        self._gone = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a command runs."""
        return self._thread is not None and self._thread.is_alive()

    def run(self, arguments: Sequence[str], ended: Callable[[str], None]) -> None:
        """Run a command on a thread of its own.

        Args:
            arguments: as on the command line.
            ended: told, on the application's thread, what went wrong; nothing if all is well.
        """
        self._thread = threading.Thread(
            target=self._run, args=(list(arguments), ended), name="command", daemon=True
        )
        self._thread.start()

    def _run(self, arguments: list[str], ended: Callable[[str], None]) -> None:
        from tui.cli.program import program

        trouble = ""
        try:
            program.main(arguments, prog_name="distill-tui", standalone_mode=False, obj=self)
        except (DistillError, click.ClickException) as error:
            trouble = error.message if isinstance(error, click.ClickException) else str(error)
        except Exception as error:  # noqa: BLE001  # the thread's outermost frame: told on the screen
            trouble = f"a fault of the program: {type(error).__name__}: {error}"
        if not self._gone.is_set():
            self._app.call_from_thread(ended, trouble)

    def show(
        self, make_session: MakeSession, *, policy: PolicyName, who: str, fork: MakeFork | None = None
    ) -> RunResult | None:
        """Run a session on the live screen until the person leaves it; `fork` makes forks of it. Blocks.

        Returns:
            The result; None where it was left before its end, or ended with a DistillError, which the screen has told.

        Raises:
            Exception: a fault of the program that the session ended with.
        """
        from tui.running import end, wire
        from tui.screens.live import LiveScreen

        wiring = wire(make_session, policy=policy, who=who, setup=self._app.setup, fork=fork)
        left = threading.Event()

        def push() -> None:
            self._app.push_screen(LiveScreen(wiring), lambda _: left.set())
            wiring.engine.start()

        self._app.call_from_thread(push)
        try:
            while not left.wait(0.1) and not self._gone.is_set():
                pass
        finally:
            wiring.bridge.close()
            end(wiring.engine)
        error = wiring.engine.error
        if error is not None and not isinstance(error, DistillError):
            raise error
        return wiring.engine.result

    def ask_about(self, run: Rerun, *, may_branch: bool) -> Choice:
        """What is to become of a cell that came out differently. Blocks; "stop" where the application goes away."""
        from tui.screens.differing import DifferingScreen

        said = threading.Event()
        choices: list[Choice | None] = []

        def take(choice: Choice | None) -> None:
            choices.append(choice)
            said.set()

        def push() -> None:
            self._app.push_screen(DifferingScreen(run, may_branch=may_branch), take)

        self._app.call_from_thread(push)
        while not said.wait(0.1) and not self._gone.is_set():
            pass
        return (choices[0] if choices else None) or "stop"

    def close(self) -> None:
        """The application is gone: let the command come to its end."""
        self._gone.set()
        if self._thread is not None:
            self._thread.join(PATIENCE)
