"""`distill-tui export`: kept sessions as data sets for trainers."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from distill_core.plurals import count
from tui.cli.listing import left_out
from tui.cli.worded import Worded
from tui.saying import say, say_json
from tui.text import clean

if TYPE_CHECKING:
    from sessions.export.plan import Plan
    from sessions.export.report import Report
    from tui.screens.export_draft import Draft

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kMG]?)B?\Z", re.IGNORECASE)
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}


@click.command("export", cls=Worded)
@click.argument("format_name", metavar="[FORMAT]", required=False)
@click.argument("chosen", metavar="[SESSION|FILTER]...", nargs=-1)
@click.option("--out", metavar="DIR", help="Where to: a folder, or an URL that fsspec knows.")
@click.option("--formats", is_flag=True, help="List the formats.")
@click.option(
    "--storage", type=click.Choice(["jsonl", "parquet"]), default="jsonl", help="How rows are kept."
)
@click.option("--shard-size", metavar="SIZE", default="500MB", help="A new file after this much. [500MB]")
@click.option(
    "--split", "splits", metavar="NAME=SHARE", multiple=True, help="Such as test=0.1; the rest is train."
)
@click.option("--seed", type=int, default=0, help="Of splits and samples.")
@click.option("--label", "labels", metavar="LABEL", multiple=True, help="Only rows that bear one of these.")
@click.option("--vouched", is_flag=True, help="Only rows that a person, not a policy, decided on or judged.")
@click.option("--sample", type=float, metavar="SHARE", help="Only this share of the rows.")
@click.option("--evidence", is_flag=True, help="Worker calls whose quotes stand in their prompt, no others.")
@click.option("--near", type=float, metavar="SIMILARITY", help="Drop near-duplicates, such as from 0.9 on.")
@click.option("--keep", metavar="RULE", multiple=True, help="Do not leave out what this rule leaves out.")
@click.option("--no-reasoning", is_flag=True, help="Drop the supervisor's prose; keep code and results.")
@click.option("--tokenizer", metavar="PATH", help="The student's tokenizer.json, for formats of tokens.")
@click.option(
    "--redact", metavar="KINDS", help="What must not leave, by commas. [keys,secrets,email,card,phone,home]"
)
@click.option("--no-redact", is_flag=True, help="Let everything leave as it is.")
@click.option(
    "--licence", metavar="NOTE", default="unknown", help="Of the documents, for card and provenance."
)
@click.option("--examples", is_flag=True, help="The sessions that come with the program too.")
@click.option("--dry-run", is_flag=True, help="Write nothing: what would be kept, left out and redacted.")
@click.option(
    "--explain", metavar="ROW", help="Why a row (SESSION/STEP/CALL, or its beginning) is in or out."
)
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@click.option("--config", type=click.Path(path_type=Path), help="The configuration file.")
@click.option("--home", metavar="DIR", help="Where sessions are kept.")
def command(format_name: str | None, chosen: tuple[str, ...], **options: Any) -> int:
    """Kept sessions as data sets that trainers load as they are.

    SESSION is a folder, the name of a session kept in the home, or last: the newest by its start. Other words are a
    filter, as of the list of sessions (docs/STORE.md). Without either, all sessions of the home are taken. Those that
    come with the program are left out where neither a name nor a filter asks for them. Without a format, a screen
    opens, which begins with what is given here.
    """
    if options["formats"]:
        _list_formats()
        return 0
    if format_name is None or _chooses_sessions(format_name, options):
        return _open_screen((format_name, *chosen) if format_name is not None else (), options)
    from sessions.export import explain, export, rehearse

    plan = _plan(format_name, chosen, options)
    if plan.examples:
        say(left_out(plan.examples))
    if options["explain"]:
        lines = explain(plan, options["explain"])
        for line in lines:
            click.echo(clean(line))
        if not lines:
            from distill_core.errors import ExportError

            raise ExportError(
                "no such row", found=options["explain"], remedy="rows are named SESSION/STEP/CALL"
            )
        return 0
    with _Progress(quiet=options["as_json"]) as progress:
        if options["dry_run"]:
            made = rehearse(plan, on_progress=progress)
        elif options["out"]:
            made = export(plan, options["out"], on_progress=progress)
        else:
            raise click.UsageError("say where to with --out, or look first with --dry-run")
    _tell(made, plan, options)
    return 0


def _chooses_sessions(word: str, options: dict[str, Any]) -> bool:
    """Whether a word in the place of the format is none: a term of a filter, or a session."""
    from distill_core.config import home_path, load_settings
    from sessions.export.formats import names

    if word in names():
        return False
    if word == "last" or word.startswith("-") or any(letter in word for letter in ':/" '):
        return True
    settings = load_settings(path=options["config"], flags={"home": options["home"]}).settings
    return (home_path(settings) / "sessions" / word).is_dir()


_HEADLESS = {"explain": "--explain", "dry_run": "--dry-run", "as_json": "--json"}
"""Options that a screen has no use for."""


def _open_screen(words: tuple[str, ...], options: dict[str, Any]) -> int:
    from distill_core.config import home_path, load_settings

    for name, option in _HEADLESS.items():
        if options[name]:
            raise click.UsageError(f"{option} needs a format; --formats lists them")
    if not (sys.stdin.isatty() and sys.stderr.isatty()) and "TEXTUAL_DRIVER" not in os.environ:
        raise click.UsageError("name a format; --formats lists them")
    from tui.app import DistillApp
    from tui.screens.export import ExportScreen
    from tui.screens.export_draft import check
    from tui.setup import setup_of

    effective = load_settings(path=options["config"], flags={"home": options["home"]})
    draft = drafted(words, options)
    check(draft, effective.settings)
    setup, home = setup_of(effective, options["config"]), home_path(effective.settings)
    app = DistillApp(setup, lambda: ExportScreen(setup, effective.settings, home, draft))
    app.run()
    return app.return_code or 0


def drafted(words: tuple[str, ...], options: dict[str, Any]) -> Draft:
    """All that is given on the command line, with which the screen begins.

    Args:
        words: those that choose sessions.
        options: by the names of the command's parameters.

    Raises:
        click.BadParameter: a size is none.
    """
    from tui.screens.export_draft import Draft, line_of

    kinds = _kinds(options)
    usual = Draft()
    return Draft(
        sessions=line_of(words),
        examples=options["examples"],
        folder=options["out"] or usual.folder,
        storage=options["storage"],
        shard_size=_bytes(options["shard_size"]),
        splits=" ".join(options["splits"]),
        seed=options["seed"],
        labels=options["labels"],
        vouched=options["vouched"],
        evidence=options["evidence"],
        sample=options["sample"],
        near=options["near"],
        prose=not options["no_reasoning"],
        redact=bool(kinds),
        kinds=kinds or usual.kinds,
        keep=frozenset(options["keep"]),
        tokenizer=options["tokenizer"] or "",
        licence=options["licence"],
    )


def _list_formats() -> None:
    from sessions.export.formats import all_formats

    formats = all_formats()
    width = max(len(format.name) for format in formats)
    for format in formats:
        click.echo(f"{format.name:<{width}}  {format.help}")


def _plan(name: str, named: tuple[str, ...], options: dict[str, Any]) -> Plan:
    import msgspec

    from distill_core.config import home_path, load_settings
    from sessions.export.choosing import choose
    from sessions.export.formats import find
    from tui.screens.export_draft import planned

    find(name)  # before anything is read
    settings = load_settings(path=options["config"], flags={"home": options["home"]}).settings
    chosen = choose(named, home_path(settings), examples=options["examples"])
    draft = msgspec.structs.replace(drafted(named, options), format=name)
    # A storage that the format has not is refused here, where nobody sees what is taken in its place.
    return msgspec.structs.replace(planned(draft, settings, chosen), storage=draft.storage)


def _kinds(options: dict[str, Any]) -> tuple[str, ...]:
    from sessions.export.redact import KINDS

    if options["no_redact"]:
        return ()
    if options["redact"] is None:
        return KINDS
    return tuple(kind.strip() for kind in options["redact"].split(",") if kind.strip())


def _bytes(words: str) -> int:
    match = _SIZE.match(words.strip())
    if match is None:
        raise click.BadParameter(f"{words!r} is no size; write such as 500MB", param_hint="--shard-size")
    return int(float(match[1]) * _UNITS[match[2].lower()])


class _Progress:
    """A line on stderr that is written over, on a terminal."""

    def __init__(self, *, quiet: bool) -> None:
        self._shown = not quiet and sys.stderr.isatty()

    def __enter__(self) -> Callable[[Any], None]:
        return self._show

    def __exit__(self, *_: object) -> None:
        if self._shown:
            click.echo("\r\x1b[K", nl=False, err=True)

    def _show(self, progress: Any) -> None:
        if self._shown:
            words = f"{progress.done} of {count(progress.sessions, 'session')}, {count(progress.rows, 'row')}"
            click.echo(f"\r\x1b[K{words}", nl=False, err=True)


def _tell(made: Report, plan: Plan, options: dict[str, Any]) -> None:
    if options["as_json"]:
        import msgspec

        told = msgspec.to_builtins(made)
        say_json({**told, "rows_in_all": made.total, "out": options["out"]})
        return
    from sessions.export.rows import RULES

    are = "is" if made.total == 1 else "are"
    verb = "would be" if options["dry_run"] else are if made.changed else f"still {are}"
    place = "" if options["dry_run"] else f" in {clean(options['out'])}"
    click.echo(f"{count(made.total, 'row')} of {count(made.sessions, 'session')} {verb}{place}")
    for split, rows in made.rows.items():
        if split:
            click.echo(f"  {rows:>8} {split}")
    if made.left:
        click.echo("left out:")
        for rule, number in made.left.items():
            first = made.examples.get(rule)
            about = (
                f"; first {clean(first.key)}{f': {clean(first.why)}' if first.why else ''}" if first else ""
            )
            click.echo(f"  {number:>8} {rule}: {RULES[rule]}{about}")
    if not plan.redact:
        click.echo("nothing was looked through for secrets and personal data (--no-redact)")
    elif made.redacted:
        click.echo("redacted: " + ", ".join(f"{number} {kind}" for kind, number in made.redacted.items()))
    if made.reused and made.changed:
        click.echo(f"{count(made.reused, 'session')} had not changed since the export before")
