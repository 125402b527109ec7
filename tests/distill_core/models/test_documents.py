"""What docs/MODELS.md says in Python is so."""

from __future__ import annotations

import re
from pathlib import Path

from distill_core.models.openai import OpenAIHandler

ROOT = Path(__file__).resolve().parents[3]


def programs(name: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


async def test_the_examples_of_handlers_run() -> None:
    names: dict[str, object] = {}
    for program in programs("MODELS.md"):
        exec(compile(program, "MODELS.md", "exec"), names)
    worker, shouting = names["worker"], names["Shouting"]
    assert isinstance(worker, OpenAIHandler)
    assert worker.sampling() == {"temperature": 0.2, "max_tokens": 512}
    reply = await shouting().achat([{"role": "user", "content": "hello"}])  # type: ignore[operator]
    assert reply.text == "HELLO"


def test_the_vllm_example_starts_nothing_by_itself() -> None:
    names: dict[str, object] = {}
    exec(compile(programs("VLLM.md")[0], "VLLM.md", "exec"), names)
    assert names["worker"].model == "weights"  # type: ignore[attr-defined]


def test_the_command_in_the_document_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs" / "VLLM.md").read_text(encoding="utf-8")
    paths = re.findall(r"tests/\S+\.py", text)
    assert paths
    assert all((ROOT / path).is_file() for path in paths)
