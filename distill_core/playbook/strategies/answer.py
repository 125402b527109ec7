"""The last step of every reading: weigh what was found, conclude, and give the answer with its quotes."""

from __future__ import annotations

from distill_core.playbook.asking import CONCLUSIONS, GATE
from distill_core.playbook.brief import Brief
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.parts.asking import calls_left
from distill_core.playbook.parts.concluding import (
    all_named,
    conclude,
    distinct,
    extracts,
    most_said,
    passage,
    same,
    weigh,
)
from distill_core.playbook.parts.evidence import read_reply
from distill_core.playbook.parts.ranking import fold
from distill_core.playbook.parts.reading import as_text, place
from distill_core.playbook.writing import compose

PARTS = (
    as_text,
    place,
    fold,
    calls_left,
    same,
    distinct,
    all_named,
    most_said,
    passage,
    weigh,
    extracts,
    conclude,
    read_reply,
)

STEPS = """
text, starts = as_text(context)
try:
    notes = sorted(found, key=lambda note: (-note["verified"], -note["chance"], note["start"]))
except NameError:  # no reading has run
    notes, passages_read, asked, failed = [], 0, 0, 0
if not notes and failed and failed == asked:
    raise RuntimeError(f"none of {asked} worker calls was answered, so nothing was read")
good = [note for note in notes if note["verified"]] or notes
for key in KEYS if KIND == "list" else []:  # where quotes name what is asked for, only they answer it
    named = [note for note in good if key in fold(note["quote"])]
    good = sorted(named or good, key=lambda note: note["start"])
borne_out = any(note["verified"] for note in good)
said = distinct([note["answer"] for note in good])
try:
    ask_yes = worker_yes
except NameError:  # not every worker tells how sure it is
    ask_yes = None
if borne_out and len(said) > 1 and KIND in ("fact", "list") and calls_left(budget(), len(good) + 1) > len(good):
    good = weigh(good, text, f"Question: {query}\\n{GATE_REQUEST}", ask_yes)
    said = distinct([note["answer"] for note in good])
    print(len(good), "notes stand up to a second look:", said[:8])
conclusion = None
if KIND == "summary" or (borne_out and (KIND in ("choice", "computed") or (KIND == "fact" and len(said) > 1))):
    request = f"{CONCLUSION}\\nQuestion: {query}"
    reply = conclude(good[:KEEP], text, request, worker_batch, ROOM, calls_left(budget(), 20))
    reading = read_reply(reply) if reply and KIND != "summary" else (reply, "") if reply else None
    conclusion = reading[0] if reading else None
if conclusion is None and said:
    answers = [note["answer"] for note in good]
    conclusion = ", ".join(all_named(answers)) if KIND == "list" else most_said(answers)
if KIND == "choice" and conclusion:
    option = re.search(r"(?<!\\w)\\(?([0-9]|[A-Ha-h])(?:[.):]|(?!\\w))", conclusion)
    conclusion = option.group(1) if option else conclusion
shown = good if KIND == "list" else [note for note in good if same(note["answer"], conclusion or "")] or good
evidence = list(dict.fromkeys(
    f"- “{note['quote'][:400]}” ({place(note['start'], starts)})" for note in shown if note["verified"]
))[:KEEP]
if conclusion is None and not passages_read and not calls_left(budget(), 1):
    conclusion = "Not read: no worker calls are left, so nothing of the document was read."
elif conclusion is None:
    conclusion = f"Not found: none of the {passages_read} passages read answers the question."
    if failed:
        conclusion += f" {failed} worker calls failed."
elif not evidence:
    conclusion += " (unverified: no quote for it was found in the document)"
print("candidate:", conclusion)
print("\\n".join(evidence) or "no quote was found in the document")
print("PLAYBOOK", json.dumps({"did": "answer", "evidence": len(evidence), "next": ""}))
FINAL(conclusion if BARE or not evidence else conclusion + "\\n\\nEvidence:\\n" + "\\n".join(evidence))
"""


def write(brief: Brief) -> str:
    """The program: it needs `found` from a reading, and says so honestly where there is none."""
    settings = [
        ("KIND", brief.kind, "fact, list, choice, computed or summary"),
        (
            "CONCLUSION",
            CONCLUSIONS[brief.kind],
            "what follows the extracts, where they do not agree as they are",
        ),
        ("GATE_REQUEST", GATE, "what decides which notes stand up to a second look"),
        ("KEYS", brief.keys, "names in the question, such as part numbers, that an answer's quote must hold"),
        ("ROOM", brief.room, "characters one prompt has room for"),
        ("KEEP", 40 if brief.kind in ("list", "summary") else 8, "extracts that count, best first"),
        ("BARE", brief.bare, "True answers without the evidence"),
    ]
    about = "Weigh what was found, conclude, and answer with the quotes that stand in the document."
    return compose("answer", about, settings=settings, parts=PARTS, steps=STEPS)


STRATEGY = Strategy(
    name="answer",
    description="weigh what the readings found and give the answer with its quotes",
    fits=lambda brief: None,
    write=write,
)
