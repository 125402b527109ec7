"""The scratch folder as the host meets it: made by code nobody vouched for, so deep, full or locked as it likes."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Collection, Iterable

from distill_core.isolation.mapped import held_by_maps

MOST_ENTRIES = 20_000
_MOST_FOLDERS = 1_000_000
"""Folders that are emptied at one go: somebody may make new ones meanwhile."""
_FOLDER_ITSELF = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_HELD = getattr(os, "O_PATH", 0) | os.O_NOFOLLOW | os.O_CLOEXEC


def overfull(folder: str, size: int, pids: Collection[int], *, maps: bool = False) -> bool:
    """Whether there is more in a folder than is allowed, measured with bounded effort.

    Args:
        folder: its path.
        size: bytes on disk that are allowed. Of entries 20,000 are; whatever cannot be looked at counts as too much.
        pids: the processes that fill it: files that are removed and still held open count too.
        maps: whether to look at those too that are held by nothing but a mapping.
    """
    removed = _removed(pids)
    mapped = held_by_maps(folder, pids, {inode: 0 for _, inode in removed}) if maps else 0
    if mapped is None:
        return True
    held, entries = sum(removed.values()) + mapped, 0
    if held > size:
        return True
    folders = [folder]
    try:
        while folders:
            with os.scandir(folders.pop()) as inside:
                for entry in inside:
                    entries += 1
                    held += entry.stat(follow_symlinks=False).st_blocks * 512
                    if held > size or entries > MOST_ENTRIES:
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
    return status.f_files - status.f_ffree > MOST_ENTRIES


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

    What fills it may still be at work, and turn a folder into a link between two steps. So each folder is held by a
    descriptor, each entry is named within its folder alone, and no link is followed. What cannot be removed, and what
    comes back faster than it goes, is left. With `keep` the folder itself stays, empty.
    """
    try:
        top = os.open(folder, _FOLDER_ITSELF)
    except OSError:
        return
    try:
        waiting = _emptied(top, top)
        for _ in range(_MOST_FOLDERS):
            if not waiting:
                break
            waiting += _folder_emptied(waiting.pop(), top)
    finally:
        os.close(top)
    if not keep:
        with contextlib.suppress(OSError):
            os.rmdir(folder)  # noqa: PTH106


def _folder_emptied(name: str, top: int) -> list[str]:
    """Empty a folder of the folder `top` and remove it; returns the names under which its folders now lie in `top`."""
    try:
        inside = os.open(name, _FOLDER_ITSELF, dir_fd=top)
    except OSError:
        return []  # it is another thing by now
    try:
        moved = _emptied(inside, top)
    finally:
        os.close(inside)
    with contextlib.suppress(OSError):
        os.rmdir(name, dir_fd=top)
    return moved


def _emptied(folder: int, top: int) -> list[str]:
    """Remove what is in an open folder; its folders are moved into `top` instead, and their new names returned."""
    moved = []
    for name in _names(folder):
        try:
            os.unlink(name, dir_fd=folder)
        except OSError:  # a folder, most likely
            new = secrets.token_hex(8)
            try:
                _unlock(name, folder)
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=top)
            except OSError:
                continue
            moved.append(new)
    return moved


def _names(folder: int) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _unlock(name: str, folder: int) -> None:
    """Make a folder one that its owner may enter and change; a link is none."""
    if sys.platform != "linux":  # where a mode can be changed without following a link
        if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
            os.chmod(name, stat.S_IRWXU, dir_fd=folder, follow_symlinks=False)
        return
    held = os.open(name, _HELD, dir_fd=folder)
    try:
        if stat.S_ISDIR(os.fstat(held).st_mode):
            os.chmod(f"/proc/self/fd/{held}", stat.S_IRWXU)  # noqa: PTH101 - the folder that is held, and no other
    finally:
        os.close(held)
