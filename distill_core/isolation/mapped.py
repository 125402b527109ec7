"""Files of the scratch folder that have no name and no descriptor any more, and live on because they are mapped.

They show in the table of mappings only, which takes a millisecond to read for a process with many libraries. So it is
read only where the file system has come to hold more than the folder may, whoever put that there; and then in peace.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping

_PIECE = 1 << 20
_MOST_BYTES = 64 << 20
"""Of one table: 65,530 mappings, each a line with at most a path."""
_REMOVED = b" (deleted)"


class Filling:
    """Tells whether a file system has been filled by more than so much since it was first looked at.

    Args:
        folder: a folder on it.
        size: bytes.
        entries: files. (A file system that does not count these, like btrfs, takes bytes for them.)
    """

    def __init__(self, folder: str, size: int, entries: int) -> None:
        self._folder = folder
        self._most = (size, entries)
        self._most_free = (0, 0)
        self.by_more()

    def start_anew(self) -> None:
        """Count from what it holds now."""
        self._most_free = (0, 0)
        self.by_more()

    def by_more(self) -> bool:
        """Look now."""
        try:
            status = os.statvfs(self._folder)
        except OSError:
            return False  # the folder is gone
        free = (status.f_bfree * status.f_frsize, status.f_ffree)
        before = self._most_free = (max(self._most_free[0], free[0]), max(self._most_free[1], free[1]))
        return any(was - now > most for was, now, most in zip(before, free, self._most, strict=True))


def held_by_maps(folder: str, pids: Iterable[int], known: Mapping[int, int]) -> int | None:
    """Bytes on disk of the removed files of a folder that processes have mapped; None where one cannot be looked at.

    Args:
        folder: its path, without links.
        pids: the processes.
        known: files that count already, by inode.
    """
    held: dict[int, int] = {}
    start = os.fsencode(f"{folder}/").replace(b"\n", b"\\012")  # as the table spells it
    for pid in pids:
        table = _table(pid)
        if table is None:
            return None
        for line in table.split(b"\n"):  # no other line end is spelled out there
            if not line.endswith(_REMOVED):
                continue
            where, _, _, _, inode, path = line.split(maxsplit=5)
            if not path.startswith(start) or int(inode) in known or int(inode) in held:
                continue
            try:
                status = os.stat(f"/proc/{pid}/map_files/{where.decode()}")  # noqa: PTH116
            except FileNotFoundError:
                continue  # unmapped meanwhile
            except OSError:
                return None  # only root may look there; Python's own mappings come with a descriptor
            held[int(inode)] = status.st_blocks * 512
    return sum(held.values())


def _table(pid: int) -> bytes | None:
    """The mappings of a process (proc(5), maps); nothing where it has ended, None where they are not told whole."""
    table = bytearray()
    try:
        fd = os.open(f"/proc/{pid}/maps", os.O_RDONLY | os.O_CLOEXEC)
        try:
            while len(table) < _MOST_BYTES and (piece := os.read(fd, _PIECE)):
                table += piece
        finally:
            os.close(fd)
    except (FileNotFoundError, ProcessLookupError):
        return b""
    except OSError:
        return None
    return bytes(table) if len(table) < _MOST_BYTES else None
