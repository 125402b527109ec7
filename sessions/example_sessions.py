"""Sessions that come with the program, so that review, comparing and export have something to show at once.

They were run as any session is, over documents in the public domain, with the embedded models as workers; what two
people made of them was written down by hand. `docs/make_example_sessions.py` makes them.
"""

from __future__ import annotations

from pathlib import Path

from sessions.bundled import FOLDER
from sessions.home import Home
from sessions.importing import Imported, bring, find


def example_folders() -> list[Path]:
    """The folders of the example sessions, in order.

    Raises:
        StoreError: they are missing from the installation.
    """
    return find(FOLDER)


def bring_examples(home: Home) -> list[Imported]:
    """Take the example sessions into `home`; those that are there stay as they are.

    Raises:
        LogError: the home cannot be written.
    """
    return [bring(home, folder) for folder in example_folders()]


__all__ = ["FOLDER", "Imported", "bring_examples", "example_folders"]
