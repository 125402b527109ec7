"""Beginning a REPL: a family of processes at the first level of isolation that it proves."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from keyword import iskeyword
from typing import Any

from distill_core.errors import ReplError
from distill_core.isolation.launch import Boundary
from distill_core.isolation.levels import obstacle, refused, suffices, to_try
from distill_core.repl.calls import Primitive
from distill_core.repl.family import Family
from distill_core.repl.handover import Context
from distill_core.repl.process import package_folders
from distill_core.repl.protocol import Ready, spelled
from distill_core.repl.timeline import Ground
from distill_core.repl.values import ReplLimits

_COPIES = 32
"""Processes of a family beside its checkpoints: the first one, what runs, and forks."""
_DIALECTS = ("distill", "rlm")
_RESERVED = frozenset(
    ("context", "query", "worker", "worker_batch", "FINAL", "WorkerError", "PrimitiveError")
)


class Start:
    """Starts families, each with all that it is to have. Arguments as for `AsyncREPL`."""

    def __init__(
        self,
        context: str | list[Any] | dict[str, Any],
        query: str,
        primitives: Mapping[str, Primitive],
        *,
        limits: ReplLimits,
        isolation: str,
        dialect: str,
        echo: bool | None,
        seed: int,
        packages: Sequence[str],
    ) -> None:
        if dialect not in _DIALECTS:
            raise ReplError(f"unknown dialect {dialect!r}", remedy=f"use one of {', '.join(_DIALECTS)}")
        check_names(primitives)
        self.level = "none"
        self.probes: tuple[tuple[str, bool, str], ...] = ()
        self._asked, self._levels = isolation, to_try(isolation)
        self._packages = tuple(packages)
        self._context = Context(context)
        self._seed = seed
        self._limits = limits
        self._family: Family | None = None
        self._config = {
            "query": spelled(query),
            "dialects": [dialect] if dialect != "distill" else [],
            "echo": dialect != "rlm" if echo is None else echo,
            "seed": seed,
            "packages": list(packages),
            "package_folders": package_folders(),
            **settings(limits, primitives),
            "bounds": {
                "memory_bytes": limits.memory_bytes,
                "open_files": limits.open_files,
                "scratch_bytes": limits.scratch_bytes,
            },
        }

    async def begin(self) -> Ground:
        """A new family at the first level that it proves.

        Raises:
            ReplError: there is none that suffices.
        """
        reasons: list[str] = []
        for level in self._levels:
            if (reason := obstacle(level)) is None:
                family = self._family = Family(self._limits)
                try:
                    ready = await family.open(self._context, self._config, self._seed, self._boundary(level))
                except ReplError as error:
                    await self.end()
                    if self._asked == level == "none":
                        raise
                    reason = str(error)
                except BaseException:
                    await self.end()
                    raise
                else:
                    if suffices(self._asked, level, ready.level):
                        self.level, self.probes = ready.level, tuple(ready.probes)
                        self._levels = (level,)
                        return Ground(family, family.root, family.out, family.err, fresh=True)
                    await self.end()
                    reason = ready.problem or _open_doors(ready)
            reasons.append(f"{level}: {reason}")
        raise refused(self._asked, reasons)

    def kill(self) -> None:
        """Nothing yet: the family ends with its ground."""

    async def end(self) -> None:
        """End the family and give back all that it had."""
        family, self._family = self._family, None
        if family is not None:
            await family.close()

    def _boundary(self, level: str) -> Boundary:
        threads = self._limits.threads
        return Boundary(
            level=level,
            packages=self._packages,
            folders=tuple(package_folders()),
            # The kernel counts copies of the process too.
            threads=None if threads is None else threads + self._limits.checkpoints + _COPIES,
            memory_bytes=self._limits.memory_bytes,
            scratch_bytes=self._limits.scratch_bytes,
        )


def settings(limits: ReplLimits, primitives: Mapping[str, Primitive]) -> dict[str, Any]:
    """What a process is told of bounds that it keeps itself, and of the functions that the host offers."""
    return {
        "primitives": [
            {"name": name, "doc": spelled(inspect.getdoc(function) or "")}
            for name, function in primitives.items()
        ],
        "output_chars": limits.output_chars,
        "final_chars": limits.final_chars,
        "frame_bytes": limits.frame_bytes,
    }


def check_names(names: Iterable[str]) -> None:
    """See that primitives can be called by these names.

    Raises:
        ReplError: one cannot.
    """
    for name in names:
        if not name.isidentifier() or iskeyword(name) or name in _RESERVED:
            raise ReplError(f"a primitive cannot be called {name!r}", remedy="choose another name")


def _open_doors(ready: Ready) -> str:
    """What a process that proved too little could do."""
    found = ", ".join(f"{name} ({detail})" for name, shut, detail in ready.probes if not shut)
    return f"the process could still {found}"
