"""Look before choosing: what the document is, and which words of the question stand in it."""

from __future__ import annotations

from distill_core.playbook.brief import Brief
from distill_core.playbook.catalogue import Strategy
from distill_core.playbook.parts.ranking import fold, terms_of
from distill_core.playbook.parts.reading import as_text
from distill_core.playbook.writing import compose

STEPS = """
text, starts = as_text(context)
kind = "str" if isinstance(context, str) else "dict" if isinstance(context, dict) else "list"
facts = {"kind": kind, "chars": len(text), "items": len(starts), "lines": text.count("\\n") + 1}
folded = fold(text)
facts["terms"] = {term[:60]: folded.count(term) for term in terms_of(query)[:16]}
del folded
print(f"{facts['kind']} of {facts['chars']:,} characters, {facts['lines']:,} lines, {facts['items']:,} items")
for term, count in facts["terms"].items():
    print(f"  {term!r} occurs {count:,} times")
print("PLAYBOOK", json.dumps({"did": "probe", **facts}))
"""


def write(brief: Brief) -> str:
    """The program; it needs nothing but `context` and `query`."""
    about = "What is the document, and which words of the question stand in it? Asks no worker."
    return compose("probe", about, settings=[], parts=[as_text, fold, terms_of], steps=STEPS)


STRATEGY = Strategy(
    name="probe",
    description="look at type, size and structure, and count the question's terms in the document",
    fits=lambda brief: None,
    write=write,
)
