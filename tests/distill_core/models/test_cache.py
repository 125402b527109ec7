"""Equal calls are answered from disk, the nth from the nth reply, by any process, and nothing else is."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import msgspec
import pytest

from distill_core.errors import DistillError
from distill_core.models.base import LMResponse, Message, TokenLogprob, Usage
from distill_core.models.cache import ResponseCache, cache_key
from distill_core.models.openai import OpenAIHandler

ROOT = Path(__file__).resolve().parents[3]
ASKED: list[Message] = [{"role": "user", "content": "what?"}]


def handler(**options: Any) -> OpenAIHandler:
    return OpenAIHandler("m", "http://127.0.0.1:1/v1", **options)


def reply(text: str) -> LMResponse:
    return LMResponse(
        text=text,
        usage=Usage(prompt_tokens=3, completion_tokens=1, calls=1),
        model="m",
        elapsed=2.5,
        finish_reason="stop",
        logprobs=(TokenLogprob(token=text, logprob=-0.5, top=((text, -0.5),)),),
        attempts=2,
    )


async def test_the_nth_equal_call_gets_the_nth_kept_reply(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "cache" / "replies.db")
    model = handler()
    for text in ("first", "second"):
        assert await cache.find(model, ASKED, {}) is None
        await cache.keep(model, ASKED, {}, reply(text))
    again = cache.session()
    found = [await again.find(model, ASKED, {}) for _ in range(3)]
    assert [kept.text if kept else None for kept in found] == ["first", "second", None]
    cache.close()


async def test_closed_it_has_and_keeps_nothing_more(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "replies.db")
    await cache.find(handler(), ASKED, {})
    cache.close()
    await cache.keep(handler(), ASKED, {}, reply("late"))
    assert await cache.find(handler(), ASKED, {}) is None
    assert len(ResponseCache(tmp_path / "replies.db")) == 0


async def test_a_kept_reply_is_whole_and_says_it_is_kept(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "replies.db")
    await cache.find(handler(), ASKED, {})
    await cache.keep(handler(), ASKED, {}, reply("yes"))
    cache.close()
    found = await ResponseCache(tmp_path / "replies.db").find(handler(), ASKED, {})
    assert found is not None
    assert (found.cached, found.attempts) == (True, 0)
    restored = msgspec.structs.replace(found, cached=False, attempts=2, elapsed=2.5)
    assert restored == reply("yes")


async def test_replies_that_come_out_of_turn_fill_the_places_that_were_missed(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "replies.db")
    model = handler()
    assert await cache.find(model, ASKED, {}) is None
    assert await cache.find(model, ASKED, {}) is None
    await cache.keep(model, ASKED, {}, reply("a"))
    await cache.keep(model, ASKED, {}, reply("b"))
    again = cache.session()
    kept = [await again.find(model, ASKED, {}) for _ in range(2)]
    assert [found.text for found in kept if found] == ["a", "b"]


@pytest.mark.parametrize(
    "other",
    [
        (OpenAIHandler("n", "http://127.0.0.1:1/v1"), ASKED, {}),
        (OpenAIHandler("m", "http://127.0.0.1:2/v1"), ASKED, {}),
        (handler(temperature=0.5), ASKED, {}),
        (handler(), ASKED, {"max_tokens": 1}),
        (handler(), [{"role": "user", "content": "what? "}], {}),
        (handler(), [{"role": "system", "content": "what?"}], {}),
    ],
)
def test_whatever_changes_a_call_makes_it_another(other: tuple[Any, ...]) -> None:
    assert cache_key(*other) != cache_key(handler(), ASKED, {})


def test_what_changes_nothing_does_not() -> None:
    same = cache_key(handler(), ASKED, {})
    assert cache_key(handler(max_concurrency=2, api_key="k"), ASKED, {"temperature": None}) == same
    assert cache_key(handler(), [{"content": "what?", "role": "user"}], {}) == same


def test_a_server_on_another_port_is_the_same_where_its_identity_is() -> None:
    first, second = (OpenAIHandler("m", f"http://127.0.0.1:{port}/v1", identity="weights") for port in (1, 2))
    assert cache_key(first, ASKED, {}) == cache_key(second, ASKED, {})


def test_a_file_that_is_something_else_is_named_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database at all, but my notes of last summer\n" * 50)
    with pytest.raises(DistillError, match=r"notes\.txt cannot be used: file is not a database"):
        ResponseCache(path)
    assert path.read_text().startswith("not a database")


def keep_many(path: Path, name: str) -> None:
    import asyncio

    async def keep() -> None:
        cache = ResponseCache(path)
        for number in range(50):
            messages = [{"role": "user", "content": f"{name} {number}"}]
            await cache.find(handler(), messages, {})
            await cache.keep(handler(), messages, {}, reply(f"{name} {number}"))
        cache.close()

    asyncio.run(keep())


def test_processes_write_side_by_side(tmp_path: Path) -> None:
    path = tmp_path / "replies.db"
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=keep_many, args=(path, name)) for name in "abc"]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    assert len(ResponseCache(path)) == 150


def test_a_killed_writer_leaves_whole_replies(tmp_path: Path) -> None:
    path = tmp_path / "replies.db"
    code = f"""
    import asyncio
    from pathlib import Path
    from distill_core.models.cache import ResponseCache
    from tests.distill_core.models.test_cache import handler, reply
    async def main():
        cache = ResponseCache(Path({str(path)!r}))
        for number in range(1_000_000):
            messages = [{{"role": "user", "content": str(number)}}]
            await cache.find(handler(), messages, {{}})
            await cache.keep(handler(), messages, {{}}, reply(str(number)))
            if number % 20 == 19:
                print(number + 1, flush=True)
    asyncio.run(main())
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = int(writer.stdout.readline())
        os.kill(writer.pid, signal.SIGKILL)
    assert len(ResponseCache(path)) >= said
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
        for (kept,) in connection.execute("select reply from replies"):
            msgspec.json.decode(kept, type=LMResponse)


async def test_clearing_forgets(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "replies.db")
    await cache.keep(handler(), ASKED, {}, reply("x"))
    assert len(cache) == 1
    cache.clear()
    assert await cache.session().find(handler(), ASKED, {}) is None
