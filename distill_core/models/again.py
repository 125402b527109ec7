"""A request that is made again: how far that has come, for whoever waits for the reply."""

from __future__ import annotations

import msgspec


class Again(msgspec.Struct, frozen=True, order=True):
    """No answer that counts came (refused, too busy, cut off): retry number `retry` of `most` is made or waited for."""

    retry: int
    most: int
