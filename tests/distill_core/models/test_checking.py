"""Handlers of anybody's: what they give back is checked before it is counted and logged."""

from __future__ import annotations

from asyncio import CancelledError
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from distill_core import run
from distill_core.errors import ModelError
from distill_core.events import Limits, WorkerCallFailed, WorkerCallStarted
from distill_core.models.base import LMResponse, Message, ModelHandler, TokenLogprob, Usage
from distill_core.models.checking import checked
from distill_core.reading import read_session
from sessions.verify import verify

FINAL_OF_ONE = "```repl\nFINAL(str(worker_batch(['a'])[0]))\n```"
OF_MANY = "```repl\nr = worker_batch([str(i) for i in range(6)])\nFINAL(str(sum(isinstance(x, str) for x in r)))\n```"


class Own(ModelHandler):
    """A handler as a user writes one: `chat` and `chat_batch`, and nothing else."""

    def __init__(self, reply: Callable[[], Any], batch: Callable[[list[Any]], Any] = list) -> None:
        self.reply, self.batch = reply, batch

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        reply: LMResponse = self.reply()
        return reply

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        replies: list[LMResponse] = self.batch([self.reply() for _ in message_batches])
        return replies


def saying(text: str) -> Own:
    return Own(lambda: LMResponse(text))


WRONG: list[Any] = [
    None,
    "text",
    LMResponse(None),  # type: ignore[arg-type]  # what a user's handler may do
    LMResponse(42),  # type: ignore[arg-type]
    LMResponse("x", model=5),  # type: ignore[arg-type]
    LMResponse("x", usage=None),  # type: ignore[arg-type]
    LMResponse("x", usage=Usage(prompt_tokens=-5)),
    LMResponse("x", usage=Usage(completion_tokens=1.5)),  # type: ignore[arg-type]
    LMResponse("x", finish_reason=3),  # type: ignore[arg-type]
    LMResponse("x", attempts=-1),
    LMResponse("x", usage=Usage(prompt_tokens=10**30)),
    LMResponse("x", logprobs=["x"]),  # type: ignore[arg-type]
    LMResponse("x", logprobs=(TokenLogprob(token=3, logprob=0.0),)),  # type: ignore[arg-type]
    LMResponse("x", logprobs=(TokenLogprob(token="a", logprob=0.0, top=None),)),  # type: ignore[arg-type]
    LMResponse("x", attempts=10**16),
    LMResponse("x", elapsed=float("nan")),
    LMResponse("x", elapsed=True),
]


def test_lone_surrogates_in_a_reply_are_spelled_out_and_logged(tmp_path: Path) -> None:
    entry = TokenLogprob(token="a\ud800", logprob=-1.0, top=(("b\udfff", -2.0),))
    spelled = TokenLogprob(token="a\\ud800", logprob=-1.0, top=(("b\\udfff", -2.0),))
    assert checked(LMResponse("x", logprobs=(entry,))).logprobs == (spelled,)
    supervisor = saying("\ud800 so\n```repl\nFINAL(worker('a'))\n```")
    worker = Own(lambda: LMResponse("\udc80!", model="\ud800", finish_reason="\ud800", reasoning="\ud800"))
    assert run("q", "c", supervisor, worker, log_dir=tmp_path / "s").answer == "\\udc80!"
    assert verify(tmp_path / "s").whole


def raising(error: BaseException) -> Own:
    def reply() -> LMResponse:
        raise error

    return Own(reply)


@pytest.mark.parametrize("error", [StopIteration(), CancelledError(), SystemExit(3)], ids=repr)
def test_what_is_no_error_is_a_failed_call_and_nobody_waits_for_ever(error: BaseException) -> None:
    told = run("q", "c", saying(FINAL_OF_ONE), raising(error)).answer
    assert f"chat_batch raised {type(error).__name__}" in str(told)
    with pytest.raises(ModelError, match="chat raised " + type(error).__name__):
        run("q", "c", raising(error), saying("x"))
    over = saying("```repl\ntry:\n    look()\nexcept Exception as e:\n    FINAL(str(e))\n```")

    def look() -> None:
        raise error

    answer = run("q", "c", over, saying("x"), primitives={"look": look}).answer
    assert "look raised " + type(error).__name__ in str(answer)


@pytest.mark.parametrize("reply", WRONG, ids=repr)
def test_what_is_no_reply_is_refused_in_one_line(reply: object) -> None:
    with pytest.raises(ModelError, match="answered wrongly") as caught:
        checked(reply)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reply", WRONG[1:6:2], ids=repr)
def test_a_worker_that_answers_wrongly_fails_its_call_and_nothing_else(reply: object, tmp_path: Path) -> None:
    result = run("q", "c", saying(FINAL_OF_ONE), Own(lambda: reply), log_dir=tmp_path / "s")
    assert result.status == "finished"
    assert "answered wrongly" in str(result.answer)
    assert verify(tmp_path / "s").whole
    events = read_session(tmp_path / "s").events
    started = [e for e in events if isinstance(e, WorkerCallStarted)]
    failed = [e for e in events if isinstance(e, WorkerCallFailed)]
    assert len(started) == len(failed) == 1


@pytest.mark.parametrize("reply", WRONG, ids=repr)
def test_a_supervisor_that_answers_wrongly_ends_the_session_in_one_line(
    reply: object, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="answered wrongly"):
        run("q", "c", Own(lambda: reply), saying("x"), log_dir=tmp_path / "s")
    assert verify(tmp_path / "s").whole


def test_a_batch_may_be_any_iterable_of_replies() -> None:
    def one_by_one(replies: list[Any]) -> Iterator[Any]:
        yield from replies

    worker = Own(lambda: LMResponse("x"), one_by_one)
    assert run("q", "c", saying(OF_MANY), worker).answer == "6"


def test_a_batch_that_is_no_list_fails_its_calls() -> None:
    worker = Own(lambda: LMResponse("x"), lambda _: None)
    assert run("q", "c", saying(OF_MANY), worker).answer == "0"


@pytest.mark.parametrize("which", ["supervisor", "worker"])
def test_what_is_no_handler_is_refused_before_anything_begins(which: str) -> None:
    models: dict[str, Any] = {"supervisor": saying("x"), "worker": saying("x"), which: "gpt-4"}
    with pytest.raises(ModelError, match=f"the {which} is str, not a ModelHandler"):
        run("q", "c", **models)


def test_a_bound_on_tokens_holds_where_nobody_reports_them() -> None:
    worker = Own(lambda: LMResponse("word " * 2000, usage=Usage(calls=1)))
    one_by_one = "```repl\nn = 0\nfor i in range(30):\n    n += len(worker(str(i))) > 0\nFINAL(n)\n```"
    result = run("q", "c", saying(one_by_one), worker, limits=Limits(tokens=9000))
    assert result.status == "budget"
    assert 1 <= result.worker_usage.calls < 4
