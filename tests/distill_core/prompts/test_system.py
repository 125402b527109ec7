"""The system prompt: what it teaches, what fills it, and that its examples run."""

from __future__ import annotations

import functools
import re
import string
from typing import Any

import pytest

from distill_core.fences import extract_blocks
from distill_core.prompts import SYSTEM_PROMPT, build_system_prompt, primitives_section, worker_chunk

STYLES = ["full", "compact"]
DIALECTS = ["distill", "rlm"]


def search(words: str, k: int = 5) -> list[str]:
    """Finds {passages}
    about the words.

    Internal notes nobody needs.
    """
    return [words] * k


def test_template_has_its_four_variables_and_no_other() -> None:
    names = {name for _, name, _, _ in string.Formatter().parse(SYSTEM_PROMPT) if name is not None}
    assert names == {"worker_ctx", "worker_chunk", "output_limit", "primitives"}


def test_positional_call_fills_them() -> None:
    prompt = build_system_prompt(16, 1234)
    assert "about\n   16k tokens" in prompt
    assert str(worker_chunk(16)) in prompt
    assert "at most 1234 characters" in prompt
    assert "`worker(prompt)`" in prompt


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_variable_is_left_and_the_text_is_the_same_each_time(style: Any, dialect: Any) -> None:
    prompts = {
        build_system_prompt(8, 2000, {"search": search}, style=style, dialect=dialect) for _ in range(3)
    }
    assert len(prompts) == 1
    (prompt,) = prompts
    assert not re.search(r"\{(worker_ctx|worker_chunk|output_limit|primitives)\}", prompt)
    assert not re.search(r"\b(WORKER|CALL|BATCH)\b", prompt)


@pytest.mark.parametrize(
    "lesson",
    [
        "preview of its head and tail",
        "Probe first",
        "Count, search, sort and compute in Python",
        "only for meaning",
        "few fat prompts, not thousands of tiny ones",
        "sees only what you send it",
        "piece first and the question last",
        "Ask for quotes",
        "Print the candidate answer",
        "turn it is and what budget is left",
    ],
)
def test_full_prompt_teaches(lesson: str) -> None:
    assert lesson in build_system_prompt()


@pytest.mark.parametrize("style", STYLES)
def test_rlm_dialect_offers_its_names_beside_ours(style: Any) -> None:
    prompt = build_system_prompt(style=style, dialect="rlm")
    for name in (
        "llm_query(",
        "llm_query_batched(",
        "rlm_query(",
        "FINAL_VAR(",
        "SHOW_VARS(",
        "`answer`",
        "worker(",
    ):
        assert name in prompt
    assert "llm_query" not in build_system_prompt(style=style)


def test_compact_prompt_is_short_and_has_one_example() -> None:
    compact = build_system_prompt(style="compact")
    assert len(compact) < 3500
    assert len(extract_blocks(compact).blocks) == 1


@pytest.mark.parametrize("style", STYLES)
def test_prompts_hold_no_sentence_to_be_copied(style: Any) -> None:
    assert not re.search(
        r"the exact sentence|<[a-z_ ]+>|\[[a-z ]+ here\]|your answer here", build_system_prompt(style=style)
    )


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("shape", ["str", "list", "dict"])
def test_worked_example_answers_a_question(style: Any, dialect: Any, shape: str) -> None:
    """The example's programs, run one after the other against a worker that reads, give the answer."""
    text = "Nothing to see. " * 3000 + "The treasure was found by Mira Vale. " + "Nothing more. " * 3000
    context: Any = {"str": text, "list": [text], "dict": {"a.txt": text}}[shape]
    asked: list[str] = []

    def worker(prompt: str) -> str:
        asked.append(prompt)
        return "Mira Vale found the treasure." if "Mira Vale" in prompt else "NONE"

    def batch(prompts: list[str]) -> list[object]:
        return [*map(worker, prompts[:-1]), *map(worker, prompts[-1:])]

    answers: list[str] = []
    names: dict[str, Any] = {"context": context, "query": "Who found the treasure?", "FINAL": answers.append}
    names |= {"worker": worker, "worker_batch": batch, "llm_query": worker, "llm_query_batched": batch}
    prompt = build_system_prompt(8, style=style, dialect=dialect)
    for block in extract_blocks(prompt).blocks:
        exec(block.code, names)
    result = answers[0] if answers else names["result"]
    assert "Mira Vale" in result
    assert all(len(prompt) <= worker_chunk(8) + 1000 for prompt in asked)
    assert all("Question: Who found the treasure?" in prompt[-200:] for prompt in asked)


@pytest.mark.parametrize("chance", [0.9, None], ids=["logprobs", "no-logprobs"])
def test_worked_example_gates_pieces_where_the_worker_tells_chances(chance: float | None) -> None:
    """The piece that the gate puts first gives the answer, though another comes first by its words."""
    decoy = "Treasure found, found treasure: a treasure was found by nobody. " + "Sand. " * 500
    text = decoy + "The chest was dug up by Mira Vale. " + "Sand. " * 500
    answers: list[str] = []
    names: dict[str, Any] = {"context": text, "query": "Who found the treasure?", "FINAL": answers.append}

    def gate(prompts: list[str]) -> list[float | None]:
        return [chance if "Mira Vale" in prompt else 0.1 if chance else None for prompt in prompts]

    names["worker_yes"] = gate
    names["worker_batch"] = lambda prompts: ["Mira Vale" if "Mira" in p else "nobody" for p in prompts]
    prompt = build_system_prompt(8, primitives={"worker_yes": gate}, style="compact")
    (block,) = extract_blocks(prompt).blocks
    exec(block.code, names)
    assert answers == ["Mira Vale" if chance else "nobody"]
    assert "worker_yes" not in build_system_prompt(8, style="compact")


def test_worked_example_passes_over_failed_calls() -> None:
    names: dict[str, Any] = {
        "context": "x" * 100_000,
        "query": "who?",
        "worker": lambda prompt: "Mira",
        "FINAL": lambda answer: None,
        "worker_batch": lambda prompts: [ValueError("down")] * (len(prompts) - 1) + ["Mira"],
    }
    (block,) = extract_blocks(build_system_prompt(style="compact")).blocks
    exec(block.code, names)
    assert names["notes"] == ["Mira"]


# ---------------------------------------------------------------- the section on primitives


def test_primitive_is_described_by_its_signature_and_first_paragraph() -> None:
    line = primitives_section({"search": search}).splitlines()[-1]
    assert line == "- `search(words: str, k: int = 5) -> list[str]`: Finds {passages} about the words."


def test_primitives_keep_the_callers_order_after_the_built_in_names() -> None:
    lines = primitives_section({"zeta": search, "alpha": search}).splitlines()
    assert [line.split("(")[0] for line in lines[-2:]] == ["- `zeta", "- `alpha"]


def test_primitive_without_docstring_or_signature_is_still_named() -> None:
    def bare(x, *, y=object()):  # type: ignore[no-untyped-def]  # noqa: B008
        return x, y

    class Callable:
        def __call__(self, text: str) -> str:
            return text

    lines = primitives_section(
        {"bare": bare, "own": Callable(), "part": functools.partial(search, k=2), "big": max}
    )
    assert "- `bare(x, *, y=...)`\n" in lines
    assert "- `own(text: str) -> str`\n" in lines
    assert "- `part(words: str, *, k: int = 2) -> list[str]`" in lines
    assert "- `big(...)`" in lines
    assert "0x" not in lines


def test_a_primitive_that_replaces_a_known_name_is_not_listed_twice() -> None:
    assert primitives_section({"budget": search}).count("`budget(") == 1


# ---------------------------------------------------------------- numbers


@pytest.mark.parametrize(("window", "chars"), [(8, 21000), (2, 5200), (0.5, 1300), (128, 330_000)])
def test_piece_fits_the_window_with_room_for_the_question(window: float, chars: int) -> None:
    assert worker_chunk(window) == chars
    assert chars / 3.5 < window * 1000


@pytest.mark.parametrize(
    "bad", [{"worker_ctx_k": 0}, {"output_limit": 0}, {"style": "tiny"}, {"dialect": "x"}]
)
def test_nonsense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"must be positive|no prompt"):
        build_system_prompt(**bad)
