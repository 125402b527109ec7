"""`worker`: what the worker was asked and what it should have said, for distilling it into a smaller one.

Shape: TRL's conversational language modelling type, `{messages}`. A reply is a reviewer's correction where there is
one, else what a person put in its place, else the worker's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

import msgspec

from sessions.export import calling, chat, judging
from sessions.export.alike import Gathering
from sessions.export.quotes import Evidence, evidence
from sessions.export.rows import Alike, Format, Left, Options, Origin, Row, Verdict, call_key, of_call
from sessions.export.trace import Plain, Trace

_encoder = msgspec.json.Encoder()


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


_COLUMNS = ("messages", "corrected", "evidence")
_LINE = (
    b'{"messages":[{"role":"user","content":%b},{"role":"assistant","content":%b}],'
    b'"corrected":false,"evidence":%b}'
)
_EVIDENCE = {found: _encoder.encode(found) for found in get_args(Evidence)}


def together(trace: Trace, options: Options) -> Iterator[Verdict | Alike]:
    """The same, where nothing speaks against a plain call in lines at once; the others one by one."""
    alike = Gathering(_COLUMNS)
    encode, session = _encoder.encode, trace.session_id
    for call in trace.plainly:
        if type(call) is Plain and judging.is_worth_it(call):
            prompt, response = call.prompt, call.response
            found = evidence(response, prompt)
            if found == "found" or not options.evidence:
                started, returned = call.started, call.returned
                # Parameters as text: numbers that are equal need not be told alike.
                common = returned.model, encode(started.params)
                if not alike.takes(common):
                    yield from alike.begin(common, Origin(models=(returned.model,), params=started.params))
                alike.add(
                    f"{session}/{started.step}/{started.call_id}",
                    _LINE % (encode(prompt), encode(response), _EVIDENCE[found]),
                    (started.step, started.seq, returned.seq),
                )
                continue
        one = calling.as_call(call)
        for verdict in rows(msgspec.structs.replace(trace, calls=(one,)), options):
            if isinstance(verdict, Row):
                yield from alike.told()
            yield verdict
    yield from alike.told()


FORMAT = Format(
    name="worker",
    help="TRL: worker prompts with their replies, corrected where corrected",
    rows=rows,
    together=together,
    reads=("calls",),
    columns={"messages": [chat.MESSAGE], "corrected": "bool", "evidence": "string"},
    teaches=(
        "For `trl.SFTTrainer`. `evidence` says whether a passage that the reply quotes stands in its prompt: found, "
        "missing, or none where it quotes nothing."
    ),
)
