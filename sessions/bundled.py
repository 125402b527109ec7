"""Which sessions come with the program: they are told from a person's own by the names that they have there.

Taken in twice with other contents (from two versions of the program) such a session is called NAME.2, NAME.3, …, as any
is that comes to a name that is taken; it is the same example still.
"""

from __future__ import annotations

import functools
from pathlib import Path

FOLDER = Path(__file__).parent / "examples"
"""Where they are: a home of its own, with `sessions` and `documents`."""


@functools.cache
def example_names() -> tuple[str, ...]:
    """Their names, sorted; none where they are missing from the installation."""
    place = FOLDER / "sessions"
    return tuple(sorted(path.name for path in place.iterdir())) if place.is_dir() else ()


def is_example(session_id: str) -> bool:
    """Whether the session of that name came with the program. A fork of one is a session of a person's own."""
    name, dot, number = session_id.rpartition(".")
    return session_id in example_names() or bool(dot and number.isdigit() and name in example_names())
