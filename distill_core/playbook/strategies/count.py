"""Exact counts by code alone: how often a word, a phrase or a pattern occurs, or how many lines, words… there are."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import msgspec

from distill_core.playbook.brief import Brief, Fit
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.parts.evidence import sentence_at
from distill_core.playbook.parts.reading import as_text, place
from distill_core.playbook.writing import compose

Unit: TypeAlias = Literal[
    "occurrences", "lines", "lines in all", "words in all", "characters in all", "items in all"
]

_QUOTED = r"""["“”«'‘`](?P<quoted>[^"”»'’`]+?)["”»'’`]"""
_NOUN = (
    r"(?P<noun>words?|phrases?|terms?|strings?|substrings?|names?|tokens?|expressions?|characters?|letters?)"
)
_ASKS = re.compile(
    r"how (many times|often|frequently)|\b(number|count|total) of (times|occurrences|appearances|mentions)"
    r"|\bcount\b|\boccurrences of\b|\bhow many (occurrences|mentions|instances|lines (contain|have|mention|include))",
    re.I,
)
_OCCURS = r"(?:occurs?|appears?|is (?:used|mentioned|found|written)|comes? up|shows? up|found|mentioned|used)"
_BARE_TERM = (
    re.compile(rf"\b{_NOUN}\s+(?P<term>[\w'’-]+)", re.I),
    re.compile(
        rf"how (?:many times|often|frequently) (?:does|do|did|is|are|was|were) (?:the )?(?P<term>.+?) {_OCCURS}\b",
        re.I,
    ),
    re.compile(r"(?:occurrences|mentions|instances|appearances) of (?:the )?(?P<term>[\w'’-]+)", re.I),
    re.compile(r"lines (?:contain|have|mention|include)(?:ing)? (?:the )?(?P<term>[\w'’-]+)", re.I),
)
_IN_ALL = re.compile(
    r"how many (?P<unit>lines|words|characters|items|entries|rows|keys|documents)"
    r" (?:are there|are in|does|do)\b(?! contain)",
    re.I,
)
_PATTERN = re.compile(
    r"\b(?:regex|regexp|regular expression|pattern)\s+[`/\"“'](?P<pattern>.+?)[`/\"”'](?=[\s?.,)]|$)", re.I
)


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What to count: `pattern` as a regular expression, or `term` as it stands."""

    unit: Unit = "occurrences"
    term: str = ""
    pattern: str = ""
    whole: bool = True
    any_case: bool = True


def wanted(question: str) -> Wanted | None:
    """What the question wants counted; None where it does not ask for a count that code alone can give."""
    any_case = not re.search(r"\bcase[- ]?sensitiv|\bexact case|\bmatching case", question, re.I) or bool(
        re.search(r"\b(not|in|non-?)[- ]?case[- ]?sensitiv|case[- ]?insensitiv", question, re.I)
    )
    in_all = _IN_ALL.search(question)
    units: dict[str, Unit] = {
        "lines": "lines in all",
        "words": "words in all",
        "characters": "characters in all",
    }
    if in_all and not re.search(_QUOTED, question):
        return Wanted(unit=units.get(in_all["unit"].lower(), "items in all"))
    if not _ASKS.search(question):
        return None
    unit: Unit = (
        "lines" if re.search(r"\b(how many|number of|count the) lines\b", question, re.I) else "occurrences"
    )
    pattern = _PATTERN.search(question)
    if pattern:
        return Wanted(unit=unit, pattern=pattern["pattern"], any_case=any_case)
    quoted = re.search(rf"(?:{_NOUN}\s+)?{_QUOTED}", question, re.I)
    bare = next((m for m in (p.search(question) for p in _BARE_TERM) if m), None)
    if quoted is None and bare is None:
        return None
    term = quoted["quoted"] if quoted else bare["term"] if bare else ""
    noun = (quoted or bare).groupdict().get("noun") or "word"  # type: ignore[union-attr]
    part = re.search(
        r"\bsubstring|\bpart of (a|another|longer) word|\binside (other|longer) words|\bnot whole",
        question,
        re.I,
    )
    whole = bool(re.search(r"\bwhole[- ]?words?\b", question, re.I)) or not (
        part or noun.lower().rstrip("s") in ("string", "substring", "character", "letter")
    )
    return Wanted(unit=unit, term=" ".join(term.split()), whole=whole and not part, any_case=any_case)


STEPS = """
def counted(whole, any_case):
    pattern = PATTERN or r"\\s+".join(map(re.escape, TERM.split()))
    if whole and not PATTERN:
        pattern = r"(?<!\\w)" + pattern + r"(?!\\w)"
    return re.compile(pattern, (re.IGNORECASE if any_case else 0) | re.MULTILINE)


text, starts = as_text(context)
spans = [match.span() for match in counted(WHOLE_WORD, ANY_CASE).finditer(text)]
total = len(spans)
if UNIT == "lines":
    firsts, line_end = [], -1  # the first match on each line
    for start, end in spans:
        if start > line_end:
            firsts.append((start, end))
            line_end = text.find("\\n", start)
            line_end = len(text) if line_end < 0 else line_end
    spans, total = firsts, len(firsts)
print(f"{total:,} {UNIT} of {PATTERN or TERM!r} (whole word: {WHOLE_WORD}, any case: {ANY_CASE})")
if not PATTERN:
    for whole in (True, False):
        for any_case in (True, False):
            others = sum(1 for _ in counted(whole, any_case).finditer(text))
            print(f"  occurrences with whole word {whole}, any case {any_case}: {others:,}")
for start, end in spans[:8]:
    left, right = sentence_at(text, start, end)
    quote = " ".join(text[left:right].split())
    print(f"- “{quote[:160]}” ({place(start, starts)})")
print("PLAYBOOK", json.dumps({"did": "count", "total": total, "next": ""}))
FINAL(total)
"""

STEPS_IN_ALL = """
text, starts = as_text(context)
sizes = {
    "lines in all": len(text.splitlines()),
    "words in all": sum(1 for _ in re.finditer(r"\\S+", text)),
    "characters in all": len(text),
    "items in all": len(starts) or len(text.splitlines()),
}
total = sizes[UNIT]
print(sizes)
print("PLAYBOOK", json.dumps({"did": "count", "total": total, "next": ""}))
FINAL(total)
"""


def write(brief: Brief) -> str:
    """The program: one cell that counts, shows where, and answers with the bare number."""
    want = wanted(brief.question) or Wanted()
    about = "Count with a regular expression over the whole document. Asks no worker."
    unit: tuple[str, object, str] = ("UNIT", want.unit, "what is counted")
    if want.unit not in ("occurrences", "lines"):
        return compose("count", about, settings=[unit], parts=[as_text], steps=STEPS_IN_ALL)
    settings = [
        unit,
        ("TERM", want.term, "the word or phrase; a space in it matches a line break too"),
        ("PATTERN", want.pattern, "a regular expression to count instead of TERM"),
        ("WHOLE_WORD", want.whole, "False counts it inside longer words too"),
        ("ANY_CASE", want.any_case, "False tells upper from lower case"),
    ]
    return compose("count", about, settings=settings, parts=[as_text, place, sentence_at], steps=STEPS)


def fits(brief: Brief) -> Fit | None:
    """Fits where the question names what to count."""
    want = wanted(brief.question)
    if want is None:
        return None
    what = want.pattern or want.term or want.unit
    return Fit(1.0, f"the question asks for an exact count ({what!r}), which code gives without a worker")


STRATEGY = Strategy(
    name="count",
    description="count a word, phrase or pattern exactly, by code alone",
    fits=fits,
    write=write,
)
