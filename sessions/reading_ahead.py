"""Folders read ahead of whoever indexes them, by a process of its own: one core reads and folds, another indexes.

What comes through the pipe is what the same code makes in this process. Where the other process cannot be had, or
dies, its work is done here. It ends when nobody reads from it any more.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

import msgspec

from distill_core.errors import LogError
from sessions.home import sizes
from sessions.indexing import Indexer, Rows
from sessions.pipes import started, widen

WORTH_IT = 32 << 20
"""Bytes of log from which the start of another process pays."""


class Read(msgspec.Struct, frozen=True):
    """A session as rows of the index, under the number that was asked for.

    Args:
        sizes: bytes of its streams that were read.
    """

    number: int
    folder: Path
    sizes: tuple[int, ...]
    rows: Rows


class Unreadable(msgspec.Struct, frozen=True):
    """A folder whose session cannot be read, and why."""

    number: int
    folder: Path
    why: str


Result: TypeAlias = Read | Unreadable
Folders: TypeAlias = Sequence[tuple[int, Path]]
"""Numbers that sessions get in the index, and their folders."""


def read(number: int, folder: Path) -> Result:
    """The session in `folder` as rows."""
    from distill_core.reading import read_session

    found = sizes(folder)
    indexer = Indexer()
    indexer.session = number
    try:
        indexer.take_all(read_session(folder).events)
    except LogError as error:
        return Unreadable(number, folder, str(error))
    return Read(number, folder, found, indexer.changed(folder.name, found, all_of_it=True))


def read_all(folders: Folders, *, worth_it: int = WORTH_IT) -> Iterator[Result]:
    """Read every folder, in order: see `reading`."""
    with reading(folders, worth_it=worth_it) as results:
        yield from results


@contextmanager
def reading(folders: Folders, *, worth_it: int = WORTH_IT) -> Iterator[Iterator[Result]]:
    """Every folder as it is read, in order; another process begins at once, where it pays.

    Args:
        worth_it: bytes of log in all from which another process reads.
    """
    process = _started() if worth_a_process([folder for _, folder in folders], worth_it) else None
    try:
        yield _results(process, folders)
    finally:
        if process is not None:
            process.kill()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            process.wait()


def _results(process: subprocess.Popen[bytes] | None, folders: Folders) -> Iterator[Result]:
    """What the other process reads, for as long as it gives any, and then what is read here."""
    done = 0
    if process is not None:
        for result in _elsewhere(process, folders):
            done += 1
            yield result
    for number, folder in folders[done:]:
        yield read(number, folder)


def worth_a_process(folders: Sequence[Path], worth_it: int = WORTH_IT) -> bool:
    """Whether there is a core for another process, and enough in `folders` that its start pays."""
    return (os.cpu_count() or 1) > 1 and sum(sum(sizes(folder)) for folder in folders) >= worth_it


def _started() -> subprocess.Popen[bytes] | None:
    try:
        process = started("sessions.reading_ahead", stdout=subprocess.PIPE)
    except OSError:
        return None
    widen(process.stdout)
    return process


def _elsewhere(process: subprocess.Popen[bytes], folders: Folders) -> Iterator[Result]:
    assert process.stdin is not None
    assert process.stdout is not None
    with suppress(OSError), process.stdin as asked:
        pickle.dump(folders, asked)
    while True:
        try:
            result = pickle.load(process.stdout)
        except (EOFError, OSError, pickle.UnpicklingError):
            return
        yield result


def main() -> None:
    """Read the folders that stand on stdin, and write what they hold to stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever began this ends it
    gc.set_threshold(100_000, 50, 100)  # what was read goes with its session; cycles are few
    given = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    folders: Folders = pickle.load(sys.stdin.buffer)
    with suppress(BrokenPipeError):
        for number, folder in folders:
            pickle.dump(read(number, folder), given, protocol=5)
            given.flush()


if __name__ == "__main__":
    # Under its own name, by which what it pickles is found again.
    from sessions.reading_ahead import main as named

    named()
