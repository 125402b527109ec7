"""The sessions that a person means: some by name or folder, the rest by the filters of the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from distill_core.errors import ExportError
from distill_core.plurals import count
from sessions.export.selecting import Source, sources
from sessions.filters import parse
from sessions.home import Home
from sessions.store import Store

ALL = "all sessions of the home"


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen, and how to say so in `words`; `examples` sessions that come with the program were left out."""

    sources: tuple[Source, ...]
    words: str
    examples: int = 0


EXAMPLES_ASKED = "--examples, the filter kind:example, or their names"
"""How a person asks at the command line for the sessions that come with the program."""


def choose(
    words: Sequence[str], home: Path, *, examples: bool = False, asked: str = EXAMPLES_ASKED
) -> Chosen:
    """The sessions that `words` name or filter. Those that come with the program are in where they are asked for.

    Args:
        words: names of sessions, "last" among them, folders of sessions, and words of a filter; none at all is all of
            the home.
        home: where sessions are kept.
        asked: how a person asks for them where they are now, for the error that says so.
        examples: they are asked for, as they also are by a name, and by a filter that has `kind:example` or `id:`.

    Raises:
        ExportError: a folder holds no session, the home none at all, or all that was found came with the program and
            was not asked for.
        StoreError: there is no such home, a filter is not right, or the index cannot be read.
    """
    found = {word: _folder(word, home) for word in words}
    folders = [folder for folder in found.values() if folder is not None]
    terms = " ".join(_quoted(word) for word, folder in found.items() if folder is None)
    parents: dict[str, str] = {}
    left, kept = 0, terms or not folders
    if kept:
        Home(home).there()
    if home.is_dir():  # folders alone need none
        with Store(home) as store:
            parents = {row.session_id: row.parent for row in store.list() if row.parent}
            if kept:
                wanted = parse(terms)
                filter = wanted if examples else wanted.without_examples()
                left = store.count(wanted) - store.count(filter)
                folders += [store.open(row.session_id).folder for row in store.list(filter)]
    if left and not folders:
        raise ExportError(
            "no session of your own to export", found=_left_out(left), remedy=f"name them by {asked}"
        )
    if not folders and not words:
        raise ExportError(
            "no session to export",
            found="the home holds none yet",
            remedy="begin one with distill-tui, or take in examples: distill-tui sessions import --examples",
        )
    said = terms or (f"{len(folders)} by name" if words else ALL)
    return Chosen(sources=tuple(sources(dict.fromkeys(folders), parents)), words=said, examples=left)


def _left_out(number: int) -> str:
    return f"{count(number, 'example session')}, which are left out"


def _folder(word: str, home: Path) -> Path | None:
    """The session's folder that `word` names; None where it is a word of a filter."""
    if word == "last":
        return Home(home).find(word)
    if "/" not in word and (home / "sessions" / word).is_dir():
        return home / "sessions" / word
    folder = Path(word)
    if (folder / "supervisor.jsonl").exists():
        return folder
    if "/" in word and ":" not in word:
        raise ExportError(f"no session in {word}", remedy="name a session's folder")
    return None


def _quoted(word: str) -> str:
    """A word that the shell has taken the quotes from, with quotes."""
    return f'"{word}"' if " " in word and '"' not in word and ":" not in word else word
