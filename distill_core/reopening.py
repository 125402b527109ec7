"""Opening the log of a session whose program died, to go on in it: alone, behind its last whole line."""

from __future__ import annotations

from pathlib import Path

import msgspec

from distill_core import events as ev
from distill_core.backlog import OnTrouble
from distill_core.errors import LogError
from distill_core.recorder import SessionLog, holds_session
from distill_core.stream_ends import number, read_end


def reopen(folder: Path, last_seq: int, *, on_trouble: OnTrouble = lambda _: None) -> SessionLog:
    """The log in `folder`, to be written on. A torn last line, which is no event, is cut off.

    Args:
        last_seq: number of the last event that the caller has read.
        on_trouble: see `SessionLog`.

    Raises:
        LogError: there is no session, another program writes to it, or has written since it was read.
    """
    if not holds_session(folder):
        raise LogError(f"no session in {folder}", remedy="name a session's folder")
    log = SessionLog(folder, append=True, on_trouble=on_trouble)
    try:
        last = last_number(folder)
        if last != last_seq:
            raise LogError(
                f"the session in {folder} has changed",
                found=f"its last event is {last}, {last_seq} was read",
                remedy="try again",
            )
    except BaseException:
        log.close()
        raise
    return log


def last_number(folder: Path) -> int:
    """The number of the last event in `folder`. A torn last line is cut off: only whoever has the log open may ask.

    Raises:
        LogError: a stream's last line is damaged.
    """
    return max(_last_number(folder / f"{stream}.jsonl") for stream in ev.STREAMS)


def _last_number(path: Path) -> int:
    """The number of the last whole line; what is torn behind it goes."""
    with path.open("r+b") as file:
        lines, size = read_end(file)
        if size < file.seek(0, 2):
            file.truncate(size)
    try:
        return number(lines[-1]) if lines else 0
    except msgspec.DecodeError as error:
        raise LogError(f"the last line of {path.name} cannot be read", found=str(error)) from error
