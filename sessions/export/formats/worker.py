"""`worker`: what the worker was asked and what it should have said, for distilling it into a smaller one.

Shape: TRL's conversational language modelling type, `{messages}`. A reply is a reviewer's correction where there is
one, else what a person put in its place, else the worker's own.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sessions.export import calling, chat, judging
from sessions.export.quotes import evidence
from sessions.export.rows import Alike, Format, Left, Options, Origin, Row, Verdict, call_key, of_call
from sessions.export.trace import Plain, Trace

_encoder = msgspec.json.Encoder()
_AT_ONCE = 4 << 20
"""Bytes of lines that are gathered before they are told."""


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
    b'"corrected":false,"evidence":"%b"}'
)


def together(trace: Trace, options: Options) -> Iterator[Verdict | Alike]:
    """The same, where nothing speaks against a plain call in lines at once; the others one by one."""
    alike = _Alike(trace)
    for call in trace.plainly:
        if type(call) is Plain and judging.is_worth_it(call):
            found = evidence(call.response, call.prompt)
            if found == "found" or not options.evidence:
                yield from alike.add(call, found)
                continue
        one = calling.as_call(call)
        for verdict in rows(msgspec.structs.replace(trace, calls=(one,)), options):
            if isinstance(verdict, Row):
                yield from alike.told()
            yield verdict
    yield from alike.told()


class _Alike:
    """Plain calls to one model with the same parameters, in the making."""

    def __init__(self, trace: Trace) -> None:
        self._session = trace.session_id
        self._start()

    def _start(self) -> None:
        self._common: tuple[str, bytes] | None = None
        self._origin = Origin()
        self._size = 0
        self._keys: list[str] = []
        self._lines: list[bytes] = []
        self._places: list[tuple[int, int, int]] = []

    def add(self, call: Plain, found: str) -> Iterator[Alike]:
        """Take a call; what was gathered is told before another model or other parameters, or when it is much."""
        started, model = call.started, call.returned.model
        # As text: numbers that are equal need not be told alike.
        common = model, _encoder.encode(started.params)
        if common != self._common or self._size >= _AT_ONCE:
            yield from self.told()
            self._common, self._origin = common, Origin(models=(model,), params=started.params)
        prompt, response = _encoder.encode(call.prompt), _encoder.encode(call.response)
        self._keys.append(f"{self._session}/{started.step}/{started.call_id}")
        self._lines.append(_LINE % (prompt, response, found.encode()))
        self._size += len(prompt)
        self._places.append((started.step, started.seq, call.returned.seq))

    def told(self) -> Iterator[Alike]:
        """What was gathered, if anything was."""
        if self._keys:
            yield Alike(
                columns=_COLUMNS,
                origin=self._origin,
                keys=self._keys,
                lines=self._lines,
                places=self._places,
            )
        self._start()


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
