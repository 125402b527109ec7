"""The editor for code and words: what it draws is clean, what it gives back is exact.

A `TextArea` breaks lines at more than line feeds, cannot hold lone surrogates, and draws control characters as they
are. Here such characters travel as private-use ones, and are drawn as what `tui.text.clean` makes of them.
"""

from __future__ import annotations

from rich.text import Text
from textual.widgets import TextArea

from themes import Palette
from tui.lines import line_ends
from tui.text import clean
from tui.theme import editor_theme

_PRIVATE = 0xF0000
_SHIELDED = [
    *range(0x09),
    *range(0x0B, 0x20),
    0x7F,
    *range(0x80, 0xA0),
    0x2028,
    0x2029,
    *range(0xD800, 0xE000),
]
_SHIELD = {code: _PRIVATE + code for code in _SHIELDED}
_UNSHIELD = {private: code for code, private in _SHIELD.items()}


class Editor(TextArea):
    """A text area for foreign text.

    Args:
        text: what to start from.
        palette: the theme it is drawn in.
        language: "python" for code; None for words, which wrap.
    """

    def __init__(
        self, text: str, *, palette: Palette, language: str | None = None, id: str | None = None
    ) -> None:
        super().__init__(
            id=id,
            soft_wrap=language is None,
            show_line_numbers=language is not None,
            tab_behavior="indent" if language is not None else "focus",
        )
        self.register_theme(editor_theme(palette))
        self.theme = palette.name
        self.indent_width = 4
        if language is not None:
            self.language = language
        self.load(text)

    def load(self, text: str) -> None:
        """Start over from `text`."""
        self.load_text(self._held(text))

    def put(self, text: str) -> None:
        """Have `text` in the place of everything, as one edit that can be undone."""
        self.history.checkpoint()
        self.replace(self._held(text), (0, 0), self.document.end, maintain_selection_offset=False)
        self.history.checkpoint()

    def _held(self, text: str) -> str:
        """The text as it is kept here. A carriage return in a program is a line end, and in words it is itself."""
        return (line_ends(text) if self.language is not None else text.replace("\r\n", "\n")).translate(
            _SHIELD
        )

    @property
    def exact(self) -> str:
        """The text as it stands, exact to the character."""
        return self.text.translate(_UNSHIELD)

    def get_line(self, line_index: int) -> Text:
        """One line as it is drawn."""
        line = super().get_line(line_index)
        shown = clean(line.plain.translate(_UNSHIELD))
        return line if shown == line.plain else Text(shown, end="", no_wrap=True)
