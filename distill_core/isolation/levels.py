"""The levels of isolation: their order, which of them to try for what is asked, and what to say if none holds.

strong: namespaces (bubblewrap), Landlock and seccomp. good: Landlock and seccomp. seatbelt: macOS's own wall. none: a
process of its own, which bounds accidents and no ill will. A level counts only as far as the child has proven it.
"""

from __future__ import annotations

import platform
import sys

from distill_core.errors import ReplError
from distill_core.isolation import bubblewrap, seatbelt
from distill_core.isolation.inside import kernel
from distill_core.isolation.inside.machines import MACHINES

ASKED = ("auto", "strong", "good", "seatbelt", "none")
_RANK = {"none": 0, "good": 1, "seatbelt": 1, "strong": 2}
_BY_HAND = (
    'or use --unsafe-no-sandbox (isolation "none" from Python): code of models then runs with all your rights'
)
REMEDIES = {
    "strong": "install bubblewrap, and allow it to make user namespaces",
    "good": "use Linux 5.13 or later with Landlock switched on, on x86-64 or aarch64",
    "seatbelt": "run it on Linux, in a virtual machine or a container",
}


def here() -> tuple[str, ...]:
    """The levels that there can be on this system, the strongest first."""
    return ("seatbelt",) if sys.platform == "darwin" else ("strong", "good")


def obstacle(level: str) -> str | None:
    """Why a level cannot be had on this machine, as far as that shows before trying; None if nothing is known."""
    if level == "none":
        return None
    if sys.platform == "darwin" and level == "seatbelt":
        return None if seatbelt.found() is not None else f"{seatbelt.PROGRAM} is not there"
    if not sys.platform.startswith("linux"):
        return f"there is no such isolation on {platform.system() or sys.platform}"
    if level == "seatbelt":
        return "Seatbelt is macOS's"
    if platform.machine() not in MACHINES:
        return f"there is no table of system calls for {platform.machine()}"
    try:
        kernel.landlock_version()
    except OSError as error:
        return str(error)
    if level == "strong" and bubblewrap.found() is None:
        return "bubblewrap (bwrap) is not installed"
    return None


def to_try(asked: str) -> tuple[str, ...]:
    """The levels to try for what is asked, the strongest first. "auto" never comes down to "none".

    Raises:
        ReplError: there is no such level.
    """
    if asked not in ASKED:
        raise ReplError(f"there is no isolation {asked!r}", remedy=f"use one of {', '.join(ASKED)}")
    return here() if asked == "auto" else (asked,)


def suffices(asked: str, tried: str, proven: str) -> bool:
    """Whether what the child proved is enough: a level by name is that level or more, "auto" takes any but none."""
    if proven not in _RANK:
        return False
    if "seatbelt" in (proven, tried):
        return proven == tried
    return _RANK[proven] >= _RANK["good" if asked == "auto" else tried]


def refused(asked: str, reasons: list[str]) -> ReplError:
    """The error where no level holds."""
    level = here()[-1] if asked == "auto" else asked
    what = "no isolation can be had here" if asked == "auto" else f"isolation {asked!r} cannot be had here"
    return ReplError(what, found="; ".join(reasons), remedy=f"{REMEDIES.get(level, '')}, {_BY_HAND}")
