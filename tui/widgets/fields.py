"""The fields of a form, a row each: a label, and an editor of text or a bar of choices."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll

from themes import Palette
from tui.widgets.choice_bar import ChoiceBar
from tui.widgets.editor import Editor
from tui.widgets.line_bar import LineBar


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field of a form.

    Args:
        name: its name.
        label: what stands before it.
        hint: what it means while it is empty.
        option: of the command line; none for what has no option.
        rows: that it takes.
        choices: what it can be, where that is a list.
        number: it is a number.
        language: "python" for code.
    """

    name: str
    label: str
    hint: str
    option: str = ""
    rows: int = 1
    choices: tuple[str, ...] = ()
    number: bool = False
    language: str | None = None


class Fields(VerticalScroll):
    """All fields of a form.

    Args:
        fields: what they are.
        values: what they hold at first, by name.
        palette: the theme of the editors.
    """

    def __init__(self, fields: Sequence[Field], values: dict[str, str], palette: Palette) -> None:
        super().__init__(can_focus=False)
        self._fields = tuple(fields)
        self._values = values
        self._palette = palette

    def compose(self) -> ComposeResult:
        """A row a field."""
        for field in self._fields:
            value = self._values.get(field.name, "")
            with Horizontal(classes="field"):
                yield LineBar(id=f"label-{field.name}", classes="label")
                if field.choices:
                    yield ChoiceBar(field.choices, value, id=field.name)
                else:
                    editor = Editor(value, palette=self._palette, language=field.language, id=field.name)
                    editor.placeholder = field.hint
                    editor.tab_behavior = "focus"  # a form is gone through by tab, also past code
                    editor.styles.height = field.rows
                    yield editor

    def on_mount(self) -> None:
        """Name the fields; the cursor stands at the end of words, at the start of code."""
        for field in self._fields:
            self.query_one(f"#label-{field.name}", LineBar).show(((field.label, "muted"),))
            if not field.choices and field.language is None:
                editor = self.editor(field.name)
                editor.move_cursor(editor.document.end)

    @property
    def values(self) -> dict[str, str]:
        """The fields as they stand."""
        return {
            field.name: self.query_one(f"#{field.name}", ChoiceBar).chosen
            if field.choices
            else self.editor(field.name).exact
            for field in self._fields
        }

    def editor(self, name: str) -> Editor:
        """The editor of a field without choices."""
        return self.query_one(f"#{name}", Editor)

    def go_to(self, name: str) -> None:
        """Give the focus to a field."""
        self.query_one(f"#{name}").focus()

    @property
    def at_last(self) -> bool:
        """Whether the last field has the focus."""
        focused = self.screen.focused
        return focused is not None and focused.id == self._fields[-1].name


def is_number(text: str) -> bool:
    """Whether a field's text is a number that can be a bound."""
    try:
        return float(plain(text)) >= 0
    except ValueError:
        return False


def plain(text: str) -> str:
    """A number without what people put between its digits."""
    return text.replace(",", "").replace("_", "").strip()


def no_number(fields: Sequence[Field], values: dict[str, str]) -> tuple[str, str] | None:
    """The first field that has to be a number and is none, and what is wrong with it."""
    for field in fields:
        value = values[field.name].strip()
        if field.number and value and not is_number(value):
            return field.name, f"{field.label.lower()}: {value!r} is no number"
    return None
