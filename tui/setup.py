"""What a person's settings make of the screens: themes, keys, what is remembered, how a person is called."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

import themes
from distill_core.config import Effective, Settings, config_path, home_path
from distill_core.config.rubric import Rubric, load_rubric
from distill_core.config.settings import LABELS
from distill_core.errors import ConfigError
from themes import Palette
from tui.actions import REGISTRY, Registry
from tui.actions.rebinding import rebind
from tui.memory import Memory
from tui.theme import DEFAULT

Alert: TypeAlias = Literal["none", "bell", "desktop", "both"]


class Setup(msgspec.Struct, frozen=True, kw_only=True):
    """One for all screens of a run.

    Args:
        palettes: the themes, by name.
        theme: the one to begin with.
        registry: the actions, with the keys in force.
        memory: what is remembered from run to run.
        labels: the vocabulary of judgements.
        rubric: the criteria that answers are scored by; default: the program's own.
        best: the highest rating.
        alert: how a person is called to a decision.
        notices: what was wrong with the settings, and can be gone on with.
        who: how the person signs.
        named: whether the settings name them so; annotators do, who are blind to one another until they are done.
        settings: the settings themselves, for what a screen starts that reads them.
    """

    palettes: dict[str, Palette]
    theme: str = DEFAULT
    registry: Registry = REGISTRY
    memory: Memory
    labels: tuple[str, ...] = LABELS
    rubric: Rubric = msgspec.field(default_factory=load_rubric)
    best: int = 5
    alert: Alert = "none"
    notices: tuple[str, ...] = ()
    who: str = ""
    named: bool = False
    settings: Settings = msgspec.field(default_factory=Settings)


def plain() -> Setup:
    """Without any settings, and nothing remembered."""
    return Setup(palettes=themes.available(), memory=Memory())


MEMORY = "screen.json"


def setup_of(effective: Effective, config: str | Path | None = None) -> Setup:
    """The setup that these settings ask for.

    Args:
        effective: the settings.
        config: the configuration file, if not the usual one; a person's own themes are in `themes` beside it.

    Raises:
        ConfigError: there is no such theme, a theme is not right, or a key cannot be bound.
    """
    settings = effective.settings
    palettes = themes.available(config_path(config).parent / "themes")
    memory = Memory(home_path(settings) / MEMORY)
    theme = settings.screen.theme
    if theme is not None and theme not in palettes:
        raise ConfigError("no such theme", found=theme, remedy="use " + ", ".join(sorted(palettes)))
    if theme is None:
        theme = memory.value.theme if memory.value.theme in palettes else DEFAULT
    registry, notices = rebind(REGISTRY, settings.keys)
    return Setup(
        palettes=palettes,
        theme=theme or DEFAULT,
        registry=registry,
        memory=memory,
        labels=tuple(settings.annotation.labels),
        rubric=load_rubric(settings.annotation.rubric),
        best=settings.annotation.best,
        alert=settings.screen.alert,
        who=settings.screen.name or getpass.getuser(),
        named=bool(settings.screen.name),
        settings=settings,
        notices=(*notices, *((memory.trouble,) if memory.trouble else ())),
    )
