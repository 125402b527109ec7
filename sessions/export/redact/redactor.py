"""The redactor of one session: placeholders, counts, and where everything went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import repeat
from operator import attrgetter

import msgspec

from distill_core.errors import ExportError
from sessions.export.alignment import Alignment, Kept
from sessions.export.redact.glance import Glance, encoded, glance
from sessions.export.redact.sweep import sweep


class Found(msgspec.Struct, frozen=True):
    """Characters `start` to `end` (excluded) of a text are a `kind` of thing: "email", "aws_access_key", …"""

    start: int
    end: int
    kind: str


Finder = Callable[[str], Iterable[Found]]


class Hinted(msgspec.Struct, frozen=True):
    """A finder that is asked only about texts in which it can find something.

    Args:
        shows: tells it by a quick look at a text; it may say so of one in which there is nothing.
        holds: the same of the text itself, where that is quicker than any look at it.
        forms: regular expressions as `sweep` takes them, of which one stands in every text in which it finds something;
            None where they are not known.
    """

    find: Finder
    shows: Callable[[Glance], bool]
    holds: Callable[[str], bool] | None = None
    forms: tuple[str, ...] | None = None

    def __call__(self, text: str) -> Iterable[Found]:
        """What it finds."""
        return self.find(text)


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
                made.append(Hinted(secrets.find, secrets.shows, forms=secrets.FORMS))
            case "email":
                made.append(Hinted(personal.emails, personal.shows_address, personal.holds_address))
            case "card":
                made.append(Hinted(personal.cards, personal.shows_number, forms=personal.NUMBER_FORMS))
            case "phone":
                made.append(Hinted(personal.phones, personal.shows_number, forms=personal.NUMBER_FORMS))
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


def _anything(look: Glance) -> bool:
    return True


Looked = tuple[Finder, Callable[[Glance], bool], Callable[[str], bool] | None]
"""A finder, and what tells of texts in which it can find something."""
_TOGETHER = 24_000
"""Letters of texts that are looked at as one: so many that what a look costs is their length, and so few that one in
which something may be does not make all of them suspicious, and that they stay in a processor's nearest cache."""

_SHORT, _FEW = 24, 200
"""Letters of a text that is remembered from session to session where nothing is found in it, and how many are."""


class Finders:
    """Finders, and what is known of them in all sessions.

    Args:
        finders: who looks; where findings overlap, the earlier one's counts.
    """

    def __init__(self, finders: Sequence[Finder]) -> None:
        self.all: list[Looked] = [
            (one.find, one.shows, one.holds) if isinstance(one, Hinted) else (one, _anything, None)
            for one in finders
        ]
        self.harmless: dict[str, tuple[Looked, ...]] = {}
        """Some short texts, such as names of fields, in which they find nothing."""
        self._asked = [one for one in self.all if one[2] is not None]
        forms = [_forms(one) for one in finders if not (isinstance(one, Hinted) and one.holds)]
        known = [form for some in forms if some is not None for form in some]
        self._sweep = sweep(known) if known and None not in forms else None

    def showing(self, text: str) -> list[Looked]:
        """Those that can find something in a text, or in one of many of which it is made."""
        if self._sweep is not None and not self._sweep(encoded(text)):
            return [one for one in self._asked if one[1](Glance(text))]
        look = Glance(text)
        return [one for one in self.all if one[1](look)]


def _forms(finder: Finder) -> tuple[str, ...] | None:
    return finder.forms if isinstance(finder, Hinted) else None


class Redactor:
    """Redacts the texts of one session; equal things get equal placeholders in all of them.

    Args:
        finders: who looks; where findings overlap, the earlier finder's counts.
    """

    def __init__(self, finders: Sequence[Finder] | Finders) -> None:
        self._finders = finders if isinstance(finders, Finders) else Finders(finders)
        self._expected = self._finders.harmless.copy()
        """Of texts, the finders that can find something in them."""
        self._names: dict[tuple[str, str], str] = {}
        self._numbers: Counter[str] = Counter()
        self._done: dict[str, str] = {}
        self._known: dict[str, str] = {}
        self.counts: Counter[str] = Counter()

    def expect(self, texts: Iterable[str]) -> None:
        """Look at texts that will be asked for many at once, to know which finders need not be asked about which.

        What they are turned into, and in which order things are counted, does not depend on it.
        """
        for together in _together(texts):
            showing = self._finders.showing("\n".join(together))
            told = _told(together, showing) if showing else repeat(())
            self._expected.update(zip(together, told, strict=False))

    def texts(self, texts: Iterable[str]) -> Iterator[str]:
        """Each as `text` gives it, in order: those in which nothing can be are told apart many at once."""
        for together in _together(texts):
            showing = self._finders.showing("\n".join(together))
            if not showing:
                yield from together
                continue
            for text, mine in zip(together, _told(together, showing), strict=True):
                yield self._redacted(text, mine) if mine else text

    def all_texts(self, texts: Iterable[str]) -> list[str]:
        """The same for whoever asks for nothing else in between."""
        done: list[str] = []
        redacted = self._redacted
        for together in _together(texts):
            showing = self._finders.showing("\n".join(together))
            if not showing:
                done += together
                continue
            told = _told(together, showing)
            done += [
                redacted(text, mine) if mine else text for text, mine in zip(together, told, strict=True)
            ]
        return done

    def text(self, text: str) -> str:
        """`text` with placeholders."""
        told = self._expected.get(text)
        return self._redacted(text, told) if told is None or told else text

    def name(self, name: str) -> str:
        """The name of a person or a model: of one only an address, a home folder or a key in it is redacted."""
        known = self._known.get(name)
        if known is None:
            told = self._found(name, self._expected.get(name))
            if not told:
                self._found_nothing(name)
            found = [one for one in told if one.kind in _IN_NAMES]
            known = self._known[name] = _replaced(name, found, self._placeholders(name, found))
        return known

    def leaves(self, name: str) -> bool:
        """Whether nothing at all is redacted in a name."""
        return self._expected.get(name) == () or not self._found(name)

    def _redacted(self, text: str, told: Sequence[Looked] | None) -> str:
        known = self._done.get(text)
        if known is None:
            found = self._found(text, told)
            if not found:
                self._found_nothing(text)
                return text
            known = _replaced(text, found, self._placeholders(text, found))
            # Texts recur: a reply is also the message that the next prompt holds. What is found in short ones is
            # counted each time.
            if len(text) > 200:
                self._done[text] = known
        return known

    def _found_nothing(self, text: str) -> None:
        self._expected[text] = ()
        harmless = self._finders.harmless
        if len(text) <= _SHORT and len(harmless) < _FEW:
            harmless[text] = ()

    def aligned(self, text: str) -> tuple[str, Alignment]:
        """`text` with placeholders, and where its pieces went."""
        found = self._found(text)
        placeholders = self._placeholders(text, found)
        return _replaced(text, found, placeholders), Alignment(list(_pieces(text, found, placeholders)))

    def alignment(self, text: str) -> Alignment:
        """Where the pieces of a text went that has been redacted already: nothing is counted again."""
        counted = self.counts.copy()
        _, alignment = self.aligned(text)
        self.counts = counted
        return alignment

    def _found(self, text: str, told: Sequence[Looked] | None = None) -> list[Found]:
        """What is found in a text, by those who are told to find something in it; default whoever can."""
        if told is None:
            look = glance(text)
            told = [one for one in self._finders.all if one[1](look)]
        taken: list[Found] = []
        end = 0
        for find, _, _ in told:
            for found in find(text):
                start, stop = found.start, found.end
                if stop > start and (start >= end or not _overlaps(found, taken)):
                    taken.append(found)
                    if stop > end:
                        end = stop
        if len(taken) > 1:
            taken.sort(key=_start)
        return taken

    def _placeholders(self, text: str, all_found: list[Found]) -> list[str]:
        placeholders = []
        for found in all_found:
            kind = found.kind
            thing = kind, text[found.start : found.end]
            self.counts[kind] += 1
            name = self._names.get(thing)
            if name is None:
                self._numbers[kind] += 1
                name = self._names[thing] = f"<{kind.upper()}_{self._numbers[kind]}>"
            placeholders.append(name)
        return placeholders


_start = attrgetter("start")
_IN_NAMES = ("key", "secret", "email", "home")


def _told(together: Sequence[str], showing: Sequence[Looked]) -> list[tuple[Looked, ...]]:
    """For each of some texts, those of the finders that can find something in it."""
    if len(showing) > 1:
        return [tuple([one for one in showing if one[1](look)]) for look in map(Glance, together)]
    ((_, shows, holds),) = only = tuple(showing)
    found = map(holds, together) if holds is not None else map(shows, map(Glance, together))
    return [only if there else () for there in found]


def _together(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in order, so many at a time as are looked at as one."""
    together: list[str] = []
    size = 0
    for text in texts:
        together.append(text)
        size += len(text)
        if size >= _TOGETHER:
            yield together
            together, size = [], 0
    if together:
        yield together


def _overlaps(found: Found, others: list[Found]) -> bool:
    return any(found.start < other.end and other.start < found.end for other in others)


def _replaced(text: str, all_found: list[Found], placeholders: list[str]) -> str:
    if len(all_found) == 1:  # as mostly; the text is copied once
        (found,) = all_found
        return f"{text[: found.start]}{placeholders[0]}{text[found.end :]}"
    parts: list[str] = []
    at = 0
    for found, placeholder in zip(all_found, placeholders, strict=True):
        parts += text[at : found.start], placeholder
        at = found.end
    return "".join([*parts, text[at:]])


def _pieces(text: str, all_found: list[Found], placeholders: list[str]) -> Iterator[Kept]:
    """Where the pieces of `text` stand once they are replaced."""
    at = to = 0
    for found, placeholder in zip(all_found, placeholders, strict=True):
        yield Kept(at, found.start, to)
        to += found.start - at
        yield Kept(found.start, found.end, to, len(placeholder))
        to += len(placeholder)
        at = found.end
    yield Kept(at, len(text), to)
