"""`process-steps`: what the supervisor decided, as token targets: tools named, arguments, and results used.

The tools are the functions of the REPL: `worker`, `worker_batch`, `FINAL`, and the primitives of the session. Names and
arguments are taken from the syntax tree of the code, results from what the cells before it printed. The fields are
those of `docs/PROCESS_STEPS.md`; arguments are Python here, so that the mask of valid JSON is 0 where they are none.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

from distill_core.fences import extract_blocks
from sessions.export import chat
from sessions.export.judging import worth
from sessions.export.reasoning import without_prose
from sessions.export.rows import Format, Left, Options, Row, Verdict, of_turn, turn_key
from sessions.export.trace import Trace, Turn
from sessions.process_steps.calls import Call, Found, find_calls
from sessions.process_steps.code import TOOLS, code_calls
from sessions.process_steps.conversations import Turn as Taught
from sessions.process_steps.conversations import text_of
from sessions.process_steps.rows import RowMaker
from sessions.process_steps.targets import SpanTokenizer
from sessions.process_steps.text import Span

_RLM = frozenset({"llm_query", "llm_query_batched", "rlm_query", "FINAL_VAR"})
_tokenizer = functools.lru_cache(maxsize=1)(SpanTokenizer)


def rows(trace: Trace, options: Options) -> Iterator[Verdict]:
    """One row a turn that was approved and decides something."""
    tools = TOOLS | set(trace.primitives) | (_RLM if trace.dialect == "rlm" else frozenset())
    known = chat.tools(trace)
    # Used results that stand in the words are kept, so that only prompts can be bare before they are looked for.
    bares = {turn.call_id: turn for turn in without_prose(trace).turns} if not options.prose else {}
    printed: list[str] = []
    steps: dict[int, list[str]] = {}
    for turn in trace.conversation():
        steps[id(turn)] = list(printed)
        printed += [cell.output for cell in turn.cells if cell.output]
    for verdict in worth(trace, options):
        if isinstance(verdict, Left):
            yield verdict
            continue
        turn = verdict
        bare = turn if options.prose else bares[turn.call_id]
        finder = functools.partial(_found, turn=turn, tools=tools, trace=trace)
        maker = RowMaker(_tokenizer(options.tokenizer), finder=finder, prose=options.prose)
        told = [str(m.get("content") or "") for m in turn.prompt if m.get("role") == "tool"]
        taught = Taught(
            prompt=chat.prompt(bare),
            text=text_of(chat.reply(turn)),
            results=(*steps.get(id(turn), ()), *told),
            known=trace.query,
        )
        row = maker.row(taught, {})
        if row is None:
            forgot = maker.counts["texts that the tokenizer does not give back left out"]
            yield Left(key=turn_key(trace, turn), rule="no_tokens" if forgot else "no_decision")
            continue
        yield Row(key=turn_key(trace, turn), columns={**row, **known}, origin=of_turn(turn))


def _found(text: str, turn: Turn, tools: frozenset[str], trace: Trace) -> Found:
    calls: list[Call] = []
    code: list[Span] = []
    for block in extract_blocks(text, turn.finish_reason, dialect=trace.dialect).blocks:
        code.append(Span(block.start, block.end - text[block.start : block.end].endswith("\n")))
        start = text.find(block.code, block.start, block.end)
        if start >= 0:  # the code of an indented block does not stand in the text as it runs
            calls += code_calls(block.code, start, tools)
    if turn.tool_calls:
        calls += find_calls(text).calls
    return Found(tuple(calls), code=tuple(code))


_TOKENS = ["int64"]

FORMAT = Format(
    name="process-steps",
    help="token targets: tools named, their arguments, and results used (needs --tokenizer)",
    rows=rows,
    reads=("turns", "cells"),
    columns={
        "prompt": [chat.MESSAGE],
        "teacher_text": "string",
        "tool_name_ids": _TOKENS,
        "tool_name_mask": _TOKENS,
        "gold_json_text_ids": _TOKENS,
        "mask_valid_json_tokens": _TOKENS,
        "tool_result_fields": _TOKENS,
        "integration_mask": _TOKENS,
        "metadata": "json",
        "tools": "string",
    },
    tokenizer=True,
    drops_prose=True,
    teaches="For losses on decisions: see docs/PROCESS_STEPS.md. `metadata` tells where.",
)
