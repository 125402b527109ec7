"""Options that several commands share, and what they set."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import click

F = TypeVar("F", bound=Callable[..., Any])

SETTINGS = {
    "supervisor": "supervisor",
    "worker": "worker",
    "base_url": "base_url",
    "home": "home",
    "log_dir": "session.log_dir",
    "approve": "session.approve",
    "dialect": "session.dialect",
    "primitives": "session.primitives",
    "isolation": "session.isolation",
    "output_limit": "session.output_limit",
    "cache": "session.cache",
    "max_turns": "limits.turns",
    "max_worker_calls": "limits.worker_calls",
    "max_tokens": "limits.tokens",
    "max_cost": "limits.money",
    "max_seconds": "limits.seconds",
    "theme": "screen.theme",
}
"""Which setting each option stands for."""

_POLICIES = click.Choice(["ask", "auto", "cheap", "on-error"])

_CONFIG = [
    click.option("--config", type=click.Path(path_type=Path), help="The configuration file."),
    click.option("--home", metavar="DIR", help="Where sessions are kept."),
]
_MODELS = [
    click.option("--supervisor", metavar="MODEL", help="A profile, a model of the endpoint, or playbook."),
    click.option("--worker", metavar="MODEL", help="A profile, or a model of the endpoint."),
    click.option("--base-url", metavar="URL", help="An OpenAI-compatible endpoint."),
    click.option("--gguf", type=click.Path(path_type=Path), help="A GGUF file to run here, for both roles."),
    click.option("--playbook", is_flag=True, help="No supervisor model: programs from the playbook."),
]
_SESSION = [
    click.option("--headless", is_flag=True, help="No screen: progress on stderr, the answer on stdout."),
    click.option("--json", "as_json", is_flag=True, help="Headless, with one JSON object on stdout."),
    click.option("--approve", type=_POLICIES, help="Who decides on steps. [live: ask; headless: auto]"),
    click.option("--dialect", type=click.Choice(["distill", "rlm"]), help="Names offered to the code."),
    click.option(
        "--primitives",
        multiple=True,
        metavar="FILE",
        callback=lambda ctx, parameter, files: list(files) or None,
        help="A Python file whose functions the code may call; they run with your rights.",
    ),
    click.option("--max-turns", type=click.IntRange(1), help="Supervisor turns at most."),
    click.option("--max-worker-calls", type=click.IntRange(0), help="Worker calls at most."),
    click.option("--max-tokens", type=click.IntRange(0), help="Tokens of both models together, at most."),
    click.option(
        "--max-cost", type=click.FloatRange(0), help="US dollars at most (needs prices in the config)."
    ),
    click.option("--max-seconds", type=click.FloatRange(0), help="Seconds of wall time at most."),
    click.option(
        "--output-limit", type=click.IntRange(1), help="Characters of output the supervisor is shown."
    ),
    click.option("--cache/--no-cache", default=None, help="Answer equal model calls from the cache on disk."),
    click.option(
        "--isolation",
        type=click.Choice(["auto", "strong", "good", "seatbelt"]),
        help="How strong a wall to insist on.",
    ),
    click.option(
        "--unsafe-no-sandbox", is_flag=True, help="No wall: code of models runs with all your rights."
    ),
    click.option("--log-dir", metavar="DIR", help="Folder of this session."),
    click.option("--theme", metavar="NAME", help="Palette of the screen."),
]


_GOING_ON = [
    click.option(
        "--on-divergence",
        type=click.Choice(["ask", "stop", "keep", "branch"]),
        default="ask",
        help="What to do where a recorded cell comes out differently.",
    ),
]


def _all(options: list[Callable[[F], F]]) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


config_options = _all(_CONFIG)
model_options = _all(_MODELS)
going_on_options = _all(_GOING_ON)


def session_options(function: F) -> F:
    """The options of a session; what ends the command before one has run is told as JSON too, where that is wanted."""
    return _all(_SESSION)(_errors_told(function))


_TOLD = "tui.cli.options.told"
"""Set in a command's context once an object stands on stdout."""


def json_is_told() -> None:
    """Remember that the command has printed its object: the error that it ends with is part of that one."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_TOLD] = True


def _errors_told(function: F) -> F:
    @functools.wraps(function)
    def told(*args: Any, **options: Any) -> Any:
        from distill_core.errors import DistillError
        from tui.saying import say_json

        try:
            return function(*args, **options)
        except DistillError as error:
            if options.get("as_json") and not click.get_current_context().meta.get(_TOLD):
                say_json({"error": str(error)})
            raise

    return cast(F, told)


def flags(options: dict[str, Any]) -> dict[str, Any]:
    """The settings that were given as options, by dotted key."""
    return {
        SETTINGS[name]: value for name, value in options.items() if name in SETTINGS and value is not None
    }
