"""`worker`: what the worker was asked and what it should have said, for distilling it into a smaller one.

Shape: TRL's conversational language modelling type, `{messages}`. A reply is a reviewer's correction where there is
one, else what a person put in its place, else the worker's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sessions.export import chat, judging
from sessions.export.quotes import evidence
from sessions.export.rows import Format, Left, Options, Row, Verdict, call_key, of_call
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a worker call."""
    for call in judging.calls(trace, options):
        if isinstance(call, Left):
            yield call
            continue
        text = call.text or ""
        found = evidence(text, call.prompt)
        if options.evidence and found != "found":
            yield Left(key=call_key(trace, call), rule="no_evidence", why=found)
            continue
        columns = {
            "messages": [{"role": "user", "content": call.prompt}, chat.assistant(text)],
            "corrected": text != call.response,
            "evidence": found,
        }
        yield Row(key=call_key(trace, call), columns=columns, origin=of_call(call))


FORMAT = Format(
    name="worker",
    help="TRL: worker prompts with their replies, corrected where corrected",
    rows=rows,
    reads=("calls",),
    columns={"messages": [chat.MESSAGE], "corrected": "bool", "evidence": "string"},
    teaches=(
        "For `trl.SFTTrainer`. `evidence` says whether a passage that the reply quotes stands in its prompt: found, "
        "missing, or none where it quotes nothing."
    ),
)
