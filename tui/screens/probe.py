"""A modal that looks into the REPL: its variables, and a place to try code on a copy that is thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from distill_core.errors import DistillError
from distill_core.probing import Probe
from distill_core.text import encodable
from themes import Palette
from tui.lines import Line, wrap
from tui.live.probing import scratch_lines, variable_lines
from tui.transcript import Transcript
from tui.widgets.editor import Editor
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane


class ProbeScreen(ModalScreen[None]):
    """Ends when the person has seen enough; the copy is thrown away then.

    Args:
        look: asks the session for a probe.
        palette: the theme.
    """

    CSS_PATH = "probe.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "try", "Try", priority=True),
        Binding("ctrl+c", "interrupt", "Interrupt", priority=True),
        Binding("tab", "app.focus_next", "Other pane", priority=True),
        Binding("shift+tab", "app.focus_previous", "Other pane", priority=True),
        Binding("escape", "close", "Close", priority=True),
    ]

    def __init__(self, look: Callable[[], Future[Probe]], palette: Palette) -> None:
        super().__init__()
        self._look = look
        self._palette = palette
        self._probe: Probe | None = None
        self._tried = 0
        self._busy = False
        self._variables = Transcript(lambda line, width: wrap(line, width)[:1])
        self._scratch = Transcript(lambda line, width: wrap(line, width, indent=4))

    def compose(self) -> ComposeResult:
        """Variables, what was tried, where to write."""
        with Vertical(id="probe-box"):
            yield LineBar(id="probe-title")
            yield LinePane(self._variables, id="probe-variables", title="Variables", following=False)
            yield LinePane(
                self._scratch, id="probe-scratch", title="Scratch", empty="What you try appears here."
            )
            yield Editor("", palette=self._palette, language="python", id="probe-editor")
            yield LineBar(id="probe-keys")

    def on_mount(self) -> None:
        """Make the copy and look."""
        self._say()
        self.query_one(Editor).focus()
        self.run_worker(self._open(), exit_on_error=False)

    async def on_unmount(self) -> None:
        """Throw the copy away."""
        if self._probe is not None:
            self._probe.close()

    def action_try(self) -> None:
        """Run what is written."""
        editor = self.query_one(Editor)
        code = editor.exact
        if code.strip() and self._probe is not None and not self._busy:
            editor.load("")
            self._tried += 1
            self.run_worker(self._run(self._probe, encodable(code), self._tried), exit_on_error=False)

    def action_interrupt(self) -> None:
        """Stop what runs here."""
        if self._probe is not None:
            self._probe.interrupt()

    def action_close(self) -> None:
        """Go back."""
        self.dismiss(None)

    async def _open(self) -> None:
        try:
            self._probe = await asyncio.wrap_future(self._look())
            self._say()
            await self._list()
        except DistillError as error:
            self._show_variables([((f"✗ {error}", "error"),)])

    async def _list(self) -> None:
        if self._probe is not None:
            variables = await asyncio.wrap_future(self._probe.variables())
            self._show_variables(variable_lines(variables))

    async def _run(self, probe: Probe, code: str, number: int) -> None:
        self._busy = True
        self._show_scratch(number, scratch_lines(code, None))
        try:
            result = await asyncio.wrap_future(probe.run(code))
            self._show_scratch(number, scratch_lines(code, result))
            await self._list()
        except DistillError as error:
            self._show_scratch(number, scratch_lines(code, None, str(error)))
        finally:
            self._busy = False

    def _show_variables(self, lines: list[Line]) -> None:
        self._variables.set("all", lines)
        self.query_one("#probe-variables", LinePane).changed()

    def _show_scratch(self, number: int, lines: list[Line]) -> None:
        self._scratch.set(number, lines)
        self.query_one("#probe-scratch", LinePane).changed()

    def _say(self) -> None:
        if self._probe is None:
            told: Line = (("a copy of the REPL is being made", "muted"),)
        elif self._probe.why:
            told = ((f"no copy can be had, so nothing can be tried: {self._probe.why}", "warn"),)
        else:
            told = (("on a copy as it was after the last cell; nothing of it is kept or recorded", "muted"),)
        self.query_one("#probe-title", LineBar).show((("The REPL", "heading"), (" · ", "muted"), *told))
        self.query_one("#probe-keys", LineBar).show(
            (
                ("enter", "key"),
                (" try   ", ""),
                ("ctrl+j", "key"),
                (" new line   ", ""),
                ("tab", "key"),
                (" panes   ", ""),
                ("esc", "key"),
                (" back, the copy is thrown away", ""),
            )
        )
