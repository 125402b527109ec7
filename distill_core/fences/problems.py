"""What can be wrong with a reply that holds nothing to run: one name each, with words in `reply_problems`."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Problem: TypeAlias = Literal[
    "empty",  # nothing but white space
    "truncated",  # cut off at the token limit before a block was complete
    "unclosed_thought",  # a leading <think> never ends, so nothing in the reply was meant to run
    "unclosed",  # the last block never ends, and what follows it is not Python
    "fence_in_line",  # a fence with words before it on its line, which opens no block
    "empty_block",  # there is a block and nothing in it
    "xml_tool_call",  # <tool_call>, <function=…>, <invoke …>
    "json_tool_call",  # {"name": …, "arguments": …}
    "final_in_prose",  # FINAL(…) outside a block
    "other_language",  # blocks, but none of Python
    "prose",  # words only
]

FINAL_LINE = re.compile(r"^[ \t>*_`-]*(FINAL_VAR|FINAL)[ \t]*\(", re.MULTILINE)

_FENCE_IN_LINE = re.compile(
    r"^(?![ \t>]*(?:(?:[-*+]|\d+[.)])[ \t>]*)?(?:```|~~~))[^\n`~]+(?:```+|~~~+)[ \t]*(?:(?:repl|python3?|py)\b|$)",
    re.MULTILINE | re.IGNORECASE,
)
_XML_CALL = re.compile(
    r"<\|?/?(?:tool_calls?|tool_use|function_calls?|function|invoke|python_tag|tool_code|execute|antml:\w+)"
    r"(?:[\s=:][^<>\n]{0,200})?\|?>|\[TOOL_CALLS\]",
    re.IGNORECASE,
)
_JSON_NAME = re.compile(r'"(?:name|function|tool|tool_name|action)"\s{0,20}:')
_JSON_ARGUMENTS = re.compile(
    r'"(?:arguments|parameters|args|input|action_input|tool_input|tool_calls|function_call)"\s{0,20}:'
)


def diagnose(text: str, prose: str, *, truncated: bool, unclosed: bool, blank: bool, fenced: bool) -> Problem:
    """The name of what is wrong with a reply in which no code was found.

    Args:
        text: the whole reply.
        prose: the reply without its fenced blocks.
        truncated: the model stopped at its token limit.
        unclosed: the last code block never ends.
        blank: there was a code block with nothing in it.
        fenced: there was some other fenced block.
    """
    if not text.strip():
        return "truncated" if truncated else "empty"
    if truncated:
        return "truncated"
    if _XML_CALL.search(text):
        return "xml_tool_call"
    if _JSON_NAME.search(text) and _JSON_ARGUMENTS.search(text):
        return "json_tool_call"
    if FINAL_LINE.search(prose):
        return "final_in_prose"
    if _FENCE_IN_LINE.search(prose):
        return "fence_in_line"
    if unclosed:
        return "unclosed"
    if blank:
        return "empty_block"
    return "other_language" if fenced else "prose"
