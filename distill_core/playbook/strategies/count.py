"""Exact counts by code alone: how often a word, a phrase or a pattern occurs, how many lines or rows hold
one, or how many lines, words… there are.
"""

from __future__ import annotations

from distill_core.playbook.brief import Brief, Fit
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.counting import Wanted, wanted
from distill_core.playbook.parts.evidence import sentence_at
from distill_core.playbook.parts.reading import as_text, place
from distill_core.playbook.writing import compose

STEPS = """
def counted(whole, any_case):
    pattern = PATTERN or r"\\s+".join(map(re.escape, TERM.split()))
    if whole and not PATTERN:
        pattern = r"(?<!\\w)" + pattern + r"(?!\\w)"
    return re.compile(pattern, (re.IGNORECASE if any_case else 0) | re.MULTILINE)


text, starts = as_text(context)
spans = [match.span() for match in counted(WHOLE_WORD, ANY_CASE).finditer(text)]
total = len(spans)
if UNIT in ("lines", "rows"):
    firsts, last = [], -1  # the first match in each
    ends = [start for start, _ in starts[1:]] + [len(text)] if UNIT == "rows" and starts else []
    at = 0
    for start, end in spans:
        if start <= last:
            continue
        firsts.append((start, end))
        if ends:  # a list or dict: its items are the rows
            while ends[at] <= start:
                at += 1
            last = ends[at] - 1
        else:
            last = text.find("\\n", start)
            last = len(text) if last < 0 else last
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
    if want.unit not in ("occurrences", "lines", "rows"):
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
