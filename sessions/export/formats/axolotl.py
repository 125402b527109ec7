"""`axolotl`: a session with `train` on each message, and `train_detail` on replies of which reviewers marked pieces.

Shape: axolotl's `type: chat_template` with `message_field_training` and `message_field_training_detail`. A detail
counts characters of the content, both ends included. What no detail covers is not trained: they cover all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from sessions.export import chat
from sessions.export.judging import fault, whole
from sessions.export.rows import Format, Options, Row, Verdict, of_session
from sessions.export.trace import Mark, Trace


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a session."""
    left = whole(trace, options, weighted=True)
    if left is not None:
        yield left
        return
    messages = []
    for said in chat.conversation(trace):
        turn = said.turn
        message = chat.plain(said.message)
        message["train"] = turn is not None and fault(turn, options.keep) is None
        if turn is not None and message["train"] and message["content"] == turn.text:
            detail = details(len(turn.text), turn.marks)
            if detail:
                message["train_detail"] = detail
        messages.append(message)
    columns: dict[str, object] = {"messages": messages}
    if trace.tools:
        columns["tools"] = list(trace.tools)
    yield Row(key=trace.session_id, columns=columns, origin=of_session(trace))


def details(length: int, marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Stretches of a text of `length` characters that are or are not trained; none if nothing is marked.

    Pieces marked −1 are not trained. Where some are marked +1, only those are; otherwise all the rest is.
    """
    counted = [mark for mark in marks if mark.mark != 0]
    if not counted:
        return []
    rest = not any(mark.mark == 1 for mark in counted)
    places = sorted({0, length, *(p for m in counted for p in (m.start, m.end) if 0 < p < length)})
    found: list[dict[str, Any]] = []
    for start, end in pairwise(places):
        over = [mark.mark for mark in counted if mark.start <= start and end <= mark.end]
        train = rest if not over else -1 not in over
        if found and found[-1]["train"] == train:
            found[-1]["end_offset"] = end - 1
        else:
            found.append({"begin_offset": start, "end_offset": end - 1, "train": train})
    return found


_CONFIG = """\
# The data set of this folder in an axolotl configuration.
datasets:
  - path: {path}
    ds_type: json
    type: chat_template
    field_messages: messages
    field_tools: tools
    message_property_mappings:
      role: role
      content: content
    roles_to_train: []
    train_on_eos: turn
    message_field_training: train
    message_field_training_detail: train_detail
"""


def _extras(splits: Mapping[str, str]) -> Mapping[str, str]:
    first = splits.get("train") or next(iter(splits.values()), "data")
    return {"axolotl.yaml": _CONFIG.format(path=f"./{first}")}


FORMAT = Format(
    name="axolotl",
    help="axolotl: a session with `train` on each message and on marked pieces",
    rows=rows,
    reads=("turns",),
    columns={
        "messages": [
            {
                **chat.TOOLED,
                "train": "bool",
                "train_detail": [{"begin_offset": "int64", "end_offset": "int64", "train": "bool"}],
            }
        ],
        "tools": ["json"],
    },
    extras=_extras,
    teaches="For axolotl's `type: chat_template`; `axolotl.yaml` is the entry for your configuration.",
)
