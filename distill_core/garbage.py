"""The garbage collector, kept from what cannot be garbage while a session runs.

A full round looks at every container there is. With an SDK loaded those are a hundred thousand that live as long as
the process, and looking at them holds the interpreter's lock for 50 ms: as long as several turns take. They are set
aside (`gc.freeze`) while sessions run, and handed back when the last has ended, so that nothing of the caller's is
kept for ever.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_holders = 0
_ours = False


@contextmanager
def set_aside() -> Iterator[None]:
    """Keep the collector from what exists now, until the last who asked for it leaves.

    Does nothing where the caller's program has frozen objects of its own: handing back hands back all.
    """
    global _holders, _ours
    with _lock:
        _holders += 1
        if _holders == 1:
            _ours = gc.get_freeze_count() == 0
        if _ours:
            gc.freeze()
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if _holders == 0 and _ours:
                gc.unfreeze()
                _ours = False


def loaded() -> None:
    """Something large that stays was imported: set it aside too, where a session runs."""
    with _lock:
        if _holders and _ours:
            gc.freeze()
