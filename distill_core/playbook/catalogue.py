"""The strategies there are: found by looking into the `strategies` folder, each file there bringing one."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable

import msgspec

from distill_core.errors import ConfigError
from distill_core.playbook import strategies as folder
from distill_core.playbook.brief import Brief, Facts, Fit


class Strategy(msgspec.Struct, frozen=True, kw_only=True):
    """A way to go about a question.

    Args:
        name: one word; what a person and a program call it.
        description: one line on what its program does.
        fits: how well it suits a brief; None where it cannot be chosen for it.
        write: the program for a brief.
    """

    name: str
    description: str
    fits: Callable[[Brief], Fit | None]
    write: Callable[[Brief], str]


def load() -> dict[str, Strategy]:
    """Every strategy by its name, in the order of names.

    Raises:
        ConfigError: a file in the folder brings no `STRATEGY`, or two bring the same name.
    """
    found: dict[str, Strategy] = {}
    for module in sorted(pkgutil.iter_modules(folder.__path__), key=lambda m: m.name):
        strategy = vars(importlib.import_module(f"{folder.__name__}.{module.name}")).get("STRATEGY")
        if not isinstance(strategy, Strategy):
            raise ConfigError(
                f"playbook strategy {module.name}.py has no STRATEGY", remedy="define one in it"
            )
        if strategy.name in found:
            raise ConfigError(
                "two playbook strategies have one name", found=strategy.name, remedy="rename one"
            )
        found[strategy.name] = strategy
    return dict(sorted(found.items()))


def strategies() -> dict[str, str]:
    """Name and one-line description of every strategy."""
    return {name: strategy.description for name, strategy in load().items()}


def program(
    name: str, query: str = "", *, facts: Facts | None = None, room: int = 21_000, guidance: str = ""
) -> str:
    """The program of strategy `name`, ready to run in the REPL and meant to be edited.

    Args:
        query: the question; programs are fitted to it.
        facts: what a probe found, if one has run.
        room: characters of document text that fit one worker prompt.
        guidance: words in quotation marks in it are searched for first.

    Raises:
        ConfigError: there is no such strategy.
    """
    known = load()
    if name not in known:
        raise ConfigError("no such playbook strategy", found=name, remedy="use one of " + ", ".join(known))
    return known[name].write(Brief(question=query, facts=facts, room=room, guidance=guidance))
