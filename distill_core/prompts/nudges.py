"""What the supervisor is told when nothing could run: each fault in its own words, with what to do instead."""

from __future__ import annotations

from distill_core.fences.problems import Problem
from distill_core.prompts.context import QUESTION
from distill_core.text import encodable

# Tagged python: every model knows that tag, and either is run.
_HOW = (
    "Write Python in a fenced block tagged python or repl, with the fences on lines of their own:\n\n"
    "```python\nprint(len(context))\n```"
)

_WORDS: dict[Problem, str] = {
    "empty": f"Your reply was empty, so nothing ran. {_HOW}",
    "truncated": (
        "Your reply was cut off at the token limit before its code block was complete, so it did not run. "
        "Write a "
        "shorter reply: a sentence at most, then one short block, and spread the work over several turns."
    ),
    "unclosed_thought": (
        "Your reply begins with <think> and ends without </think>: it was cut off while you were thinking, or "
        f"the thought was never closed, so nothing ran. Think briefly, and write the code after it. {_HOW}"
    ),
    "unclosed": (
        "Your code block was never closed, and what follows its opening fence is not Python, so nothing "
        f"ran. End the block with ``` on a line of its own, and put explanations outside it. {_HOW}"
    ),
    "fence_in_line": (
        "Your code fence stands behind other words on its line, where it opens no block, so nothing ran. Put "
        f"``` at the beginning of a line. {_HOW}"
    ),
    "empty_block": f"Your code block was empty, so nothing ran. {_HOW}",
    "xml_tool_call": (
        "You wrote a tool call in tags such as <tool_call> or <invoke>. There are no tools to call here, so "
        f"nothing ran; the only way to act is code. {_HOW}"
    ),
    "json_tool_call": (
        "You wrote a tool call as JSON with a name and arguments. There are no tools to call here, so "
        f"nothing ran; the only way to act is code. {_HOW}"
    ),
    "final_in_prose": (
        "You wrote FINAL outside a code block, where it counts for nothing. FINAL is a function: call it "
        "inside a block, and define there, or in an earlier block, any variable that you pass to it."
    ),
    "other_language": (
        "Your reply has a fenced block, but none of Python, so nothing ran. Only blocks tagged repl (or "
        f"python) are run. {_HOW}"
    ),
    "prose": (
        "Your reply has words but no code block, so nothing ran and nothing was learned. Do the next step "
        f"in code. {_HOW}\n\nIf you already know the answer, call FINAL with it inside such a block."
    ),
}

_NOTES: dict[Problem, str] = {
    "truncated": (
        "Note: your reply was cut off at the token limit; its last block was incomplete and did not run. "
        "Write less in one reply."
    ),
    "unclosed": "Note: the last block of your reply was never closed and is not Python, so it did not run.",
    "final_in_prose": (
        "Note: FINAL in your text, outside a block, counts for nothing. Call it inside a block once the "
        "output above supports the answer."
    ),
}


def nudge(problem: Problem) -> str:
    """The message that follows a reply with nothing to run.

    Raises:
        KeyError: `problem` is not one of the names.
    """
    return _WORDS[problem]


def reply_note(note: Problem | None) -> str:
    """A sentence to put behind the observation of a reply that ran but had a lesser fault; "" if none."""
    return "" if note is None else _NOTES[note]


def rejection(guidance: str = "") -> str:
    """The message that follows code which a person decided not to run, with the person's words if any."""
    opening = "The person supervising this run read your code and did not run it."
    if not guidance.strip():
        return f"{opening} Propose another way."
    return f"{opening} They say:\n\n{encodable(guidance.strip())}\n\nWrite new code that follows this."


def sent_back(guidance: str = "") -> str:
    """What follows the observation of an answer that a person did not accept, with the person's words if any."""
    opening = "The person supervising this run read your answer and did not accept it."
    if not guidance.strip():
        return f"{opening} Check it against the document, and answer again."
    return f"{opening} They say:\n\n{encodable(guidance.strip())}\n\nGo on with this, then call FINAL again."


def instruction(words: str) -> str:
    """What a person says to the supervisor in front of a turn, unasked."""
    return f"The person supervising this run says:\n\n{encodable(words.strip())}"


def follow_up(question: str) -> str:
    """What follows the observation of an answer that a person accepted and asked something further after."""
    return (
        "The person supervising this run accepted your answer and asks another question about the same document. All "
        "your variables are still there. Work on this question now, and call FINAL with its answer.\n\n"
        f"{QUESTION}{encodable(question.strip())}"
    )
