"""The live screen: a running session, seen and decided on. It draws the model and sends decisions, nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.events import Resize
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from distill_core.approval import PersonApprover, PolicyApprover
from distill_core.documents.source import Value as Context
from distill_core.signals import Differs, Notice
from themes import Palette
from tui.actions import DECIDE, REGISTRY, Action, Situation
from tui.branching import MakeFork
from tui.bridge import Bridge, Item
from tui.diverging import Choice
from tui.engine import Engine
from tui.lines import Line
from tui.live import layout, status
from tui.live.layout import BY_NAME, PANES, Column
from tui.live.model import LiveModel
from tui.live.playback import Playback
from tui.screens.arranging import Arranging
from tui.screens.parts import Pane, parts_of
from tui.screens.playing import Playing
from tui.screens.watching import Watching
from tui.setup import Setup
from tui.text import clean
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

FLUSHES_A_SECOND = 20
KEY_SECONDS = 0.04
"""So long after a key the screen draws what the key did, and nothing else."""

FOLDING_SECONDS = 0.02
"""At most so long is spent on taking events between two drawings."""


class Wiring(msgspec.Struct, frozen=True):
    """What the screen is connected to.

    Args:
        engine: the running session.
        bridge: where its events come from.
        person: takes the person's decisions.
        policy: decides who is asked; switched live.
        who: the person's name, for the record.
        setup: what the person's settings make of the screens.
        now: the clock for elapsed time.
        playback: of a past session; then nothing runs, and what is shown is a moment of it.
        folder: of a past session; judgements are added to its log.
        document: gives the document of a past session; called off the screen's thread.
        fork: makes forks of the session.
        instead: of a fork that can be begun elsewhere: told the step where the person would rather branch off, since
            its recorded cell comes out differently; None for nowhere. The screen is to be left then.
    """

    engine: Engine
    bridge: Bridge
    person: PersonApprover
    policy: PolicyApprover
    who: str
    setup: Setup
    now: Callable[[], datetime]
    playback: Playback | None = None
    folder: Path | None = None
    document: Callable[[], Context] | None = None
    fork: MakeFork | None = None
    instead: Callable[[int | None], None] | None = None

    @property
    def palettes(self) -> dict[str, Palette]:
        """The themes, by name."""
        return self.setup.palettes


class Ground(Container):
    """What panes stand on. They hide it, so nothing but its colour is ever drawn."""

    BLANK: ClassVar[bool] = True


class LiveScreen(Screen[None]):
    """One running session."""

    CSS_PATH = "live.tcss"
    BLANK: ClassVar[bool] = True
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("live"))
    # What has the focus draws itself; the base would draw the whole screen.
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring
        self.registry = wiring.setup.registry
        self.model = LiveModel()
        self.leaving = False
        self._gave_way = False
        self.chosen_by_hand = False
        self.active = "supervisor"
        self.arranging = Arranging(self)
        self.parts = (*parts_of(self), self.arranging)
        self.playing = next(part for part in self.parts if isinstance(part, Playing))
        self.watching = next(part for part in self.parts if isinstance(part, Watching))
        self._panes: dict[str, Pane] = {}
        self._handlers: dict[str, Callable[[], None]] = {}
        for part in self.parts:
            self._panes.update(part.panes())
            self._handlers.update(part.handlers())

    # ------------------------------------------------------------ layout

    def compose(self) -> ComposeResult:
        """Status on top, two columns of panes, what is to be decided, the keys."""
        yield LineBar(id="status")
        yield KeyBar(id="tabs")
        with Ground(id="panes"):
            with Ground(id="left"):
                yield from self._column("left")
            with Ground(id="right"):
                yield from self._column("right")
        yield from self._column("bottom")
        yield LineBar(id="playback")
        yield KeyBar(id="gate", lead=("◆ ", "warn"))
        yield KeyBar(id="keys", last=2)

    def _column(self, column: Column) -> Iterator[LinePane]:
        for spec in PANES:
            if spec.column == column:
                widget = self._panes[spec.name].widget
                widget.id = spec.name
                widget.border_title = f"{spec.key} {spec.title}"
                widget.empty = spec.empty
                yield widget

    def on_mount(self) -> None:
        """Begin to take what the engine sends."""
        self.take_size()
        self.activate(self.pane_names()[0] if "supervisor" in self.arranging.layout.hidden else "supervisor")
        self.redraw(everything=True)
        self.set_interval(1 / FLUSHES_A_SECOND, self.flush)

    def on_resize(self, _event: Resize) -> None:
        """Another size, other places."""
        self.take_size()

    def on_screen_resume(self) -> None:
        """Take the size that the terminal got while something stood over the screen."""
        self.take_size()

    def take_size(self) -> None:
        """Choose the layout that the terminal has room for."""
        for name, holds in layout.classes(self.app.size.width).items():
            self.set_class(holds, name)
        self._mark_active()
        self.arranging.apply()

    def pane(self, name: str) -> LinePane:
        """A pane by its name."""
        return self._panes[name].widget

    def pane_names(self) -> list[str]:
        """The panes that are not hidden, in the order of their keys."""
        return [spec.name for spec in PANES if not self.pane(spec.name).has_class("-hidden")]

    @property
    def focused_pane(self) -> str:
        """The name of the pane that has the focus; empty if none has."""
        focused = self.focused
        return focused.id or "" if isinstance(focused, LinePane) else ""

    # ------------------------------------------------------------ what comes

    def flush(self) -> None:
        """Take what has come over the bridge and draw what changed by it; what a key does is drawn first."""
        if self._keys_first():
            return
        self.take_in()
        self.playing.tick()
        self.redraw()
        self.watching.tick()
        self.watching.catch_up()
        if self.leaving and not self.wiring.engine.alive:
            self.leave()

    def take_in(self) -> None:
        """Take what has come over the bridge; it is drawn with the next flush."""
        self.wiring.bridge.drain(self._take, FOLDING_SECONDS)

    def _keys_first(self) -> bool:
        """Whether a key was pressed just now. What comes gives way to it, but not twice in a row."""
        pressed = getattr(self.app, "pressed", 0.0)
        self._gave_way = not self._gave_way and time.monotonic() - pressed < KEY_SECONDS
        return self._gave_way

    def _take(self, item: Item) -> None:
        if isinstance(item, Notice):
            self.app.notify(clean(item.text), markup=False, severity="warning", timeout=15)
        elif isinstance(item, Differs):
            self._ask_about(item)
        else:
            self.model.take(item)

    def _ask_about(self, differs: Differs) -> None:
        """Show how a recorded cell came out differently, and take the person's word on it."""
        from tui.screens.differing import DifferingScreen

        instead = self.wiring.instead

        def take(choice: Choice | None) -> None:
            differs.answer(choice == "keep")
            if choice != "keep" and instead is not None:
                instead(differs.run.cell.step if choice == "branch" else None)

        self.app.push_screen(DifferingScreen(differs.run, may_branch=instead is not None), take)

    def leave(self) -> None:
        """Go back to where the person came from."""
        self.leaving = False
        while self.app.screen is not self:
            self.app.pop_screen()
        self.dismiss(None)

    def leave_when_ended(self) -> None:
        """Go as soon as the session has come to its end."""
        self.leaving = True

    def redraw(self, *, everything: bool = False) -> None:
        """Draw what changed since the last time."""
        changes = self.model.changes()
        if changes.any or everything:
            for part in self.parts:
                part.take(changes)
            if changes.gate:
                self.refresh_bindings()
            self._turn_to_what_happens(changes.gate)
        self._draw_bars()

    @property
    def engine(self) -> Engine:
        """Runs the session."""
        return self.wiring.engine

    @property
    def offered(self) -> Sequence[Action]:
        """The actions that apply now."""
        return self.registry.applying(self.situation)

    @property
    def situation(self) -> Situation:
        """What decides which actions apply."""
        at_call = self.pane("workers").cursor is not None
        now = msgspec.structs.replace(
            self.model.situation,
            pane=self.focused_pane,
            call=at_call,
            forks=self.wiring.fork is not None and bool(len(self.model.state.steps)),
        )
        if self.wiring.playback is None:
            return now
        return msgspec.structs.replace(now, gate=None, live=False, running=False, last=False, past=True)

    def _draw_bars(self) -> None:
        model, wiring, past = self.model, self.wiring, self.wiring.playback
        policy = wiring.policy.name if past is None else model.state.policy
        now = wiring.now() if past is None else past.now
        lines: tuple[Line, ...] = (status.first(model, policy, now), status.second(model))
        bar = self.query_one("#playback", LineBar)
        bar.display = past is not None
        if past is not None:
            bar.show(past.line(max(20, bar.content_size.width)))
        self.query_one("#status", LineBar).show(*lines)
        fitting = self.registry.applying(self.situation)
        gate_keys = [action for action in fitting if action.group == DECIDE]
        self.query_one("#gate", KeyBar).show(gate_keys, model.gate)
        self.query_one("#gate").display = bool(gate_keys)
        self.query_one("#keys", KeyBar).show([action for action in fitting if action.shown], model.gate)
        names = self.pane_names()
        self.query_one("#tabs", KeyBar).show(
            [self.registry[f"pane.{name}"] for name in names],
            None,
            names.index(self.active) if self.active in names else None,
        )

    def _turn_to_what_happens(self, gate_changed: bool) -> None:
        """Where only one pane fits, show the one where something happens, unless the person chose one."""
        if not self.has_class("-narrow"):
            return
        if gate_changed and self.model.gate is not None:
            self.chosen_by_hand = False
        if not self.chosen_by_hand:
            self.activate("output" if self.model.running_cell is not None else "supervisor", focus=False)

    def say(self, message: str, *, warning: bool = False) -> None:
        """A passing notice; its text is data."""
        self.app.notify(
            clean(message), markup=False, severity="warning" if warning else "information", timeout=3
        )

    # ------------------------------------------------------------ panes

    def activate(self, name: str, *, focus: bool = True) -> None:
        """Show a pane (where only one fits: in the place of the others) and give it the focus."""
        self.arranging.show(name)
        if BY_NAME[name].column != "bottom":
            self.active = name
            self._mark_active()
        if focus or not isinstance(self.focused, LinePane) or not self.focused.display:
            self.set_focus(self.pane(name))

    def _mark_active(self) -> None:
        """Mark the pane to be shown where only one fits; elsewhere the mark would only cost time."""
        if not self.has_class("-narrow"):
            return
        for spec in PANES:
            self.pane(spec.name).set_class(spec.name == self.active, "-active")
        for side in ("left", "right"):
            self.query_one(f"#{side}").set_class(BY_NAME[self.active].column == side, "-active")

    @on(LinePane.Highlighted)
    def highlighted(self, message: LinePane.Highlighted) -> None:
        """The cursor of a pane moved."""
        self._tell(message, chosen=False)

    @on(LinePane.Chosen)
    def chosen(self, message: LinePane.Chosen) -> None:
        """An entry of a pane was opened."""
        self._tell(message, chosen=True)

    def _tell(self, message: LinePane.Highlighted, *, chosen: bool) -> None:
        pane = self._panes.get(message.pane.id or "")
        act = None if pane is None else pane.chosen if chosen else pane.highlighted
        if act is not None:
            act(message.index)

    def follow(self, *names: str) -> None:
        """Follow what comes in these panes."""
        for name in names:
            pane = self.pane(name)
            pane.following = True
            pane.scroll_end(animate=False, immediate=True, x_axis=False)

    # ------------------------------------------------------------ actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether an action of the registry applies now."""
        if action != "act":
            return True
        return self.registry[str(parameters[0])].applies(self.situation)

    @on(KeyBar.Clicked)
    def clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        if self.registry[action_id].applies(self.situation):
            self._handlers[action_id]()
