"""The scratch folder as the host meets it: made by code nobody vouched for, so deep, full or locked as it likes."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Iterator

_MOST_ENTRIES = 20_000
_FOLDER = stat.S_IRWXU


def overfull(folder: str, size: int, pids: Iterable[int]) -> bool:
    """Whether there is more in a folder than is allowed, measured with bounded effort.

    Args:
        folder: its path.
        size: bytes on disk that are allowed. Of entries 20,000 are; whatever cannot be looked at counts as too much.
        pids: the processes that fill it: files that are removed and still held open count too.
    """
    held, entries = sum(_removed(pids).values()), 0
    if held > size:
        return True
    folders = [folder]
    try:
        while folders:
            with os.scandir(folders.pop()) as inside:
                for entry in inside:
                    entries += 1
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                    if held > size or entries > _MOST_ENTRIES:
                        return True
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
    except FileNotFoundError:
        return False  # gone while it was looked at: the next look will tell
    except OSError:
        return True
    return False


def crowded(folder: str) -> bool:
    """Whether there are more entries on the file system that a folder is than are allowed."""
    try:
        status = os.statvfs(folder)
    except OSError:
        return False  # its process has ended, or this system does not let us look
    return status.f_files - status.f_ffree > _MOST_ENTRIES


def _removed(pids: Iterable[int]) -> dict[tuple[int, int], int]:
    """Bytes on disk, by file, of those that have no name any more and that the processes hold open."""
    held: dict[tuple[int, int], int] = {}
    for pid in pids:
        try:
            with os.scandir(f"/proc/{pid}/fd") as descriptors:
                for descriptor in descriptors:
                    try:
                        status = os.stat(descriptor.path)  # noqa: PTH116
                    except OSError:
                        continue  # closed meanwhile
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
                        held[status.st_dev, status.st_ino] = status.st_blocks * 512
        except OSError:
            continue  # it has ended, or this system does not let us look
    return held


def clear(folder: str, *, keep: bool = False) -> None:
    """Remove a folder and all that is in it, however deep: folders are moved up before they are emptied.

    What cannot be removed is left. With `keep` the folder itself stays, empty.
    """
    waiting = [folder]
    mark, moved = secrets.token_hex(8), 0
    while waiting:
        current = waiting.pop()
        for entry in _entries(current):
            try:
                if entry.is_dir(follow_symlinks=False):
                    os.chmod(entry.path, _FOLDER)  # noqa: PTH101
                    moved += 1
                    target = f"{folder}/{mark}-{moved}"
                    os.rename(entry.path, target)  # noqa: PTH104
                    waiting.append(target)
                else:
                    os.unlink(entry.path)  # noqa: PTH108
            except OSError:
                continue
        if current != folder:
            _remove(current)
    if not keep:
        _remove(folder)


def _entries(folder: str) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as inside:
            entries = list(inside)
    except OSError:
        return
    yield from entries


def _remove(folder: str) -> None:
    try:
        os.rmdir(folder)  # noqa: PTH106
    except OSError:
        return
