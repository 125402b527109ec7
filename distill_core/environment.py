"""The `.env` file of the working directory: read, never put into the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def dotenv(folder: Path | None = None) -> Mapping[str, str]:
    """What the `.env` file of `folder` (the working directory) sets; nothing where there is none."""
    file = (folder or Path.cwd()) / ".env"
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(file, interpolate=False).items() if value}
