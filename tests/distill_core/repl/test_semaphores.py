"""Thread pools of every kind work behind the wall, though no process and no shared memory can be had there."""

import pytest

from distill_core.repl import REPL

POOL = """
from multiprocessing.pool import ThreadPool
with ThreadPool(4) as pool:
    print(pool.map(worker, ['a', 'b', 'c']))
    print(pool.apply_async(len, ('four',)).get(5))
    print(sorted(pool.imap_unordered(abs, [-2, 1])))
"""
DUMMY = """
from multiprocessing.dummy import Pool, Lock, Queue
pool = Pool(2)
print(pool.starmap(pow, [(2, 3), (3, 2)]))
pool.close(); pool.join()
"""
LOCKS = """
import multiprocessing as mp, threading
lock, gate, count = mp.RLock(), mp.Semaphore(1), mp.BoundedSemaphore(1)
with lock, lock:
    print('twice')
print(gate.acquire(), gate.acquire(timeout=0.01), gate.release(), gate.acquire(False))
try:
    count.release()
except ValueError:
    print('bounded')
event = mp.Event()
threading.Timer(0.05, event.set).start()
print(event.wait(5))
"""


@pytest.mark.parametrize("isolation", ["auto", "none"])
@pytest.mark.parametrize(
    ("code", "printed"),
    [
        (POOL, "['W<a>', 'W<b>', 'W<c>']\n4\n[1, 2]\n"),
        (DUMMY, "[8, 9]\n"),
        (LOCKS, "twice\nTrue False None True\nbounded\nTrue\n"),
    ],
    ids=["ThreadPool", "dummy", "locks"],
)
def test_threads_of_multiprocessing(code, printed, isolation):
    with REPL("text", "q", worker=lambda p: f"W<{p}>", isolation=isolation) as repl:
        result = repl.execute(code)
        assert (result.status, result.stdout) == ("ok", printed), result.traceback
