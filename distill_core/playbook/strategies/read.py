"""A small document, read whole in one worker call."""

from __future__ import annotations

from distill_core.playbook.asking import REQUESTS, question_setting
from distill_core.playbook.brief import Brief, Fit
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.parts.asking import calls_left, extract
from distill_core.playbook.parts.evidence import locate, read_reply, sentence_at, support
from distill_core.playbook.parts.reading import as_text, place
from distill_core.playbook.writing import compose

SMALL = 6_000
"""Characters that even a small worker reads well at once."""

PARTS = (as_text, place, calls_left, locate, sentence_at, read_reply, support, extract)

STEPS = """
text, starts = as_text(context)
may = calls_left(budget(), 1)
whole = [(1.0, 0, text[:ROOM])] if may else []
found, failed = extract(whole, f"Question: {QUESTION}\\n{REQUEST}", worker_batch, text, TERMS)
passages_read = asked = len(whole)
for note in found:
    mark = "quote found" if note["verified"] else "quote NOT found"
    print(f"- {note['answer'][:100]} | “{note['quote'][:120]}” ({place(note['start'], starts)}, {mark})")
good = sum(note["verified"] for note in found)
report = {"did": "read", "found": len(found), "verified": good, "may": may, "asked": asked, "failed": failed}
print("PLAYBOOK", json.dumps({**report, "next": "answer"}))
"""


def write(brief: Brief) -> str:
    """The program: it leaves what it read in `found`."""
    settings = [
        question_setting(brief),
        ("REQUEST", REQUESTS[brief.kind], "what follows the document"),
        ("TERMS", brief.terms, "words that bear out an answer given without a quote"),
        ("ROOM", brief.room, "characters one prompt has room for"),
    ]
    about = "Let the worker read the whole document at once, check its quote."
    return compose("read", about, settings=settings, parts=PARTS, steps=STEPS)


def fits(brief: Brief) -> Fit | None:
    """Fits where the document is small enough for one careful reading."""
    if brief.facts is None or brief.facts.chars > min(SMALL, brief.room):
        return None
    return Fit(0.9, f"the document has only {brief.facts.chars:,} characters")


STRATEGY = Strategy(
    name="read",
    description="let the worker read a small document in one call",
    fits=fits,
    write=write,
)
