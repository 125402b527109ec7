"""The dry run: proposed code on a throw-away fork of the REPL, with a stub in the worker's place that only counts.

What the stub says is no worker's reply, so code that reads replies may turn off where the real run would not, or fail
on them; a dry run that does not reach its end says so, and its numbers are then what was counted up to there.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from distill_core.analysis import analyse
from distill_core.budget import Ledger
from distill_core.errors import DistillError
from distill_core.forecast import Forecast
from distill_core.repl import CellResult, ReplLimits

CELL_SECONDS = 5.0
"""Active seconds that a cell of a dry run may take."""
MOST_CALLS = 20_000
"""Prompts after which a dry run has seen enough."""
SHARED = frozenset(
    {"open", "exec", "eval", "compile", "__import__"}
    | {
        f"import {name}"
        for name in ("os", "pathlib", "shutil", "tempfile", "sqlite3", "subprocess", "importlib")
    }
)
"""Names by which code may get at the scratch folder, which a fork shares with the REPL it is of."""
STUB, STUB_JSON = "dry run", "{}"


class Scratch(Protocol):
    """A fork of the REPL."""

    async def execute(self, code: str, timeout: float | None = None) -> CellResult:
        """Run a cell to its end."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


Fork = Callable[..., Awaitable[Scratch]]
"""Makes a fork of the REPL with `worker`, `worker_batch`, `primitives` and `limits` of its own."""


class Stub:
    """Stands in for the worker: counts prompts and says nothing of worth.

    To a prompt that speaks of JSON it says an empty object, so that code which parses replies gets further.
    """

    def __init__(self) -> None:
        self.prompt_chars: list[int] = []

    async def worker(self, prompt: str) -> str:
        """Count one prompt."""
        self.prompt_chars.append(len(prompt))
        return STUB_JSON if "json" in prompt.lower() else STUB

    async def batch(self, prompts: Sequence[str]) -> list[str | Exception]:
        """Count several."""
        return [await self.worker(prompt) for prompt in prompts]

    async def yes(self, prompts: list[str]) -> list[float | None]:
        """Count prompts that only want to know how probable a yes is."""
        self.prompt_chars += [len(prompt) for prompt in prompts]
        return [None] * len(prompts)


class DryRunner:
    """Makes forecasts, one at a time.

    Args:
        fork: makes the throw-away fork; None where code is not to be tried before a person has seen it.
        ledger: knows prices and what calls were seen to take.
        primitives: names of the host's functions; they are not called, since nobody knows what they do.
        max_tokens: bound of a worker's reply, where there is one.
        limits: bounds of the fork.
    """

    def __init__(
        self,
        fork: Fork | None,
        ledger: Ledger,
        *,
        primitives: Iterable[str] = (),
        max_tokens: int | None = None,
        limits: ReplLimits | None = None,
    ) -> None:
        self._fork = fork
        self._ledger = ledger
        self._primitives = tuple(primitives)
        self._max_tokens = max_tokens
        self._limits = limits or ReplLimits()
        self._turn = asyncio.Lock()

    async def look(self, call_id: str, codes: Sequence[str]) -> Forecast:
        """What running `codes` one after the other would ask of the worker. Raises nothing but a cancellation."""
        if self._fork is None:
            return _not_run(call_id, "without isolation nothing is run unseen")
        shared = sorted(SHARED & {name for code in codes for name in analyse(code).suspects})
        if shared:
            return _not_run(call_id, f"{shared[0]} may leave files behind")
        started = time.monotonic()
        stub = Stub()
        async with self._turn:
            try:
                fork = await self._fork(
                    worker=stub.worker,
                    worker_batch=stub.batch,
                    primitives=self._stand_ins(stub),
                    limits=msgspec.structs.replace(
                        self._limits, cell_seconds=CELL_SECONDS, worker_calls=MOST_CALLS
                    ),
                )
            except DistillError as error:
                return _not_run(call_id, str(error))
            why = await self._run(fork, codes)
        return self._told(call_id, stub, why, time.monotonic() - started)

    async def _run(self, fork: Scratch, codes: Sequence[str]) -> str:
        """Run `codes` on `fork`; returns what kept them from their end, "" if nothing did."""
        why = ""
        try:
            for code in codes:
                result = await fork.execute(code)
                why = why or _trouble(result)
                if result.status in ("final", "interrupted", "timeout", "killed"):
                    break
        except DistillError as error:
            why = str(error)
        finally:
            with contextlib.suppress(DistillError):
                await asyncio.shield(fork.close())
        return why

    def _told(self, call_id: str, stub: Stub, why: str, elapsed: float) -> Forecast:
        usage, cost = self._ledger.foresee("worker", stub.prompt_chars, self._max_tokens)
        return Forecast(
            call_id=call_id,
            complete=not why,
            worker_calls=len(stub.prompt_chars),
            prompt_tokens=usage.prompt_tokens,
            cost=cost,
            why=why,
            elapsed=elapsed,
        )

    def _stand_ins(self, stub: Stub) -> Mapping[str, Callable[..., Any]]:
        known: dict[str, Callable[..., Any]] = {
            "worker_yes": stub.yes,
            "budget": lambda: self._ledger.remaining(),
        }
        return {name: known.get(name) or _not_called(name) for name in self._primitives}


def _not_run(call_id: str, why: str) -> Forecast:
    return Forecast(call_id=call_id, ran=False, complete=False, why=why)


def _not_called(name: str) -> Callable[..., Any]:
    async def stand_in(*args: object, **kwargs: object) -> None:
        raise DistillError(f"{name} is not called in a dry run")

    return stand_in


def _trouble(result: CellResult) -> str:
    match result.status:
        case "ok" | "final":
            return ""
        case "timeout":
            return f"it takes more than {CELL_SECONDS:g} s"
        case "error":
            last = (result.traceback or "").strip().rsplit("\n", 1)[-1]
            return f"it fails without real replies: {last}" if result.worker_calls else f"it fails: {last}"
        case status:
            return f"it was {status}"
