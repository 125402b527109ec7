"""The `.env` file of the working directory: read, never put into the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from distill_core.errors import ConfigError


def dotenv(folder: Path | None = None) -> Mapping[str, str]:
    """What the `.env` file of `folder` (the working directory) sets; nothing where there is none.

    Raises:
        ConfigError: it cannot be read as text.
    """
    file = (folder or Path.cwd()) / ".env"
    if not file.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        values = dotenv_values(file, interpolate=False)
    except OSError as error:
        raise ConfigError(f"cannot read {file}", found=error.strerror or str(error)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"cannot read {file}", found="it is no text in UTF-8", remedy="save it as UTF-8, or move it away"
        ) from error
    return {name: value for name, value in values.items() if value}
