"""Semaphores of `multiprocessing` for a process that can have no children: locks between its threads.

The system's own are files in shared memory, which isolation keeps away. `multiprocessing.pool.ThreadPool`, which starts
no process, makes some all the same.
"""

from __future__ import annotations

import sys
import threading
from types import ModuleType

RECURSIVE = 0
VALUE_MAX = 2**31 - 1


class SemLock:
    """What `_multiprocessing.SemLock` is to its callers, over a condition of threads.

    Args:
        kind: 0 for a recursive lock, 1 for a semaphore.
        value: places free at the start.
        maxvalue: places there are.
        name: of no use here; `unlink` neither.
    """

    SEM_VALUE_MAX = VALUE_MAX

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:
        # Without a name, no process is started to look after it.
        self.kind, self.maxvalue, self.name, self.handle = kind, maxvalue, None, 0
        self._value = value
        self._held = 0
        self._owner: int | None = None
        self._changed = threading.Condition()

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take a place; False if none came free in time."""
        me = threading.get_ident()
        with self._changed:
            if self.kind == RECURSIVE and self._owner == me:
                self._held += 1
                return True
            if not self._changed.wait_for(lambda: self._value > 0, timeout if block else 0):
                return False
            self._value -= 1
            self._owner, self._held = me, self._held + 1
            return True

    def release(self) -> None:
        """Give a place back."""
        with self._changed:
            if self.kind == RECURSIVE:
                if self._owner != threading.get_ident():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                self._held -= 1
                if self._held:
                    return
                self._owner = None
            elif self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            else:
                self._held = max(0, self._held - 1)
            self._value += 1
            self._changed.notify()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._held

    def _is_mine(self) -> bool:
        return self._held > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0


def install() -> None:
    """Have `multiprocessing` use these from now on."""
    module = ModuleType("_multiprocessing")
    vars(module).update(SemLock=SemLock, sem_unlink=lambda name: None, flags={})
    sys.modules["_multiprocessing"] = module
