"""Stepping in on a worker call: read it, send it again, put a reply in its place, cancel what is left of its batch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING

from distill_core.errors import DistillError
from distill_core.state import WorkerCall
from distill_core.text import encodable
from tui.engine import LiveSession
from tui.live.model import Changes
from tui.live.panes import WorkerRows
from tui.screens.call import CallScreen, Wish
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane
from tui.screens.write import Page, write

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Calling:
    """What a person does about the worker call at the cursor."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def panes(self) -> Mapping[str, Pane]:
        """None: the calls are listed by `Watching`."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """The actions on a call."""
        return {
            "call.read": self._read,
            "call.retry": lambda: self._do("retry"),
            "call.override": lambda: self._do("override"),
            "call.cancel": lambda: self._do("cancel"),
        }

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    @property
    def _call(self) -> WorkerCall | None:
        """The call at the cursor."""
        pane = self._screen.pane("workers")
        rows = pane.source
        return rows.call(pane.cursor) if pane.cursor is not None and isinstance(rows, WorkerRows) else None

    def _read(self) -> None:
        call = self._call
        if call is None:
            return

        def then(wish: Wish | None) -> None:
            if wish is not None:
                self._about(call.call_id, wish)

        self._screen.app.push_screen(CallScreen(self._screen.model, call.call_id), then)

    def _do(self, wish: Wish) -> None:
        call = self._call
        if call is not None:
            self._about(call.call_id, wish)

    def _about(self, call_id: str, wish: Wish) -> None:
        who = self._screen.wiring.who
        match wish:
            case "retry":
                self._ask(lambda session: session.retry_call(call_id, by=who), f"{call_id} is sent again.")
            case "override":
                self._override(call_id)
            case "cancel":
                self._cancel(call_id)

    def _override(self, call_id: str) -> None:
        call, who = self._screen.model.state.calls[call_id], self._screen.wiring.who
        write(
            self._screen,
            [Page(f"The reply to {call_id}", call.override or call.response or "")],
            lambda texts: self._ask(
                lambda session: session.override_call(call_id, encodable(texts[0]), by=who),
                f"The reply to {call_id} was changed.",
            ),
            hint="The code gets it if it still waits; the record keeps both.",
            done="put it there",
        )

    def _cancel(self, call_id: str) -> None:
        call, who = self._screen.model.state.calls[call_id], self._screen.wiring.who
        what = f"what is left of batch {call.batch_id}" if call.batch_id else f"call {call_id}"

        def cancel(choice: str | None) -> None:
            if choice is not None:
                self._ask(lambda session: session.cancel_calls(call_id, by=who), f"Cancelled {what}.")

        choices = [
            Choice("x", "cancel", f"cancel {what}; the code gets an error for each, replies that came stay")
        ]
        self._screen.app.push_screen(ConfirmScreen("Cancel worker calls?", choices), cancel)

    def _ask(self, wish: Callable[[LiveSession], Future[None]], done: str) -> None:
        """Ask the session; say `done`, or what it has against it."""
        session = self._screen.wiring.engine.session
        if session is None:
            return

        async def asked() -> None:
            try:
                await asyncio.wrap_future(wish(session))
            except DistillError as error:
                self._screen.say(str(error), warning=True)
            else:
                self._screen.say(done)

        self._screen.run_worker(asked(), exit_on_error=False)
