"""`distill-tui sessions`: find, look at and look after kept sessions."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from distill_core.plurals import count
from tui.cli.options import config_options, flags
from tui.cli.worded import WORDS, Worded
from tui.saying import say, say_json
from tui.text import clean

if TYPE_CHECKING:
    from sessions import Store
    from sessions.home import Home

ORDERS = ["started", "updated", "rating", "cost", "elapsed", "steps", "calls", "errors", "title"]

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")


@click.group("sessions")
def command() -> None:
    """Look after kept sessions."""


def home_of(options: dict[str, Any]) -> Home:
    """The home that the options, the environment and the configuration name."""
    from distill_core.config import home_path, load_settings
    from sessions.home import Home

    return Home(home_path(load_settings(flags(options), path=options.get("config")).settings))


all_judgements = click.option(
    "--all-judgements", is_flag=True, help="Also what other annotators think, before you are done yourself."
)


def opened(options: dict[str, Any]) -> Store:
    """The store in that home, as it is open to the person; what is wrong with it and no obstacle is said."""
    from distill_core.config import load_settings
    from sessions import Store
    from tui.cli.kept import reader

    seen_by = ""
    if not options.get("all_judgements"):
        seen_by = reader(load_settings(flags(options), path=options.get("config")))
    store = Store(home_of(options).there().path, reader=seen_by)
    if store.trouble:
        say(f"note: the index is as it was left; {store.trouble}")
    for unread in store.unread:
        say(f"note: {unread.session_id}: {unread.why}")
    return store


@command.command("list", cls=Worded, context_settings=WORDS)
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@click.option("--sort", type=click.Choice(ORDERS), default="started", help="What to sort by.")
@click.option("--ascending", is_flag=True, help="Smallest first.")
@click.option("--limit", type=click.IntRange(1), help="Sessions at most.")
@all_judgements
@as_json
@config_options
def list_sessions(
    words: tuple[str, ...], sort: Any, ascending: bool, limit: int | None, as_json: bool, **options: Any
) -> None:
    """List kept sessions, newest first.

    FILTER: key:value words and words to search for, such as model:llama label:good rating:>=4 errors:0 unreviewed.
    See docs/STORE.md.
    """
    from sessions import parse
    from tui.cli.listing import table

    with opened(options) as store:
        rows = store.list(parse(" ".join(words)), order=sort, descending=not ascending, limit=limit)
        there = len(list(store.home.folders())) if not rows else 0
    if as_json:
        for row in rows:
            say_json(row)
        return
    for line in table(rows):
        click.echo(line)
    if closed := sum(bool(row.closed) for row in rows):
        say(
            f"note: others judged {count(closed, 'session')} that you are not done with (--all-judgements shows all)"
        )
    if not rows:
        none = (
            f"{count(there, 'session folder')} here and nothing in the index; distill-tui sessions rebuild makes it"
            if there
            else "no session is kept here yet"
        )
        say("no session fits; leave words out to see more" if words else none)


@command.command("browse", cls=Worded, context_settings=WORDS)
@click.argument("words", nargs=-1, metavar="[FILTER]...")
@config_options
def browse_sessions(words: tuple[str, ...], **options: Any) -> int:
    """List kept sessions on a screen: filter, search, open, and judge or remove several at once."""
    from distill_core.config import home_path, load_settings
    from tui.browsing.showing import show_sessions
    from tui.cli.kept import forked
    from tui.setup import setup_of

    home_of(options).there()
    effective = load_settings(flags(options), path=options.get("config"))
    setup = setup_of(effective, options.get("config"))
    who = effective.settings.screen.name or getpass.getuser()
    return forked(show_sessions(setup, home_path(effective.settings), who, " ".join(words)), options)


@command.command("search", cls=Worded, context_settings=WORDS)
@click.argument("words", nargs=-1, required=True, metavar="WORDS...")
@click.option("--limit", type=click.IntRange(1), default=50, help="Hits at most.")
@click.option("--each", type=click.IntRange(1), default=3, help="Hits in one session at most.")
@all_judgements
@as_json
@config_options
def search_sessions(words: tuple[str, ...], limit: int, each: int, as_json: bool, **options: Any) -> int:
    """Search questions, code, outputs, worker calls, answers and comments.

    WORDS may hold filters too. Exits with 1 where nothing is found.
    """
    from sessions import parse
    from tui.cli.listing import hit_lines

    filter = parse(" ".join(words))
    if not filter.text:
        raise click.UsageError("Name words to search for.")
    with opened(options) as store:
        hits = store.search(filter, limit=limit, each=each)
    if as_json:
        for hit in hits:
            say_json(hit)
    else:
        for line in hit_lines(hits):
            click.echo(line)
        if not hits:
            say("nothing found; words are whole, begin* finds what begins so")
    return 0 if hits else 1


@command.command("show")
@click.argument("name")
@click.option("--full", is_flag=True, help="Whole outputs.")
@all_judgements
@as_json
@config_options
def show_session(name: str, full: bool, as_json: bool, **options: Any) -> None:
    """Show one session: its steps, answer and judgements.

    NAME is a folder, an id, the beginning of one, or last: the newest by its start.
    """
    from tui.cli.listing import session_lines

    with opened(options) as store:
        row, kept = store.row(name), store.open(name)
        unseen = store.unseen(kept.state.annotations())
    if as_json:
        say_json(row)
        return
    for line in session_lines(row, kept.state, full=full, unseen=unseen):
        click.echo(line)


@command.command("rebuild")
@config_options
def rebuild_index(**options: Any) -> None:
    """Make the index again from the folders."""
    from sessions.rebuilding import rebuild

    home = home_of(options).there()
    result = rebuild(home)
    for unread in result.unread:
        say(f"note: {unread.session_id}: {unread.why}")
    click.echo(
        f"{count(result.sessions, 'session')}, {result.bytes / 1e6:.1f} MB of log: {clean(str(home.index))}"
    )


@command.command("import")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--examples", is_flag=True, help="The sessions that come with the program.")
@config_options
def import_sessions(paths: tuple[Path, ...], examples: bool, **options: Any) -> int:
    """Take sessions in: folders, other homes, logs of the three-file form, exports as sft or atif.

    Twice is as good as once. What cannot be read is named, and the others are taken; exits with 1 then.
    """
    from distill_core.errors import DistillError
    from sessions import Store
    from sessions.example_sessions import FOLDER
    from sessions.importing import Refused, take

    if not paths and not examples:
        raise click.UsageError("Name a folder or a file, or take --examples.")
    home = home_of(options)
    refused: list[str] = []
    for path in (*paths, *((FOLDER,) if examples else ())):
        try:
            for brought in take(home, path):
                if isinstance(brought, Refused):
                    refused.append(brought.why)
                    continue
                click.echo(f"{clean(brought.session_id)}: {brought.outcome}")
                for note in brought.notes:
                    click.echo(f"  note: {clean(note)}")
        except DistillError as error:
            refused.append(str(error))
    for why in refused:
        say(f"error: not taken: {why}")
    if home.path.exists():
        Store(home.path).close()
    return 1 if refused else 0


@command.command("verify")
@click.argument("names", nargs=-1, metavar="[DIR]...")
@config_options
def verify_sessions(names: tuple[str, ...], **options: Any) -> int:
    """Check that each session is whole: schema, numbering, references, prompts, document.

    DIR is a session's folder or name, which may be cut short; without one every session of the home is checked. A torn
    last line, which a killed program leaves, is noted and no damage. Exits with 1 if one is damaged.
    """
    from distill_core.errors import LogError
    from sessions.verify import verify

    home = home_of(options) if names else home_of(options).there()
    folders = [Path(n) if "/" in n else home.find(n) for n in names]
    whole = True
    folders = folders or list(home.folders())
    for folder in folders:
        try:
            verdict = verify(folder)
        except LogError as error:
            whole = False
            click.echo(f"{clean(str(folder))}: DAMAGED, it cannot be read")
            click.echo(f"  damage: {clean(str(error))}")
            continue
        whole = whole and verdict.whole
        click.echo(
            f"{clean(str(folder))}: {'whole' if verdict.whole else 'DAMAGED'}, {count(verdict.events, 'event')}"
        )
        for problem in verdict.problems:
            click.echo(f"  damage: {clean(str(problem))}")
        for note in verdict.notes:
            click.echo(f"  note: {clean(note)}")
    if not folders:
        say("no session is kept here yet")
    return 0 if whole else 1


@command.command("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--trash", is_flag=True, help="Empty the trash as well.")
@config_options
def collect_garbage(dry_run: bool, trash: bool, **options: Any) -> None:
    """Delete documents that no session reads, and what a killed program left behind."""
    from sessions.trash import sweep

    swept = sweep(home_of(options).there(), trash=trash, dry=dry_run)
    for path in swept.paths:
        click.echo(clean(str(path)))
    verb = "would be freed" if dry_run else "freed"
    click.echo(f"{count(len(swept.paths), 'thing')}, {swept.bytes / 1e6:.1f} MB {verb}")


@command.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@config_options
def remove_sessions(names: tuple[str, ...], **options: Any) -> None:
    """Move sessions to the trash, from where `restore` brings them back.

    NAME is an id, the beginning of one, or last: the newest by its start.
    """
    from sessions.trash import remove

    with opened(options) as store:
        for name in [store.name(name) for name in names]:
            click.echo(f"{clean(name)}: in {clean(str(remove(store.home, name)))}")
        store.catch_up()


@command.command("restore")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@config_options
def restore_sessions(names: tuple[str, ...], **options: Any) -> None:
    """Bring sessions back from the trash; without a NAME say what is in it. NAME may be cut short."""
    from sessions import Store
    from sessions.trash import restore, trashed

    home = home_of(options).there()
    lying = trashed(home)
    if not names and not lying:
        say("the trash is empty")
    if not names:
        for path in lying:
            click.echo(clean(path.name))
    for name in names:
        click.echo(f"{clean(name)}: in {clean(str(restore(home, name)))}")
    if names:
        Store(home.path).close()
