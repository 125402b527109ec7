"""`distill-tui sessions`: look after kept sessions."""

from __future__ import annotations

from pathlib import Path

import click

from tui.text import clean


@click.group("sessions")
def command() -> None:
    """Look after kept sessions."""


@command.command("verify")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
def verify_folders(folders: tuple[Path, ...]) -> int:
    """Check that each session in DIR is whole: schema, numbering, references, prompts, document.

    A torn last line, which a killed program leaves, is noted and no damage. Exits with 1 if one is damaged.
    """
    from sessions.verify import verify

    whole = True
    for folder in folders:
        verdict = verify(folder)
        whole = whole and verdict.whole
        click.echo(
            f"{clean(str(folder))}: {'whole' if verdict.whole else 'DAMAGED'}, {verdict.events} events"
        )
        for problem in verdict.problems:
            click.echo(f"  damage: {clean(str(problem))}")
        for note in verdict.notes:
            click.echo(f"  note: {clean(note)}")
    return 0 if whole else 1
