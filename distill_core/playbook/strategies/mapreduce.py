"""The whole document: every piece, as large as the worker can read, gated, read, and reduced to one answer."""

from __future__ import annotations

from distill_core.playbook.asking import GATE, REQUESTS, question_setting
from distill_core.playbook.brief import Brief, Fit
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.parts.asking import calls_left, extract, gate
from distill_core.playbook.parts.evidence import locate, read_reply, sentence_at, support
from distill_core.playbook.parts.ranking import fold, rank
from distill_core.playbook.parts.reading import as_text, cut, place
from distill_core.playbook.writing import compose

PARTS = (as_text, place, cut, fold, rank, calls_left, gate, locate, sentence_at, read_reply, support, extract)

STEPS = """
text, starts = as_text(context)
pieces = cut(text, PIECE, OVERLAP)
each = 2 if GATED else 1  # worker calls a piece
may = calls_left(budget(), each * min(len(pieces), MOST) + 1)
room = max(1, (may - 1) // each) if may else 0
if room < len(pieces) and GATED:  # not all can be read: the likeliest first
    first = [index for _, index in rank(pieces, TERMS)]
    order = first + sorted(set(range(len(pieces))) - set(first))
    chosen = [pieces[index] for index in sorted(order[:room])]
elif room < len(pieces):  # not all can be read: evenly from the whole
    chosen = [pieces[index * len(pieces) // room] for index in range(room)]
else:
    chosen = pieces
try:
    ask_yes = worker_yes if GATED else None
except NameError:  # not every worker tells how sure it is
    ask_yes = None
passing = gate(chosen, f"Question: {QUESTION}\\n{GATE_REQUEST}", ask_yes)
try:
    earlier = found
except NameError:  # nothing was read before
    earlier = []
found, failed = extract(passing, f"Question: {QUESTION}\\n{REQUEST}", worker_batch, text, TERMS)
found = earlier + found
passages_read, asked = len(chosen), len(passing)
print(f"{len(chosen)} of {len(pieces)} pieces read, {len(passing)} passed, {failed} failed")
for note in found[:8]:
    mark = "quote found" if note["verified"] else "quote NOT found"
    print(f"- {note['answer'][:100]} | “{note['quote'][:120]}” ({place(note['start'], starts)}, {mark})")
good = sum(note["verified"] for note in found)
report = {"did": "mapreduce", "pieces": len(pieces), "read": len(chosen), "found": len(found), "verified": good}
print("PLAYBOOK", json.dumps({**report, "may": may, "asked": asked, "failed": failed, "next": "answer"}))
"""


def write(brief: Brief) -> str:
    """The program: it adds what it read to `found`."""
    settings = [
        question_setting(brief),
        ("GATE_REQUEST", GATE, "what decides which pieces are read"),
        ("REQUEST", REQUESTS[brief.kind], "what follows each piece"),
        ("TERMS", brief.terms, "which pieces come first where not all can be read"),
        ("GATED", brief.kind != "summary", "ask first whether a piece helps, where the worker can tell"),
        ("PIECE", brief.room, "characters a piece: what one prompt has room for"),
        ("OVERLAP", min(300, brief.room // 10), "characters shared by neighbours"),
        ("MOST", brief.most, "never read more pieces than this"),
    ]
    about = "Let the worker read the whole document piece by piece, check its quotes."
    return compose("mapreduce", about, settings=settings, parts=PARTS, steps=STEPS)


def fits(brief: Brief) -> Fit | None:
    """Fits questions on the whole, and those whose words the document does not use."""
    if brief.kind == "summary":
        return Fit(0.85, "the question is about the document as a whole")
    if brief.facts is not None and not any(brief.facts.terms.values()):
        return Fit(0.6, "none of the question's words stand in the document, which a search would need")
    return Fit(0.2, "a search has been tried or ruled out")


STRATEGY = Strategy(
    name="mapreduce",
    description="let the worker read the whole document in large pieces, and reduce what it finds",
    fits=fits,
    write=write,
)
