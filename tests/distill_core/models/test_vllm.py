"""`VLLMHandler` with a stand-in for vLLM: what it asks of it, and what it makes of what comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from distill_core.config.providing import Choice, Opened, provider
from distill_core.config.settings import ModelProfile
from distill_core.errors import ModelError
from distill_core.models.base import Delta
from distill_core.models.vllm import VLLMHandler
from distill_core.models.vllm_server import server_argv

ROOT = Path(__file__).resolve().parents[3]
STUB = ROOT / "tests" / "fakes" / "vllm_stub"


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The stand-in, here and in child processes."""
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.split(".")[0] == "vllm"}
    monkeypatch.syspath_prepend(str(STUB))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(STUB), str(ROOT)]))
    import vllm

    yield vllm
    for name in [name for name in sys.modules if name.split(".")[0] == "vllm"]:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture
def handler(vllm: Any, tmp_path: Path) -> Iterator[VLLMHandler]:
    handler = VLLMHandler("some/model", log_path=tmp_path / "vllm.log", temperature=0.0, max_model_len=8)
    yield handler
    handler.close()


def test_every_call_is_made_on_one_thread_and_not_on_the_callers(vllm: Any, handler: VLLMHandler) -> None:
    with ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(handler.chat, [user(f"word {n}") for n in range(8)]))
    handler.close()
    assert [reply.text for reply in replies] == [f"word {n}" for n in range(8)]
    assert len(vllm.threads) == 1
    assert threading.get_ident() not in vllm.threads
    assert handler.total_usage.calls == 8


def test_two_handlers_on_one_engine_differ_in_sampling_only(vllm: Any, handler: VLLMHandler) -> None:
    other = handler.sharing(sampling={"temperature": 0.7, "max_tokens": 3})
    assert [handler.chat(user("a b c d")).text, other.chat(user("a b c d")).text] == ["a b c d", "a b c"]
    assert [batch["sampling"][0].temperature for batch in vllm.batches] == [0.0, 0.7]
    assert (len(vllm.threads), handler.total_usage.calls, other.total_usage.calls) == (1, 1, 1)
    other.close()
    handler.close()


def test_both_roles_of_one_profile_share_one_engine(vllm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened()
    profile = ModelProfile(provider="vllm", model="some/model", managed=False, engine={"max_model_len": 8})
    chosen = [Choice(role=role, profile=profile, why="named") for role in ("supervisor", "worker")]
    handlers = [provider("vllm").open(choice, opened) for choice in chosen]
    for handler in handlers:
        handler.chat(user("hello"))
    opened.close()
    assert len(vllm.threads) == 1
    assert [batch["sampling"][0].temperature for batch in vllm.batches] == [0.7, 0.2]


def test_a_prompt_that_is_too_long_fails_alone(vllm: Any, handler: VLLMHandler) -> None:
    results = handler.chat_batch_results([user("one"), user("long " * 20), user("two")])
    assert [r.text if not isinstance(r, ModelError) else "error" for r in results] == ["one", "error", "two"]
    assert "20 tokens, with room for 8 in all" in str(results[1])
    assert len(vllm.batches) == 1, "one batch"
    assert len(vllm.batches[0]["prompts"]) == 2


def test_parameters_are_in_vllms_words_and_no_bar_is_drawn(vllm: Any, handler: VLLMHandler) -> None:
    reply = handler.chat(user("a b c"), max_tokens=2, seed=7, logprobs=True, top_logprobs=3, timeout=5.0)
    handler.chat(user("a b c"))
    first, second = vllm.batches
    assert first["use_tqdm"] is second["use_tqdm"] is False
    assert vars(first["sampling"][0]) == {
        "max_tokens": 2,
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 7,
        "logprobs": 3,
    }
    assert (second["sampling"][0].max_tokens, second["sampling"][0].logprobs) == (5, None)
    assert (reply.text, reply.finish_reason, reply.usage.prompt_tokens) == ("a b", "length", 3)
    assert reply.logprobs is not None
    assert [entry.token for entry in reply.logprobs] == ["a", "b"]


def test_nothing_of_it_shows(vllm: Any, tmp_path: Path) -> None:
    """In a program of its own: what pytest captures with does not go through file descriptor 1."""
    code = f"""
    from pathlib import Path
    from distill_core.models.vllm import VLLMHandler
    handler = VLLMHandler("some/model", log_path=Path({str(tmp_path / "vllm.log")!r}))
    print(handler.chat([{{"role": "user", "content": "hello"}}]).text)
    handler.close()
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("hello\n", "", 0)
    log = (tmp_path / "vllm.log").read_text()
    assert all(said in log for said in ("INFO loading", "INFO from C++", "WARNING loud"))


def test_a_failing_engine_is_one_line(handler: VLLMHandler) -> None:
    with pytest.raises(ModelError, match=r"model on vLLM failed: RuntimeError: the engine died \(") as caught:
        handler.chat(user("explode"))
    assert "\n" not in str(caught.value)
    assert handler.chat(user("again")).text == "again"


def test_what_its_log_says_failed_is_named(vllm: Any, tmp_path: Path) -> None:
    for managed in (False, True):
        handler = VLLMHandler("is/broken", managed=managed, log_path=tmp_path / f"{managed}.log")
        with pytest.raises(ModelError, match=r"ValueError: no room for the weights .*\.log"):
            handler.start()


async def test_a_managed_server_is_spoken_to_and_ends(vllm: Any, tmp_path: Path) -> None:
    log = tmp_path / "vllm.log"
    handler = VLLMHandler("some/model", managed=True, log_path=log, max_model_len=64, enforce_eager=True)
    pieces: list[Delta] = []
    reply = await handler.achat(user("hi"), on_delta=pieces.append)
    assert (reply.text, handler.total_usage.calls) == ("served", 1)
    assert "".join(piece.text for piece in pieces) == "served"
    await handler.aclose()
    started = json.loads(log.read_text().splitlines()[0])
    assert started["key_in_argv"] is False
    assert started["argv"][:6] == [
        "--model", "some/model", "--served-model-name", "model", "--host", "127.0.0.1",
    ]  # fmt: skip
    assert started["argv"][8:] == ["--max-model-len", "64", "--enforce-eager"]


def test_engine_arguments_become_flags() -> None:
    given = {"max_model_len": 64, "enforce_eager": False, "a_list": [1, 2], "a_map": {"x": 1}, "left": None}
    command = list(server_argv("m", "name", 5, given))
    assert command[:3] == [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    assert command[command.index("5") + 1 :] == [
        "--max-model-len", "64", "--no-enforce-eager", "--a-list", "1", "2", "--a-map", '{"x": 1}',
    ]  # fmt: skip


def test_a_second_engine_logs_to_its_own_file_after_the_first_is_closed(vllm: Any, tmp_path: Path) -> None:
    for name in ("first", "second"):
        handler = VLLMHandler("some/model", log_path=tmp_path / f"{name}.log")
        handler.start()
        vllm.logger.warning("from the %s", name)
        handler.close()
        vllm.logger.warning("after the %s", name)
    assert "from the first\nafter the first" in (tmp_path / "first.log").read_text()
    assert "from the second\nafter the second" in (tmp_path / "second.log").read_text()
    assert "second" not in (tmp_path / "first.log").read_text()
