"""The modals of judging: the form, and choosing a span of a text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen

from sessions.judging.judgement import Judgement
from themes import Palette
from tui.annotating.form import Form
from tui.lines import Line, fit
from tui.screens.write import Page, WriteScreen
from tui.widgets.editor import Editor
from tui.widgets.line_bar import LineBar
from tui.widgets.line_pane import LinePane


class FormRows:
    """The entries of a form as rows of a pane."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._width = 80

    def height(self, width: int) -> int:
        """One row an entry."""
        self._width = width
        return self.count()

    def row(self, y: int) -> Line:
        """An entry."""
        return fit(self._form.line(y), self._width) if 0 <= y < self.count() else ()

    def count(self) -> int:
        """How many entries there are."""
        return len(self._form.entries)

    def span(self, index: int) -> tuple[int, int]:
        """An entry is one row."""
        return index, 1

    def at(self, y: int) -> int:
        """A row is one entry."""
        return y


class JudgeScreen(ModalScreen[Judgement | None]):
    """Ends with the judgement as it was made, or None if the person thought better of it.

    Args:
        what: the name of what is judged.
        form: the form, filled in with what was thought before.
        palette: the theme.
        original: the text that a correction starts from.
        note: a line above, such as the words of a span.
    """

    CSS_PATH = "judge.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        # Without priority: it would overtake a digit typed just before it.
        Binding("ctrl+s", "save", "Save"),
        Binding("escape", "cancel", "Back", priority=True),
        Binding("left,h", "turn(-1)", "Less"),
        Binding("right,l", "turn(1)", "More"),
        Binding("space", "pick", "Choose"),
        Binding("backspace,delete", "clear", "Nothing"),
    ]

    def __init__(
        self, what: str, form: Form, *, palette: Palette, original: str = "", note: str = ""
    ) -> None:
        super().__init__()
        self._what = what
        self._form = form
        self._palette = palette
        self._original = original
        self._note = note

    def compose(self) -> ComposeResult:
        """The form and its keys."""
        rows = FormRows(self._form)
        with Vertical(id="judge-box"):
            yield LineBar(id="judge-title")
            yield LinePane(rows, id="judge-pane", entries=rows, following=False)
            yield LineBar(id="judge-keys")

    def on_mount(self) -> None:
        """Start at the rating."""
        title: list[Line] = [((f"Judge {self._what}", "heading"),)]
        if self._note:
            title.append(((f"“{' '.join(self._note.split())}”", "muted"),))
        bar = self.query_one("#judge-title", LineBar)
        bar.styles.height = len(title)
        bar.show(*title)
        pane = self.query_one(LinePane)
        pane.focus()
        pane.point_at(0)
        self._say()

    def on_key(self, event: Key) -> None:
        """A digit rates or scores."""
        if event.key.isdigit() and self._form.digit(self._at, int(event.key)):
            event.stop()
            self._draw()
        elif event.key in ("plus", "minus") and self._form.entries[self._at].part == "mark":
            event.stop()
            self._form.clear(self._at)
            self._form.turn(self._at, -1 if event.key == "plus" else 1)
            self._draw()

    @property
    def _at(self) -> int:
        return self.query_one(LinePane).cursor or 0

    def action_turn(self, by: int) -> None:
        """More or less."""
        self._form.turn(self._at, by)
        self._draw()

    def action_pick(self) -> None:
        """Give a label or take it away; elsewhere as enter."""
        if self._form.text(self._at) is not None:
            self._write()
        elif self._form.entries[self._at].part == "label":
            self._form.toggle(self._at)
            self._draw()
        else:
            self.action_turn(1)

    def action_clear(self) -> None:
        """Say nothing."""
        self._form.clear(self._at)
        self._draw()

    @on(LinePane.Chosen)
    def entered(self, message: LinePane.Chosen) -> None:
        """Enter writes, chooses, or goes one on."""
        message.stop()
        self.action_pick()

    @on(LinePane.Highlighted)
    def moved(self, message: LinePane.Highlighted) -> None:
        """The screen below does not hear of it."""
        message.stop()
        self._say()

    def action_save(self) -> None:
        """Hand it over, if nothing is missing."""
        problem = self._form.problem
        if problem is not None:
            self._say(problem)
            return
        self.dismiss(self._form.judgement)

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def _write(self) -> None:
        at, part = self._at, self._form.entries[self._at].part
        corrects = part == "correction"
        text = self._form.text(at) or ""

        def take(texts: tuple[str, ...] | None) -> None:
            if texts is not None:
                same = corrects and texts[0] == self._original
                self._form.write(at, "" if same else texts[0])
                self._draw()

        hints = {
            "comment": "Anything worth keeping about it.",
            "correction": "How it should have read; what was there is kept too.",
            "reason": "Why it is corrected, or judged as it is.",
        }
        modal = WriteScreen(
            [Page(part.capitalize(), text or (self._original if corrects else ""))],
            hint=hints[part],
            palette=self._palette,
            done="keep",
            one_line=not corrects,
        )
        self.app.push_screen(modal, take)

    def _draw(self) -> None:
        self.query_one(LinePane).changed()
        self._say()

    def _say(self, problem: str | None = None) -> None:
        part = self._form.entries[self._at].part
        here = {
            "rating": ("1–5", "rate"),
            "mark": ("+ 0 −", "mark"),
            "label": ("space", "choose"),
            "score": ("digit", "score"),
        }.get(part, ("enter", "write"))
        keys: Line = (
            ("ctrl+s", "key"),
            (" save   ", ""),
            (here[0], "key"),
            (f" {here[1]}   ", ""),
            ("backspace", "key"),
            (" nothing   ", ""),
            ("esc", "key"),
            (" back, nothing changed", ""),
        )
        self.query_one("#judge-keys", LineBar).show(((f"✗ {problem}", "error"),) if problem else keys)


class SpanScreen(ModalScreen[tuple[str, int, int] | None]):
    """Ends with a span of one of the texts: its field and its characters.

    Args:
        what: the name of what the texts are of.
        texts: by the name of the field.
        palette: the theme.
    """

    CSS_PATH = "judge.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,ctrl+s", "take", "Take", priority=True),
        Binding("escape", "cancel", "Back", priority=True),
        Binding("tab", "turn", "Other text", priority=True),
        Binding("ctrl+a", "all", "All", priority=True),
    ]

    def __init__(self, what: str, texts: dict[str, str], *, palette: Palette) -> None:
        super().__init__()
        self._what = what
        self._texts = texts
        self._fields = list(texts)
        self._at = 0
        self._palette = palette

    def compose(self) -> ComposeResult:
        """A title, the text, the keys."""
        with Vertical(id="span-box"):
            yield LineBar(id="span-title")
            editor = Editor(self._texts[self._fields[0]], palette=self._palette, id="span-area")
            editor.read_only = True
            yield editor
            yield LineBar(id="span-keys")

    def on_mount(self) -> None:
        """Start at the beginning of the first text."""
        editor = self.query_one(Editor)
        editor.move_cursor((0, 0))
        editor.focus()
        self._say()

    def action_turn(self) -> None:
        """Go to the next text."""
        self._at = (self._at + 1) % len(self._fields)
        editor = self.query_one(Editor)
        editor.load(self._texts[self._fields[self._at]])
        editor.move_cursor((0, 0))
        self._say()

    def action_all(self) -> None:
        """Select the whole text."""
        self.query_one(Editor).select_all()

    def action_take(self) -> None:
        """Hand the selection over, if there is one."""
        # Keys that select may still wait for the editor, which this one went past.
        self.query_one(Editor).call_later(self._take)

    def _take(self) -> None:
        editor = self.query_one(Editor)
        first, last = sorted((editor.selection.start, editor.selection.end))
        if first == last:
            self._say("nothing is selected yet")
            return
        field = self._fields[self._at]
        place = places(self._texts[field])
        lines = editor.text.split("\n")
        start, end = (sum(len(line) + 1 for line in lines[:row]) + column for row, column in (first, last))
        self.dismiss((field, place(start), place(end)))

    def action_cancel(self) -> None:
        """Choose nothing."""
        self.dismiss(None)

    def _say(self, problem: str | None = None) -> None:
        field = self._fields[self._at]
        self.query_one("#span-title", LineBar).show(
            ((f"Mark words of {field if self._what in field else f'{self._what}: {field}'}", "heading"),),
            (("Select with shift and the arrows, or with the mouse.", "muted"),),
        )
        keys: list[tuple[str, str]] = [("enter", "key"), (" judge these words   ", "")]
        if len(self._fields) > 1:
            keys += [("tab", "key"), (f" {self._fields[(self._at + 1) % len(self._fields)]}   ", "")]
        keys += [("ctrl+a", "key"), (" all   ", ""), ("esc", "key"), (" back", "")]
        self.query_one("#span-keys", LineBar).show(((f"✗ {problem}", "error"),) if problem else tuple(keys))


def places(text: str) -> Callable[[int], int]:
    """Places in `text` as an editor holds it, with one character for a line break of two, as places in `text`."""
    if "\r\n" not in text:
        return lambda place: place
    breaks: list[int] = []
    at = text.find("\r\n")
    while at >= 0:
        breaks.append(at - len(breaks))
        at = text.find("\r\n", at + 2)
    from bisect import bisect_left

    return lambda place: place + bisect_left(breaks, place)
