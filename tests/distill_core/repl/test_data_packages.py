"""numpy and pandas, as researchers use them, behind every level of isolation."""

from __future__ import annotations

import pytest

from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL

PROGRAM = """
import io, numpy as np, pandas as pd
rng = np.random.default_rng(0)
a = rng.normal(size=(200, 200))
assert np.allclose(a @ np.linalg.inv(a), np.eye(200), atol=1e-6)
np.save('a.npy', a); assert (np.load('a.npy', mmap_mode='r') == a).all()
assert abs(np.fft.ifft(np.fft.fft(a[0])).real - a[0]).max() < 1e-9
frame = pd.read_csv(io.StringIO('day,n\\n2024-01-01,1\\n2024-01-02,2\\n2024-02-01,5\\n'), parse_dates=['day'])
monthly = frame.set_index('day').resample('MS').n.sum()
frame.to_csv('frame.csv'); frame.to_pickle('frame.pickle')
assert pd.read_pickle('frame.pickle').equals(frame)
frame['day'] = frame.day.dt.tz_localize('Europe/Berlin')
print(list(monthly), frame.groupby('n').size().sum(), frame.describe().loc['max', 'n'])
"""


@pytest.mark.parametrize("isolation", ["none", "good", "strong"])
def test_an_ordinary_analysis(isolation: str) -> None:
    pytest.importorskip("pandas")
    if (reason := obstacle(isolation)) is not None:
        pytest.skip(f"level {isolation}: {reason}")
    with REPL("", isolation=isolation) as repl:
        result = repl.execute(PROGRAM)
        assert result.traceback is None
        assert result.stdout == "[np.int64(3), np.int64(5)] 3 5.0\n" or result.stdout == "[3, 5] 3 5.0\n"
