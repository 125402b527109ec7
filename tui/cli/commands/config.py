"""`distill-tui config`: the effective settings, each with where it came from."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tui.text import clean

KEYS = ("TOGETHER_API_KEY", "OPENAI_API_KEY")


@click.group("config", invoke_without_command=True)
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.pass_context
def command(ctx: click.Context, config: Path | None) -> None:
    """The effective settings and where each came from.

    Flags go over the environment, that over `.env`, that over the file, that over the defaults.
    """
    if ctx.invoked_subcommand is not None:
        return
    from distill_core.config import config_path, load_settings
    from distill_core.config.masking import masked
    from distill_core.environment import dotenv

    effective = load_settings(path=config)
    path = config_path(config)
    click.echo(f"# {path}{'' if path.exists() else ' (not there; write one: distill-tui config init)'}")
    width = max(len(_shown(value.key)) for value in effective.values)
    for value in map(masked, effective.values):
        shown = "-" if value.value is None else repr(value.value)
        click.echo(f"{_shown(value.key):<{width}}  {clean(shown):<24}  {clean(value.origin)}")
    for name in KEYS:
        place = "environment" if os.environ.get(name) else ".env" if dotenv().get(name) else "-"
        click.echo(f"{name:<{width}}  {_masked(os.environ.get(name) or dotenv().get(name)):<24}  {place}")
    chosen = effective.settings
    if chosen.keys or chosen.screen.theme is not None or chosen.annotation.rubric:
        # Only the screens can tell right from wrong here, and they take long to load.
        from tui.setup import setup_of

        setup_of(effective, config)


def _shown(key: str) -> str:
    """A key on one line, whatever a table in the file is called."""
    return key if key.isprintable() else repr(key)


def _masked(key: str | None) -> str:
    """Whether a key is there, and no more of it than tells two keys apart."""
    if not key:
        return "-"
    return f"…{key[-4:]}" if len(key) >= 16 else "…"


@command.command("path")
def show_path() -> None:
    """Where the configuration file is, or would be."""
    from distill_core.config import config_path

    click.echo(str(config_path()))


@command.command("init")
def init() -> None:
    """Write a commented configuration file; one that is there is never touched."""
    from distill_core.config import config_path
    from distill_core.config.template import TEMPLATE
    from distill_core.errors import ConfigError

    path = config_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE)
    except FileExistsError:
        raise ConfigError(f"{path} is there already", remedy="edit it") from None
    except OSError as error:
        raise ConfigError(f"cannot write {path}", found=error.strerror or str(error)) from error
    click.echo(str(path))


@command.command("keys")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
def show_keys(config: Path | None) -> None:
    """What can be done on the screens: id, keys in force, what it does."""
    from distill_core.config import load_settings
    from tui.actions import REGISTRY, key_name
    from tui.actions.rebinding import rebind

    registry, notices = rebind(REGISTRY, load_settings(path=config).settings.keys)
    for notice in notices:
        click.echo(f"note: {clean(notice)}", err=True)
    width = max(len(action.id) for action in registry.actions)
    for action in registry.actions:
        keys = " ".join(key_name(key) for key in action.keys) or "-"
        click.echo(f"{action.id:<{width}}  {keys:<12}  {action.help}")
