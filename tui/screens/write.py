"""A modal for writing: code to run instead, guidance, an answer, a number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen

from distill_core.analysis import unparsed
from distill_core.errors import DistillError
from distill_core.text import encodable
from themes import Palette
from tui.lines import Line
from tui.screens.outside import edited_outside
from tui.widgets.editor import Editor
from tui.widgets.line_bar import LineBar

if TYPE_CHECKING:
    from tui.screens.live import LiveScreen


MOST = 60
"""Characters of what is wrong with code that are said, so that what to do about it has room."""


class Page(msgspec.Struct, frozen=True):
    """One text to write: its title and what it starts from."""

    title: str
    text: str


class WriteScreen(ModalScreen[tuple[str, ...] | None]):
    """Ends with the texts as written, one a page, or None if the person thought better of it.

    Code that was changed and is no Python is warned of once; saved again as it stands, it is taken.

    Args:
        pages: what to write.
        hint: a line that says what will happen with it.
        palette: the theme.
        language: "python" for code.
        done: what ctrl+s does, in a word or two.
        one_line: enter is done as well.
        check: says what is wrong with the texts, or None.
        outside: open the person's own editor at once.
    """

    CSS_PATH = "write.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "done", "Done", priority=True),
        Binding("enter", "enter", "Done", priority=True),
        Binding("escape", "cancel", "Cancel", priority=True),
        Binding("ctrl+o", "outside", "Your editor", priority=True),
        Binding("ctrl+n", "page(1)", "Next", priority=True),
        Binding("ctrl+p", "page(-1)", "Previous", priority=True),
    ]

    def __init__(
        self,
        pages: Sequence[Page],
        *,
        hint: str,
        palette: Palette,
        language: str | None = None,
        done: str = "send",
        one_line: bool = False,
        check: Callable[[tuple[str, ...]], str | None] = lambda _: None,
        outside: bool = False,
    ) -> None:
        super().__init__(classes="-code" if language else "-words")
        self._pages = tuple(pages)
        self._texts = [page.text for page in pages]
        self._at = 0
        self._hint = hint
        self._palette = palette
        self._language = language
        self._done = done
        self._one_line = one_line
        self._check = check
        self._outside = outside
        self._warned: list[str] = []

    def compose(self) -> ComposeResult:
        """A title, the editor, the keys."""
        with Vertical(id="write-box"):
            yield LineBar(id="write-title")
            yield Editor(self._texts[0], palette=self._palette, language=self._language, id="write-area")
            yield LineBar(id="write-keys")

    def on_mount(self) -> None:
        """Start in the editor, at the end of words, at the start of code."""
        editor = self.query_one(Editor)
        if self._language is None:
            editor.move_cursor(editor.document.end)
        editor.focus()
        self._say()
        if self._outside:
            self.call_after_refresh(self.action_outside)

    def action_done(self) -> None:
        """Hand the texts over, if nothing is wrong with them."""
        # What was typed before this key may still wait for the editor, which the key went past.
        self.query_one(Editor).call_later(self._hand_over)

    def _hand_over(self) -> None:
        if not self.is_current:
            return
        self._texts[self._at] = self.query_one(Editor).exact
        problem = self._check(tuple(self._texts))
        if problem is not None:
            self._say(problem)
            return
        if self._language == "python" and self._warned != self._texts and self._warn():
            return
        self.dismiss(tuple(self._texts))

    def _warn(self) -> bool:
        """Show the first place where what was written is no Python; whoever saves it again as it stands means it."""
        for number, (page, code) in enumerate(zip(self._pages, self._texts, strict=True)):
            wrong = unparsed(encodable(code)) if code != page.text.replace("\r\n", "\n") else None
            if wrong is not None:
                self._warned = list(self._texts)
                self._turn_to(number)
                editor = self.query_one(Editor)
                editor.move_cursor((wrong.line - 1, wrong.column - 1), center=True)
                place = f"line {wrong.line}, column {wrong.column}"
                self._show_line(
                    (
                        (f"! {wrong.why[:MOST]}: {place}", "warn"),
                        (f" · ctrl+s again: {self._done}", "muted"),
                    )
                )
                return True
        return False

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)

    def action_outside(self) -> None:
        """Go on in the person's own editor; what comes back is one edit, to be saved or undone here."""
        editor = self.query_one(Editor)
        try:
            changed = edited_outside(self.app, editor.exact, ".py" if self._language else ".txt")
        except DistillError as error:
            self._say(str(error))
            return
        if changed is not None:
            # Editors end a file with a line feed, whatever it held.
            editor.put(changed if editor.exact.endswith("\n") else changed.removesuffix("\n"))
        self._say()

    def action_page(self, by: int) -> None:
        """Write the next or the previous text."""
        self._texts[self._at] = self.query_one(Editor).exact
        self._turn_to((self._at + by) % len(self._pages))

    def _turn_to(self, number: int) -> None:
        if number != self._at:
            self._at = number
            self.query_one(Editor).load(self._texts[number])
        self._say()

    def action_enter(self) -> None:
        """Done, where one line is wanted."""
        self.action_done()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Pages turn only where there are several; enter ends only what is one line."""
        if action == "enter":
            return self._one_line
        return action != "page" or len(self._pages) > 1

    def _say(self, problem: str | None = None) -> None:
        page = self._pages[self._at]
        place = f" ({self._at + 1} of {len(self._pages)})" if len(self._pages) > 1 else ""
        width = self._width()
        title: Line = ((page.title + place, "heading"),)
        self.query_one("#write-title", LineBar).show_wrapped(title, ((self._hint, "muted"),), width=width)
        keys: list[tuple[str, str]] = [
            ("enter" if self._one_line else "ctrl+s", "key"),
            (f" {self._done}   ", ""),
        ]
        if len(self._pages) > 1:
            keys += [("ctrl+n/ctrl+p", "key"), (" next/previous cell   ", "")]
        if not self._one_line:
            keys += [("ctrl+o", "key"), (" $EDITOR   ", "")]
        keys += [("esc", "key"), (" back, nothing changed", "")]
        self._show_line(((f"✗ {problem}", "error"),) if problem is not None else tuple(keys))

    def _show_line(self, line: Line) -> None:
        self.query_one("#write-keys", LineBar).show_wrapped(line, width=self._width())

    def _width(self) -> int:
        """The cells in a row of the box, before it is laid out too, as the style sheet has it."""
        return min(self.app.size.width * 9 // 10, 130) - 4


def write(
    screen: LiveScreen,
    pages: Sequence[Page],
    use: Callable[[tuple[str, ...]], None],
    *,
    hint: str,
    done: str,
    language: str | None = None,
    one_line: bool = False,
    check: Callable[[tuple[str, ...]], str | None] = lambda _: None,
    outside: bool = False,
) -> None:
    """Have the person write over `screen`; `use` gets the texts, unless they think better of it."""
    modal = WriteScreen(
        pages,
        hint=hint,
        palette=screen.wiring.palettes[screen.app.theme],
        language=language,
        done=done,
        one_line=one_line,
        check=check,
        outside=outside,
    )
    screen.app.push_screen(modal, lambda texts: None if texts is None else use(texts))
