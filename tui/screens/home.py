"""The home screen: recent sessions, examples, and the way to a new session."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.containers import Horizontal
from textual.events import Resize, ScreenResume
from textual.screen import Screen

from distill_core.errors import DistillError
from distill_core.examples import examples
from tui.actions import REGISTRY, Action, Situation
from tui.home import entries
from tui.home.entries import Entry, ExampleEntry, KeptExamplesEntry, Listing, NewEntry, SessionEntry
from tui.lines import Line
from tui.memory import NewSession
from tui.setup import Setup
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

if TYPE_CHECKING:
    from sessions import SessionRow
    from tui.live.playback import Fork

MOST = 200
"""Sessions that are listed; the screen of all sessions finds older ones."""


class Runner(Protocol):
    """Runs commands of the program; `tui.stage.AppStage` is one."""

    @property
    def busy(self) -> bool:
        """Whether one runs."""
        ...

    def run(self, arguments: Sequence[str], ended: Callable[[str], None]) -> None:
        """Run one, and tell what went wrong."""
        ...


class HomeScreen(Screen[None]):
    """Where a person begins.

    Args:
        setup: what the person's settings make of the screens.
        home: the folder of kept sessions.
        runner: starts sessions.
        options: arguments that every command gets, so that it reads the same settings.
    """

    CSS_PATH = "home.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("home"))

    def __init__(self, setup: Setup, home: Path, runner: Runner, options: Sequence[str] = ()) -> None:
        super().__init__()
        self._setup = setup
        self._home = home
        self._runner = runner
        self._options = tuple(options)
        self._listing = Listing()
        self._details = Transcript(entries.wrap_details)

    def compose(self) -> ComposeResult:
        """A title, the list, what is at its cursor in full, the keys."""
        yield LineBar(id="home-title")
        with Horizontal(id="home-panes"):
            yield LinePane(
                self._listing, id="home-list", title="Start", entries=self._listing, following=False
            )
            yield LinePane(self._details, id="home-details", title="Details", following=False)
        yield KeyBar(id="home-keys", last=2)

    def on_mount(self) -> None:
        """List what there is."""
        self.query_one("#home-keys", KeyBar).show(self.offered, None)
        self._say("")
        self._fill([], "")
        self._list.focus()
        # Not before the screen stands there: looking takes time.
        self.call_after_refresh(lambda: self.run_worker(self.look()))

    def on_resize(self, event: Resize) -> None:
        """Show the details beside the list where there is room, else under it."""
        self.set_class(event.size.width < 110, "-narrow")

    @on(ScreenResume)
    async def look(self) -> None:
        """Look for sessions."""
        try:
            found, trouble = await asyncio.to_thread(_sessions, self._home, self._setup)
        except DistillError as error:
            found, trouble = [], str(error)
        self._fill(found, trouble)

    def _fill(self, found: list[SessionRow], trouble: str) -> None:
        self._listing.fill(found, list(examples().values()), trouble)
        self._list.changed()
        at = min(self._list.cursor or 0, self._listing.count() - 1)
        self._list.point_at(at)
        self._show(at)

    @property
    def offered(self) -> Sequence[Action]:
        """The actions of this screen."""
        return self._setup.registry.applying(Situation(), "home")

    @property
    def _list(self) -> LinePane:
        return self.query_one("#home-list", LinePane)

    @property
    def at_cursor(self) -> Entry:
        """The entry at the cursor."""
        return self._listing.entries[self._list.cursor or 0]

    def _say(self, doing: str) -> None:
        line: Line = (
            ("distill-tui", "heading"),
            (
                "   supervise the supervisor" if not doing else f"   ✎ {doing}",
                "muted" if not doing else "active",
            ),
        )
        self.query_one("#home-title", LineBar).show(line)

    # ------------------------------------------------------------ the list

    @on(LinePane.Highlighted, "#home-list")
    def highlighted(self, message: LinePane.Highlighted) -> None:
        """Show an entry in full."""
        self._show(message.index)

    def _show(self, index: int) -> None:
        self._details.set("all", entries.details(self._listing.entries[index]))
        pane = self.query_one("#home-details", LinePane)
        pane.changed()
        pane.show_from(0)

    @on(LinePane.Chosen, "#home-list")
    def chosen(self, message: LinePane.Chosen) -> None:
        """Do what an entry is there for."""
        match self._listing.entries[message.index]:
            case NewEntry():
                self._new(self._setup.memory.value.new)
            case ExampleEntry(example):
                self._new(self._filled(str(example.path()), example.question))
            case KeptExamplesEntry():
                self.run_worker(self._bring_examples(), exclusive=True)
            case SessionEntry() as entry if entry.open_ended:
                self._start(["resume", entry.row.session_id], "going on with the session")
            case SessionEntry() as entry:
                self.run_worker(self._review(entry.row.session_id), exclusive=True)

    async def _bring_examples(self) -> None:
        """Take the sessions in that come with the program."""
        from sessions.example_sessions import bring_examples
        from sessions.home import Home

        self._say("taking the example sessions in")
        try:
            await asyncio.to_thread(bring_examples, Home(self._home))
        except DistillError as error:
            self._ended(str(error))
            return
        self._say("")
        await self.look()

    async def _review(self, session_id: str) -> None:
        """Open a session that has ended on the screen that it was live on."""
        from sessions.kept import Kept
        from tui.review import past_wiring
        from tui.screens.live import LiveScreen

        self._say("reading the session")
        try:
            kept = Kept(self._home / "sessions" / session_id)
            events, trouble = await asyncio.to_thread(lambda: (kept.sound, kept.trouble))
        except DistillError as error:
            self._ended(str(error))
            return
        self._say("")
        wiring = past_wiring(events, who=self._setup.who, setup=self._setup, folder=kept.folder)
        playback = wiring.playback

        def left(_: None) -> None:
            if playback is not None and playback.fork is not None:
                self._start(["fork", *playback.fork], "forking the session")

        self.app.push_screen(LiveScreen(wiring), left)
        if trouble:
            self.app.notify(clean(trouble), markup=False, severity="warning", timeout=8)

    # ------------------------------------------------------------ actions

    @on(KeyBar.Clicked)
    def clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        acts: dict[str, Callable[[], object]] = {
            "home.new": lambda: self._new(self._setup.memory.value.new),
            "home.again": self._again,
            "home.sessions": self._all_sessions,
            "home.export": self._export,
            "home.refresh": lambda: self.run_worker(self.look()),
            "home.theme": self._next_theme,
            "home.palette": lambda: self.app.push_screen(CommandPalette()),
            "home.help": self._help,
            "home.quit": lambda: self.dismiss(None),
        }
        acts[action_id]()

    def _again(self) -> None:
        match self.at_cursor:
            case NewEntry():
                self._new(self._setup.memory.value.new)
            case ExampleEntry(example):
                self._new(self._filled(str(example.path()), example.question))
            case SessionEntry(row):
                self._new(self._filled(row.document_name, row.question))

    def _filled(self, document: str, question: str) -> NewSession:
        from tui.home import form

        last = self._setup.memory.value.new
        return msgspec.structs.replace(last, documents=form.quoted([document]), question=question)

    def _new(self, values: NewSession) -> None:
        if self._runner.busy:
            self.app.notify("A session is being started.", severity="warning")
            return
        from tui.home import form
        from tui.screens.new import NewSessionScreen

        def begin(filled: NewSession | None) -> None:
            if filled is not None:
                self._setup.memory.keep(new=filled)
                self._start(form.arguments(filled), "starting the session")

        palette = self._setup.palettes[self.app.theme]
        self.app.push_screen(NewSessionScreen(values, palette), begin)

    def _start(self, arguments: list[str], doing: str) -> None:
        if self._runner.busy:
            return
        self._say(doing)
        command, *rest = arguments
        self._runner.run([command, *self._options, *rest], self._ended)

    def _ended(self, trouble: str) -> None:
        """The command is over; the list has its session now."""
        self._say("")
        if trouble:
            from tui.screens.read import ReadScreen

            lines: list[Line] = [((f"✗ {clean(trouble)}", "error"),)]
            self.app.push_screen(ReadScreen("Nothing was started", lines))
        self.run_worker(self.look())

    def _all_sessions(self) -> None:
        from tui.screens.sessions import SessionsScreen

        def left(fork: Fork | None) -> None:
            if fork is not None:
                self._start(["fork", *fork], "forking the session")

        self.app.push_screen(SessionsScreen(self._setup, self._home, self._setup.who), left)

    def _export(self) -> None:
        from tui.screens.export import ExportScreen

        self.app.push_screen(ExportScreen(self._setup, self._setup.settings, self._home))

    def _next_theme(self) -> None:
        names = sorted(self.app.available_themes)
        self.app.theme = names[(names.index(self.app.theme) + 1) % len(names)]
        self._setup.memory.keep(theme=self.app.theme)

    def _help(self) -> None:
        from tui.live import keys
        from tui.screens.read import ReadScreen

        self.app.push_screen(
            ReadScreen("Help", keys.help_lines(self._setup.registry, "home"), indent=keys.INDENT)
        )


def _sessions(home: Path, setup: Setup) -> tuple[list[SessionRow], str]:
    """The newest sessions kept in `home`, as the person may see them, and why that is as it was left, if it is."""
    if not home.exists():
        return [], ""
    from sessions import Store

    with Store(home, reader=setup.who if setup.named else "") as store:
        return store.list(limit=MOST), store.trouble or ""
