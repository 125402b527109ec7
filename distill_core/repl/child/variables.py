"""A look at the variables that leaves no mark: no code of theirs runs, nothing is kept."""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from sys import getsizeof
from types import ModuleType
from typing import Any

_SHOWN = 1000
_PREVIEW = 120
_LONGEST = 1000
_NAME = 200
_GUESSED = 1000
_LARGE = 16 << 20
_HOLDING: tuple[type, ...] = (str, bytes, bytearray, list, tuple, dict, set, frozenset)
_SIZED: tuple[type, ...] = (str, bytes, bytearray, list, tuple, dict, set, frozenset, range)
_PLAIN: tuple[type, ...] = (int, float, complex, bool, type(None))
_own_name = type.__dict__["__name__"].__get__


def _name(kind: type) -> str:
    """The name of a type, as the interpreter holds it: what its own type says of that is code of theirs, and the name
    can be a string of theirs."""
    return str.__getitem__(_own_name(kind), slice(_NAME))


def _preview(value: Any) -> str:
    kind = type(value)
    if kind is str or kind is bytes:
        return repr(value[:_PREVIEW])[: _PREVIEW + 2] + ("…" if len(value) > _PREVIEW else "")
    if kind is int and value.bit_length() > 4 * _PREVIEW:
        return f"an integer of {value.bit_length()} bits"
    if kind in _PLAIN:
        return repr(value)
    if kind is range:
        parts = (value.start, value.stop) if value.step == 1 else (value.start, value.stop, value.step)
        return f"range({', '.join(map(_short, parts))})"
    if kind in (list, tuple):
        return ", ".join(_short(item) for item in value[:4]) + (", …" if len(value) > 4 else "")
    if kind is dict:
        return ", ".join(
            f"{_short(key)}: {_short(item)}"
            for (key, item), _ in zip(
                list(value.items()) if len(value) < 1000 else (), range(4), strict=False
            )
        )
    return ""


def _short(value: Any) -> str:
    kind = type(value)
    if kind is str or kind is bytes:
        return repr(value[:24]) + ("…" if len(value) > 24 else "")
    if kind in _PLAIN and (kind is not int or value.bit_length() < 128):
        return repr(value)
    return f"<{_name(kind)}>"


def _size(value: Any) -> int | None:
    if type(value) not in _SIZED:
        return None
    try:
        return len(value)
    except OverflowError:
        return None  # a range can be longer than anything that is counted


def _held(value: Any) -> int:
    """Bytes that a container or text holds, about: what is in it is guessed from the first thousand."""
    kind = type(value)
    if kind not in _HOLDING:
        return 0
    size = getsizeof(value)
    if kind in (list, tuple, set, frozenset):
        items = [getsizeof(item) for item in islice(value, _GUESSED) if type(item) in _HOLDING]
        size += sum(items) * len(value) // max(1, min(len(value), _GUESSED))
    return size


def largest(namespace: dict[str, Any], hidden: Collection[str]) -> list[tuple[str, str, int]]:
    """Name, type and bytes of the variables that hold the most memory, three at most, none of them small."""
    found = [
        (_held(value), name, _name(type(value)))
        for name, value in list(namespace.items())
        if type(name) is str and name not in hidden and name.isidentifier() and len(name) <= _NAME
    ]
    return [(name, kind, size) for size, name, kind in sorted(found, reverse=True)[:3] if size >= _LARGE]


def look(namespace: dict[str, Any], hidden: Collection[str]) -> list[dict[str, Any]]:
    """Name, type, size and a short preview of each variable, a thousand at most.

    Args:
        namespace: where to look.
        hidden: names that are no variables of the cells'.
    """
    shown: list[dict[str, Any]] = []
    for name, value in list(namespace.items()):
        kind = type(value)
        if type(name) is not str or name in hidden or name.startswith("__") or kind is ModuleType:
            continue
        shown.append(
            {
                "name": name[:_NAME],
                "type": _name(kind),
                "size": _size(value),
                "preview": _preview(value)[:_LONGEST],
            }
        )
        if len(shown) == _SHOWN:
            break
    return shown
