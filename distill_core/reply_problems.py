"""What is wrong with a reply that holds nothing to run, in a few words for people."""

from __future__ import annotations

IN_WORDS: dict[str, str] = {
    "empty": "the reply is empty",
    "truncated": "cut off at the token limit",
    "unclosed_thought": "a thought that never ends",
    "unclosed": "a code block that is not closed",
    "fence_in_line": "a code fence behind other words",
    "empty_block": "an empty code block",
    "xml_tool_call": "a tool call instead of a code block",
    "json_tool_call": "a tool call instead of a code block",
    "final_in_prose": "FINAL outside a code block",
    "other_language": "no block of Python",
    "prose": "no code block in it",
}
"""By the names that `fences` gives, which takes long to load; what the supervisor is told stands in `prompts`."""
