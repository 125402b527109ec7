"""Reading a question for an exact count: what it wants counted, and whether code alone can count it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Literal, TypeAlias

import msgspec

Unit: TypeAlias = Literal[
    "occurrences", "lines", "rows", "lines in all", "words in all", "characters in all", "items in all"
]

_NOUN = (
    r"(?P<noun>words?|phrases?|terms?|strings?|substrings?|names?|tokens?|expressions?|characters?|letters?)"
)
_QUOTED = (
    r"""(?:["“”«「『](?P<double>[^"“”«»「」『』]+)["”»」』]"""
    r"""|(?<!\w)['‘`](?P<single>[^'‘’`]+(?:['’]\w[^'‘’`]*)*)['’`](?!\w))"""
)
_OCCURS = r"(?:occurs?|appears?|is (?:used|mentioned|found|written)|comes? up|shows? up|found|mentioned|used)"
_LINES = r"\b(?:how many|number of|count the) lines\b"
_ROWS = (
    r"\b(?:how many|number of|count the) (?:rows|records|entries) (?:that |which )?"
    r"(?:have|has|hold|contain|mention|include|with|having|containing|mentioning)\b"
)
_TIMES_IN_CJK = (
    r"(?:何回|何度|何箇所|出現回数|[几幾]次|多少次|[几幾]回|出现次数|出現次數|몇\s?번|몇\s?회|몇\s?차례)"
)
_OCCURS_IN_CJK = (
    r"(?:出て|現れ|出現|登場|使わ|使用|書かれ|含ま|言及|出现|提到|提及|나오|나온|나타|등장|언급|사용|쓰이)"
)

_ASKS = re.compile(
    r"how (?:many times|often|frequently)|\b(?:number|count|total) of (?:times|occurrences|appearances|mentions)"
    rf"|\bcount\b|\boccurrences of\b|\bhow many (?:occurrences|mentions|instances)|{_LINES}|{_ROWS}"
    rf"|{_TIMES_IN_CJK}.*{_OCCURS_IN_CJK}|{_OCCURS_IN_CJK}.*{_TIMES_IN_CJK}",
    re.I | re.S,
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
_ROW_TERM = re.compile(
    r"(?:the )?(?:(?:name|word|term|string|text|value)|\w+ (?=[\w-]*\d|[A-Z]))\s*"
    r"(?P<term>(?![\d.,]+\b)[\w'’-]+)[\s?.]*$"
)
_COMPARES = re.compile(
    r"\b(?:than|above|below|over|under|between|before|after|greater|less|more|fewer|higher|lower|larger|smaller"
    r"|least|most|same|not|no|without|missing|empty|and|start|starts|starting|end|ends|ending|begin|beginning)\b",
    re.I,
)
_WHOLE_DOCUMENT = r"(?:this|the (?:\w+ )?(?:text|document|book|file|context|report|article|whole|entire))\b"
_PART_OF_DOCUMENT = re.compile(
    rf"{_OCCURS}[\"”'’]?,? (?:with)?in (?!all\b|total\b|it\b|lower|upper|any\b|{_WHOLE_DOCUMENT})"
    r"|\bin (?:the )?(?:first|last|second|third|chapter|section|part|verse|paragraph|page)\b"
    r"|第[\d一二三四五六七八九十百]+[章节節段页頁回幕部話]|最初の|最後の|第一|최초|첫|마지막|제\s?\d+\s?[장절]",
    re.I,
)
_INSIDE_WORDS = re.compile(
    r"\bsubstring|\bpart of (?:a|another|longer) words?|\binside (?:other|longer) words|\bnot whole", re.I
)


# Scripts that write no space between words, or, as Korean, join particles to them.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
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
    rows = re.search(_ROWS, question, re.I)
    if rows:
        return _rows(question[rows.end() :], _any_case(question))
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
        whole=_whole(question, parts.get("noun") or "word", term),
        any_case=any_case,
    )


def _rows(condition: str, any_case: bool) -> Wanted | None:
    """What rows should hold, where that is one text that stands in them; conditions on values take understanding."""
    quoted = re.fullmatch(
        rf"(?:[^\w\"'“‘`]|the|a|an|name|word|phrase|term|string|text|value)*{_QUOTED}[\s?.]*", condition, re.I
    )
    found = quoted or _ROW_TERM.fullmatch(condition.strip())
    if not found or (not quoted and _COMPARES.search(condition)):
        return None
    parts = found.groupdict()
    term = " ".join((parts.get("double") or parts.get("single") or parts.get("term") or "").split())
    return Wanted(unit="rows", term=term, whole=_whole(condition, "word", term), any_case=any_case)


def _one_of(quoted: list[re.Match[str]], question: str, unit: Unit, any_case: bool) -> Wanted | None:
    """Several quoted terms count together where "or" stands between them; otherwise it is not clear what is meant."""
    between = [question[a.end() : b.start()] for a, b in pairwise(quoted)]
    if (
        not all(re.fullmatch(r",?\s*(?:or)?(?: the)?\s*", words) for words in between)
        or "or" not in between[-1]
    ):
        return None
    terms = [(m["double"] or m["single"]).split() for m in quoted]
    noun = quoted[0]["noun"] or "word"
    joined = "|".join(r"\s+".join(map(re.escape, words)) for words in terms)
    whole = all(_whole(question, noun, " ".join(words)) for words in terms)
    edges = (r"(?<!\w)", r"(?!\w)") if whole else ("", "")
    return Wanted(unit=unit, pattern=f"{edges[0]}(?:{joined}){edges[1]}", any_case=any_case)


def _any_case(question: str) -> bool:
    if re.search(r"\bcase[- ]?insensitiv|\b(?:not|non)[- ]case[- ]?sensitiv|\bignor\w+ case", question, re.I):
        return True
    return not re.search(r"\bcase[- ]?sensitiv|\bexact case|\bmatching case", question, re.I)


def _whole(question: str, noun: str, term: str) -> bool:
    if _UNSPACED.search(term) or _INSIDE_WORDS.search(question):
        return False
    if re.search(r"\bwhole[- ]?words?\b", question, re.I):
        return True
    return noun.lower().rstrip("s") not in ("string", "substring", "character", "letter")
