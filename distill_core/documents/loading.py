"""From what a person names (a file, a folder, a pattern, several, stdin) to one document."""

from __future__ import annotations

import glob
import itertools
import os
import re
import stat
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Literal, TypeAlias

import msgspec

from distill_core.documents.source import Source, Value, read, reader_for, unreadable
from distill_core.errors import DocumentError
from distill_core.text import characters, encodable

Stdin: TypeAlias = IO[bytes] | IO[str]
Kind: TypeAlias = Literal["str", "list", "dict"]

MAX_FILES = 10_000
"""Files that a folder, pattern or list may hold."""

MAX_BYTES = 1 << 30
"""Bytes that a document may have, over all its files."""

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_NAMED_LEFT_OUT = 5


class Document(msgspec.Struct, frozen=True):
    """A document as the REPL will hold it.

    Args:
        name: what to call it: a file's name, a folder's, the pattern.
        value: a str, or the list or dict that a JSON file holds; of several files a dict from name to text.
        kind: the type of `value`.
        chars: characters of text in it.
        notes: what was assumed, changed or left out in reading it, for people.
    """

    name: str
    value: Value
    kind: Kind
    chars: int
    notes: tuple[str, ...] = ()


def load(source: str | Path | Sequence[str | Path], *, stdin: Stdin | bytes | str | None = None) -> Document:
    """Read a document.

    Args:
        source: a path to a file or folder, a glob pattern (`**` included), `-` for stdin, or several of
            these. A folder is read with all below it, hidden files and links to folders left out; those that
            are not text, pipes and devices are left out and noted, and a file with several names is read
            once. Several files become a dict from name to text, in the order given, a folder's sorted by
            name.
        stdin: what `-` reads; the process's own by default.

    Raises:
        DocumentError: something named does not exist, cannot be read or holds no text, in one line that names
            it.
    """
    if isinstance(source, str | Path):
        return _one(source, stdin)
    if not source:
        raise DocumentError(
            "no document was named", remedy="give a file, a folder, a pattern, or - for stdin"
        )
    if len(source) == 1:
        return _one(source[0], stdin)
    files: list[tuple[str, Path]] = []
    texts: dict[str, str] = {}
    notes: list[str] = []
    stdin_read = False
    for item in source:
        if str(item) == "-":
            if stdin_read:
                raise DocumentError(
                    "stdin was named twice", found="it can be read once", remedy="name - once"
                )
            stdin_read = True
            document = _stdin(stdin)
            texts[document.name] = _as_text(document.value)
            notes += document.notes
        else:
            files += _files_named(item)
    named = frozenset(_path(item) for item in source if str(item) != "-")
    collected = _collect(_distinct(files), f"{len(source)} files", strict=True, named=named)
    texts |= collected.value  # type: ignore[arg-type]
    return _document(f"{len(texts)} files", texts, (*notes, *collected.notes))


def _one(source: str | Path, stdin: Stdin | bytes | str | None) -> Document:
    if str(source) == "-":
        return _stdin(stdin)
    name = str(source)
    path = _path(source)
    if os.path.isdir(path):  # noqa: PTH112 - False, not an error, for names that no system allows
        files = [(found.relative_to(path).as_posix(), found) for found in _below(path)]
        return _collect(files, path.resolve().name or name, strict=False)
    if not os.path.lexists(path) and glob.has_magic(name):
        return _collect(_distinct(_files_named(source)), name, strict=False)
    found = Source(name, _bytes(path))
    reading = read(found)
    return _document(path.name, reading.value, (*_by_content(found), *reading.notes))


def _path(source: str | Path) -> Path:
    """The path meant by `source`; a leading `~` is the home folder.

    Raises:
        DocumentError: it is a URL or no path at all.
    """
    text = str(source)
    if not text.strip():
        raise DocumentError(
            "no document was named", remedy="give a file, a folder, a pattern, or - for stdin"
        )
    if (found := _URL.match(text)) and not os.path.lexists(text):
        if found[1].lower() == "file":
            raise unreadable(text, "it is a URL", "give the plain path")
        raise unreadable(
            text, "it is a URL, and documents are read from disk", "download it first, then give the file"
        )
    if "\0" in text:
        raise unreadable(text.replace("\0", "\\0"), "a path cannot hold NUL", "give another path")
    return Path(text).expanduser()


def _files_named(source: str | Path) -> list[tuple[str, Path]]:
    """The files behind one name, each under the name it gets in a dict."""
    path, text = _path(source), str(source)
    if os.path.isdir(path):  # noqa: PTH112 - False, not an error, for names that no system allows
        return [(found.relative_to(path.parent).as_posix(), found) for found in _below(path)]
    if os.path.lexists(path) or not glob.has_magic(text):
        return [(path.name, path)]
    files = _matching(path)
    if not files:
        raise unreadable(
            text, "no file matches", "check the pattern; quote it so that the shell leaves it alone"
        )
    base = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), path.parts[:-1]))
    return [(found.relative_to(base).as_posix(), found) for found in files]


def _distinct(files: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Each path once; names that clash are told apart by their whole path."""
    once = {path: name for name, path in reversed(files)}
    times = Counter(once.values())
    kept = [(name, path) for path, name in reversed(once.items())]
    return [(name if times[name] == 1 else path.as_posix(), path) for name, path in kept]


def _below(folder: Path) -> list[Path]:
    """All files below a folder, hidden ones left out, sorted by path; links to folders are not followed.

    Raises:
        DocumentError: it cannot be listed, or holds too many files.
    """
    found: list[Path] = []
    for here, folders, names in os.walk(folder, onerror=_unlistable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(here, name) for name in names if not name.startswith(".")]
        _not_too_many(found, str(folder))
    return _each_once(sorted(found))


def _matching(pattern: Path) -> list[Path]:
    """What a pattern matches but folders, sorted; `**` does not follow links to folders, which may lead in circles.

    Raises:
        DocumentError: too many match.
    """
    folders = [Path(pattern.anchor)]
    parts = list(pattern.relative_to(pattern.anchor).parts)
    while "**" in parts:
        at = parts.index("**")
        folders = [below for folder in _globbed(folders, parts[:at]) for below in _folders_below(folder)]
        folders = list(dict.fromkeys(folders))
        parts = parts[at + 1 :] or ["*"]
    found = [path for path in _globbed(folders, parts) if not path.is_dir()]
    _not_too_many(found, str(pattern))
    return _each_once(sorted(set(found)))


def _globbed(folders: list[Path], parts: list[str]) -> list[Path]:
    if not parts:
        return folders
    return [
        Path(found)
        for folder in folders
        for found in glob.iglob(str(Path(glob.escape(str(folder)), *parts)))  # noqa: PTH207
    ]


def _folders_below(folder: Path) -> Iterator[Path]:
    """The folder and all below it, hidden ones left out; nothing for a file."""
    for here, folders, _ in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield Path(here)


def _each_once(paths: list[Path]) -> list[Path]:
    """Without the links to a file that is there under its own name, or by another link."""
    own = {os.path.realpath(path): path for path in reversed(paths) if path.is_symlink()}
    own |= {os.path.realpath(path): path for path in paths if not path.is_symlink()}
    return [path for path in paths if own[os.path.realpath(path)] == path]


def _not_too_many(files: list[Path], name: str) -> None:
    if len(files) > MAX_FILES:
        found = f"it holds more than {MAX_FILES:,} files"
        raise unreadable(name, found, "name a smaller folder or a pattern")


def _unlistable(error: OSError) -> None:
    raise unreadable(str(error.filename), error.strerror or str(error), "check its permissions") from error


def _collect(
    files: list[tuple[str, Path]], name: str, *, strict: bool, named: frozenset[Path] = frozenset()
) -> Document:
    """Many files as a dict from name to text; those that cannot be read are left out unless `strict`.

    What is no regular file is left out unless it is among `named`: reading a pipe that nobody writes to, or a
    device, never ends.
    """
    if len(files) > MAX_FILES:
        raise unreadable(name, f"that is more than {MAX_FILES:,} files", "name fewer")
    texts: dict[str, str] = {}
    notes: list[str] = []
    left_out: list[str] = []
    total = 0
    for key, path in files:
        if path not in named and path.exists() and not path.is_file():
            left_out.append(f"{key} (it is a pipe, socket or device)")
            continue
        try:
            data = _bytes(path)
            total += len(data)
            if total > MAX_BYTES:
                raise unreadable(name, f"its files hold more than {MAX_BYTES:,} bytes", "name fewer")
            source = Source(str(path), data)
            reading = read(source)
        except DocumentError as error:
            if strict or total > MAX_BYTES:
                raise
            left_out.append(f"{key} ({error.found})")
            continue
        text = reading.value if isinstance(reading.value, str) else data.decode("utf-8", "backslashreplace")
        texts[encodable(key)] = text.removeprefix("\ufeff")
        notes += [f"{key}: {note}" for note in (*_by_content(source), *reading.notes)]
    if not texts:
        found = f"nothing in it can be read: {_few(left_out)}" if left_out else "it holds no files"
        raise unreadable(name, found, "give text, PDF, Word, HTML, JSON or CSV files")
    if left_out:
        notes.insert(
            0,
            f"{'1 file was' if len(left_out) == 1 else f'{len(left_out):,} files were'} left out: {_few(left_out)}",
        )
    return _document(name, texts, tuple(notes))


def _few(names: list[str]) -> str:
    more = len(names) - _NAMED_LEFT_OUT
    return "; ".join(names[:_NAMED_LEFT_OUT]) + (f"; and {more:,} more" if more > 0 else "")


def _stdin(stdin: Stdin | bytes | str | None) -> Document:
    if isinstance(stdin, str):
        data = stdin.encode("utf-8", "backslashreplace")
    elif isinstance(stdin, bytes):
        data = stdin
    else:
        data = _piped(stdin if stdin is not None else sys.stdin.buffer)
    # Without a suffix JSON stays text: that it is meant as a value, only a file name says.
    reading = read(Source("stdin", data))
    return _document("stdin", reading.value, reading.notes)


def _piped(stream: Stdin) -> bytes:
    if stream.isatty():
        raise DocumentError(
            "cannot read stdin", found="nothing is piped into it", remedy="pipe a document in, or name a file"
        )
    data = getattr(stream, "buffer", stream).read()
    return data.encode("utf-8", "backslashreplace") if isinstance(data, str) else bytes(data)


def _bytes(path: Path) -> bytes:
    """A file's content.

    Raises:
        DocumentError: it does not exist, is not a file, is too large or may not be read.
    """
    try:
        found = path.stat()
        if stat.S_ISCHR(found.st_mode) or stat.S_ISBLK(found.st_mode) or stat.S_ISSOCK(found.st_mode):
            raise unreadable(str(path), "it is a device or socket", "give a file")
        if found.st_size > MAX_BYTES:
            size = f"it has {found.st_size:,} bytes, more than {MAX_BYTES:,}"
            raise unreadable(str(path), size, "split it and name a part")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise unreadable(str(path), "there is no such file", "check the path") from error
    except PermissionError as error:
        raise unreadable(str(path), "you may not read it", "check its permissions") from error
    except OSError as error:
        raise unreadable(str(path), error.strerror or str(error), "check the path") from error


def _by_content(source: Source) -> Iterator[str]:
    reader = reader_for(source)
    if reader.SUFFIXES and source.suffix and source.suffix not in reader.SUFFIXES and reader.FORMAT != "text":
        yield f"read as {reader.FORMAT}, by its content"


def _as_text(value: Value) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _document(name: str, value: Value, notes: tuple[str, ...]) -> Document:
    kind: Kind = "str" if isinstance(value, str) else "list" if isinstance(value, list) else "dict"
    return Document(encodable(name), value, kind, characters(value), notes)
