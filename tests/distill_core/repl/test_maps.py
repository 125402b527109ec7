"""Memory maps behind the wall: of memory they are a cell's own, of files they are what they are anywhere."""

import pytest

from distill_core.repl import REPL

KINDS = """
import mmap
shared = mmap.MAP_SHARED | mmap.MAP_ANONYMOUS
for wish in ({}, dict(flags=shared), dict(access=mmap.ACCESS_WRITE), dict(access=mmap.ACCESS_COPY)):
    with mmap.mmap(-1, 4096, **wish) as made:
        made[:3] = b'abc'
        print(made[:4], len(made), isinstance(made, mmap.mmap))
with mmap.mmap(-1, 4096, access=mmap.ACCESS_READ) as made:
    try: made[0] = 1
    except TypeError: print('read-only')
with mmap.mmap(-1, 100, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE) as made: print(len(made))
"""
FILE = """
import mmap
with open('file', 'w+b') as file:
    file.write(b'before')
    file.flush()
    with mmap.mmap(file.fileno(), 0) as made:
        made[:6] = b'behind'
        made.flush()
print(open('file').read())
"""


@pytest.mark.parametrize("isolation", ["auto", "none"])
@pytest.mark.parametrize(
    ("code", "printed"),
    [(KINDS, "b'abc\\x00' 4096 True\n" * 4 + "read-only\n100\n"), (FILE, "behind\n")],
    ids=["memory", "file"],
)
def test_a_map_is_made_and_written_to(code: str, printed: str, isolation: str) -> None:
    with REPL("", isolation=isolation) as repl:
        result = repl.execute(code)
        assert (result.traceback, result.stdout) == (None, printed)


def test_what_is_mapped_goes_back_with_the_state() -> None:
    with REPL("") as repl:
        repl.execute("import mmap\nmade = mmap.mmap(-1, 4096)\nmade[0] = 1")
        repl.execute("made[0] = 2")
        repl.rollback(1)
        assert repl.execute("print(made[0])").stdout == "1\n"
