"""The screen of kept sessions: listed, filtered, searched, sorted, opened; several judged or removed at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.events import Resize, ScreenResume
from textual.screen import Screen
from textual.widgets import Input

from distill_core.errors import DistillError
from distill_core.plurals import count
from tui.actions import REGISTRY, Situation
from tui.annotating.vocabulary import refusal
from tui.browsing.desk import Desk
from tui.browsing.details import details, wrap_details
from tui.browsing.listing import Listing, heads, heads_tell
from tui.lines import Line
from tui.live import keys
from tui.screens.ask import AskScreen
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.pick import PickScreen
from tui.screens.read import ReadScreen
from tui.setup import Setup
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from sessions.bulk import Done

SETTLING = 0.15
"""Seconds without a key after which what was typed so far is listed."""


class SessionsScreen(Screen[tuple[str, ...] | None]):
    """Kept sessions. Ends with the fork that the person asked for, if they did.

    Args:
        setup: what the person's settings make of the screens.
        home: the folder of kept sessions.
        who: whose judgements are made.
        words: the filter to begin with.
    """

    CSS_PATH = "sessions.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("sessions"))

    def __init__(self, setup: Setup, home: Path, who: str, words: str = "") -> None:
        super().__init__()
        self._setup = setup
        self._home = home
        self._who = who
        self._desk = Desk(home, who, annotator=setup.named)
        self._words = words
        self._listing = Listing()
        self._details = Transcript(wrap_details)
        self._order, self._descending = "started", True
        self._total = 0
        self._trouble = ""

    # ------------------------------------------------------------ layout

    def compose(self) -> ComposeResult:
        """A title, the filter, the list, what is at its cursor in full, the keys."""
        yield LineBar(id="sessions-title")
        yield Input(
            self._words,
            id="sessions-filter",
            placeholder="words to search for, model:llama errors:0 unreviewed …",
        )
        with Horizontal(id="sessions-panes"):
            yield LinePane(
                self._listing,
                id="sessions-list",
                title="Sessions",
                entries=self._listing,
                empty="Nothing is kept here that the filter selects.",
                following=False,
            )
            yield LinePane(self._details, id="sessions-details", title="Details", following=False)
        yield KeyBar(id="sessions-keys", last=2)

    def on_mount(self) -> None:
        """List what there is."""
        self.query_one("#sessions-keys", KeyBar).show(
            [action for action in self._setup.registry.applying(Situation(), "sessions") if action.shown],
            None,
        )
        self._list.heading = lambda width: (heads(width, self._order, self._descending),)
        self._list.focus()

    def on_unmount(self) -> None:
        """Let go of the store."""
        self._desk.close()

    def on_resize(self, event: Resize) -> None:
        """Show the details beside the list where there is room, else under it."""
        self.set_class(event.size.width < 150, "-narrow")

    @property
    def _list(self) -> LinePane:
        return self.query_one("#sessions-list", LinePane)

    @property
    def _at_cursor(self) -> str | None:
        cursor = self._list.cursor
        if cursor is None or cursor >= self._listing.count():
            return None
        return self._listing.rows[cursor].session_id

    def _work(
        self, work: Callable[[], Coroutine[Any, Any, None]], *, group: str, exclusive: bool = False
    ) -> None:
        """Do `work` beside the drawing; made only once it begins, since a later one of its group may come first."""
        self.run_worker(work, group=group, exclusive=exclusive)  # type: ignore[arg-type]  # textual wants None

    # ------------------------------------------------------------ listing

    @on(ScreenResume)
    def come_back(self) -> None:
        """Look for what is new, also after a session was open."""
        self._list_again(look=True)

    @on(Input.Changed, "#sessions-filter")
    def typed(self, message: Input.Changed) -> None:
        """List what is typed, once the person pauses."""
        self._words = message.value
        self._list_again(after=SETTLING)

    @on(Input.Submitted, "#sessions-filter")
    def submitted(self) -> None:
        """Go on in the list."""
        self._list.focus()

    def _list_again(self, *, look: bool = False, after: float = 0.0) -> None:
        self._work(partial(self._fill, look=look, after=after), group="list", exclusive=not look)

    async def _fill(self, *, look: bool, after: float) -> None:
        await asyncio.sleep(after)
        if self._left:
            return
        kept = self._at_cursor
        try:
            found = await self._desk.list(self._words, self._order, self._descending, look=look)  # type: ignore[arg-type]
        except DistillError as error:
            if not self._left:
                self._trouble = str(error)
                self._say()
            return
        if self._left:
            return
        self._trouble = found.trouble
        self._total = found.total
        self._listing.fill(found.rows)
        place = self._listing.place(kept) if kept else None
        self._list.changed()
        self._list.point_at(place if place is not None else 0 if found.rows else None)
        self._say()
        self._show()

    @property
    def _left(self) -> bool:
        """Whether the screen is being taken away: its panes go before its work does."""
        return not self.query("#sessions-list")

    def _say(self) -> None:
        marked = f"   ● {len(self._listing.marked)} marked" if self._listing.marked else ""
        arrow = "▼" if self._descending else "▲"
        unseen = not heads_tell(self._list.content_size.width or self.size.width, self._order)
        line: Line = (
            ("Sessions", "heading"),
            (f"   {self._listing.count():,} of {self._total:,}", "muted"),
            (f"   by {self._order} {arrow}" if unseen else "", "muted"),
            (marked, "key"),
            (f"   ✗ {self._trouble}" if self._trouble else "", "error"),
        )
        self.query_one("#sessions-title", LineBar).show(line)

    @on(LinePane.Highlighted, "#sessions-list")
    def highlighted(self) -> None:
        """Show a session in full."""
        self._show()

    def _show(self) -> None:
        self._work(self._detail, group="detail", exclusive=True)

    async def _detail(self) -> None:
        session_id = self._at_cursor
        row = next((row for row in self._listing.rows if row.session_id == session_id), None)
        lines: list[Line] = []
        if row is not None:
            try:
                hits = await self._desk.hits(row.session_id, self._words)
            except DistillError:
                hits = []  # the title says already what is wrong with the filter
            lines = details(row, hits)
        if self._left:
            return
        self._details.set("all", lines)
        pane = self.query_one("#sessions-details", LinePane)
        pane.changed()
        pane.show_from(0)

    # ------------------------------------------------------------ actions

    @on(KeyBar.Clicked)
    def clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    @on(LinePane.Chosen, "#sessions-list")
    def chosen(self) -> None:
        """Open what enter was pressed on."""
        self._open()

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        acts: dict[str, Callable[[], object]] = {
            "sessions.open": self._open,
            "sessions.filter": lambda: self.query_one(Input).focus(),
            "sessions.mark": self._mark,
            "sessions.mark_all": self._mark_all,
            "sessions.rate": self._rate,
            "sessions.label": self._label,
            "sessions.trash": self._trash,
            "sessions.undo": lambda: self._change(self._desk.undo),
            "sessions.sort": self._sort,
            "sessions.reverse": self._reverse,
            "sessions.next": self._next,
            "sessions.tree": lambda: self._work(self._tree, group="tree", exclusive=True),
            "sessions.stats": lambda: self._work(self._stats, group="stats", exclusive=True),
            "sessions.export": self._export,
            "sessions.refresh": lambda: self._list_again(look=True),
            "sessions.help": self._help,
            "sessions.back": self._back,
        }
        acts[action_id]()

    def _back(self) -> None:
        """Out of the filter first, then out of the screen."""
        if self.query_one(Input).has_focus:
            self._list.focus()
        else:
            self.dismiss(None)

    def _mark(self) -> None:
        cursor = self._list.cursor
        if cursor is not None and cursor < self._listing.count():
            self._listing.toggle(cursor)
            self._list.action_move(1)
            self._list.refresh()
            self._say()

    def _mark_all(self) -> None:
        self._listing.toggle_all()
        self._list.refresh()
        self._say()

    def _sort(self) -> None:
        from sessions.store import Order

        orders = [str(order) for order in get_args(Order)]
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        self._descending = self._order != "title"
        self._list_again()

    def _reverse(self) -> None:
        self._descending = not self._descending
        self._list_again()

    def _chosen(self) -> list[str]:
        return self._listing.chosen(self._list.cursor)

    def _rate(self) -> None:
        chosen = self._chosen()
        if not chosen:
            return
        choices = [Choice(str(n), str(n), "★" * n) for n in range(1, self._setup.best + 1)]

        def take(rating: str | None) -> None:
            if rating is not None:
                self._change(lambda: self._desk.rate(chosen, int(rating)))

        self.app.push_screen(ConfirmScreen(f"Rate {_counted(chosen)}", choices), take)

    def _label(self) -> None:
        chosen = self._chosen()
        if not chosen:
            return
        known = self._setup.labels

        def take(label: str | None) -> None:
            if label is not None:
                self._change(lambda: self._desk.label(chosen, label))

        asking = AskScreen(f"Label for {_counted(chosen)}", known, lambda label: refusal([label], known))
        self.app.push_screen(asking, take)

    def _trash(self) -> None:
        chosen = self._chosen()
        if chosen:
            self._change(lambda: self._desk.trash(chosen))

    def _change(self, change: Callable[[], Awaitable[Done | None]]) -> None:
        """Do something to sessions, say what it came to, list them as they are now."""

        async def work() -> None:
            try:
                done = await change()
            except DistillError as error:
                self._notify(str(error), trouble=True)
                return
            if done is None:
                self._notify("nothing to take back")
                return
            self._notify(done.words)
            for failure in (*done.failed, *done.unlisted)[:3]:
                self._notify(failure, trouble=True)
            self._list_again()

        self._work(work, group="change")

    def _next(self) -> None:
        from sessions.waiting import next_waiting

        place = next_waiting(self._listing.rows, self._who, self._list.cursor or 0)
        if place is None:
            self._notify("you have judged everything that is listed")
        else:
            self._list.point_at(place)
            self._show()

    async def _tree(self) -> None:
        from tui.browsing.tree import INDENT, words

        here = self._at_cursor
        if here is None:
            return
        try:
            nodes = await self._desk.family(here)
        except DistillError as error:
            self._notify(str(error), trouble=True)
            return
        if len(nodes) < 2:
            self._notify("it was not forked, and is no fork")
            return

        def go(index: int | None) -> None:
            if index is not None:
                self._work(partial(self._review, nodes[index].folder.name), group="open", exclusive=True)

        lines: list[Line] = []
        for node in nodes:
            name, branch, question = words(node)
            lines.append(
                (
                    (name, "key" if node.folder.name == here else ""),
                    (branch, "muted"),
                    (f"  {question}", "muted"),
                )
            )
        start = next((n for n, node in enumerate(nodes) if node.folder.name == here), 0)
        self.app.push_screen(PickScreen("Forks", lines, start=start, indent=INDENT), go)

    def _open(self) -> None:
        session_id = self._at_cursor
        if session_id is not None:
            self._work(partial(self._review, session_id), group="open", exclusive=True)

    async def _review(self, session_id: str) -> None:
        from tui.review import past_wiring
        from tui.screens.live import LiveScreen

        try:
            events, trouble = await self._desk.read(session_id)
        except DistillError as error:
            self._notify(str(error), trouble=True)
            return
        folder = self._home / "sessions" / session_id
        wiring = past_wiring(events, who=self._who, setup=self._setup, folder=folder)

        def back(_: None) -> None:
            if wiring.playback is not None and wiring.playback.fork is not None:
                self.dismiss(wiring.playback.fork)

        self.app.push_screen(LiveScreen(wiring), back)
        if trouble:
            self._notify(trouble, trouble=True)

    def _export(self) -> None:
        from tui.screens.export import ExportScreen
        from tui.screens.export_draft import Draft

        draft = Draft(sessions=" ".join(sorted(self._listing.marked)) or self._words)
        self.app.push_screen(ExportScreen(self._setup, self._setup.settings, self._home, draft))

    async def _stats(self) -> None:
        from tui.screens.statistics import StatisticsScreen

        try:
            found, left = await self._desk.stats(self._words)
        except DistillError as error:
            self._notify(str(error), trouble=True)
            return
        self.app.push_screen(StatisticsScreen(found, self._words, left))

    def _help(self) -> None:
        self.app.push_screen(
            ReadScreen("Help", keys.help_lines(self._setup.registry, "sessions"), indent=keys.INDENT)
        )

    def _notify(self, words: str, *, trouble: bool = False) -> None:
        self.app.notify(
            clean(words), markup=False, severity="warning" if trouble else "information", timeout=4
        )


def _counted(chosen: list[str]) -> str:
    return "this session" if len(chosen) == 1 else count(len(chosen), "session")
