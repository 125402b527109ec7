"""A modal that shows a worker call in full, as it stands now, and from which a person can step in."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from tui.lines import Line, wrap
from tui.live import workers
from tui.live.model import LiveModel
from tui.transcript import Transcript
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

Wish: TypeAlias = Literal["retry", "override", "cancel"]
LOOKS_A_SECOND = 4


class CallScreen(ModalScreen[Wish | None]):
    """Ends with what the person wants done about the call, or None.

    Args:
        model: what is known; looked at again and again.
        call_id: the call.
    """

    CSS_PATH = "call.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("R,r", "wish('retry')", "Send again", priority=True),
        Binding("O,o", "wish('override')", "Override", priority=True),
        Binding("X,x", "wish('cancel')", "Cancel the rest", priority=True),
        Binding("escape,q,enter", "close", "Close", priority=True),
    ]

    def __init__(self, model: LiveModel, call_id: str) -> None:
        super().__init__()
        self._model = model
        self._call_id = call_id
        self._drawn: list[Line] = []
        self._rows = Transcript(lambda line, width: wrap(line, width, words=True))

    def compose(self) -> ComposeResult:
        """One pane, and the keys."""
        with Vertical(id="call-box"):
            yield LinePane(self._rows, id="call-pane", title=f"Worker call {self._call_id}", following=False)
            yield LineBar(id="call-keys")

    def on_mount(self) -> None:
        """Start at the top."""
        self.query_one(LinePane).focus()
        self._draw()
        self.set_interval(1 / LOOKS_A_SECOND, self._draw)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What can be done about it now."""
        return action != "wish" or str(parameters[0]) in self._wishes()

    def action_wish(self, wish: Wish) -> None:
        """End with a wish."""
        self.dismiss(wish)

    def action_close(self) -> None:
        """Only looked."""
        self.dismiss(None)

    def _wishes(self) -> tuple[Wish, ...]:
        if not self._model.live:
            return ()
        return (
            ("retry", "override", "cancel") if self._model.running_cell is not None else ("retry", "override")
        )

    def _draw(self) -> None:
        lines = workers.detail_lines(self._model.state, self._call_id)
        if lines != self._drawn:
            self._drawn = lines
            self._rows.set("all", lines)
            self.query_one(LinePane).changed()
        keys: list[tuple[str, str]] = []
        told = {
            "retry": ("R", "send again"),
            "override": ("O", "override"),
            "cancel": ("X", "cancel the rest"),
        }
        for wish in self._wishes():
            key, words = told[wish]
            keys += [(key, "key"), (f" {words}   ", "")]
        self.query_one("#call-keys", LineBar).show((*keys, ("esc", "key"), (" back", "")))
