"""`run` and `arun`: one question, one document, two models, one result, for callers with neither screen nor person."""

from __future__ import annotations

import asyncio
import difflib
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from distill_core.approval import Approver, AutoApprover
from distill_core.events import Limits
from distill_core.keeping import Replies
from distill_core.models.base import ModelHandler
from distill_core.recorder import Sink
from distill_core.session import Session
from distill_core.specification import Context, RunResult, SessionSpec

T = TypeVar("T")


async def arun(
    query: str,
    context: Context,
    supervisor: ModelHandler,
    worker: ModelHandler,
    max_iterations: int = 15,
    log_dir: str | Path | None = None,
    output_limit: int = 2000,
    worker_ctx_k: int = 8,
    *,
    limits: Limits | None = None,
    primitives: Mapping[str, Callable[..., Any]] | None = None,
    approver: Approver | None = None,
    sinks: Sequence[Sink] = (),
    replies: Replies | None = None,
    **spec: Any,
) -> RunResult:
    """Answer `query` about `context`: `supervisor` writes code, the code asks `worker`.

    Args:
        query: the question.
        context: the document, as str, list or dict; it stays that in the REPL.
        supervisor: model that writes the programs.
        worker: model that reads pieces.
        max_iterations: supervisor turns at most; at the last one the answer is forced.
        log_dir: folder to keep the session in. One that holds a session already is left alone and
            `log_dir.2`, `log_dir.3`, … is taken; `RunResult.log_dir` tells which.
        output_limit: characters of a cell's output that the supervisor is shown.
        worker_ctx_k: the worker's context window, in thousands of tokens.
        limits: more bounds; its `turns` gives way to `max_iterations`.
        primitives: more functions for the REPL, run here, told to the supervisor from signature and docstring.
        approver: who decides on each step; default: everything is approved.
        sinks: who else gets the events.
        replies: kept replies to equal calls, such as `ResponseCache("replies.db").session()`; None pays for each.
        spec: any other field of `SessionSpec`.

    Raises:
        DistillError: the session could not start, or the supervisor failed before anything was gathered.
    """
    unknown = spec.keys() - {field.name for field in msgspec.structs.fields(SessionSpec)}
    if unknown:
        near = difflib.get_close_matches(min(unknown), SessionSpec.__struct_fields__, n=1)
        raise TypeError(
            f"run() has no argument {min(unknown)!r}" + (f"; did you mean {near[0]!r}?" if near else "")
        )
    session = Session(
        SessionSpec(
            query=query,
            context=context,
            limits=msgspec.structs.replace(limits or Limits(), turns=max_iterations),
            log_dir=Path(log_dir) if log_dir is not None else None,
            next_free=True,
            output_limit=output_limit,
            worker_ctx_k=worker_ctx_k,
            primitives=primitives or {},
            **spec,
        ),
        supervisor=supervisor,
        worker=worker,
        approver=approver or AutoApprover(),
        sinks=sinks,
        replies=replies,
    )
    return await session.run()


def run(
    query: str,
    context: Context,
    supervisor: ModelHandler,
    worker: ModelHandler,
    max_iterations: int = 15,
    log_dir: str | Path | None = None,
    output_limit: int = 2000,
    worker_ctx_k: int = 8,
    **options: Any,
) -> RunResult:
    """`arun` for callers that wait. Works in plain Python, in a thread, and where an event loop is running already.

    A KeyboardInterrupt while waiting cancels the session (its log stays) and is raised again.
    """
    positional = (query, context, supervisor, worker, max_iterations, log_dir, output_limit, worker_ctx_k)
    return blocking(lambda: arun(*positional, **options))


def blocking(start: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run the coroutine that `start` makes on a loop and thread of its own, and wait for its result."""
    outcome: list[T] = []
    failure: list[BaseException] = []
    ready, ended = threading.Event(), threading.Event()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[T]]] = []

    async def main() -> T:
        task = asyncio.ensure_future(start())
        running.append((asyncio.get_running_loop(), task))
        ready.set()
        return await task

    def thread() -> None:
        try:
            outcome.append(asyncio.run(main()))
        except BaseException as error:  # noqa: BLE001  # raised again in the caller's thread
            failure.append(error)
        finally:
            ended.set()

    # One thread for the whole run: the REPL child ends with the thread that spawned it.
    worker = threading.Thread(target=thread, name="distill-run", daemon=True)
    worker.start()
    try:
        # Not `join`: CPython 3.11 and 3.12 take a thread for ended once Ctrl-C has come while it was joined.
        ended.wait()
    except KeyboardInterrupt:
        ready.wait()
        loop, task = running[0]
        loop.call_soon_threadsafe(task.cancel)
        ended.wait()
        raise
    if failure:
        raise failure[0]
    return outcome[0]
