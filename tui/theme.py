"""Palettes as Textual themes, and the look of each role of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from rich.style import Style
from textual.content import Content
from textual.theme import Theme

from themes import Palette
from tui.lines import Line
from tui.text import clean

if TYPE_CHECKING:
    from textual.widgets.text_area import TextAreaTheme

DEFAULT = "night"


class Look(NamedTuple):
    """How a role is drawn: the theme variable of its colour, the weight, a line under it, colour and ground swapped."""

    variable: str
    bold: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


ROLES: dict[str, Look] = {
    "": Look("role-text"),
    "muted": Look("role-muted"),
    "rule": Look("role-border"),
    "code-bar": Look("role-border"),
    "heading": Look("role-primary", bold=True),
    "reasoning": Look("role-muted", italic=True),
    "key": Look("role-accent", bold=True),
    "active": Look("role-active"),
    "ok": Look("role-success"),
    "warn": Look("role-warning", bold=True),
    "error": Look("role-error"),
    "match": Look("role-active", underline=True),
    "match-here": Look("role-active", bold=True, reverse=True),
    "quote": Look("role-success", underline=True),
    "quote-near": Look("role-warning", underline=True),
    "keyword": Look("syntax-keyword"),
    "string": Look("syntax-string"),
    "number": Look("syntax-number"),
    "comment": Look("syntax-comment", italic=True),
    "function": Look("syntax-function"),
    "builtin": Look("syntax-builtin"),
}


def variables(palette: Palette) -> dict[str, str]:
    """The CSS variables that style sheets use beyond Textual's own."""
    named = _named(palette)
    colours, syntax = named.colours, named.syntax
    return {
        "role-text": colours.foreground,
        "role-muted": colours.muted,
        "role-border": colours.border,
        "role-primary": colours.primary,
        "role-accent": colours.accent,
        "role-active": colours.active,
        "role-success": colours.success,
        "role-warning": colours.warning,
        "role-error": colours.error,
        "ground": colours.background,
        "ground-pane": colours.surface,
        "ground-bar": colours.panel,
        "syntax-keyword": syntax.keyword,
        "syntax-string": syntax.string,
        "syntax-number": syntax.number,
        "syntax-comment": syntax.comment,
        "syntax-function": syntax.function,
        "syntax-builtin": syntax.builtin,
        "ansi-background": colours.background,
        "ansi-foreground": colours.foreground,
        "footer-background": colours.panel,
        "footer-key-foreground": colours.accent,
        "footer-description-foreground": colours.foreground,
        "scrollbar": colours.border,
        "scrollbar-hover": colours.muted,
        "scrollbar-active": colours.primary,
        "scrollbar-background": colours.surface,
        "scrollbar-background-hover": colours.surface,
        "scrollbar-background-active": colours.surface,
        "scrollbar-corner-color": colours.surface,
    }


def _named(palette: Palette) -> Palette:
    """The palette with the terminal's own colours called as Textual calls them."""
    if not palette.ansi:
        return palette
    parts = {
        group: msgspec.structs.replace(
            part, **{name: f"ansi_{colour}" for name, colour in msgspec.structs.asdict(part).items()}
        )
        for group, part in (("colours", palette.colours), ("syntax", palette.syntax))
    }
    return msgspec.structs.replace(palette, **parts)


def textual_theme(palette: Palette) -> Theme:
    """The palette as Textual takes it."""
    colours = _named(palette).colours
    return Theme(
        name=palette.name,
        ansi=palette.ansi,
        primary=colours.primary,
        secondary=colours.active,
        accent=colours.accent,
        warning=colours.warning,
        error=colours.error,
        success=colours.success,
        foreground=colours.foreground,
        background=colours.background,
        surface=colours.surface,
        panel=colours.panel,
        dark=palette.dark,
        variables=variables(palette),
    )


def editor_theme(palette: Palette) -> TextAreaTheme:
    """The palette for the editor, named as the palette is."""
    from textual.widgets.text_area import TextAreaTheme

    syntax = palette.syntax
    return TextAreaTheme(
        name=palette.name,
        base_style=Style(color=palette.colours.foreground, bgcolor=palette.colours.surface),
        gutter_style=Style(color=palette.colours.muted, bgcolor=palette.colours.surface),
        cursor_line_style=Style(bgcolor=palette.colours.panel),
        cursor_line_gutter_style=Style(color=palette.colours.primary, bgcolor=palette.colours.panel),
        cursor_style=Style(color=palette.colours.background, bgcolor=palette.colours.foreground),
        syntax_styles={
            "keyword": Style(color=syntax.keyword),
            "keyword.function": Style(color=syntax.keyword),
            "keyword.return": Style(color=syntax.keyword),
            "keyword.operator": Style(color=syntax.keyword),
            "conditional": Style(color=syntax.keyword),
            "repeat": Style(color=syntax.keyword),
            "exception": Style(color=syntax.keyword),
            "include": Style(color=syntax.keyword),
            "string": Style(color=syntax.string),
            "number": Style(color=syntax.number),
            "float": Style(color=syntax.number),
            "boolean": Style(color=syntax.number),
            "constant.builtin": Style(color=syntax.number),
            "comment": Style(color=syntax.comment, italic=True),
            "function": Style(color=syntax.function),
            "function.call": Style(color=syntax.function),
            "method": Style(color=syntax.function),
            "method.call": Style(color=syntax.function),
            "function.builtin": Style(color=syntax.builtin),
            "type": Style(color=syntax.builtin),
            "type.builtin": Style(color=syntax.builtin),
        },
    )


def role_styles(theme_variables: Mapping[str, str]) -> dict[str, Style]:
    """Each role as a Rich style without a background."""
    return {
        role: Style(
            color=theme_variables[look.variable].removeprefix("ansi_"),
            bold=look.bold or None,
            italic=look.italic or None,
            underline=look.underline or None,
            reverse=look.reverse or None,
        )
        for role, look in ROLES.items()
    }


def cursor_style(theme_variables: Mapping[str, str]) -> Style:
    """How the row under a cursor differs: by its ground, or reversed where the terminal gives only one ground."""
    ground = theme_variables["ground-bar"]
    return Style(reverse=True) if ground == theme_variables["ground-pane"] else Style(bgcolor=ground)


def content(*lines: Line) -> Content:
    """Lines as content for a widget that lays text out itself. All of it is data, none is markup."""
    return Content("\n").join(_content(line) for line in lines)


def _content(line: Line) -> Content:
    return Content.assemble(*((clean(text), _style(role)) for text, role in line if text))


def _style(role: str) -> str:
    look = ROLES[role]
    weights = (
        ("bold", look.bold),
        ("italic", look.italic),
        ("underline", look.underline),
        ("reverse", look.reverse),
    )
    return " ".join([f"${look.variable}", *(name for name, on in weights if on)])
