"""The live screen: a running session, seen and decided on. It draws the model and sends decisions, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.screen import Screen

from distill_core.approval import PersonApprover, PolicyApprover, StepProposal
from themes import Palette
from tui.actions import ACTIONS, BY_ID, DECIDE, bindings
from tui.bridge import Bridge
from tui.engine import Engine
from tui.lines import Line, wrap
from tui.live import decision, keys, status, workers
from tui.live.model import LiveModel
from tui.live.panes import Panes, StepEntries
from tui.screens.deciding import Deciding
from tui.screens.read import ReadScreen
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

PANES = ("timeline", "supervisor", "output", "workers", "decision")
FLUSHES_A_SECOND = 20
FOLDING_SECONDS = 0.02
"""At most so long is spent on taking events between two drawings."""


def wrap_decision(line: Line, width: int) -> list[Line]:
    """Prose to its full width; what stands under a cell's name goes on under it."""
    under = bool(line) and line[0][0].startswith("   ")
    return wrap(line, width, words=True, indent=3 if under else 0)


class Wiring(msgspec.Struct, frozen=True):
    """What the screen is connected to.

    Args:
        engine: the running session.
        bridge: where its events come from.
        person: takes the person's decisions.
        policy: decides who is asked; switched live.
        who: the person's name, for the record.
        palettes: the themes, by name.
        now: the clock for elapsed time.
    """

    engine: Engine
    bridge: Bridge
    person: PersonApprover
    policy: PolicyApprover
    who: str
    palettes: dict[str, Palette]
    now: Callable[[], datetime]


class LiveScreen(Screen[None]):
    """One running session."""

    CSS_PATH = "live.tcss"
    # Textual means class variables and writes them so that a checker takes them for the instance's.
    HORIZONTAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [  # type: ignore[misc]
        (0, "-narrow"),
        (110, "-wide"),
        (180, "-very-wide"),
    ]
    VERTICAL_BREAKPOINTS: ClassVar[list[tuple[int, str]] | None] = [  # type: ignore[misc]
        (0, "-short"),
        (30, "-tall"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = list(bindings())

    def __init__(self, wiring: Wiring) -> None:
        super().__init__()
        self.wiring = wiring
        self.model = LiveModel()
        self.panes = Panes(self.model)
        self._deciding = Deciding(self)
        self._decision = Transcript(wrap_decision)
        self._active = "supervisor"
        self._chosen_by_hand = False
        self.leaving = False

    # ------------------------------------------------------------ layout

    def compose(self) -> ComposeResult:
        """Status on top, four panes, what is to be decided, the keys."""
        yield LineBar(id="status")
        yield KeyBar(id="tabs")
        with Container(id="panes"):
            with Container(id="left"):
                yield LinePane(
                    self.panes.timeline,
                    id="timeline",
                    title="1 Timeline",
                    entries=StepEntries(self.panes.timeline),
                    empty="Steps appear here.",
                )
                yield LinePane(
                    self.panes.workers,
                    id="workers",
                    title="4 Workers",
                    entries=self.panes.workers,
                    empty="Calls appear here; enter reads one.",
                )
            with Container(id="right"):
                yield LinePane(
                    self.panes.supervisor,
                    id="supervisor",
                    title="2 Supervisor",
                    empty="What the supervisor writes appears here.",
                )
                yield LinePane(
                    self.panes.output,
                    id="output",
                    title="3 Output",
                    empty="What cells print appears here.",
                )
        yield LinePane(self._decision, id="decision", title="5 Decision")
        yield KeyBar(id="gate", lead=("◆ ", "warn"))
        yield KeyBar(id="keys")

    def on_mount(self) -> None:
        """Begin to take what the engine sends."""
        self._activate("supervisor")
        self.query_one("#decision", LinePane).following = False
        self.redraw(everything=True)
        self.set_interval(1 / FLUSHES_A_SECOND, self.flush)

    def pane(self, name: str) -> LinePane:
        """A pane by its name."""
        return self.query_one(f"#{name}", LinePane)

    # ------------------------------------------------------------ what comes

    def flush(self) -> None:
        """Take what has come over the bridge and draw what changed by it."""
        self.wiring.bridge.drain(self.model.take, FOLDING_SECONDS)
        self.redraw()
        if self.leaving and not self.wiring.engine.alive:
            self.app.exit()

    def leave_when_ended(self) -> None:
        """Stop the session; the program goes as soon as that has come to its end."""
        self.leaving = True
        self.wiring.engine.stop(self.wiring.who)

    def redraw(self, *, everything: bool = False) -> None:
        """Draw what changed since the last time."""
        changes = self.model.changes()
        if changes.any or everything:
            for name in self.panes.take(changes):
                self.pane(name).changed()
            if changes.calls or everything:
                summary = workers.summary(self.model.state, self.model.counts)
                self.pane("workers").header = (
                    (summary, workers.HEADER) if self.model.counts.total else (summary,)
                )
            if changes.steps and self.pane("timeline").following:
                self.pane("timeline").point_at(len(self.model.state.steps) - 1)
            self._draw_decision(changes.gate)
            if changes.gate:
                self._make_room()
            self._turn_to_what_happens(changes.gate)
        self._draw_bars()

    def _draw_decision(self, fresh: bool) -> None:
        lines = decision.lines(self.model)
        pane = self.pane("decision")
        self._decision.set("all", lines)
        pane.set_class(self.model.gate is not None, "-waiting")
        rows = self._decision.height(pane.scrollable_content_region.width or self.size.width - 4)
        most = max(5, self.size.height * (2 if self.model.gate == "final" or not self.model.live else 1) // 4)
        pane.styles.height = max(3, min(rows + 2, most))
        pane.changed()
        if fresh:
            pane.show_from(0)
            pane.following = False
            self.refresh_bindings()

    def _make_room(self) -> None:
        """While a step waits, its reply gets the larger part and is read from its start; afterwards it is followed."""
        proposal = self.model.proposal
        deciding = isinstance(proposal, StepProposal)
        if deciding == self.has_class("-deciding"):
            return
        self.set_class(deciding, "-deciding")
        if isinstance(proposal, StepProposal):
            self.call_after_refresh(self._read_from_start, proposal.proposal_id)
        else:
            self.call_after_refresh(self.follow, "supervisor")

    def _read_from_start(self, call_id: str) -> None:
        span, pane = self.panes.supervisor.span(call_id), self.pane("supervisor")
        if span is not None and span[1] > pane.size.height and pane.following:
            pane.show_from(span[0])

    def _draw_bars(self) -> None:
        model, wiring = self.model, self.wiring
        lines: tuple[Line, ...] = (
            status.first(model, wiring.policy.policy, wiring.now()),
            status.second(model),
        )
        self.query_one("#status", LineBar).show(*lines)
        now = model.situation
        fitting = [action for action in ACTIONS if action.applies(now)]
        gate_keys = [a for a in fitting if a.group == DECIDE]
        self.query_one("#gate", KeyBar).show(gate_keys, model.gate)
        self.query_one("#gate").display = bool(gate_keys)
        self.query_one("#keys", KeyBar).show([a for a in fitting if a.shown], model.gate)
        self.query_one("#tabs", KeyBar).show(
            [BY_ID[f"pane.{i}"] for i in range(1, 6)], None, PANES.index(self._active)
        )

    def _turn_to_what_happens(self, gate_changed: bool) -> None:
        """Where only one pane fits, show the one where something happens, unless the person chose one."""
        if not self.has_class("-narrow"):
            return
        if gate_changed and self.model.gate is not None:
            self._chosen_by_hand = False
        if not self._chosen_by_hand:
            self._activate("output" if self.model.running_cell is not None else "supervisor", focus=False)

    def say(self, message: str, *, warning: bool = False) -> None:
        """A passing notice; its text is data."""
        self.app.notify(
            clean(message), markup=False, severity="warning" if warning else "information", timeout=3
        )

    # ------------------------------------------------------------ panes

    def _activate(self, name: str, *, focus: bool = True) -> None:
        if name != "decision":
            self._active = name
            for other in PANES[:-1]:
                self.pane(other).set_class(other == name, "-active")
            for side in self.query("#left, #right"):
                side.set_class(bool(side.query(f"#{name}")), "-active")
        if focus or not isinstance(self.focused, LinePane) or not self.focused.display:
            self.pane(name).focus()

    @on(LinePane.Highlighted, "#timeline")
    def show_step(self, message: LinePane.Highlighted) -> None:
        """Bring the chosen step into the other panes, or follow again at the last."""
        if message.index == len(self.model.state.steps) - 1:
            self.follow("supervisor", "output", "workers")
            return
        at = self.panes.anchors(message.index + 1)
        for name, first in zip(("supervisor", "output", "workers"), at, strict=True):
            if first is not None:
                self.pane(name).show_from(first)

    @on(LinePane.Chosen, "#workers")
    def read_call(self, message: LinePane.Chosen) -> None:
        """Show a worker call in full."""
        state = self.model.state
        call = state.calls[state.call_order[message.index]]
        self.app.push_screen(ReadScreen(f"Worker call {call.call_id}", workers.detail_lines(call)))

    @on(LinePane.Chosen, "#timeline")
    def go_to_step(self, message: LinePane.Chosen) -> None:
        """Read the chosen step."""
        self._activate("supervisor")

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
        return BY_ID[str(parameters[0])].applies(self.model.situation)

    @on(KeyBar.Clicked)
    def clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        if not BY_ID[action_id].applies(self.model.situation):
            return
        group, _, name = action_id.partition(".")
        if group in ("decide", "session", "cell"):
            self._deciding.do(action_id)
        elif group == "pane":
            self._look(name)
        elif action_id == "theme.next":
            self._next_theme()
        elif action_id == "help.show":
            self.app.push_screen(ReadScreen("Help", keys.help_lines(), indent=keys.INDENT))
        elif action_id == "app.quit":
            self._deciding.leave()

    def _look(self, what: str) -> None:
        if what.isdigit():
            self._chosen_by_hand = True
            self._activate(PANES[int(what) - 1])
        elif what in ("next", "previous"):
            self._chosen_by_hand = True
            focused = self.focused.id if isinstance(self.focused, LinePane) else None
            at = PANES.index(focused) if focused in PANES else 0
            self._activate(PANES[(at + (1 if what == "next" else -1)) % len(PANES)])
        elif what == "follow":
            self.follow(*PANES[:-1])
        elif what == "zoom" and isinstance(self.focused, LinePane):
            if self.maximized is None:
                self.maximize(self.focused)
            else:
                self.minimize()

    def _next_theme(self) -> None:
        names = sorted(self.wiring.palettes)
        at = names.index(self.app.theme) if self.app.theme in names else -1
        self.app.theme = names[(at + 1) % len(names)]
        self.say(f"theme: {self.app.theme}")
