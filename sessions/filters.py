"""The filter that lists, statistics, exports and the review queue share: words a person types, and what they select.

    model:llama label:good rating:>=4 errors:0 cost:<0.5 date:2026-03..2026-04 -status:failed unreviewed "worker_batch"

`key:value` words select by a column, a `-` before one turns it round, everything else is searched for in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeAlias

import msgspec

from distill_core.errors import StoreError
from sessions.bundled import example_names

Sql: TypeAlias = tuple[str, tuple[Any, ...]]
"""A condition on `sessions`, and its parameters."""


class Term(msgspec.Struct, frozen=True):
    """One `key:value` word; `negated` where a `-` stands before it."""

    key: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        value = f'"{self.value}"' if re.search(r"[\s\"']", self.value) else self.value
        word = self.key if self.key in FLAGS and not self.value else f"{self.key}:{value}"
        return f"-{word}" if self.negated else word


class Filter(msgspec.Struct, frozen=True):
    """What to select: every term holds, every word of `text` is found, and none of what is `without`."""

    terms: tuple[Term, ...] = ()
    text: str = ""
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        texts = [*([self.text] if self.text else []), *(f"-{text}" for text in self.without)]
        return " ".join([*map(str, self.terms), *texts])

    def with_term(self, key: str, value: str = "", *, negated: bool = False) -> Filter:
        """The filter with one more term."""
        return msgspec.structs.replace(self, terms=(*self.terms, Term(key, value, negated)))

    def without_examples(self) -> Filter:
        """The filter without the sessions that come with the program, unless it names those, or a session."""
        named = any(
            (term.key == "id" and not term.negated) or (term.key == "kind" and term.value.lower() == EXAMPLE)
            for term in self.terms
        )
        return self if named else self.with_term("kind", EXAMPLE, negated=True)

    def where(self) -> Sql:
        """The terms as one SQL condition; the texts are not part of it."""
        parts: list[str] = []
        values: list[Any] = []
        for term in self.terms:
            part, given = _condition(term)
            parts.append(f"not coalesce(({part}), 0)" if term.negated else f"({part})")
            values += given
        return " and ".join(parts) or "1", tuple(values)


def parse(words: str) -> Filter:
    """The filter that a person typed.

    Raises:
        StoreError: a key is unknown, or a value is not what its key takes.
    """
    terms: list[Term] = []
    text: list[str] = []
    without: list[str] = []
    for word in _words(words):
        term = _term(word)
        if term is not None:
            _condition(term)
            terms.append(term)
        elif _TURNED_ROUND.match(word):
            without.append(word[1:])
        else:
            text.append(word)
    return Filter(tuple(terms), " ".join(text), tuple(without))


_TURNED_ROUND = re.compile(r'-(?:"|[^\W\d])')
"""Words that are not to be found. Code has `-1` and `--flag`, which are searched for."""

_WORD = re.compile(r'(?:[^\s"]+|"[^"]*"?)+')


def _words(words: str) -> list[str]:
    return _WORD.findall(words)


def _term(word: str) -> Term | None:
    negated = word.startswith("-") and len(word) > 1
    bare = word[1:] if negated else word
    if bare.lower() in FLAGS:
        return Term(bare.lower(), "", negated)
    key, colon, value = bare.partition(":")
    if not colon or not re.fullmatch(r"[a-z_]+", key.lower()) or value.startswith("//"):
        return None
    if key.lower() not in KEYS:
        raise StoreError(f"there is no filter {key}:", remedy="known are " + ", ".join(f"{k}:" for k in KEYS))
    return Term(key.lower(), value.strip('"'), negated)


# ---------------------------------------------------------------- conditions


def _equal(column: str) -> Callable[[str], Sql]:
    return lambda value: (f"{column} = ? collate nocase", (value,))


def _part(*columns: str) -> Callable[[str], Sql]:
    """The value stands somewhere in one of the columns."""

    def condition(value: str) -> Sql:
        pattern = "%" + re.sub(r"([%_\\])", r"\\\1", value) + "%"
        return " or ".join(f"{c} like ? escape '\\'" for c in columns), (pattern,) * len(columns)

    return condition


def _number(column: str) -> Callable[[str], Sql]:
    def condition(value: str) -> Sql:
        if value in ("none", "any"):
            return f"{column} is {'' if value == 'none' else 'not '}null", ()
        first, dots, last = value.partition("..")
        found = re.fullmatch(r"(>=|<=|>|<|=)?(.+)", first)
        try:
            if found is None:
                raise ValueError
            if dots:
                return f"{column} between ? and ?", (float(first), float(last))
            return f"{column} {found[1] or '='} ?", (float(found[2]),)
        except ValueError:
            raise StoreError(
                f"{value!r} is no number to filter by", remedy="write 3, >=3, <0.5, 1..4, none or any"
            ) from None

    return condition


def _date(column: str) -> Callable[[str], Sql]:
    def condition(value: str) -> Sql:
        found = re.fullmatch(r"(>=|<=|>|<)?(.*?)(?:\.\.(.*))?", value)
        assert found is not None
        sign, first, last = found.groups()
        begin, end = _days(first, value)
        if last is not None:
            end = _days(last, value)[1]
        match sign:
            case ">=":
                return f"{column} >= ?", (begin,)
            case ">":
                return f"{column} >= ?", (end,)
            case "<":
                return f"{column} < ?", (begin,)
            case "<=":
                return f"{column} < ?", (end,)
        return f"{column} >= ? and {column} < ?", (begin, end)

    return condition


def _today() -> date:
    """The day that it is in UTC, as sessions are dated."""
    return datetime.now(UTC).date()


def _days(text: str, whole: str) -> tuple[str, str]:
    """First day of a year, month or day, and the first after it. "7d" is the last seven days, today included."""
    try:
        if re.fullmatch(r"\d+d", text):
            return str(_today() - timedelta(days=int(text[:-1]) - 1)), str(_today() + timedelta(days=1))
        if text == "today":
            return str(_today()), str(_today() + timedelta(days=1))
        if re.fullmatch(r"\d{4}", text):
            return f"{text}-01-01", f"{int(text) + 1:04}-01-01"
        if re.fullmatch(r"\d{4}-\d\d", text):
            begin = date.fromisoformat(f"{text}-01")
            return str(begin), str((begin + timedelta(days=31)).replace(day=1))
        begin = date.fromisoformat(text)
        return str(begin), str(begin + timedelta(days=1))
    except (ValueError, OverflowError):
        raise StoreError(
            f"{whole!r} is no date to filter by",
            remedy="write 2026, 2026-03, 2026-03-01, >=2026-03-01, 2026-03..2026-04, today or 7d",
        ) from None


EXAMPLE = "example"
"""The kind by which a filter selects the sessions that come with the program."""


def _kind(value: str) -> Sql:
    """As it is recorded, or whether a session came with the program (see `bundled`)."""
    if value.lower() != EXAMPLE:
        return _equal("kind")(value)
    names = example_names()
    among = f"in ({', '.join('?' * len(names))})"
    numbered = "rtrim(rtrim(session_id, '0123456789'), '.')"
    return f"session_id {among} or (session_id like '%.%' and {numbered} {among})", (*names, *names)


def _label(value: str) -> Sql:
    if value in ("none", "any"):
        return f"labels {'=' if value == 'none' else '!='} '[]'", ()
    return "exists (select 1 from json_each(labels) where value = ? collate nocase)", (value,)


def _decided_by(value: str) -> Sql:
    return "id in (select session from decisions where by = ?)", (value,)


def _unreviewed(value: str) -> Sql:
    """By anybody, or by one person."""
    if not value:
        return "annotations = 0", ()
    return "id not in (select session from annotations where counts and by = ?)", (value,)


def _errors(value: str) -> Sql:
    return _number("errors + failed_calls")(value)


def _fork(value: str) -> Sql:
    return ("parent = ?", (value,)) if value else ("parent not null", ())


KEYS: dict[str, Callable[[str], Sql]] = {
    "kind": _kind,
    "status": _equal("status"),
    "model": _part("supervisor", "worker"),
    "supervisor": _part("supervisor"),
    "worker": _part("worker"),
    "document": _part("document_name", "document"),
    "label": _label,
    "rating": _number("rating"),
    "by": _decided_by,
    "reviewer": lambda value: (
        "id in (select session from annotations where counts and by = ?)",
        (value,),
    ),
    "unreviewed": _unreviewed,
    "errors": _errors,
    "edits": _number("edits"),
    "steps": _number("steps"),
    "calls": _number("worker_calls"),
    "tokens": _number("tokens"),
    "cost": _number("cost"),
    "seconds": _number("elapsed"),
    "date": _date("started"),
    "parent": _fork,
    "id": _part("session_id"),
}
"""The keys, and the condition that a value of each stands for."""

FLAGS = {"unreviewed", "fork"}
"""Keys that may stand without a value."""


def _condition(term: Term) -> Sql:
    if term.key == "fork":
        return _fork("")
    return KEYS[term.key](term.value)
