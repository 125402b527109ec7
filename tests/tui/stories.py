"""Small stories that a scripted session plays, one for each state that a screen can be in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from distill_core.evidence import Finding
from distill_core.forecast import Forecast
from tests.fakes.scripted import Call, ScriptedCell, ScriptedStep
from tui.live.model import LiveModel

PROBE = """import re

# How is the document built?
print(len(context), "characters")
heads = re.findall(r"^ARTICLE [IVX]+.*$", context, re.M)
for head in heads[:5]:
    print(head)"""

ASK = """pieces = [context[i : i + 6000] for i in range(0, len(context), 5800)]
prompts = [f"{p}\\n\\nDoes this cap liability? Quote it, or say NONE." for p in pieces]
replies = worker_batch(prompts)
found = [r for r in replies if "NONE" not in str(r)]
for reply in found:
    print(reply)"""

GIVE = """answer = "Section 9.2: twelve months of fees"
FINAL(answer)"""

FIRST = ScriptedStep(
    reasoning="I do not know how the document is built yet. Look at its headings first, then decide where to search.",
    reply=f"I start by probing the structure of the document.\n\n```repl\n{PROBE}\n```\n",
    cells=(
        ScriptedCell(
            code=PROBE,
            output=(
                ("stdout", "214503 characters\n"),
                ("stdout", "ARTICLE I — DEFINITIONS\nARTICLE II — SERVICES\nARTICLE III — FEES\n"),
                ("stdout", "ARTICLE IV — TERM\nARTICLE V — WARRANTIES\n"),
            ),
        ),
    ),
)
CALLS = (
    Call(prompt="ARTICLE I …\n\nDoes this cap liability?", response="NONE"),
    Call(prompt="ARTICLE II …\n\nDoes this cap liability?", response="NONE", cached=True),
    Call(
        prompt="ARTICLE III …\n\nDoes this cap liability?", error="the worker call failed: 503, after 4 tries"
    ),
    Call(
        prompt="ARTICLE IX …\n\nDoes this cap liability?",
        response='"In no event shall either party be liable for more than the fees of twelve months" (9.2)',
        elapsed=1.22,
    ),
)
SECOND = ScriptedStep(
    reply=f"Article IX looks right, but I ask the worker about every piece.\n\n```repl\n{ASK}\n```\n",
    cells=(
        ScriptedCell(
            code=ASK,
            output=(("stdout", '"In no event shall either party be liable for more than …" (9.2)\n'),),
            calls=CALLS,
        ),
    ),
)
RUNNING = ScriptedStep(
    reply=SECOND.reply,
    cells=(
        ScriptedCell(
            code=ASK,
            output=(("stdout", "asking 37 pieces\n"), ("stderr", "DeprecationWarning: old name\n")),
            calls=(
                *CALLS,
                Call(prompt="ARTICLE X — GENERAL. Notices shall be …"),
                Call(prompt="SCHEDULE A …"),
            ),
            hold="cell",
        ),
    ),
)
TROUBLE = ScriptedStep(
    reply="```repl\nprint(found[0].quote)\n```",
    cells=(
        ScriptedCell(
            code="print(found[0].quote)",
            status="error",
            traceback=(
                "Traceback (most recent call last):\n"
                '  File "<cell c2>", line 1, in <module>\n'
                "    print(found[0].quote)\n"
                "AttributeError: 'str' object has no attribute 'quote'"
            ),
        ),
    ),
)
FINAL = ScriptedStep(
    reply=f"Both parts agree.\n\n```repl\n{GIVE}\n```",
    cells=(ScriptedCell(code=GIVE, status="final", final="Section 9.2: twelve months of fees"),),
)
REVISED = ASK.replace("5800", "5400").replace("Quote it, or say NONE.", "Quote the sentence, or say NONE.")
OTHER = """heads = [m.start() for m in re.finditer("ARTICLE", context)]
sections = [context[a:b] for a, b in zip(heads, heads[1:] + [None])]
replies = worker_batch([f"{s[:6000]}\\n\\nQuote any cap on liability." for s in sections])
print([r for r in replies if "NONE" not in str(r)])"""
FORECASTS = (
    Forecast(call_id="s3", worker_calls=37, prompt_tokens=58_300, cost=0.0117),
    Forecast(
        call_id="s4",
        complete=False,
        worker_calls=12,
        prompt_tokens=18_900,
        cost=0.0038,
        why="it fails without real replies: IndexError: list index out of range",
    ),
    Forecast(call_id="s6", worker_calls=37, prompt_tokens=58_300, cost=0.0117),
)
AGAIN = ScriptedStep(
    reply=f"The pieces should overlap more.\n\n```repl\n{REVISED}\n```\n",
    cells=(ScriptedCell(code=REVISED, calls=CALLS),),
    others=(
        f"I cut it at its articles instead.\n\n```repl\n{OTHER}\n```\n",
        "I believe that section 9.2 caps it.",
        f"The same again.\n\n```repl\n{REVISED}\n```\n",
    ),
    forecasts=FORECASTS,
)
FINDINGS = (
    Finding(quote="the fees of twelve months", status="found", score=100.0, start=120, end=145),
    Finding(quote="in no event shall either partie be liable", status="near", score=93.0, start=80, end=120),
    Finding(quote="liability is unlimited", status="missing", score=31.0),
)
STREAMING = ScriptedStep(
    reasoning="Look at the headings first.",
    reply=FIRST.reply,
    cells=FIRST.cells,
    hold="reply",
)

ARTICLES = """ARTICLE I — DEFINITIONS
“Services” means what is described in Schedule A.

ARTICLE II — SERVICES
The supplier provides the services with the care of a prudent businessman.

ARTICLE IX — LIABILITY
9.1  Each party is liable for damage that it has caused.
9.2  In no event shall either party be liable for more than the fees paid in the
twelve months before the claim arose.

ARTICLE X — GENERAL
This agreement is governed by the law of the place where the supplier has its seat.
"""
QUOTING = ScriptedStep(
    reply="```repl\nFINAL(answer)\n```",
    cells=(
        ScriptedCell(
            code="FINAL(answer)",
            calls=(
                Call(
                    prompt="ARTICLE IX …",
                    response="“liable for more than the fees paid in the twelve months” (9.2)",
                ),
                Call(prompt="ARTICLE X …", response="“governed by the law of the moon and the stars alone”"),
            ),
            status="final",
            final=(
                "Clause 9.2 caps it: “In no event shall either party be liable for more than the fees paid in the "
                "twelve months before the claim arose”, while “each side is liable for the damage that it has caused”."
            ),
        ),
    ),
)

Story = tuple[tuple[ScriptedStep, ...], dict[str, Any], Callable[[LiveModel], bool]]

STORIES: dict[str, Story] = {
    "empty": ((ScriptedStep(reply="…", hold="reply"),), {}, lambda model: model.state.current is not None),
    "streaming": ((STREAMING,), {}, lambda model: any(d.text for d in model.drafts.values())),
    "awaiting": ((FIRST, SECOND), {}, lambda model: model.gate == "step" and len(model.state.steps) == 2),
    "running": ((FIRST, RUNNING), {"policy": "auto"}, lambda model: model.counts.total == 6),
    "error": ((FIRST, TROUBLE, SECOND), {"policy": "on-error"}, lambda model: model.gate == "step"),
    "revision": (
        (FIRST, SECOND, AGAIN),
        {},
        lambda model: model.gate == "step" and len(model.state.steps) == 3,
    ),
    "evidence": (
        (FIRST, SECOND, FINAL),
        {"findings": FINDINGS},
        lambda model: model.gate == "final" and bool(model.findings),
    ),
    "final": ((FIRST, SECOND, FINAL), {}, lambda model: model.gate == "final"),
}
