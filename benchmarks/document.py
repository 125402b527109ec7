"""The document pane and the look-up of quotations: python benchmarks/document.py [MEGABYTES OF THE DOCUMENT]

Prints seconds for a document of 4 MB (look-up) and of 100 MB (opening, jumping, searching, and the longest time that a
key would wait while the rest is laid out).
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable

from distill_core.evidence import Evidence
from tui.document.pane import SLICE
from tui.document.rows import Rows
from tui.document.search import Search


def text_of(megabytes: int) -> str:
    """Words as frequent as words are, in lines of about 80 characters."""
    source = random.Random(1)
    words = ["".join(source.choices("etaoinshrdlu", k=source.randint(1, 9))) for _ in range(20_000)]
    weights = [1 / (place + 1) for place in range(len(words))]
    lines = [" ".join(source.choices(words, weights, k=14)) for _ in range(15_000)]
    whole = "\n".join(lines)
    text = whole
    while len(text) < megabytes * 1_000_000:
        source.shuffle(lines)
        text += "\n" + "\n".join(lines)
    return text[: megabytes * 1_000_000]


def timed(name: str, act: Callable[[], object]) -> None:
    """Print how long it takes."""
    start = time.perf_counter()
    found = act()
    print(f"{name:<40} {(time.perf_counter() - start) * 1000:9.1f} ms   {found if found is not None else ''}")


def main() -> None:
    """Both."""
    text = text_of(4)
    made: list[Evidence] = []
    timed("4 MB: made comparable", lambda: made.append(Evidence(text)))
    exact = text[2_345_678:2_345_878]
    near = " ".join(word if at % 9 else "XX" for at, word in enumerate(exact.split()))
    for name, quote in (("word for word", exact), ("near", near), ("missing", exact[::-1])):
        timed(f"4 MB: {name}", lambda quote=quote: made[0].find(quote).status)  # type: ignore[misc]

    text = text_of(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
    rows: list[Rows] = []
    timed("opened", lambda: rows.append(Rows(text)))
    timed("laid out as far as it is seen", lambda: rows[0].set_width(100))
    timed("jumped to the middle", lambda: rows[0].row_of(len(text) // 2))
    search = Search(text, "no such words")
    timed("searched in vain", lambda: search.work(1_000))
    longest, left = 0.0, True
    while left:
        start = time.perf_counter()
        left = rows[0].refine(SLICE)
        longest = max(longest, time.perf_counter() - start)
    print(f"{'longest slice of the rest':<40} {longest * 1000:9.1f} ms   {rows[0].total:,} rows")


if __name__ == "__main__":
    main()
