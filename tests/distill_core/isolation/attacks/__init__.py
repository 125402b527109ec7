"""Attacks of our own, a module for each class. CORPUS holds them in the form that `corpus_run` takes.

The rules for every attack are the harness's: nothing says ESCAPED, no canary comes out, nothing of the host is touched,
control comes back, and the next cell runs. A tool at hand for each is the prelude in `writing`.
"""

from __future__ import annotations

from typing import Any

from tests.distill_core.isolation.attacks import (
    descriptors,
    files,
    interpreter,
    line,
    native,
    processes,
    resources,
    screen,
    sockets,
)

OF_THE_KERNEL = (
    "file",
    "descriptor",
    "process",
    "native",
    "socket",
    "memory",
    "threads",
    "scratch",
    "bounds",
)
"""Classes that the kernel's wall holds; the others the host holds, or the child's own scaffold, at whatever level."""

CORPUS: list[dict[str, Any]] = [
    case
    for part in (files, descriptors, processes, native, sockets, resources, interpreter, screen, line)
    for case in part.ATTACKS
]
assert len({case["id"] for case in CORPUS}) == len(CORPUS)


def of_the_kernel(name: str) -> bool:
    """Whether an attack has to be tried at every level and account, and not just once a level."""
    return name.split("-")[0] in OF_THE_KERNEL
