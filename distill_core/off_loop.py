"""Anybody's code, run on a thread while the event loop goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent import futures
from typing import Any, TypeVar

T = TypeVar("T")
_NOT_AN_ERROR = (StopIteration, asyncio.CancelledError, futures.CancelledError, GeneratorExit, SystemExit)
"""What means something to a loop or to the interpreter, which is not what whoever raised it meant. A `StopIteration`
cannot even be put into a future: who waits for it would wait for ever."""


async def off_loop(function: Callable[..., T], /, *args: Any, **kwargs: Any) -> T:
    """What `function` returns.

    Raises:
        RuntimeError: it raised what is no error, such as the `StopIteration` of an iterator that is at its end; as
            Python has it for generators (PEP 479).
    """

    def called() -> T:
        try:
            return function(*args, **kwargs)
        except _NOT_AN_ERROR as error:
            raise _error(function, error) from error

    return await asyncio.to_thread(called)


async def on_loop(function: Callable[..., Awaitable[T]], /, *args: Any, **kwargs: Any) -> T:
    """What the coroutine function `function` comes to.

    Raises:
        RuntimeError: as `off_loop`.
        asyncio.CancelledError: whoever awaits this was cancelled.
    """
    try:
        return await function(*args, **kwargs)
    except _NOT_AN_ERROR as error:
        task = asyncio.current_task()
        if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
            raise
        raise _error(function, error) from error


def _error(function: Callable[..., Any], error: BaseException) -> RuntimeError:
    name = getattr(function, "__name__", "the function")
    return RuntimeError(f"{name} raised {type(error).__name__} {error}".rstrip())
