"""A palette: named colours for the parts of a screen, read from TOML and checked before anything is drawn with it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from distill_core.errors import ConfigError

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")

READABLE = {"normal": 4.5, "high": 7.0}
"""Least contrast of text to background: levels AA and AAA of WCAG 2.2, success criteria 1.4.3 and 1.4.6."""

ANSI = frozenset(
    f"{bright}{colour}"
    for colour in ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
    for bright in ("", "bright_")
) | {"default"}
"""Colours that the terminal's own settings give a look to."""

FAINT = 3.0
"""Least contrast of secondary text and of borders that carry meaning (WCAG 2.2, 1.4.11)."""


class Colours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Colours as "#rrggbb".

    Args:
        background: of the screen.
        surface: of panes.
        panel: of bars.
        foreground: text.
        muted: secondary text.
        border: around panes.
        primary: the focused pane, headings.
        accent: keys.
        active: what is being worked on.
        success: what went well.
        warning: what wants attention.
        error: what went wrong.
    """

    background: str
    surface: str
    panel: str
    foreground: str
    muted: str
    border: str
    primary: str
    accent: str
    active: str
    success: str
    warning: str
    error: str


class Syntax(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Colours of code, as "#rrggbb"."""

    keyword: str
    string: str
    number: str
    comment: str
    function: str
    builtin: str


class Palette(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A theme.

    Args:
        name: how it is chosen.
        title: one line for a person who chooses.
        dark: whether light text stands on dark ground.
        contrast: "high" promises the stricter contrast of `READABLE`.
        ansi: its colours are names of `ANSI` instead of "#rrggbb"; how they look is the terminal's affair.
    """

    name: str
    title: str
    dark: bool
    colours: Colours
    syntax: Syntax
    contrast: Literal["normal", "high"] = "normal"
    ansi: bool = False


def load(path: Path) -> Palette:
    """The palette in a TOML file.

    Raises:
        ConfigError: the file cannot be read, a key is missing, unknown or of the wrong kind, a colour is not
            "#rrggbb", or text would be hard to read.
    """
    try:
        palette = msgspec.toml.decode(path.read_bytes(), type=Palette)
    except OSError as error:
        raise ConfigError(f"cannot read theme {path}", found=error.strerror) from error
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"theme {path} is not right", found=str(error)) from error
    _check(palette, path)
    return palette


def available(*folders: Path) -> dict[str, Palette]:
    """Every theme that comes with the program and those in `folders`, by name; a later one takes the name over.

    Raises:
        ConfigError: one of them is not right.
    """
    found: dict[str, Palette] = {}
    for folder in (Path(__file__).parent, *folders):
        for path in sorted(folder.glob("*.toml")):
            palette = load(path)
            found[palette.name] = palette
    return found


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, from 1 to 21 (WCAG 2.2, definition of contrast ratio)."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2, definition of relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _check(palette: Palette, path: Path) -> None:
    for group in ("colours", "syntax"):
        for key, colour in msgspec.structs.asdict(getattr(palette, group)).items():
            if palette.ansi and colour not in ANSI:
                remedy = "an ansi theme has " + ", ".join(sorted(ANSI))
                raise ConfigError(f"theme {path}, {group}.{key}", found=repr(colour), remedy=remedy)
            if not palette.ansi and not _COLOUR.fullmatch(colour):
                raise ConfigError(
                    f"theme {path}, {group}.{key}", found=repr(colour), remedy='write a colour as "#rrggbb"'
                )
    if palette.ansi:
        return
    need = READABLE[palette.contrast]
    for key, least in (("foreground", need), ("muted", FAINT if need < 7 else 4.5), *_meaning(need)):
        for ground in ("background", "surface", "panel"):
            ratio = contrast(getattr(palette.colours, key), getattr(palette.colours, ground))
            if ratio < least:
                raise ConfigError(
                    f"theme {path}, colours.{key} is hard to read on colours.{ground}",
                    found=f"contrast {ratio:.1f}",
                    remedy=f"at least {least:g} is needed",
                )


def _meaning(need: float) -> tuple[tuple[str, float], ...]:
    """Colours that words are written in, with the contrast they need."""
    least = need if need >= 7 else FAINT
    return tuple((key, least) for key in ("primary", "accent", "active", "success", "warning", "error"))
