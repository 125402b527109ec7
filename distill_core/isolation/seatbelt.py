"""The wall of level "seatbelt": macOS's own, put around the child by sandbox-exec(1) before it starts.

A profile is a text that holds no path: paths are handed over beside it as parameters, so that nothing in the name of
a folder can be taken for a rule.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from distill_core.isolation.inside.policy import Paths
from distill_core.isolation.seatbelt_policy import DENIED, LOADER, RULES, SYSTEM, Rule

PROGRAM = "/usr/bin/sandbox-exec"
"""Never looked up by PATH, which anybody may have set."""
_MOST_LINKS = 32
"""As many as macOS follows on the way to one file (MAXSYMLINKS)."""


def found() -> str | None:
    """Where sandbox-exec is, None if it is not there."""
    return PROGRAM if os.access(PROGRAM, os.X_OK) else None


def wrapped(
    program: str, command: Sequence[str], paths: Paths, *, code: Sequence[str], folders: Sequence[str]
) -> list[str]:
    """The command that runs `command` behind Seatbelt.

    Args:
        program: sandbox-exec's own path.
        command: program and arguments. The program is a file of the host.
        paths: what is in reach.
        code: further folders that are read.
        folders: where packages are installed; their names may be listed.
    """
    interpreter = os.path.realpath(command[0])
    kinds = parameters(interpreter, paths, code, folders)
    given = [f"-D{name}_{number}={path}" for name, all_ in kinds.items() for number, path in enumerate(all_)]
    imports = [os.path.basename(LOADER)] if os.path.exists(LOADER) else []  # noqa: PTH110, PTH119
    return [program, "-p", profile(kinds, imports), *given, "--", interpreter, *command[1:]]


def parameters(
    interpreter: str, paths: Paths, code: Sequence[str], folders: Sequence[str]
) -> dict[str, list[str]]:
    """The paths of each kind. Rules are compared with what a path leads to; what is a link on the way counts too."""
    programs = [interpreter, *_inner_programs()]
    read = [*programs, *_runtime(), *paths.read, *code, *filter(os.path.exists, SYSTEM)]
    listed = [*paths.list, *folders, *(os.path.dirname(folder) for folder in code)]  # noqa: PTH120
    found = {
        "PROGRAM": _real(programs),
        "LIST": _real(listed),
        "READ": _real(read),
        "DEVICE": list(paths.device),
        "SCRATCH": _real(paths.scratch),
    }
    reached = {path for kind in found.values() for path in kind}
    above = _passed([*read, *listed, *paths.device, *paths.scratch]) - reached
    return {**found, "ABOVE": sorted(above)}


def profile(kinds: Mapping[str, Sequence[str]], imports: Iterable[str] = ()) -> str:
    """The profile for so many paths of each kind, and with these of the system's own in it."""
    return "\n".join(
        [
            "(version 1)",
            "(deny default)",
            f"(deny {' '.join(DENIED)})",
            *(f'(import "{name}")' for name in imports),
            *filter(None, (_text(rule, kinds) for rule in RULES)),
        ]
    )


def _text(rule: Rule, kinds: Mapping[str, Sequence[str]]) -> str:
    """A rule as text; empty where there is nothing that it would allow."""
    filters = [
        *rule.filters,
        *(
            f'({name} (param "{kind}_{number}"))'
            for name, kind in rule.paths
            for number in range(len(kinds[kind]))
        ),
    ]
    if not filters:
        return ""
    allowed = ["\n  ".join([f"(allow {' '.join(rule.operations)}", *filters]) + ")"]
    for operation in rule.newer:
        newer = "\n  ".join([f"(allow {operation}", *filters]) + ")"
        allowed.append(f"(if (defined? '{operation})\n  {newer})")
    return "\n".join(allowed)


def _real(paths: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(os.path.realpath(path) for path in paths))


def _passed(paths: Iterable[str]) -> set[str]:
    """All names that looking these paths up goes through, the names of links among them."""
    found: set[str] = set()
    for path in paths:
        left, here, links = _parts(path), "/", 0
        while left:
            here = os.path.normpath(os.path.join(here, left.pop()))  # noqa: PTH118
            if here in found and not os.path.islink(here):  # noqa: PTH114
                continue
            found.add(here)
            if os.path.islink(here) and links < _MOST_LINKS:  # noqa: PTH114
                links += 1
                target = os.readlink(here)  # noqa: PTH115
                left += _parts(target)
                here = "/" if target.startswith("/") else os.path.dirname(here)  # noqa: PTH120
    return {*found, "/"}


def _parts(path: str) -> list[str]:
    """The parts of a path, the first of them last."""
    return [part for part in reversed(path.split("/")) if part]


def _inner_programs() -> list[str]:
    """The program that the interpreter of a framework starts in its place."""
    inner = Path(sys.base_prefix, "Resources/Python.app/Contents/MacOS/Python")
    return [str(inner)] if inner.exists() else []


def _runtime() -> list[str]:
    """The interpreter's own library: a framework's, or one beside it."""
    found = [Path(sys.base_prefix, "Python"), Path(sys.base_prefix, "Resources")]
    found += sorted(Path(sys.base_prefix, "lib").glob("*.dylib"))
    return [str(path) for path in found if path.exists()]
