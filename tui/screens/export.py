"""The export screen: choose sessions and format, see rows, numbers, and what is left out and why; write."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import msgspec
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.message import Message
from textual.notifications import SeverityLevel
from textual.screen import Screen

from distill_core.config import Settings
from distill_core.errors import DistillError
from distill_core.plurals import count
from sessions.export import export
from sessions.export.formats import all_formats
from sessions.export.pipeline import Progress
from sessions.export.report import Report
from sessions.export.rows import FIXED
from sessions.export.splits import parse_shares
from tui.actions import REGISTRY, Scope, Situation, key_name
from tui.lines import Line, fit, wrap
from tui.screens import export_lists as lists
from tui.screens.confirm import Choice, ConfirmScreen
from tui.screens.export_draft import Draft, Preview, check, plan_of, preview_of
from tui.screens.read import ReadScreen
from tui.screens.write import Page, WriteScreen
from tui.setup import Setup
from tui.text import clean
from tui.transcript import Transcript
from tui.widgets.key_bar import KeyBar
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane

_EMPTY = {"out": "nothing is left out", "rows": "no rows"}


HIGHEST = 8
"""Rows that settings, numbers or what is wrong take at the top of the screen, each at most."""


class _Stale(Exception):  # not an error: the draft changed while it was rehearsed
    """Nobody waits for this any more."""


class ExportScreen(Screen[None]):
    """Puts an export together.

    Args:
        setup: what the person's settings make of the screens.
        settings: where keys that must not leave are configured.
        home: the folder of kept sessions.
        draft: what to begin with.
    """

    CSS_PATH = "export.tcss"
    BINDINGS: ClassVar[list[BindingType]] = list(REGISTRY.bindings("export"))

    class Told(Message):
        """How far a thread has come with draft number `number`: a preview, what is wrong, or that it is written.

        `place` is where to, of a thread that writes.
        """

        def __init__(
            self,
            number: int,
            *,
            place: str = "",
            preview: Preview | None = None,
            written: Report | None = None,
            trouble: str = "",
            progress: Progress | None = None,
        ) -> None:
            super().__init__()
            self.number = number
            self.place = place
            self.preview = preview
            self.written = written
            self.trouble = trouble
            self.progress = progress

    def __init__(self, setup: Setup, settings: Settings, home: Path, draft: Draft | None = None) -> None:
        super().__init__()
        self.draft = draft or Draft()
        self.preview: Preview | None = None
        self.busy = ""
        self._setup = setup
        self._settings = settings
        self._home = home
        self._number = 0
        self._trouble = ""
        self._known = all_formats()
        self._formats, self._rows, self._left = lists.Rows(), lists.Rows(), lists.Rows()
        self._text = Transcript(lambda line, width: wrap(line, width, words=True, indent=2))

    def compose(self) -> ComposeResult:
        """Formats and rules on the left, rows on the right."""
        yield LineBar(id="export-title")
        with Horizontal(id="export-panes"):
            with Vertical(id="export-left"):
                yield LinePane(
                    self._formats, id="export-formats", title="Format", entries=self._formats, following=False
                )
                yield LinePane(
                    self._left,
                    id="export-out",
                    title="Left out",
                    entries=self._left,
                    following=False,
                )
            with Vertical(id="export-right"):
                yield LinePane(
                    self._rows,
                    id="export-rows",
                    title="Rows",
                    entries=self._rows,
                    following=False,
                )
                yield LinePane(self._text, id="export-row", title="Row", following=False)
        yield KeyBar(id="export-keys", last=2)

    def on_mount(self) -> None:
        """Begin with the formats."""
        self.query_one(KeyBar).show(self._setup.registry.applying(Situation(), "export"), None)
        formats = self._pane("formats")
        formats.cursor = next(i for i, f in enumerate(self._known) if f.name == self.draft.format)
        formats.focus()
        self._changed()

    def on_resize(self, event: Resize) -> None:
        """Rows in full only where there is room beside the rest."""
        self.set_class(event.size.width < 100 or event.size.height < 30, "-narrow")
        self.call_after_refresh(self._draw)

    # ------------------------------------------------------------ rehearsing

    def change(self, **changes: object) -> None:
        """Ask for something else, and look what comes of it."""
        draft = msgspec.structs.replace(self.draft, **changes)
        if draft == self.draft:
            return
        elsewhere = msgspec.structs.replace(self.draft, folder=draft.folder) == draft
        self.draft = draft
        if elsewhere and self.preview is not None:  # the rows are the same anywhere
            self._trouble = ""
            self._draw_title()
        else:
            self._changed()

    def _changed(self) -> None:
        self._number += 1
        self.busy = "reading the sessions"
        self._trouble = ""
        self._draw()
        self._rehearse(self._number, self.draft)

    @work(thread=True, group="rehearsal")
    def _rehearse(self, number: int, draft: Draft) -> None:
        def still_wanted(progress: Progress) -> None:
            if number != self._number:
                raise _Stale
            self.post_message(self.Told(number, progress=progress))

        try:
            plan = plan_of(draft, self._settings, self._home, named=self._named)
            told = self.Told(number, preview=preview_of(plan, still_wanted))
        except _Stale:
            return
        except Exception as error:  # noqa: BLE001  # the thread's outermost frame: told on the screen
            told = self.Told(number, trouble=_trouble(error))
        self.post_message(told)

    @work(thread=True, group="writing")
    def _write(self, number: int, draft: Draft) -> None:
        def tell(progress: Progress) -> None:
            self.post_message(self.Told(number, place=draft.folder, progress=progress))

        try:
            plan = plan_of(draft, self._settings, self._home)
            # Not as a path, which an URL is none of.
            place = os.path.expanduser(draft.folder)  # noqa: PTH111
            told = self.Told(number, place=draft.folder, written=export(plan, place, on_progress=tell))
        except Exception as error:  # noqa: BLE001  # the same
            told = self.Told(number, place=draft.folder, trouble=_trouble(error))
        self.post_message(told)

    @on(Told)
    def told(self, message: Told) -> None:
        """Show what a thread has found, unless something else is asked for by now."""
        if message.written is not None:
            said = "are" if message.written.changed else "still are"
            self._notify(f"{count(message.written.total, 'row')} {said} in {message.place}")
        if message.number != self._number:
            if message.place and message.trouble:  # what was to be written is not, whatever is shown by now
                self._notify(message.trouble, severity="error")
            return
        if message.progress is not None:
            done = message.progress
            doing = "writing" if message.place else "reading"
            self.busy = (
                f"{doing}: {done.done} of {count(done.sessions, 'session')}, {count(done.rows, 'row')}"
            )
            self._draw_title()
            return
        self.busy = ""
        self._trouble = message.trouble
        if not message.place:  # a failure to write leaves what is shown
            self.preview = message.preview
        self._draw()

    def _notify(self, words: str, severity: SeverityLevel = "information") -> None:
        self.app.notify(clean(words), markup=False, severity=severity)

    @property
    def _named(self) -> str:
        keys = self._setup.registry["export.tokenizer"].keys
        return f"{key_name(keys[0])} names one" if keys else "name one with --tokenizer PATH"

    # ------------------------------------------------------------ drawing

    def _pane(self, name: str) -> LinePane:
        return self.query_one(f"#export-{name}", LinePane)

    def _draw(self) -> None:
        self._draw_title()
        self._formats.fill(
            lists.format_lines(self._known, self.draft.format, narrow=self.has_class("-narrow"))
        )
        self._left.fill(lists.left_lines(self.preview, self.draft))
        rows = self.preview.rows if self.preview is not None else ()
        self._rows.fill(lists.row_lines(rows))
        for name in ("formats", "out", "rows"):
            pane = self._pane(name)
            if pane.entries is not None and (pane.cursor or 0) >= pane.entries.count():
                pane.cursor = None
            if pane.cursor is None and pane.entries is not None and pane.entries.count():
                pane.cursor = 0
            pane.empty = "…" if self.busy else _EMPTY.get(name, "")
            pane.changed()
            pane.point_at(pane.cursor)
        total = self.preview.report.total if self.preview is not None else 0
        self._pane("rows").border_subtitle = f"the first {len(rows)} of {total}" if total > len(rows) else ""
        self._show_row(self._pane("rows").cursor)

    def _draw_title(self) -> None:
        chosen = next(format for format in self._known if format.name == self.draft.format)
        head: Line = (("Export  ", "heading"), (chosen.name, "active"), (f"  {chosen.help}", "muted"))
        if self.busy:
            state: Line = ((f"… {self.busy}", "active"),)
        elif self._trouble:
            state = ((f"✗ {self._trouble}", "error"),)
        elif self.preview is not None:
            state = lists.numbers_line(self.preview)
        else:
            state = ()
        width = max(self.app.size.width - 2, 1)
        rows = [fit(head, width)]
        for line in (lists.settings_line(self.draft), state):
            wrapped = wrap(line, width, words=True)
            rest = tuple(span for row in wrapped[HIGHEST - 1 :] for span in row)
            rows += [*wrapped[: HIGHEST - 1], fit(rest, width)] if wrapped[HIGHEST:] else wrapped
        bar = self.query_one("#export-title", LineBar)
        bar.styles.height = len(rows)
        bar.show(*rows)

    def _show_row(self, index: int | None) -> None:
        rows = self.preview.rows if self.preview is not None else ()
        row = rows[index] if index is not None and index < len(rows) else None
        self._read(row.key if row is not None else "Row", lists.row_text(row) if row is not None else [])

    def _read(self, title: str, lines: list[Line]) -> None:
        self._text.set("row", lines)
        pane = self._pane("row")
        pane.border_title = clean(title)
        pane.changed()
        pane.show_from(0)

    @on(LinePane.Highlighted, "#export-formats")
    def format_chosen(self, message: LinePane.Highlighted) -> None:
        """Another format: look what it makes."""
        self.change(format=self._known[message.index].name)

    @on(LinePane.Highlighted, "#export-rows")
    def row_highlighted(self, message: LinePane.Highlighted) -> None:
        """Show a row in full."""
        self._show_row(message.index)

    @on(LinePane.Chosen, "#export-rows")
    def row_opened(self, message: LinePane.Chosen) -> None:
        """Read a row on a screen of its own."""
        if self.preview is not None and message.index < len(self.preview.rows):
            row = self.preview.rows[message.index]
            self.app.push_screen(ReadScreen(clean(row.key), lists.row_text(row)))

    @on(LinePane.Highlighted, "#export-out")
    def rule_highlighted(self, message: LinePane.Highlighted) -> None:
        """Say what a rule leaves out and why."""
        rule = self._rule(message.index)
        if rule is not None:
            self._read(rule, lists.rule_text(rule, self.preview, self.draft))

    @on(LinePane.Chosen, "#export-out")
    def rule_opened(self, message: LinePane.Chosen) -> None:
        """Read about a rule on a screen of its own."""
        rule = self._rule(message.index)
        if rule is not None:
            self.app.push_screen(ReadScreen(rule, lists.rule_text(rule, self.preview, self.draft)))

    def _rule(self, index: int | None) -> str | None:
        known = lists.rules(self.preview, self.draft)
        return known[index] if index is not None and index < len(known) else None

    # ------------------------------------------------------------ actions

    @on(KeyBar.Clicked)
    def clicked(self, message: KeyBar.Clicked) -> None:
        """A click on a key is the key."""
        self.action_act(message.action_id)

    def action_act(self, action_id: str) -> None:
        """Do an action of the registry."""
        draft = self.draft
        acts: dict[str, Callable[[], object]] = {
            "export.write": self._ask_to_write,
            "export.filter": lambda: self._ask(
                "sessions", "Which sessions", "names, or a filter; empty for all"
            ),
            "export.folder": lambda: self._ask("folder", "Where to", "a folder, or an URL that fsspec knows"),
            "export.splits": lambda: self._ask(
                "splits", "Splits", "such as test=0.1; the rest is train", _shares
            ),
            "export.storage": lambda: self.change(
                storage="jsonl" if draft.storage == "parquet" else "parquet"
            ),
            "export.prose": lambda: self.change(prose=not draft.prose),
            "export.redact": lambda: self.change(redact=not draft.redact),
            "export.tokenizer": lambda: self._ask(
                "tokenizer", "Tokenizer", "a tokenizer.json, or its folder; empty for none", self._loads
            ),
            "export.lift": self._lift,
            "export.help": self._help,
            "export.quit": lambda: self.dismiss(None),
        }
        acts[action_id]()

    def _ask(
        self,
        field: str,
        title: str,
        hint: str,
        check: Callable[[tuple[str, ...]], str | None] = lambda _: None,
    ) -> None:
        def take(texts: tuple[str, ...] | None) -> None:
            if texts is not None:
                self.change(**{field: texts[0].strip()})

        palette = self._setup.palettes[self.app.theme]
        page = Page(title, str(getattr(self.draft, field)))
        writing = WriteScreen([page], hint=hint, palette=palette, one_line=True, done="take it", check=check)
        self.app.push_screen(writing, take)

    def _loads(self, texts: tuple[str, ...]) -> str | None:
        try:
            check(Draft(tokenizer=texts[0].strip()), self._settings)
        except DistillError as error:
            return str(error)
        return None

    def _lift(self) -> None:
        rule = self._rule(self._pane("out").cursor)
        if rule is None:
            self.app.notify("No rule has left anything out.")
            return
        if rule in FIXED:
            self.app.notify(f"{rule} cannot be lifted: {FIXED[rule]}.")
            return
        self.change(keep=self.draft.keep ^ {rule})

    def _ask_to_write(self) -> None:
        if self.busy or self.preview is None or not self.preview.report.total:
            self.app.notify("There is nothing to write yet." if self.busy else "There are no rows to write.")
            return
        if self.draft.redact:
            self._start_writing("write")
            return
        choices = [
            Choice("r", "redact", "redact secrets and personal data first"),
            Choice("w", "write", "write everything as it is"),
        ]
        self.app.push_screen(
            ConfirmScreen("Nothing is redacted. Write it as it is?", choices), self._start_writing
        )

    def _start_writing(self, answer: str | None) -> None:
        if answer == "redact":
            self.change(redact=True)
        elif answer == "write":
            self.busy = "writing"
            self._draw_title()
            self._write(self._number, self.draft)

    def _help(self) -> None:
        lines: list[Line] = []
        scopes: tuple[Scope, ...] = ("export", "pane")
        for scope in scopes:
            for action in self._setup.registry.applying(Situation(), scope):
                keys = " ".join(key_name(key) for key in action.keys)
                lines.append(((f"{keys:<16}", "key"), (action.help, "")))
            lines.append(())
        self.app.push_screen(ReadScreen("Keys of the export screen", lines, indent=16))


def _trouble(error: Exception) -> str:
    """What a thread ended with, in a line.

    Raises:
        Exception: the error itself, a fault of the program, where DISTILL_DEBUG asks where it came from.
    """
    if isinstance(error, DistillError):
        return str(error)
    if os.environ.get("DISTILL_DEBUG"):
        raise error
    words = f"a fault of the program: {type(error).__name__}: {error} (DISTILL_DEBUG=1 shows where)"
    return " ".join(words.split())


def _shares(texts: tuple[str, ...]) -> str | None:
    try:
        parse_shares(texts[0].split())
    except DistillError as error:
        return str(error)
    return None
