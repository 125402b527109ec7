"""The layer of level "strong": namespaces of its own for the child, set up by bubblewrap.

In them there is no file of the host but those in reach, no process, no network device that leads anywhere, no host
name, and a scratch folder in memory. Options: bwrap(1), from version 0.6 on (`--size`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Sequence
from pathlib import Path

from distill_core.isolation.inside.policy import Paths

SCRATCH = "/scratch"
"""Where the child finds its scratch folder."""
_COVERED = ("site-packages", "dist-packages")


def found() -> str | None:
    """Where bubblewrap is, None if it is not installed."""
    return shutil.which("bwrap")


def wrapped(
    bwrap: str,
    command: Sequence[str],
    paths: Paths,
    *,
    code: Sequence[str],
    scratch_bytes: int | None,
    information: int | None = None,
) -> list[str]:
    """The command that runs `command` in namespaces of its own, as their first process.

    Args:
        bwrap: bubblewrap's own path.
        command: program and arguments. The program is a file of the host.
        paths: what is in reach; of its scratch folders only `SCRATCH` is there.
        code: further folders that are read before lock-down.
        scratch_bytes: size of the scratch folder; None for half of the memory there is (tmpfs(5)).
        information: descriptor that bubblewrap writes the process id to, as JSON.
    """
    program = os.path.realpath(command[0])
    covered = [
        f"{folder}/{name}" for folder in paths.list for name in _COVERED if Path(folder, name).is_dir()
    ]
    mounts = [option for path in _outermost([program, *paths.list, *code]) for option in _bound(path)]
    for path in covered:
        mounts += ["--tmpfs", path]
    for path in _outermost(paths.read):
        if not _within(path, paths.list) or _within(path, covered):
            mounts += _bound(path)
    for path in paths.device:
        mounts += ["--dev-bind", path, path]
    size = ["--size", str(scratch_bytes)] if scratch_bytes is not None else []
    return [
        bwrap,
        *_namespaces(),
        "--die-with-parent",
        "--as-pid-1",
        *(["--info-fd", str(information)] if information is not None else []),
        *mounts,
        "--proc",
        "/proc",
        *size,
        "--tmpfs",
        SCRATCH,
        "--chdir",
        SCRATCH,
        program,
        *command[1:],
    ]


def _namespaces() -> list[str]:
    """Root keeps its user namespace: in one of its own it could not take on the account that bounds threads."""
    apart = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
    apart += ["--hostname", "sandbox", "--cap-drop", "ALL"]
    return [*apart, "--cap-add", "CAP_SETUID"] if os.geteuid() == 0 else ["--unshare-user", *apart]


def _outermost(paths: Sequence[str]) -> list[str]:
    """Paths without those that lie in the folder of another."""
    known = frozenset(paths)
    return [path for path in dict.fromkeys(paths) if not _within(path, known)]


def _bound(path: str) -> list[str]:
    return ["--ro-bind", path, path]


def _within(path: str, folders: Collection[str]) -> bool:
    """Whether a path lies in one of these folders, at whatever depth."""
    while path:
        path = path.rpartition("/")[0]
        if path in folders:
            return True
    return False
