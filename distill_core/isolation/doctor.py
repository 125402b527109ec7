"""What a person wants to know of the isolation on their machine: each level, each door tried, and why not more."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from distill_core.errors import ReplError
from distill_core.isolation import bubblewrap
from distill_core.isolation.inside import kernel
from distill_core.isolation.levels import REMEDIES, here, suffices, to_try

if TYPE_CHECKING:
    from distill_core.repl.values import ReplLimits

_MADE_OF = {
    "strong": "namespaces, Landlock, seccomp",
    "good": "Landlock, seccomp",
    "seatbelt": "Seatbelt by sandbox-exec; not yet run on macOS by its authors, and tried where you see this",
}
_NAMESPACES_OFF = (
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps programs without a profile from making user namespaces here: give bwrap a profile with "
        "`userns,` or set kernel.apparmor_restrict_unprivileged_userns=0",
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "ordinary users may not make user namespaces here: set kernel.unprivileged_userns_clone=1",
    ),
    (
        "user/max_user_namespaces",
        "0",
        "there may be no user namespaces here: set user.max_user_namespaces to a few hundred",
    ),
)
"""Settings below /proc/sys that keep bubblewrap from working, the value that does it, and what to do about it."""
_CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv")


class LevelReport(msgspec.Struct, frozen=True, kw_only=True):
    """How one level fares here.

    Args:
        level: "strong", "good" or "seatbelt".
        made_of: its layers.
        proven: the level that a child came to; None where none started.
        probes: the doors that the child tried, as (name, whether it is shut, how that showed).
        reason: why the level cannot be had; None if it can.
        remedy: what to do about that; None if it can be had.
        no_checkpoints: why no checkpoints can be taken at this level; None if they can, or nothing started.
    """

    level: str
    made_of: str
    proven: str | None
    probes: tuple[tuple[str, bool, str], ...]
    reason: str | None
    remedy: str | None
    no_checkpoints: str | None


class Examination(msgspec.Struct, frozen=True, kw_only=True):
    """What there is on a machine, and what can be had of it.

    Args:
        asked: the isolation that is configured.
        reached: the level that a REPL comes to if it is asked for that; None where it refuses to start.
        system: name, release and processor of the system.
        python: version of the interpreter.
        landlock: version of Landlock's interface; None where there is none.
        bubblewrap: its path and version; None where it is not installed.
        levels: each level, the strongest first.
        limits: bounds of a REPL, by name.
    """

    asked: str
    reached: str | None
    system: str
    python: str
    landlock: int | None
    bubblewrap: str | None
    levels: tuple[LevelReport, ...]
    limits: dict[str, int | float | None]


def examine(asked: str = "auto", limits: ReplLimits | None = None) -> Examination:
    """Try each level by starting a child at it. Takes a fraction of a second.

    Args:
        asked: the isolation that is wanted: "auto", "strong", "good", "seatbelt" or "none".
        limits: the bounds that the REPL would have; None for those by default.

    Raises:
        ReplError: there is no such isolation.
    """
    from distill_core.repl.values import ReplLimits as Limits

    wanted = to_try(asked)
    limits = limits or Limits()
    levels = tuple(_examined(level, limits) for level in here())
    proven = {report.level: report.proven for report in levels} | {"none": "none"}
    fitting = (proven[level] for level in wanted if suffices(asked, level, proven.get(level) or ""))
    return Examination(
        asked=asked,
        reached=next(fitting, "none" if asked == "none" else None),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        landlock=_landlock(),
        bubblewrap=_bubblewrap(),
        levels=levels,
        limits=msgspec.to_builtins(limits),
    )


def _examined(level: str, limits: ReplLimits) -> LevelReport:
    from distill_core.repl import REPL  # the REPL knows this package, not the other way round

    try:
        with REPL("", isolation=level, limits=limits) as repl:
            return LevelReport(
                level=level,
                made_of=_MADE_OF[level],
                proven=repl.isolation,
                probes=repl.probes,
                reason=None,
                remedy=None,
                no_checkpoints=repl.without_checkpoints,
            )
    except ReplError as error:
        return LevelReport(
            level=level,
            made_of=_MADE_OF[level],
            proven=None,
            probes=(),
            reason=(error.found or error.what).removeprefix(f"{level}: "),
            remedy=remedy(level),
            no_checkpoints=None,
        )


def remedy(level: str) -> str:
    """What to do where a level cannot be had, as far as the system itself says what is in its way."""
    if not sys.platform.startswith("linux"):
        return REMEDIES["seatbelt"]
    if level == "strong" and bubblewrap.found() is not None:
        for name, refusing, words in _NAMESPACES_OFF:
            if _setting(name) == refusing:
                return words
        if any(Path(mark).exists() for mark in _CONTAINER_MARKS):
            return (
                'containers refuse namespaces unless told otherwise; level "good" is what is meant for them'
            )
    return REMEDIES[level]


def _setting(name: str) -> str | None:
    try:
        return Path("/proc/sys", name).read_text().strip()
    except OSError:
        return None


def _landlock() -> int | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        return kernel.landlock_version()
    except OSError:
        return None


def _bubblewrap() -> str | None:
    path = bubblewrap.found()
    if path is None:
        return None
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10).stdout.split()
    except (OSError, subprocess.TimeoutExpired):
        return path
    return f"{path} {said[-1]}" if said else path
