"""Rows as JSON. A long conversation stands in each of its rows up to there, and is not encoded anew for each."""

from __future__ import annotations

from collections.abc import Mapping
from operator import is_
from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()


class Encoding:
    """Encodes the columns of one row after the other."""

    def __init__(self) -> None:
        self._before: list[Any] = []
        self._told = b""

    def of(self, columns: Mapping[str, Any]) -> bytes:
        """The columns as JSON, as an encoder that knows nothing of the row before gives it."""
        name, first = next(iter(columns.items()), ("", None))
        if type(first) is not list or not first:
            return _encoder.encode(columns)
        told = self._list(first)
        rest = _encoder.encode({key: value for key, value in columns.items() if key != name})
        return b"{%b:[%b]%b%b" % (_encoder.encode(name), told, b"," if len(columns) > 1 else b"", rest[1:])

    def _list(self, items: list[Any]) -> bytes:
        """The items, without the brackets around them."""
        same = len(self._before)
        # The same objects, not equal ones: what is equal may be told otherwise, such as 1 and 1.0.
        if not same or len(items) < same or not all(map(is_, self._before, items)):
            told = _encoder.encode(items)[1:-1]
        elif len(items) > same:
            told = b"%b,%b" % (self._told, _encoder.encode(items[same:])[1:-1])
        else:
            told = self._told
        self._before, self._told = items, told
        return told
