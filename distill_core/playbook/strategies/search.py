"""Keyword search, then reading: rank small pieces by the question's terms, and put the best to the worker."""

from __future__ import annotations

from distill_core.playbook.asking import GATE, INSISTING, REQUESTS, question_setting
from distill_core.playbook.brief import Brief, Fit
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.parts.asking import calls_left, closer, extract, gate, surest
from distill_core.playbook.parts.evidence import locate, read_reply, sentence_at, support
from distill_core.playbook.parts.ranking import fold, holding_rarest, rank
from distill_core.playbook.parts.reading import as_text, cut, place
from distill_core.playbook.writing import compose

PARTS = (
    as_text,
    place,
    cut,
    fold,
    rank,
    holding_rarest,
    calls_left,
    gate,
    locate,
    sentence_at,
    read_reply,
    support,
    extract,
    surest,
    closer,
)

STEPS = """
text, starts = as_text(context)
pieces = cut(text, PIECE, OVERLAP)
order = [index for _, index in rank(pieces, TERMS)]
if len(pieces) <= READ:  # so few that all of them can be read
    order += sorted(set(range(len(pieces))) - set(order))
wanted = READ
if EVERY:  # every piece that holds the rarest term is read, however it ranks
    rarest, holders = holding_rarest(pieces, TERMS)
    print(f"{len(holders)} of {len(pieces)} pieces hold {rarest!r}")
    order = holders + [index for index in order if index not in set(holders)]
    wanted = max(READ, len(holders))
may = calls_left(budget(), 2 * min(wanted, MOST) + 1)  # a gate and a reading each, and the conclusion
chosen = [pieces[index] for index in order[: max(1, (may - 1) // 2)]] if may else []
try:
    ask_yes = worker_yes
except NameError:  # not every worker tells how sure it is
    ask_yes = None
passing = gate(chosen, f"Question: {QUESTION}\\n{GATE_REQUEST}", ask_yes)
found, failed = extract(passing, f"Question: {QUESTION}\\n{REQUEST}", worker_batch, text, TERMS)
passages_read, asked = len(chosen), len(passing)
print(f"{len(pieces)} pieces, {len(order)} with a term, {len(chosen)} read, {len(passing)} passed, {failed} failed")
borne_out = any(note["verified"] for note in found)
short = closer(passing, found, TERMS) if SEVERAL or not borne_out else []
short = short[: max(0, calls_left(budget(), len(short) + 1) - 1)]  # one call is kept for the conclusion
if short and failed < asked:
    nearer, lost = extract(short, f"Question: {QUESTION}\\n{REQUEST}", worker_batch, text, TERMS)
    print(f"{len(short)} of them asked again about the lines closest to the question, {lost} failed")
    found += [note for note in nearer if note["verified"]]
    asked, failed = asked + len(short), failed + lost
if short and calls_left(budget(), 7) > 6 and not any(note["verified"] for note in found):
    sure = surest(short, f"Question: {QUESTION}\\n{GATE_REQUEST}", ask_yes, TERMS)
    insisted, lost = extract(sure, f"Question: {QUESTION}\\n{INSISTING}", worker_batch, text, TERMS)
    print(f"{len(sure)} passages with the rarest term asked without a way out, {lost} failed")
    found += [note for note in insisted if note["verified"]]
    asked, failed = asked + len(sure), failed + lost
for note in found[:8]:
    mark = "quote found" if note["verified"] else "quote NOT found"
    print(f"- {note['answer'][:100]} | “{note['quote'][:120]}” ({place(note['start'], starts)}, {mark})")
good = sum(note["verified"] for note in found)
more = not good and failed < len(passing) and len(chosen) < len(pieces) and calls_left(budget(), 3) > 2
report = {"did": "search", "pieces": len(pieces), "read": len(chosen), "found": len(found), "verified": good}
report |= {"may": may, "asked": asked, "failed": failed, "next": "mapreduce" if more else "answer"}
print("PLAYBOOK", json.dumps(report))
"""


def write(brief: Brief) -> str:
    """The program: it leaves what it read in `found`."""
    settings = [
        question_setting(brief),
        ("GATE_REQUEST", GATE, "what decides which pieces are read"),
        ("REQUEST", REQUESTS[brief.kind], "what follows each piece"),
        ("INSISTING", INSISTING, "what follows a passage that all but surely holds the answer"),
        ("TERMS", brief.terms, "what to look for; lower case, without endings"),
        ("EVERY", brief.kind == "list", "read every piece that holds the rarest term"),
        ("SEVERAL", brief.kind != "fact", "one place does not settle it"),
        ("PIECE", min(brief.piece, brief.room), "characters a piece"),
        ("OVERLAP", min(300, brief.room // 10), "characters shared by neighbours"),
        ("READ", brief.read, "how many of the best pieces to read"),
        ("MOST", brief.most, "never read more than this"),
    ]
    about = "Rank pieces by the question's terms, let the worker read the best, check its quotes."
    return compose("search", about, settings=settings, parts=PARTS, steps=STEPS)


def fits(brief: Brief) -> Fit | None:
    """Fits the better the more selective the question's terms are."""
    if brief.facts is None:
        return Fit(0.5, "nothing is known of the document yet")
    held = {term: count for term, count in brief.facts.terms.items() if count}
    if not held:
        return Fit(0.3, "none of the question's words stand in the document as they are")
    rarest = min(held, key=lambda term: held[term])
    times = "once" if held[rarest] == 1 else f"{held[rarest]:,} times"
    return Fit(
        0.7, f"the document is {brief.facts.chars:,} characters long and {rarest!r} stands in it {times}"
    )


STRATEGY = Strategy(
    name="search",
    description="rank pieces by the question's terms, then let the worker read the best",
    fits=fits,
    write=write,
)
