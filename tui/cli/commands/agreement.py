"""`distill-tui agreement`: how far annotators agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from tui.cli.listing import left_out
from tui.cli.options import config_options
from tui.saying import say, say_json
from tui.text import clean

if TYPE_CHECKING:
    from distill_core.state import SessionState


@click.command("agreement")
@click.argument("names", nargs=-1, metavar="[SESSION]...")
@click.option("--everyone", is_flag=True, help="Count those too who are not done with a session.")
@click.option("--examples", is_flag=True, help="The sessions that come with the program too.")
@click.option("--rubric", metavar="FILE", help="The criteria, as TOML. [default: that of the settings]")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a question on stdout.")
@config_options
def command(
    names: tuple[str, ...], everyone: bool, examples: bool, rubric: str | None, as_json: bool, **options: Any
) -> None:
    """How far annotators agree: on ratings, marks, labels and each criterion.

    Over SESSIONS (each a folder, an id, the beginning of one, or last), or all of your own that are kept.
    Krippendorff's alpha is over all annotators, Cohen's kappa over each pair; "n/a" says that it is undefined.
    """

    from distill_core.config import load_settings
    from distill_core.config.rubric import load_rubric
    from distill_core.errors import LogError
    from sessions.agreement import agreement, number
    from sessions.bundled import is_example
    from sessions.home import Home
    from sessions.judging.reading import judged
    from tui.cli.kept import home_of
    from tui.cli.options import flags

    home = Home(home_of(options))
    settings = load_settings(flags(options), path=options.get("config")).settings
    folders = [home.find(name) for name in names] if names else list(home.there().folders())
    own = folders if names or examples else [folder for folder in folders if not is_example(folder.name)]
    if len(own) < len(folders):
        say(left_out(len(folders) - len(own)))
    states: list[tuple[str, SessionState]] = []
    for folder in own:
        try:
            states.append((folder.name, judged(folder)))
        except LogError as error:
            if names:
                raise
            say(f"note: {folder.name} is left out: {error}")
    found = agreement(
        states,
        load_rubric(rubric or settings.annotation.rubric),
        everyone=everyone,
    )
    if as_json:
        for one in found:
            say_json(one)
        return
    if not found:
        click.echo("nothing is judged by anybody who is done; --everyone counts the others too")
    wide = max((len(one.question) for one in found), default=0)
    for one in found:
        why = f" ({one.why})" if one.why else ""
        click.echo(
            clean(f"{one.question:<{wide}}  α {number(one.alpha):>5}{why}  {one.units} judged by two or more")
        )
        for pair in one.kappas:
            click.echo(
                clean(f"    κ {number(pair.kappa):>5}  {pair.one}, {pair.other}: {pair.units} in common")
            )
