"""Asking at a plain prompt what is to become of a recorded cell that came out differently."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from tui.differing import lines
from tui.diverging import CHOICES, Choice
from tui.headless.lines import typed_line
from tui.saying import say

if TYPE_CHECKING:
    from distill_core.rerunning import Rerun


def asked(run: Rerun, *, may_branch: bool, read: Callable[[str], str] | None = None) -> Choice:
    """What the person wants, who is shown the differences; to stop where nobody can be asked.

    Args:
        may_branch: whether one can go on from the step that differs.
        read: gives a line for a question; default: the terminal.
    """
    for difference in run.differences:
        for line in lines(difference):
            say(line)
    keys = {choice.key: choice.name for choice in CHOICES if may_branch or choice.name != "branch"}
    if read is None and not (sys.stdin.isatty() and sys.stderr.isatty()):
        ways = [f"--on-divergence {name}" for name in keys.values() if name != "stop"]
        say(f"nobody can be asked here; to go on all the same: {' or '.join(ways)}")
        return "stop"
    for choice in CHOICES:
        if choice.key in keys:
            say(f"{choice.key}: {choice.says.format(step=run.cell.step)}")
    while True:
        try:
            answer = (read or typed_line)(", ".join(keys))
        except (EOFError, KeyboardInterrupt):
            return "stop"
        if answer in keys:
            return keys[answer]
        say(f"{answer!r} is none of these")
