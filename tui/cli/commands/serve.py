"""`distill-tui serve`: the program in a browser."""

from __future__ import annotations

import socket
from typing import Any

import click

from tui.cli.options import config_options
from tui.saying import say


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on."
)
@click.option("--public-url", metavar="URL", help="How browsers reach it, where a proxy stands before it.")
@config_options
def command(host: str, port: int, public_url: str | None, **options: Any) -> int:
    """Show the home screen in a browser, to whoever has the link that this prints.

    Only this machine can reach it, unless --host says otherwise. Each browser gets a program of its own; closing the
    page leaves its session as it stands.
    """
    from distill_core.errors import ConfigError
    from tui.cli.commands.home import given

    try:
        from tui.serving import Address, TokenServer, is_loopback
    except ImportError as error:
        raise ConfigError(
            "serving needs textual-serve", found=str(error), remedy='pip install "distill-tui[serve]"'
        ) from error
    _free(host, port)
    address = Address(host=host, port=port, public_url=public_url)
    if not is_loopback(host):
        say(f"note: {host} is reached from other machines; what they send is not encrypted without a proxy")
    click.echo(address.link)
    say("ctrl-c ends it")
    TokenServer(address, ["home", *given(options)]).serve()
    return 0


def _free(host: str, port: int) -> None:
    """Look whether one can listen there, before a link is given that leads nowhere.

    Raises:
        ConfigError: one cannot.
    """
    from distill_core.errors import ConfigError

    try:
        family, kind, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}, port {port}",
            found=error.strerror or str(error),
            remedy="choose another with --port or --host",
        ) from error
