"""The redactor of one session: placeholders, counts, and where everything went."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import msgspec

from distill_core.errors import ExportError
from sessions.export.alignment import Alignment, Kept
from sessions.export.redact.glance import glance


class Found(msgspec.Struct, frozen=True):
    """Characters `start` to `end` (excluded) of a text are a `kind` of thing: "email", "aws_access_key", …"""

    start: int
    end: int
    kind: str


Finder = Callable[[str], Iterable[Found]]


class Hint(msgspec.Struct, frozen=True):
    """What a text must show at a glance for a finder to find anything; it may show it and hold nothing.

    Args:
        rest: a regular expression that matches in what is left of the text.
        keylike: or else, so many bytes in a row that keys are made of; 0: that tells nothing.
    """

    rest: bytes
    keylike: int = 0


class Hinted(msgspec.Struct, frozen=True):
    """A finder with its hint, so that it is asked only where it can find something."""

    find: Finder
    hint: Hint

    def __call__(self, text: str) -> Iterable[Found]:
        """What it finds."""
        return self.find(text)


def _hinted(finder: Finder) -> Hinted:
    return finder if isinstance(finder, Hinted) else Hinted(finder, Hint(b""))


KINDS = ("keys", "secrets", "email", "card", "phone", "home")
"""What is looked for unless a person says otherwise; "presidio" comes on top where it is installed."""


def make_finders(
    kinds: Sequence[str], *, keys: Iterable[str] = (), homes: Iterable[str] = ()
) -> list[Finder]:
    """Finders of `kinds`, those first whose findings go before others'.

    Args:
        keys: the configured keys themselves.
        homes: home folders of this machine, beside the usual places of homes.

    Raises:
        ExportError: there is no such kind, or its library is missing.
    """
    from sessions.export.redact import personal, secrets

    made: list[Finder] = []
    for kind in sorted(
        set(kinds), key=lambda k: (*KINDS, "presidio").index(k) if k in (*KINDS, "presidio") else -1
    ):
        match kind:
            case "keys":
                made.append(secrets.of_keys(keys))
            case "secrets":
                made.append(Hinted(secrets.find, secrets.HINT))
            case "email":
                made.append(Hinted(personal.emails, personal.AT_SIGN))
            case "card":
                made.append(Hinted(personal.cards, personal.DIGITS))
            case "phone":
                made.append(Hinted(personal.phones, personal.DIGITS))
            case "home":
                made.append(personal.of_homes(homes))
            case "presidio":
                from sessions.export.redact import presidio

                made.append(presidio.finder())
            case _:
                raise ExportError(
                    "no such kind of redaction",
                    found=kind,
                    remedy="one of " + ", ".join((*KINDS, "presidio")),
                )
    return made


@functools.lru_cache(maxsize=32)
def _any_of(hints: tuple[bytes, ...]) -> Callable[[bytes], object]:
    return re.compile(b"|".join(b"(?:%b)" % hint for hint in dict.fromkeys(hints))).search


class Redactor:
    """Redacts the texts of one session; equal things get equal placeholders in all of them.

    Args:
        finders: who looks; where findings overlap, the earlier finder's counts.
    """

    def __init__(self, finders: Sequence[Finder]) -> None:
        hinted = [_hinted(finder) for finder in finders]
        hints = [finder.hint for finder in hinted]
        self._finders = [(one.find, _any_of((one.hint.rest,)), one.hint.keylike) for one in hinted]
        self._shows = _any_of(tuple(hint.rest for hint in hints))
        self._keylike = min((hint.keylike for hint in hints if hint.keylike), default=0)
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()
        self._done: dict[str, str] = {}
        self.counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """`text` with placeholders."""
        look = glance(text)
        if not self._shows(look.rest) and not (self._keylike and look.keylike(self._keylike)):
            return text
        known = self._done.get(text)
        if known is None:
            found = self._found(text)
            if not found:
                return text
            known = self._redacted(text, found)[0]
            if len(text) > 200:
                # Long texts recur (each prompt holds those before it); short ones cost less than they take to keep.
                self._done[text] = known
        return known

    def aligned(self, text: str) -> tuple[str, Alignment]:
        """`text` with placeholders, and where its pieces went."""
        redacted, pieces = self._redacted(text, self._found(text))
        return redacted, Alignment(pieces)

    def alignment(self, text: str) -> Alignment:
        """Where the pieces of a text went that has been redacted already: nothing is counted again."""
        counted = self.counts.copy()
        _, alignment = self.aligned(text)
        self.counts = counted
        return alignment

    def _redacted(self, text: str, all_found: list[Found]) -> tuple[str, list[Kept]]:
        parts: list[str] = []
        pieces: list[Kept] = []
        at = to = 0
        for found in all_found:
            parts.append(text[at : found.start])
            pieces.append(Kept(at, found.start, to))
            to += found.start - at
            placeholder = self._placeholder(found.kind, text[found.start : found.end])
            parts.append(placeholder)
            pieces.append(Kept(found.start, found.end, to, len(placeholder)))
            to += len(placeholder)
            at = found.end
        pieces.append(Kept(at, len(text), to))
        if not parts:
            return text, pieces
        parts.append(text[at:])
        return "".join(parts), pieces

    def _found(self, text: str) -> list[Found]:
        taken: list[Found] = []
        look = glance(text)
        for find, shows, keylike in self._finders:
            if not shows(look.rest) and not (keylike and look.keylike(keylike)):
                continue
            for found in find(text):
                if found.end > found.start and not any(
                    found.start < other.end and other.start < found.end for other in taken
                ):
                    taken.append(found)
        return sorted(taken, key=lambda found: found.start)

    def _placeholder(self, kind: str, value: str) -> str:
        self.counts[kind] += 1
        name = self._names.get((kind, value))
        if name is None:
            self._numbers[kind] += 1
            name = f"<{kind.upper()}_{self._numbers[kind]}>"
            self._names[kind, value] = name
        return name
