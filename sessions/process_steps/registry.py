"""The names of tools, from a file: TOML, JSON, or what an MCP server lists."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from distill_core.errors import ExportError
from sessions.process_steps.text import read_json

SHAPES = "a list of names, a list of tools with a name, {'tools': …} as MCP's tools/list gives it, or a table of tools"


def load_registry(path: str | Path) -> frozenset[str]:
    """The names of the tools that a file lists.

    Understood are a list of names; a list of objects with `name`, or of OpenAI tools with `function.name`; an object
    whose `tools` (or `result.tools`, as MCP's `tools/list` answers) is such a list, or a table by name.

    Raises:
        ExportError: the file cannot be read, or lists no tool.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text) if path.suffix == ".toml" else read_json(text, strict=False)
        names = frozenset(tool_names(data))
    except (OSError, ValueError, RecursionError) as error:
        raise ExportError(
            f"cannot read the tools in {path}", found=str(error), remedy="give a .toml or .json file"
        ) from error
    if not names:
        raise ExportError(f"{path} lists no tool", remedy=f"it should hold {SHAPES}")
    return names


def tool_names(data: Any) -> list[str]:
    """The names in `data`, in the shapes that `load_registry` tells; none where it has another."""
    if isinstance(data, str):
        return [data] if data else []
    if isinstance(data, list):
        return [name for item in data for name in tool_names(item)]
    if not isinstance(data, dict):
        return []
    for key in ("result", "tools", "functions"):
        if isinstance(data.get(key), dict | list):
            inner = data[key]
            named = tool_names(inner)
            return named or ([str(name) for name in inner] if isinstance(inner, dict) else [])
    if isinstance(data.get("function"), dict):
        return tool_names(data["function"])
    return [data["name"]] if isinstance(data.get("name"), str) and data["name"] else []
