"""The wall of level "seatbelt": macOS's own, put around the child by sandbox-exec(1) before it starts.

A profile is a text that holds no path: paths are handed over beside it as parameters, so that nothing in the name of
a folder can be taken for a rule.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from distill_core.isolation.inside.policy import Paths
from distill_core.isolation.seatbelt_policy import DENIED, RULES, SYSTEM, Rule

PROGRAM = "/usr/bin/sandbox-exec"
"""Never looked up by PATH, which anybody may have set."""


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
    return [program, "-p", profile(kinds), *given, "--", interpreter, *command[1:]]


def parameters(
    interpreter: str, paths: Paths, code: Sequence[str], folders: Sequence[str]
) -> dict[str, list[str]]:
    """The paths of each kind, without links: rules are compared with what a path leads to."""
    programs = [interpreter, *_inner_programs()]
    read = _real([*programs, *_runtime(), *paths.read, *code, *filter(os.path.exists, SYSTEM)])
    listed = _real([*paths.list, *folders, *(os.path.dirname(folder) for folder in code)])  # noqa: PTH120
    scratch = _real(paths.scratch)
    above = {str(parent) for path in (*read, *listed, *scratch) for parent in Path(path).parents}
    return {
        "PROGRAM": _real(programs),
        "ABOVE": sorted(above),
        "LIST": listed,
        "READ": read,
        "DEVICE": list(paths.device),
        "SCRATCH": scratch,
    }


def profile(kinds: Mapping[str, Sequence[str]]) -> str:
    """The profile for so many paths of each kind."""
    denied = f"(deny {' '.join(DENIED)})"
    return "\n".join(
        ["(version 1)", "(deny default)", denied, *filter(None, (_text(rule, kinds) for rule in RULES))]
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
    return "\n  ".join([f"(allow {' '.join(rule.operations)}", *filters]) + ")" if filters else ""


def _real(paths: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(os.path.realpath(path) for path in paths))


def _inner_programs() -> list[str]:
    """The program that the interpreter of a framework starts in its place."""
    inner = Path(sys.base_prefix, "Resources/Python.app/Contents/MacOS/Python")
    return [str(inner)] if inner.exists() else []


def _runtime() -> list[str]:
    """The interpreter's own library: a framework's, or one beside it."""
    found = [Path(sys.base_prefix, "Python"), Path(sys.base_prefix, "Resources")]
    found += sorted(Path(sys.base_prefix, "lib").glob("*.dylib"))
    return [str(path) for path in found if path.exists()]
