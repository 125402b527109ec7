"""Starting a child behind a boundary: the command that starts it, and what it is told about locking itself down."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec

from distill_core.errors import ReplError
from distill_core.isolation import bubblewrap, seatbelt
from distill_core.isolation.reach import reach

_SLACK_BYTES = 2 << 30
"""Address space that a process may map beyond the memory it may use: stacks of threads, arenas, shared libraries."""
_TREE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - must match what the child sees


class Boundary(msgspec.Struct, frozen=True, kw_only=True):
    """A boundary of one level.

    Args:
        level: "strong", "good", "seatbelt" or "none".
        packages: packages that may be imported.
        folders: where they are installed.
        threads: threads of the child at once; None for no bound.
        memory_bytes: memory that cells may take; None for no bound.
        scratch_bytes: what its scratch folder holds; None for no bound.
    """

    level: str
    packages: tuple[str, ...]
    folders: tuple[str, ...]
    threads: int | None
    memory_bytes: int | None
    scratch_bytes: int | None

    @property
    def code(self) -> tuple[str, ...]:
        """Folders of the code that does the locking down, in the child."""
        return () if self.level == "none" else (f"{_TREE}/inside",)

    @property
    def namespaces(self) -> bool:
        """Whether the child is in namespaces of its own, and the first process there."""
        return self.level == "strong"

    @property
    def seatbelt(self) -> bool:
        """Whether the child is behind Seatbelt from its start."""
        return self.level == "seatbelt"

    def home(self, scratch: str) -> str:
        """Where the child finds the scratch folder that the host has as `scratch`."""
        return bubblewrap.SCRATCH if self.namespaces else scratch

    def command(
        self, command: Sequence[str], code: Sequence[str], scratch: str, information: int
    ) -> list[str]:
        """What to start so that `command` runs behind the boundary.

        Args:
            command: the program, a file of the host, and its arguments.
            code: folders of code that it reads before it locks down.
            scratch: the scratch folder, as the host has it.
            information: descriptor for the process id, where there are namespaces.

        Raises:
            ReplError: bubblewrap or sandbox-exec is gone.
        """
        if self.seatbelt:
            if (program := seatbelt.found()) is None:
                raise ReplError(f"{seatbelt.PROGRAM} is not there")
            in_reach = reach(self.packages, self.folders, scratch)
            return seatbelt.wrapped(
                program, command, in_reach, code=[*code, *self.code], folders=self.folders
            )
        if not self.namespaces:
            return list(command)
        bwrap = bubblewrap.found()
        if bwrap is None:
            raise ReplError("bubblewrap (bwrap) is not installed")
        return bubblewrap.wrapped(
            bwrap,
            command,
            reach(self.packages, self.folders, bubblewrap.SCRATCH),
            code=[*code, *self.code],
            scratch_bytes=self.scratch_bytes,
            information=information,
        )

    def orders(self, scratch: str, witness: str) -> dict[str, Any] | None:
        """What the child needs for locking down, as JSON; None if it is not to.

        Args:
            scratch: the scratch folder, as the host has it.
            witness: a file of the host that the child must not get at.
        """
        if self.level == "none":
            return None
        unbounded = (
            self.memory_bytes is None or self.seatbelt
        )  # macOS takes no bound; the host weighs what it has
        address = None if unbounded else (self.memory_bytes or 0) + _SLACK_BYTES
        return {
            "code": _TREE,
            "wall": "seatbelt" if self.seatbelt else "filters",
            "paths": reach(self.packages, self.folders, self.home(scratch)),
            "threads": self.threads,
            "address_bytes": address,
            "forbidden_bytes": None if address is None else address + _SLACK_BYTES,
            "witness": witness,
            "host": os.getpid(),
        }
