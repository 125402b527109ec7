"""Reading a question for an exact count: what it wants counted, and whether code alone can count it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

Unit: TypeAlias = Literal[
    "occurrences", "lines", "lines in all", "words in all", "characters in all", "items in all"
]

_NOUN = (
    r"(?P<noun>words?|phrases?|terms?|strings?|substrings?|names?|tokens?|expressions?|characters?|letters?)"
)
_QUOTED = (
    r"""(?:["“”«](?P<double>[^"“”«»]+)["”»]|(?<!\w)['‘`](?P<single>[^'‘’`]+(?:['’]\w[^'‘’`]*)*)['’`](?!\w))"""
)
_OCCURS = r"(?:occurs?|appears?|is (?:used|mentioned|found|written)|comes? up|shows? up|found|mentioned|used)"
_LINES = r"\b(?:how many|number of|count the) lines\b"

_ASKS = re.compile(
    r"how (?:many times|often|frequently)|\b(?:number|count|total) of (?:times|occurrences|appearances|mentions)"
    rf"|\bcount\b|\boccurrences of\b|\bhow many (?:occurrences|mentions|instances)|{_LINES}",
    re.I,
)
_IN_ALL = re.compile(
    r"how many (?P<unit>lines|words|characters|items|entries|rows|keys|documents)"
    r" (?:are there|are in|does|do)\b(?! contain)",
    re.I,
)
_ALL: dict[str, Unit] = {
    "lines": "lines in all",
    "words": "words in all",
    "characters": "characters in all",
}
_PATTERN = re.compile(
    r"\b(?:regex|regexp|regular expression|pattern)\s+[`/\"“'](?P<pattern>.+?)[`/\"”'](?=[\s?.,)]|$)", re.I
)
_TERMS = (
    re.compile(rf"\b{_NOUN}\s+(?!{_OCCURS})(?P<term>[\w'’-]+)", re.I),
    re.compile(
        rf"how (?:many times|often|frequently) (?:does|do|did|is|are|was|were) (?:the )?(?P<term>.+?) {_OCCURS}\b",
        re.I,
    ),
    re.compile(r"(?:occurrences|mentions|instances|appearances) of (?:the )?(?P<term>[\w'’-]+)", re.I),
    re.compile(r"lines (?:contain|have|mention|include)(?:ing)? (?:the )?(?P<term>[\w'’-]+)", re.I),
)
_WHOLE_DOCUMENT = r"(?:this|the (?:\w+ )?(?:text|document|book|file|context|report|article|whole|entire))\b"
_PART_OF_DOCUMENT = re.compile(
    rf"{_OCCURS}[\"”'’]?,? (?:with)?in (?!all\b|total\b|it\b|lower|upper|any\b|{_WHOLE_DOCUMENT})"
    r"|\bin (?:the )?(?:first|last|second|third|chapter|section|part|verse|paragraph|page)\b",
    re.I,
)
_INSIDE_WORDS = re.compile(
    r"\bsubstring|\bpart of (?:a|another|longer) words?|\binside (?:other|longer) words|\bnot whole", re.I
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to count.

    Args:
        unit: what makes one.
        term: a word or phrase, as it stands.
        pattern: a regular expression instead.
        whole: not inside longer words.
        any_case: upper and lower case alike.
    """

    unit: Unit = "occurrences"
    term: str = ""
    pattern: str = ""
    whole: bool = True
    any_case: bool = True


def wanted(question: str) -> Wanted | None:
    """What the question wants counted; None where it asks for no count, or for one that takes understanding.

    A count within a part of the document (a chapter, say) is such a one: code cannot tell where that is.
    """
    quoted = list(re.finditer(rf"(?:{_NOUN}\s+)?{_QUOTED}", question, re.I))
    in_all = _IN_ALL.search(question)
    if in_all and not quoted:
        return Wanted(unit=_ALL.get(in_all["unit"].lower(), "items in all"))
    if not _ASKS.search(question) or _PART_OF_DOCUMENT.search(question):
        return None
    unit: Unit = "lines" if re.search(_LINES, question, re.I) else "occurrences"
    any_case = _any_case(question)
    pattern = _PATTERN.search(question)
    if pattern:
        return Wanted(unit=unit, pattern=pattern["pattern"], any_case=any_case)
    if len(quoted) > 1:
        return _one_of(quoted, question, unit, any_case)
    match = quoted[0] if quoted else next((m for m in (p.search(question) for p in _TERMS) if m), None)
    if match is None:
        return None
    parts = match.groupdict()
    term = parts.get("double") or parts.get("single") or parts.get("term") or ""
    return Wanted(
        unit=unit,
        term=" ".join(term.split()),
        whole=_whole(question, parts.get("noun") or "word"),
        any_case=any_case,
    )


def _one_of(quoted: list[re.Match[str]], question: str, unit: Unit, any_case: bool) -> Wanted | None:
    """Several quoted terms count together where "or" stands between them; otherwise it is not clear what is meant."""
    between = [question[a.end() : b.start()] for a, b in pairwise(quoted)]
    if (
        not all(re.fullmatch(r",?\s*(?:or)?(?: the)?\s*", words) for words in between)
        or "or" not in between[-1]
    ):
        return None
    terms = [(m["double"] or m["single"]).split() for m in quoted]
    joined = "|".join(r"\s+".join(map(re.escape, words)) for words in terms)
    edges = (r"(?<!\w)", r"(?!\w)") if _whole(question, quoted[0]["noun"] or "word") else ("", "")
    return Wanted(unit=unit, pattern=f"{edges[0]}(?:{joined}){edges[1]}", any_case=any_case)


def _any_case(question: str) -> bool:
    if re.search(r"\bcase[- ]?insensitiv|\b(?:not|non)[- ]case[- ]?sensitiv|\bignor\w+ case", question, re.I):
        return True
    return not re.search(r"\bcase[- ]?sensitiv|\bexact case|\bmatching case", question, re.I)


def _whole(question: str, noun: str) -> bool:
    if _INSIDE_WORDS.search(question):
        return False
    if re.search(r"\bwhole[- ]?words?\b", question, re.I):
        return True
    return noun.lower().rstrip("s") not in ("string", "substring", "character", "letter")
