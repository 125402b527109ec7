"""`worker-preference`: corrected worker replies over the worker's own, for TRL's DPOTrainer.

Shape: TRL's conversational preference type with an explicit prompt, `{prompt, chosen, rejected}`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from sessions.export import chat, judging, pairs
from sessions.export.rows import Format, Left, Options, Row, Verdict, call_key
from sessions.export.trace import Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a call that was corrected or asked again."""
    known = {call.call_id: call for call in trace.calls}
    lifted = msgspec.structs.replace(options, keep=options.keep | {"superseded", "marked_bad"})
    for call in judging.calls(trace, lifted):
        if isinstance(call, Left):
            yield call
            continue
        again = known[call.replaced_by] if call.replaced_by is not None else None
        pair = pairs.of_calls(call, call_key(trace, call), again)
        if isinstance(pair, Left):
            yield pair
            continue
        columns = {
            "prompt": list(pair.prompt),
            "chosen": list(pair.chosen),
            "rejected": list(pair.rejected),
            "preferred_because": pair.why,
        }
        yield Row(key=pair.key, columns=columns, origin=pair.origin)


FORMAT = Format(
    name="worker-preference",
    help="TRL: corrected worker replies over the worker's own",
    rows=rows,
    reads=("calls",),
    columns={
        "prompt": [chat.MESSAGE],
        "chosen": [chat.MESSAGE],
        "rejected": [chat.MESSAGE],
        "preferred_because": "string",
    },
    teaches="For `trl.DPOTrainer` and `trl.RewardTrainer`, with the worker as the model.",
)
