"""A folder as rows: its folders first, then its files, by name; hidden ones left out."""

from __future__ import annotations

from pathlib import Path

from tui.lines import Line, pad

NAME = 44
"""Cells of the column of names."""


class Folder:
    """The entries of a folder. A source of a pane, and its entries."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.trouble = ""
        self.paths: list[Path] = []
        try:
            found = [entry for entry in self.path.iterdir() if not entry.name.startswith(".")]
        except OSError as error:
            self.trouble = error.strerror or str(error)
            found = []
        self.paths = [
            self.path.parent,
            *sorted(found, key=lambda entry: (not _is_folder(entry), entry.name.lower())),
        ]

    def height(self, width: int) -> int:
        """One row an entry."""
        return len(self.paths)

    def row(self, y: int) -> Line:
        """An entry: its name, its size."""
        if not 0 <= y < len(self.paths):
            return ()
        path = self.paths[y]
        if y == 0:
            return (("../", "heading"), ("  the folder above", "muted"))
        if _is_folder(path):
            return ((f"{path.name}/", "heading"),)
        return ((pad(path.name, NAME), ""), (f"  {_size(path)}", "muted"))

    def count(self) -> int:
        """How many entries there are."""
        return len(self.paths)

    def span(self, index: int) -> tuple[int, int]:
        """An entry is one row."""
        return index, 1

    def at(self, y: int) -> int:
        """A row is one entry."""
        return y


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _size(path: Path) -> str:
    try:
        count = path.stat().st_size
    except OSError as error:
        return error.strerror or "?"
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count = round(count / 1000)
    return f"{count} GB"
