"""Forking a past session from its screen: at the step that is shown, with other code or with words in front of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from distill_core.errors import DistillError
from distill_core.forking import codes_of
from distill_core.record import record_of
from tui.headless.asking import MARK
from tui.live.model import Changes
from tui.live.playback import Playback
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.parts import Pane
from tui.screens.write import Page, WriteScreen

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


class Forking:
    """Asks how, and leaves the screen with what is to be forked; whoever opened the screen starts it."""

    def __init__(self, screen: LiveScreen) -> None:
        self._screen = screen

    def panes(self) -> Mapping[str, Pane]:
        """None of its own."""
        return {}

    def handlers(self) -> Mapping[str, Callable[[], None]]:
        """Forking."""
        return {"play.fork": self._fork}

    def take(self, changes: Changes) -> None:
        """Nothing to follow."""

    def _fork(self) -> None:
        playback = self._screen.wiring.playback
        if playback is None:
            return
        playback.playing = False
        step = playback.step_shown
        choices = [
            Choice("e", "edit", f"change the code of step {step} and run that"),
            Choice("i", "instruct", f"say something to the supervisor in front of step {step}"),
            Choice(
                "a",
                "after",
                "say something behind the last step: what is wrong with the answer, what more to do",
            ),
        ]

        def go(choice: str | None) -> None:
            if choice == "edit":
                self._edit(playback, step)
            elif choice is not None:
                self._instruct(playback, step if choice == "instruct" else playback.steps + 1)

        place = f"Fork at step {step} of {playback.steps}"
        question = f"{place}: the steps before it are copied, no model is called for them."
        self._screen.app.push_screen(ConfirmScreen(question, choices), go)

    def _edit(self, playback: Playback, step: int) -> None:
        try:
            codes = codes_of(record_of(playback.events), step)
        except DistillError as error:
            self._screen.say(str(error), warning=True)
            return
        pages = [Page(f"Step {step}, cell {n}", code) for n, code in enumerate(codes, 1)]

        def use(texts: tuple[str, ...] | None) -> None:
            if texts is None:
                return
            with tempfile.NamedTemporaryFile(
                "w", suffix=".py", prefix="fork-", delete=False, encoding="utf-8"
            ) as file:
                file.write(f"\n{MARK}\n".join(texts))
            self._leave(playback, step, "--code", str(Path(file.name)))

        self._write(
            pages, "What runs in its place; then the session goes on from there.", use, language="python"
        )

    def _instruct(self, playback: Playback, step: int) -> None:
        def use(texts: tuple[str, ...] | None) -> None:
            if texts is not None and texts[0].strip():
                self._leave(playback, step, "--instruct", texts[0].strip())

        self._write([Page("To the supervisor", "")], f"Stands in front of step {step}.", use)

    def _write(
        self,
        pages: list[Page],
        hint: str,
        use: Callable[[tuple[str, ...] | None], None],
        *,
        language: str | None = None,
    ) -> None:
        palette = self._screen.wiring.palettes[self._screen.app.theme]
        modal = WriteScreen(pages, hint=hint, palette=palette, language=language, done="fork")
        self._screen.app.push_screen(modal, use)

    def _leave(self, playback: Playback, step: int, *more: str) -> None:
        folder = self._screen.wiring.folder
        session = str(folder) if folder is not None else playback.session_id
        playback.fork = (session, "--at", str(step), *more)
        self._screen.leave()
