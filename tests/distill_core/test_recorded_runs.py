"""Real runs by a large model, recorded elsewhere: replayed through the engine they come to the same."""

import json

import pytest

from distill_core.models.base import LMResponse
from distill_core.models.recorded import RecordedHandler
from distill_core.runner import arun
from distill_core.state import fold
from tests.fakes.models import Answering
from tests.fakes.sinks import Kept

RUNS = ("assay_hit_rank", "gc_content_rank", "gene_expression_hits")


@pytest.mark.parametrize("name", RUNS)
async def test_outputs_and_final_answer_are_the_same(shared, name):
    folder = shared / "data" / "replay" / name
    task = json.loads((folder / "task.json").read_text())
    turns = [json.loads(line) for line in (folder / "turns.jsonl").read_text().splitlines()]
    blocks = [block for turn in turns for block in turn["blocks"]]
    answers = {call["prompt"]: call["response"] for block in blocks for call in block["worker_calls"]}
    kept = Kept()
    result = await arun(
        task["question"],
        (folder / "document.txt").read_text(),
        RecordedHandler([(None, LMResponse(text=turn["response"])) for turn in turns]),
        Answering(answers.__getitem__),
        max_iterations=len(turns),
        dialect="rlm",
        sinks=[kept],
    )
    assert result.answer == task["recorded_final_answer"]
    assert json.loads(result.answer) == task["gold"]
    cells = list(fold(kept.events).cells.values())
    run = {cell.code: cell for cell in cells}
    for block in blocks:
        cell = run[block["code"]]
        assert "".join(t for s, t in cell.output if s == "stdout") == block["stdout"]
        assert "".join(t for s, t in cell.output if s == "stderr") == block["stderr"]
        assert [fold(kept.events).calls[c].prompt for c in cell.calls] == [
            c["prompt"] for c in block["worker_calls"]
        ]
