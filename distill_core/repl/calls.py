"""Answering the child's calls: the worker's prompts and the primitives, with the caller's functions."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import msgspec

from distill_core.errors import DistillError
from distill_core.repl.protocol import PrimitiveRequest, WorkerRequest, spelled
from distill_core.repl.values import WorkerCall

Worker: TypeAlias = Callable[[str], str | Awaitable[str]]
WorkerBatch: TypeAlias = Callable[
    [list[str]], Sequence[str | Exception] | Awaitable[Sequence[str | Exception]]
]
Primitive: TypeAlias = Callable[..., Any]

_ERROR_CHARS = 2000


def reason(error: BaseException) -> str:
    """An error as one line for the cell."""
    text = str(error) if isinstance(error, DistillError) else f"{type(error).__name__}: {error}"
    return " ".join(spelled(text).split())[:_ERROR_CHARS]


class Calls:
    """The functions behind the calls. Plain functions run in threads, asynchronous ones on the loop.

    Args:
        worker: answers one prompt.
        worker_batch: answers several, as many as given, in order; a failure may stand as an exception.
        primitives: further functions by name, with JSON arguments and results.
        concurrency: calls of `worker` at once.
    """

    def __init__(
        self,
        worker: Worker | None,
        worker_batch: WorkerBatch | None,
        primitives: Mapping[str, Primitive],
        concurrency: int,
    ) -> None:
        self._worker = worker
        self._worker_batch = worker_batch
        self._primitives = dict(primitives)
        self._concurrency = concurrency
        self._free = asyncio.Semaphore(concurrency)
        self._threads: ThreadPoolExecutor | None = None

    def close(self) -> None:
        """Start no more threads; those that run are left to end."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def ask(self, request: WorkerRequest, record: list[WorkerCall | None]) -> dict[str, Any]:
        """Answer prompts; each call is put into its place, the last ones reserved in `record`."""
        prompts = request.prompts
        first = len(record)
        record.extend([None] * len(prompts))
        texts: list[str | None] = [None] * len(prompts)
        errors: list[tuple[int, str]] = []
        started = time.perf_counter()

        def keep(index: int, result: str | BaseException, elapsed: float) -> None:
            if isinstance(result, str):
                text, error = spelled(result), None
                texts[index] = text
            else:
                text, error = None, reason(result)
                errors.append((index, error))
            record[first + index] = WorkerCall(
                prompt=prompts[index], response=text, error=error, elapsed=elapsed
            )

        try:
            if self._worker_batch is not None and (request.batch or self._worker is None):
                await self._batch(self._worker_batch, prompts, keep)
            else:
                await self._each(prompts, keep)
        except asyncio.CancelledError:
            for index in range(len(prompts)):
                if record[first + index] is None:
                    keep(index, DistillError("the cell was stopped"), time.perf_counter() - started)
            raise
        return {"id": request.id, "texts": texts, "errors": errors}

    async def _batch(
        self,
        function: WorkerBatch,
        prompts: list[str],
        keep: Callable[[int, str | BaseException, float], None],
    ) -> None:
        started = time.perf_counter()
        try:
            results = list(await self._call(function, list(prompts)))
            if len(results) != len(prompts):
                raise ValueError(f"worker_batch gave {len(results)} results for {len(prompts)} prompts")
        except Exception as error:  # noqa: BLE001 - the caller's function may raise anything; the cell is told
            results = [error] * len(prompts)
        elapsed = time.perf_counter() - started
        for index, result in enumerate(results):
            keep(index, _text_or_error(result), elapsed)

    async def _each(
        self, prompts: list[str], keep: Callable[[int, str | BaseException, float], None]
    ) -> None:
        places = iter(range(len(prompts)))

        async def run() -> None:
            for index in places:
                async with self._free:
                    started = time.perf_counter()
                    result = await self._one(prompts[index])
                keep(index, result, time.perf_counter() - started)

        if len(prompts) == 1:
            await run()
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._concurrency, len(prompts))):
                    group.create_task(run())

    async def _one(self, prompt: str) -> str | BaseException:
        if self._worker is None:
            return DistillError("this REPL has no worker")
        try:
            return _text_or_error(await self._call(self._worker, prompt))
        except Exception as error:  # noqa: BLE001 - the caller's function may raise anything; the cell is told
            return error

    async def perform(
        self, request: PrimitiveRequest, args: list[Any], kwargs: dict[str, Any]
    ) -> dict[str, Any]:
        """Call a primitive with these arguments; its result must be JSON."""
        function = self._primitives.get(request.name)
        try:
            if function is None:
                raise DistillError(f"there is no primitive {request.name!r}")
            value = msgspec.to_builtins(await self._call(function, *args, **kwargs))
            msgspec.json.encode(value)
        except Exception as error:  # noqa: BLE001 - the caller's function may raise anything; the cell is told
            return {"id": request.id, "error": reason(error)}
        return {"id": request.id, "value": value}

    async def _call(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if _is_async(function):
            return await function(*args, **kwargs)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._concurrency, thread_name_prefix="worker")
        result = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: function(*args, **kwargs)
        )
        return await result if inspect.isawaitable(result) else result


def _is_async(function: Callable[..., Any]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__ counts
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _text_or_error(result: Any) -> str | BaseException:
    if isinstance(result, str | BaseException):
        return result
    return TypeError(f"the worker gave {type(result).__name__}, not text")
