"""Running a session while the main thread stays free for Ctrl-C: once stops the session, twice drops it."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import msgspec

from distill_core.session import Session
from distill_core.specification import RunResult


class Outcome(msgspec.Struct, frozen=True):
    """What a session came to, and whether Ctrl-C ended it."""

    result: RunResult
    interrupted: bool = False


def run_headless(session: Session, *, meanwhile: Callable[[], None] = lambda: None) -> Outcome:
    """Run `session` to its end. A first Ctrl-C ends it with the best partial result, a second drops it.

    Args:
        meanwhile: called a few times a second.

    Raises:
        DistillError: as `Session.run`.
        KeyboardInterrupt: the person would not wait for the end.
    """
    results: list[RunResult] = []
    errors: list[BaseException] = []

    def engine() -> None:
        try:
            results.append(asyncio.run(session.run()))
        except BaseException as error:  # noqa: BLE001  # raised again in the main thread
            errors.append(error)
        finally:
            ended.set()

    ended = threading.Event()
    threading.Thread(target=engine, name="engine", daemon=True).start()
    interrupted = False
    try:
        _wait(ended, meanwhile)
    except KeyboardInterrupt:
        click.echo(
            "stopping; what there is stays in the session's folder (Ctrl-C again: do not wait)", err=True
        )
        interrupted = True
        session.stop("the person")
        _wait(ended, meanwhile)
    if errors:
        raise errors[0]
    return Outcome(results[0], interrupted)


class Ended(BaseException):
    """Somebody wants the program gone, by signal `number`."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Raise `Ended` in the main thread where the terminal goes away or the program is told to go."""

    def end(number: int, _: object) -> None:
        raise Ended(number)

    # What is ignored stays so: `nohup` wants that of SIGHUP.
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    taken = [n for n in (getattr(signal, name) for name in names) if signal.getsignal(n) == signal.SIG_DFL]
    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)


def _wait(ended: threading.Event, meanwhile: Callable[[], None]) -> None:
    """Wait in short turns: a wait without end does not let Ctrl-C through on every platform.

    Not by joining the thread: CPython 3.11 and 3.12 take a thread for ended once Ctrl-C has come while it was joined.
    """
    while not ended.wait(0.2):
        meanwhile()
