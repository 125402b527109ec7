"""The sessions that a person means: some by name or folder, the rest by the filters of the store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from distill_core.errors import ExportError
from sessions.export.selecting import Source, sources
from sessions.filters import parse
from sessions.home import Home
from sessions.store import Store

ALL = "all sessions of the home"


def choose(words: Sequence[str], home: Path) -> tuple[tuple[Source, ...], str]:
    """The sessions that `words` name or filter, and how to say so.

    Args:
        words: names of sessions, "last" among them, folders of sessions, and words of a filter; none at all is all of
            the home.
        home: where sessions are kept.

    Raises:
        ExportError: a folder holds no session.
        StoreError: a filter is not right, or the index cannot be read.
    """
    found = {word: _folder(word, home) for word in words}
    folders = [folder for folder in found.values() if folder is not None]
    terms = " ".join(_quoted(word) for word, folder in found.items() if folder is None)
    with Store(home) as store:
        parents = {row.session_id: row.parent for row in store.list() if row.parent}
        if terms or not folders:
            folders += [store.open(row.session_id).folder for row in store.list(parse(terms))]
    said = terms or (f"{len(folders)} by name" if words else ALL)
    return tuple(sources(dict.fromkeys(folders), parents)), said


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
    return f'"{word}"' if " " in word and not word.startswith('"') and ":" not in word else word
