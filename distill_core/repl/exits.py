"""Noticing that a child process has ended, without collecting it: its number stays its own until that is done."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
from typing import Any


async def ended(pid: int) -> None:
    """Wait until the child `pid` of this process has ended. It is left to be collected by `waitpid`."""
    loop = asyncio.get_running_loop()
    noticed: asyncio.Future[None] = loop.create_future()

    def notice() -> None:
        if not noticed.done():
            noticed.set_result(None)

    if not hasattr(os, "pidfd_open"):

        def watch() -> None:
            _wait(pid)
            with contextlib.suppress(RuntimeError):  # the loop was closed, and nobody waits any more
                loop.call_soon_threadsafe(notice)

        threading.Thread(target=watch, name="exit", daemon=True).start()
        await noticed
        return
    pidfd = os.pidfd_open(pid)
    loop.add_reader(pidfd, notice)
    try:
        await noticed
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)


def _wait(pid: int) -> None:
    """Block until a child has ended, where there are no descriptors of processes (macOS: kqueue(2), NOTE_EXIT)."""
    if hasattr(select, "kqueue"):
        bsd: Any = select  # what is in it depends on the system
        watched = bsd.kevent(pid, bsd.KQ_FILTER_PROC, bsd.KQ_EV_ADD | bsd.KQ_EV_ONESHOT, bsd.KQ_NOTE_EXIT)
        with contextlib.closing(bsd.kqueue()) as queue, contextlib.suppress(ProcessLookupError):
            queue.control([watched], 1)  # an error: it has ended already
        return
    with contextlib.suppress(ChildProcessError):  # it has been collected already
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
