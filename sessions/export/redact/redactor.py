"""The redactor of one session: placeholders, counts, and where everything went."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from distill_core.errors import ExportError
from sessions.export.alignment import Alignment, Kept
from sessions.export.redact.glance import Glance, glance


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
        unbroken: or else, so many bytes in a row without white space; None: that tells nothing.
    """

    rest: bytes
    unbroken: int | None = None


class Hinted(msgspec.Struct, frozen=True):
    """A finder with its hint, so that it is asked only where it can find something."""

    find: Finder
    hint: Hint

    def __call__(self, text: str) -> Iterable[Found]:
        """What it finds."""
        return self.find(text)


class _Asked(msgspec.Struct, frozen=True):
    find: Finder
    rest: Callable[[bytes], object]
    unbroken: int | None

    def may_find(self, look: Glance) -> bool:
        """Whether it can find anything."""
        return bool(self.rest(look.rest)) or (self.unbroken is not None and look.unbroken(self.unbroken))


def _asked(finder: Finder) -> _Asked:
    hint = finder.hint if isinstance(finder, Hinted) else Hint(b"")
    return _Asked(finder, re.compile(hint.rest).search, hint.unbroken)


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


@functools.lru_cache(maxsize=8)
def _any_of(hints: tuple[bytes, ...]) -> Callable[[bytes], object]:
    return re.compile(b"|".join(b"(?:%b)" % hint for hint in dict.fromkeys(hints))).search


class Redactor:
    """Redacts the texts of one session; equal things get equal placeholders in all of them.

    Args:
        finders: who looks; where findings overlap, the earlier finder's counts.
    """

    def __init__(self, finders: Sequence[Finder]) -> None:
        self._finders = tuple(map(_asked, finders))
        hints = [finder.hint if isinstance(finder, Hinted) else Hint(b"") for finder in finders]
        self._shows = _any_of(tuple(hint.rest for hint in hints))
        self._unbroken = min((h.unbroken for h in hints if h.unbroken is not None), default=None)
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()
        self._done: dict[str, str] = {}
        self.counts: Counter[str] = Counter()

    def text(self, text: str) -> str:
        """`text` with placeholders."""
        look = glance(text)
        if not self._shows(look.rest) and (self._unbroken is None or not look.unbroken(self._unbroken)):
            return text
        known = self._done.get(text)
        if known is None:
            known = self._redacted(text)[0]
            if len(text) > 200:
                # Long texts recur (each prompt holds those before it); short ones cost less than they take to keep.
                self._done[text] = known
        return known

    def aligned(self, text: str) -> tuple[str, Alignment]:
        """`text` with placeholders, and where its pieces went."""
        redacted, pieces = self._redacted(text)
        return redacted, Alignment(pieces)

    def alignment(self, text: str) -> Alignment:
        """Where the pieces of a text went that has been redacted already: nothing is counted again."""
        counted = self.counts.copy()
        _, alignment = self.aligned(text)
        self.counts = counted
        return alignment

    def _redacted(self, text: str) -> tuple[str, list[Kept]]:
        parts: list[str] = []
        pieces: list[Kept] = []
        at = to = 0
        for found in self._found(text):
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

    def _found(self, text: str) -> Iterator[Found]:
        taken: list[Found] = []
        look = glance(text)
        for finder in self._finders:
            if not finder.may_find(look):
                continue
            for found in finder.find(text):
                if found.end > found.start and not any(
                    found.start < other.end and other.start < found.end for other in taken
                ):
                    taken.append(found)
        yield from sorted(taken, key=lambda found: found.start)

    def _placeholder(self, kind: str, value: str) -> str:
        self.counts[kind] += 1
        name = self._names.get((kind, value))
        if name is None:
            self._numbers[kind] += 1
            name = f"<{kind.upper()}_{self._numbers[kind]}>"
            self._names[kind, value] = name
        return name
