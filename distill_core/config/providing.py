"""What runs a model: the providers there are, found by looking into the `providers` folder, each file bringing one.

A profile's `provider` is the name of a file there; the file says how its handler is made and how it is checked.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

import msgspec

from distill_core.budget import Role
from distill_core.config import providers as folder
from distill_core.config.settings import ModelProfile
from distill_core.errors import ConfigError
from distill_core.models.base import ModelHandler

SUPERVISOR_TOKENS = 2048
WORKER_TOKENS = 512
"""Tokens of a reply where nothing is set."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A role's profile and why it is that one."""

    role: Role
    profile: ModelProfile
    why: str


class Opened:
    """What was started for a session's models. Roles that share a model may share what runs it."""

    def __init__(self) -> None:
        self.shared: dict[str, Any] = {}
        self._closers: list[Callable[[], None]] = []

    def on_close(self, closer: Callable[[], None]) -> None:
        """Have `closer` called when the models are let go of; the last one first."""
        self._closers.append(closer)

    def close(self) -> None:
        """Stop everything that was started."""
        while self._closers:
            self._closers.pop()()


class Finding(msgspec.Struct, frozen=True):
    """One line of what a look at a provider found: a word of what it is about, and what was found."""

    about: str
    text: str
    fine: bool = True


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A way to run a model.

    Args:
        about: one line for a person who chooses.
        open: the handler of a choice; what has to be stopped again is left with the `Opened`. May block while a
            model loads. Raises ConfigError where the profile will not do, ModelError where the model does not start.
        look: what there is to say of a choice, and with `live` whether it answers; never raises for what it finds.
        unused: keys of a profile that mean nothing here, and are refused.
        plays: the roles that it can play.
        small: its models are small: the compact prompt and temperature 0 where nothing else is set.
        paid: whether calls cost money, given the profile.
    """

    about: str
    open: Callable[[Choice, Opened], ModelHandler]
    look: Callable[[Choice, bool], list[Finding]]
    unused: tuple[str, ...] = ()
    plays: tuple[Role, ...] = ("supervisor", "worker")
    small: bool = False
    paid: Callable[[ModelProfile], bool] = lambda profile: False


def names() -> tuple[str, ...]:
    """The providers there are. Looks at file names only: nothing is imported."""
    return tuple(sorted(module.name for module in pkgutil.iter_modules(folder.__path__)))


def provider(name: str) -> Provider:
    """The provider called `name`.

    Raises:
        ConfigError: there is none, or its file brings no `PROVIDER`.
    """
    if name not in names():
        raise ConfigError("no such provider", found=name, remedy="use one of " + ", ".join(names()))
    found = vars(importlib.import_module(f"{folder.__name__}.{name}")).get("PROVIDER")
    if not isinstance(found, Provider):
        raise ConfigError(f"provider {name}.py has no PROVIDER", remedy="define one in it")
    return found


def sampling(choice: Choice, *, small: bool = False) -> dict[str, Any]:
    """Parameters of every call of a role, with the role's defaults where its profile is silent."""
    profile = choice.profile
    supervises = choice.role == "supervisor"
    temperature = profile.temperature
    if temperature is None:
        temperature = 0.0 if small else 0.7 if supervises else 0.2
    tokens = profile.max_tokens or (SUPERVISOR_TOKENS if supervises else WORKER_TOKENS)
    chosen: dict[str, Any] = {"temperature": temperature, "max_tokens": tokens}
    return chosen if profile.seed is None else {**chosen, "seed": profile.seed}
