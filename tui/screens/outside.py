"""The person's own editor: the program steps back from the terminal while it runs."""

from __future__ import annotations

import click
from textual.app import App, SuspendNotSupported

from distill_core.errors import DistillError


def edited_outside(app: App[None], text: str, suffix: str) -> str | None:
    """`text` as changed in $VISUAL or $EDITOR; None if it was not saved.

    Args:
        app: steps back meanwhile.
        text: what to start from.
        suffix: of the file, so that the editor knows what it is.

    Raises:
        DistillError: there is no terminal to step back from, or the editor cannot be run.
    """
    try:
        with app.suspend():
            changed = click.edit(text, extension=suffix, require_save=True)
    except SuspendNotSupported as error:
        raise DistillError(
            "your editor cannot be opened from here", remedy="edit it on this screen"
        ) from error
    except click.ClickException as error:
        raise DistillError(
            "your editor cannot be run", found=error.message, remedy="set $EDITOR to one that can"
        ) from error
    return changed
