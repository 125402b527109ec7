"""The published schema is the code's, and what a run writes fits it."""

import json
from pathlib import Path

import jsonschema

from distill_core import events as ev
from distill_core.approval import Decision
from distill_core.runner import arun
from tests.distill_core.test_session import Decider, block
from tests.fakes.models import Scripted, echo

PUBLISHED = Path(__file__).parents[2] / "docs" / "event.schema.json"


def test_the_published_schema_is_up_to_date():
    remedy = "write it anew: python -m distill_core.schema > docs/event.schema.json"
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(ev.json_schema())), remedy


async def test_every_line_that_a_run_writes_fits_the_schema(tmp_path):
    approver = Decider(
        Decision(action="edit", by="me", codes=("print(worker_batch(['a', 'b']))",)),
        Decision(action="reject", by="me", guidance="no"),
    )
    replies = [block("1"), block("2"), "prose", block("1/0"), block("FINAL({'a': 1})")]
    await arun("q", ["c"], Scripted(*replies), echo(), approver=approver, log_dir=tmp_path / "s")
    check = jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text()))
    seen = set()
    for path in (tmp_path / "s").glob("*.jsonl"):
        for line in path.read_text().splitlines():
            event = json.loads(line)
            check.validate(event)
            seen.add(event["type"])
    assert len(seen) >= 13


def test_the_schema_refuses_what_is_no_event():
    check = jsonschema.Draft202012Validator(ev.json_schema())
    for wrong in (
        {},
        {"type": "no_such"},
        {"type": "retracted", "seq": "one", "step": 0, "retracts": 1, "by": "x"},
    ):
        assert not check.is_valid(wrong)
