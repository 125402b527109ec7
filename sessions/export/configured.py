"""What an export takes from the configuration: keys and home folders that must not leave, the scales
of judgements, what labels mean."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from distill_core.config import Settings
from distill_core.config.rubric import load_rubric
from distill_core.config.settings import DEFINITIONS
from distill_core.environment import dotenv
from distill_core.models.credentials import VARIABLES

_TELLING = ("KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD")


def keys(settings: Settings, environ: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Every key that is set: the providers', those of profiles, and what else is called a key, token or secret."""
    places = [os.environ if environ is None else environ, dotenv()]
    named = {*VARIABLES, *(p.api_key_env for p in settings.models.values() if p.api_key_env)}
    found = {value for place in places for name, value in place.items() if name in named or _tells(name)}
    return tuple(sorted(value for value in found if len(value) >= 8))


def _tells(name: str) -> bool:
    return any(name.upper().endswith(word) for word in _TELLING)


def scales(settings: Settings) -> dict[str, tuple[float, float] | None]:
    """The lowest and the highest score of each criterion of the rubric; None where scores are names, not numbers.

    Raises:
        ConfigError: the rubric cannot be read.
    """
    criteria = load_rubric(settings.annotation.rubric).criteria
    return {c.id: (float(c.least), float(c.most)) if c.measure != "nominal" else None for c in criteria}


def definitions(settings: Settings) -> dict[str, str]:
    """What labels mean: as configured, and of the labels that come with the program what they mean there."""
    return DEFINITIONS | settings.annotation.definitions


def homes() -> tuple[str, ...]:
    """The home folder of whoever exports, in the ways in which it may be written."""
    return tuple(sorted(set(_homes())))


def _homes() -> Iterator[str]:
    try:
        home = Path.home()
    except RuntimeError:
        return
    yield str(home)
    yield str(home.resolve())
