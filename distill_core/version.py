"""The program's name and version, for logs and `--version`."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def program_version() -> str:
    """ "distill-tui 0.1.0", or without a number where the package is not installed."""
    try:
        return f"distill-tui {version('distill-tui')}"
    except PackageNotFoundError:
        return "distill-tui"
