"""Functions of a person's own for the REPL, from a Python file each: they run on the host, with all its rights.

Every public function that a file defines is offered under its own name, described in the supervisor's prompt by its
signature and docstring. Arguments and results cross as JSON.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from distill_core.errors import ConfigError


def load_primitives(files: Iterable[str | Path]) -> dict[str, Callable[..., Any]]:
    """The functions that `files` define, by name, in the order of files and then as they are defined.

    Raises:
        ConfigError: a file is missing, fails to run or defines no public function, or two define the same name.
    """
    found: dict[str, Callable[..., Any]] = {}
    origin: dict[str, Path] = {}
    for named in files:
        path = Path(named).expanduser()
        functions = _functions(_module(path))
        if not functions:
            raise ConfigError(
                f"{path} offers no primitive",
                remedy="define a function in it whose name has no underscore in front",
            )
        for name, function in functions.items():
            if name in origin:
                raise ConfigError(
                    f"two files define the primitive {name}",
                    found=f"{origin[name]} and {path}",
                    remedy="rename one",
                )
            found[name], origin[name] = function, path
    return found


def _functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: value
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not name.startswith("_")
    }


def _module(path: Path) -> ModuleType:
    if not path.is_file():
        raise ConfigError("no such file of primitives", found=str(path), remedy="name a Python file")
    name = f"distill_primitives_{path.stem}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ConfigError("this is no file of primitives", found=str(path), remedy="it ends with .py")
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and the like look their module up
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # somebody's code: whatever it raises is told with its file
        del sys.modules[name]
        raise ConfigError(
            f"the primitives in {path} cannot be loaded", found=f"{type(error).__name__}: {error}"
        ) from error
    return module
