"""A home with sessions of every sort, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from distill_core.approval import Decision
from tests.sessions.export.making import annotate, block, fork, make

QUOTE = '"Clause 7 caps liability at twelve months of fees."'


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions: plain, decided (edit, reject, error, correction, marks), candidates, policy, codeless, fork."""
    home = tmp_path_factory.mktemp("home")
    make(
        home,
        "s1-plain",
        [
            block("r = worker(context[:49])\nprint(r)"),
            block("FINAL('clause 7')", "Found it."),
        ],
        answer=lambda prompt: f"It quotes {QUOTE}",
    )
    decided = make(
        home,
        "s2-decided",
        [
            block("print(contxt)", "A typo."),
            block("import os", "Rather not."),
            block("replies = worker_batch(['one', 'two'])\nprint(replies)", "Ask."),
            block("1/0", "Oops."),
            block("FINAL('clause 8')", "Perhaps."),
            block("FINAL('clause 7')", "Surely."),
        ],
        Decision(action="edit", by="ada", codes=("print(context)",)),
        Decision(action="reject", by="ada", guidance="No imports."),
        Decision(action="approve", by="ada"),
        Decision(action="approve", by="ada"),
        Decision(action="approve", by="ada"),
        Decision(action="send_back", by="ada", guidance="Read clause 8 again."),
    )
    annotate(
        decided,
        {"step": 1, "target": {"kind": "step", "id": "1"}, "mark": 1, "labels": ("probing",)},
        {"step": 3, "target": {"kind": "step", "id": "3"}, "mark": 0},
        {"step": 4, "target": {"kind": "step", "id": "4"}, "mark": -1},
        {"target": {"kind": "worker_call", "id": "w1"}, "correction": "One is right.", "labels": ("wrong",)},
        {"target": {"kind": "session"}, "rating": 4, "comment": "Good in the end."},
        {
            "step": 6,
            "target": {"kind": "step", "id": "6", "field": "reply", "start": 0, "end": 7},
            "mark": -1,
        },
    )
    make(
        home,
        "s3-candidates",
        [block("print(1)", "First."), block("print(2)", "Second."), block("FINAL(2)", "Done.")],
        Decision(action="regenerate", by="ada"),
        Decision(action="approve", by="ada", chosen="s2"),
    )
    make(home, "s4-policy", [block("FINAL('auto')")], person="policy:auto")
    make(home, "s5-codeless", ["Let me think.", block("FINAL('x')", "Now.")])
    fork(decided, "s6-fork", 3)
    make(home, "s7-stopped", [block("print('half')")], Decision(action="stop", by="ada"))
    return home
