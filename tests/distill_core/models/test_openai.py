"""`OpenAIHandler` against a scripted endpoint: what it sends, what it makes of the answers, and from where it works."""

from __future__ import annotations

import asyncio
import gc
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from distill_core.errors import ConfigError, ModelError
from distill_core.fences import extract_blocks
from distill_core.models.again import Again
from distill_core.models.base import Delta, Message, Usage
from distill_core.models.openai import OpenAIHandler
from distill_core.models.openai_reply import StreamedReply
from tests.fakes.openai_server import FakeServer, Reply, serve

ROOT = Path(__file__).resolve().parents[3]
KEY = "secret-key"
SLOW_STEP = re.compile(r"Executing <.*> took \d+\.\d+ seconds$")
SOON = {"retry-after-ms": "1"}


def user(text: str = "hello") -> list[Message]:
    return [{"role": "user", "content": text}]


def handler_for(server: FakeServer, **options: Any) -> OpenAIHandler:
    return OpenAIHandler("fake-model", server.base_url, api_key=KEY, **options)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first retry comes after half a second; a thousandth does here."""
    import openai._base_client

    monkeypatch.setattr(openai._base_client, "INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("distill_core.models.openai.RESTART_SECONDS", 0.001)


# ---------------------------------------------------------------- what is sent


def test_max_tokens_and_temperature_go_out_under_their_own_names() -> None:
    with serve() as server:
        handler_for(server, temperature=0.2, max_tokens=50, seed=7, top_p=0.9).chat(user(), max_tokens=5)
    assert server.bodies[0] == {
        "model": "fake-model",
        "messages": user(),
        "temperature": 0.2,
        "max_tokens": 5,
        "seed": 7,
        "top_p": 0.9,
    }


def test_what_was_not_given_is_not_sent_and_none_takes_a_default_back() -> None:
    with serve() as server:
        handler = handler_for(server, temperature=0.2)
        handler.chat(user(), temperature=None, extra_body={"top_k": 3})
    assert server.bodies[0] == {"model": "fake-model", "messages": user(), "top_k": 3}
    assert handler.sampling() == {"temperature": 0.2}


@pytest.mark.parametrize("streamed", [False, True])
def test_a_model_that_wants_max_completion_tokens_gets_it_from_then_on(streamed: bool) -> None:
    with serve(rejects=["max_tokens", "temperature"]) as server:
        handler = handler_for(server, temperature=0.2, max_tokens=50)
        first, second = (asyncio.run(ask(handler, streamed=streamed)) for _ in range(2))
    assert [("max_tokens" in body, "temperature" in body) for body in server.bodies] == [
        (True, True),
        (False, True),
        (False, False),
        (False, False),
    ]
    assert server.bodies[-1]["max_completion_tokens"] == 50
    assert (first.attempts, second.attempts) == (3, 1)


def test_a_value_that_is_out_of_range_is_the_callers_to_correct() -> None:
    refusal = Reply(
        status=400, message="'max_tokens' is too large: 9000. The context is 4096.", param="max_tokens"
    )
    with serve([refusal]) as server, pytest.raises(ModelError, match="too large") as caught:
        handler_for(server, max_tokens=9000).chat(user())
    assert (len(server.bodies), caught.value.status) == (1, 400)


# ---------------------------------------------------------------- what comes back


def test_a_reply_has_its_text_usage_model_and_reason() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"cached_tokens": 64},
        "completion_tokens_details": {"reasoning_tokens": 12},
    }
    said = Reply(text="42", usage=usage, model="fake-model-0613", finish_reason="length", reasoning="6 × 7")
    with serve([said]) as server:
        handler = handler_for(server)
        reply = handler.chat(user())
    assert (reply.text, reply.model, reply.finish_reason, reply.reasoning, reply.attempts) == (
        "42",
        "fake-model-0613",
        "length",
        "6 × 7",
        1,
    )
    assert reply.usage == Usage(
        prompt_tokens=100, completion_tokens=20, cached_tokens=64, reasoning_tokens=12, calls=1
    )
    assert handler.total_usage == reply.usage
    assert 0 < reply.elapsed < 60


@pytest.mark.parametrize("streamed", [False, True])
def test_tokens_that_are_not_reported_are_not_made_up(streamed: bool) -> None:
    with serve([Reply(usage=None)]) as server:
        reply = asyncio.run(ask(handler_for(server), streamed=streamed))
    assert reply.usage == Usage(calls=1)


@pytest.mark.parametrize("streamed", [False, True])
def test_log_probabilities_come_through(streamed: bool) -> None:
    said = Reply(text="Yes", tokens=(("Yes", -0.1, (("Yes", -0.1), ("No", -2.4))),))
    with serve([said, said]) as server:
        handler = handler_for(server)
        asked = asyncio.run(ask(handler, streamed=streamed, logprobs=True, top_logprobs=2, max_tokens=1))
        plain = asyncio.run(ask(handler, streamed=streamed))
    assert asked.logprobs is not None
    assert [(t.token, t.logprob, t.top) for t in asked.logprobs] == [
        ("Yes", -0.1, (("Yes", -0.1), ("No", -2.4)))
    ]
    assert plain.logprobs is None


def test_an_endpoint_that_gives_no_log_probabilities_gives_none() -> None:
    with serve() as server:
        assert handler_for(server).chat(user(), logprobs=True, top_logprobs=5).logprobs is None


# ---------------------------------------------------------------- streaming


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
async def test_text_and_reasoning_are_told_as_they_come(field: str) -> None:
    said = Reply(text="a b c", reasoning="hm hm", reasoning_field=field)
    told: list[Delta] = []
    with serve([said]) as server:
        reply = await handler_for(server).achat(user(), on_delta=told.append)
    assert told == [
        Delta("reasoning", "hm"),
        Delta("reasoning", " hm"),
        Delta("text", "a"),
        Delta("text", " b"),
        Delta("text", " c"),
    ]
    assert (reply.text, reply.reasoning, reply.finish_reason) == ("a b c", "hm hm", "stop")
    assert reply.usage == Usage(prompt_tokens=7, completion_tokens=3, calls=1)
    assert server.bodies[0]["stream_options"] == {"include_usage": True}


async def test_pieces_are_told_on_the_callers_own_thread() -> None:
    threads: set[int] = set()
    with serve([Reply(text="a b c")]) as server:
        await handler_for(server).achat(user(), on_delta=lambda _: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


async def test_a_server_that_refuses_stream_options_is_asked_without_from_then_on() -> None:
    with serve(rejects=["stream_options"]) as server:
        handler = handler_for(server)
        first, second = [await handler.achat(user(), on_delta=lambda _: None) for _ in range(2)]
    assert ["stream_options" in body for body in server.bodies] == [True, False, False]
    assert (first.text, first.usage, first.attempts) == ("ok", Usage(calls=1), 2)
    assert second.attempts == 1


async def test_who_listens_may_stop_the_stream() -> None:
    def stop(delta: Delta) -> None:
        raise RuntimeError("enough")

    with serve([Reply(text="a b c d", gap=0.2)]) as server:
        with pytest.raises(RuntimeError, match="enough"):
            await handler_for(server).achat(user(), on_delta=stop)
        await until(lambda: server.in_flight == 0)


CUT = Reply(text="one two three four", failure="cut")
CLOSED = Reply(text="one two three four", failure="closed")
GARBLED = Reply(text="one two three four", failure="garbled")


async def test_a_stream_that_breaks_off_begins_anew() -> None:
    told: list[Delta] = []
    with serve(
        [CUT, Reply(status=503, headers=SOON), CLOSED, GARBLED, Reply(text="one two three")]
    ) as server:
        reply = await handler_for(server).achat(user(), on_delta=told.append)
    assert (reply.text, reply.attempts, len(server.bodies)) == ("one two three", 5, 5)
    kinds = [delta.kind for delta in told]
    assert kinds.count("again") == 3
    last = len(kinds) - kinds[::-1].index("again")
    assert "".join(delta.text for delta in told[last:]) == "one two three"


async def test_a_stream_of_which_pieces_are_no_json_names_the_endpoint() -> None:
    with serve([GARBLED]) as server, pytest.raises(ModelError) as caught:
        await handler_for(server, max_retries=0).achat(user(), on_delta=lambda _: None)
    assert "fake-model at 127.0.0.1" in str(caught.value)
    assert "a piece of the reply is not JSON" in str(caught.value)


@pytest.mark.parametrize("streamed", [False, True])
async def test_calls_of_tools_that_nobody_offered_are_told_as_text(streamed: bool) -> None:
    said = Reply(tool_calls=(("python", '{"code": "print(1)"}'), ("look", "{}")), finish_reason="tool_calls")
    with serve([said]) as server:
        on_delta = (lambda _: None) if streamed else None
        reply = await handler_for(server).achat(user(), on_delta=on_delta)
    assert reply.text.splitlines()[1] == '<tool_call>{"name": "look", "arguments": "{}"}</tool_call>'
    assert extract_blocks(reply.text, finish_reason=reply.finish_reason).problem == "xml_tool_call"


async def test_a_character_that_comes_in_two_escapes_is_one() -> None:
    with serve([Reply(pieces=("a\ud83d", "\ude00", "b\ud800"))]) as server:
        reply = await handler_for(server).achat(user(), on_delta=lambda _: None)
    assert reply.text == "a😀b\ud800"


async def test_counts_that_no_call_can_have_are_not_reported() -> None:
    with serve([Reply(usage={"prompt_tokens": 10**30, "completion_tokens": 1e300})]) as server:
        reply = await handler_for(server).achat(user())
    assert reply.usage == Usage(calls=1)


@pytest.mark.parametrize(("retries", "requests"), [(0, 1), (2, 3)])
async def test_a_stream_that_always_breaks_off_says_so(retries: int, requests: int) -> None:
    told: list[Delta] = []
    with serve(lambda _: CUT) as server, pytest.raises(ModelError, match=r"broke off: .*lost") as caught:
        await handler_for(server, max_retries=retries).achat(user(), on_delta=told.append)
    place, _, rest = str(caught.value).partition(" broke off")
    assert place == f"fake-model at 127.0.0.1:{server.port}"
    assert "400" not in rest
    assert "".join(delta.text for delta in told) == "one two" * requests
    assert (caught.value.attempts, len(server.bodies)) == (requests, requests)


# ---------------------------------------------------------------- failures


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_passing_trouble_is_tried_again_and_the_requests_are_counted(status: int) -> None:
    with serve([Reply(status=status, headers=SOON), Reply(status=status, headers=SOON)]) as server:
        reply = handler_for(server).chat(user())
    assert (reply.text, reply.attempts, len(server.bodies)) == ("ok", 3, 3)


def test_a_server_that_wants_a_long_wait_is_quoted() -> None:
    with (
        serve(lambda _: Reply(status=429, headers={"Retry-After": "600"})) as server,
        pytest.raises(ModelError, match=r"try again after 600 s"),
    ):
        handler_for(server, max_retries=0).chat(user())


@pytest.mark.parametrize("streamed", [False, True])
async def test_while_a_call_is_tried_again_it_can_be_told_how_far_that_is(streamed: bool) -> None:
    with serve([Reply(status=503, headers={"retry-after-ms": "300"})]) as server:
        handler = handler_for(server, max_retries=4)
        assert handler.again is None
        call = asyncio.ensure_future(ask(handler, streamed=streamed))
        while handler.again is None and not call.done():
            await asyncio.sleep(0.005)
        assert handler.again == Again(retry=1, most=4)
        await call
        assert handler.again is None


async def test_a_call_that_has_failed_for_good_is_not_tried_again() -> None:
    with serve(default=Reply(status=503, headers=SOON)) as server:
        handler = handler_for(server, max_retries=1)
        with pytest.raises(ModelError):
            await handler.achat(user())
        assert handler.again is None


@pytest.mark.parametrize("failure", ["reset", "hang"])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_lost_or_silent_connection_is_tried_again(failure: str, streamed: bool) -> None:
    with serve([Reply(failure=failure)]) as server:  # type: ignore[arg-type]
        reply = asyncio.run(ask(handler_for(server, timeout=0.3), streamed=streamed))
    assert (reply.text, reply.attempts) == ("ok", 2)


@pytest.mark.parametrize(
    ("failing", "says"),
    [
        (Reply(status=429, message="slow down", headers=SOON), "HTTP 429: slow down, after 3 requests (wait"),
        (
            Reply(status=500, message="oops", headers=SOON),
            "HTTP 500: oops, after 3 requests (the server is in",
        ),
        (Reply(failure="reset"), "the connection was lost"),
        (Reply(failure="hang"), "nothing came for 0.3 s, after 3 requests (raise timeout"),
    ],
)
def test_lasting_trouble_is_one_line_with_the_count(failing: Reply, says: str) -> None:
    with serve(default=failing) as server, pytest.raises(ModelError) as caught:
        handler_for(server, max_retries=2, timeout=0.3).chat(user())
    line = str(caught.value)
    assert line.startswith(f"fake-model at 127.0.0.1:{server.port} failed: ")
    assert says in line
    assert "\n" not in line
    assert caught.value.attempts == len(server.bodies) == 3


@pytest.mark.parametrize(("status", "says"), [(401, "check the key"), (404, "check the model's name")])
def test_lasting_refusals_are_not_tried_again(status: int, says: str) -> None:
    with serve(default=Reply(status=status)) as server, pytest.raises(ModelError, match=says) as caught:
        handler_for(server).chat(user())
    assert (caught.value.status, caught.value.attempts, len(server.bodies)) == (status, 1, 1)


@pytest.mark.parametrize("failure", ["malformed", "empty", "no_choices"])
def test_an_answer_that_is_no_chat_completion_is_shown(failure: str) -> None:
    broken = Reply(failure=failure)  # type: ignore[arg-type]
    said = r"no chat completion: .*check that base_url"
    with serve([broken]) as server, pytest.raises(ModelError, match=said):
        handler_for(server).chat(user())


def test_nothing_listening_is_said_plainly() -> None:
    with serve() as server:
        pass
    with pytest.raises(ModelError, match=r"cannot connect: .*refused.*check base_url"):
        handler_for(server, max_retries=0).chat(user())


def test_the_key_is_in_no_error_even_when_the_server_says_it_back() -> None:
    with serve(key="another") as server:
        handler = handler_for(server)
        with pytest.raises(ModelError, match=r"Incorrect API key provided: Bearer \*\*\*") as caught:
            handler.chat(user())
        checked = handler.check()
    assert KEY not in f"{caught.value} {caught.value!r} {handler!r} {vars(handler)!r} {checked}"


def test_a_known_host_without_a_key_is_not_even_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TOGETHER_API_KEY", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelError, match=r"no key for api.together.xyz \(set TOGETHER_API_KEY"):
        OpenAIHandler("m").chat(user())


def test_settings_of_the_sdks_own_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-1")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer stolen")
    with serve() as server:
        handler = handler_for(server)
        handler.chat(user())
        handler.check()
    assert len(server.requests) > 1
    for request in server.requests:
        headers = {name.lower(): value for name, value in request.headers.items()}
        assert headers["authorization"] == f"Bearer {KEY}"
        assert "openai-organization" not in headers


def test_a_redirect_is_followed_after_the_first_call_too() -> None:
    elsewhere = Reply(status=307, headers={"Location": "/v1/chat/completions"})
    with serve([Reply(text="one"), elsewhere, elsewhere, Reply(text="two")]) as server:
        handler = handler_for(server)
        assert [handler.chat(user()).text for _ in range(2)] == ["one", "two"]
    assert {request.headers.get("Authorization") for request in server.requests} == {f"Bearer {KEY}"}


def test_chat_completions_go_past_what_the_client_does_for_other_requests(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import httpx2

    sent: list[str] = []
    send = httpx2.AsyncClient.send

    async def counted(self: Any, request: Any, **kwargs: Any) -> Any:
        sent.append(request.method)
        return await send(self, request, **kwargs)

    monkeypatch.setattr(httpx2.AsyncClient, "send", counted)
    with serve([Reply(text="one"), Reply(text="two"), Reply(text="three")]) as server:
        handler = handler_for(server)
        replies = [
            handler.chat(user()),
            handler.chat(user()),
            asyncio.run(handler.achat(user(), on_delta=lambda _: None)),
        ]
    assert [reply.text for reply in replies] == ["one", "two", "three"]
    assert not sent


# ---------------------------------------------------------------- batches and limits


def test_a_batch_keeps_its_order_and_says_which_failed() -> None:
    def script(body: dict[str, Any]) -> Reply:
        text = body["messages"][0]["content"]
        return Reply(status=400, message="bad") if text == "2" else Reply(text=f"re {text}")

    batch = [user(str(number)) for number in range(5)]
    with serve(script) as server:
        handler = handler_for(server)
        results = handler.chat_batch_results(batch)
        with pytest.raises(ModelError, match="bad"):
            handler.chat_batch(batch)
    assert [r if isinstance(r, ModelError) else r.text for r in results] == [
        "re 0",
        "re 1",
        results[2],
        "re 3",
        "re 4",
    ]
    assert isinstance(results[2], ModelError)


def test_no_more_calls_are_in_flight_than_allowed_over_threads_and_loops() -> None:
    with serve(latency=0.02) as server:
        handler = handler_for(server, max_concurrency=3)

        async def several() -> None:
            await asyncio.gather(*(handler.achat(user()) for _ in range(6)))

        with ThreadPoolExecutor(4) as threads:
            jobs: list[Future[Any]] = [threads.submit(asyncio.run, several()) for _ in range(2)]
            jobs += [threads.submit(handler.chat_batch, [user()] * 6) for _ in range(2)]
            for job in jobs:
                job.result()
    assert server.most_in_flight == 3
    assert handler.total_usage.calls == len(server.bodies) == 24


# ---------------------------------------------------------------- from wherever it is called


def test_one_handler_serves_plain_code_threads_and_several_loops() -> None:
    with serve() as server:
        handler = handler_for(server)
        assert handler.chat(user()).text == "ok"
        for _ in range(3):
            assert asyncio.run(ask(handler)).text == "ok"
        with ThreadPoolExecutor(8) as threads:
            assert all(reply.text == "ok" for reply in threads.map(handler.chat, [user()] * 16))
        assert handler.chat(user()).text == "ok"


async def test_a_blocking_call_works_inside_a_running_loop() -> None:
    with serve() as server:
        assert handler_for(server).chat(user()).text == "ok"


async def test_the_loop_goes_on_while_a_call_waits() -> None:
    ticks = 0
    with serve(latency=0.3) as server:
        call = asyncio.create_task(handler_for(server).achat(user()))
        while not call.done():
            await asyncio.sleep(0.01)
            ticks += 1
    assert ticks > 3


async def test_a_cancelled_call_gives_its_place_back() -> None:
    with serve([Reply(failure="hang")]) as server:
        handler = handler_for(server, max_concurrency=1)
        call = asyncio.create_task(handler.achat(user()))
        await until(lambda: server.in_flight == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await handler.achat(user())).text == "ok"


async def test_a_closed_handler_opens_new_connections_when_called_again() -> None:
    with serve() as server:
        handler = handler_for(server)
        for _ in range(2):
            assert (await handler.achat(user())).text == "ok"
            await handler.aclose()
            await handler.aclose()


@pytest.mark.parametrize("ending", ["", "handler.close()", "del handler", "asyncio.run(handler.aclose())"])
def test_a_program_ends_without_a_word_however_it_leaves_its_handler(ending: str) -> None:
    with serve() as server:
        code = f"""
        import asyncio
        from distill_core.models.openai import OpenAIHandler
        handler = OpenAIHandler("m", {server.base_url!r}, api_key={KEY!r})
        print(handler.chat([{{"role": "user", "content": "x"}}]).text)
        asyncio.run(handler.achat([{{"role": "user", "content": "x"}}]))
        {ending}
        """
        done = subprocess.run(
            [sys.executable, "-W", "default", "-c", textwrap.dedent(code)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )
    # In its debug mode asyncio remarks on any step of 0.1 s, which a busy machine makes of many.
    said = [line for line in done.stderr.splitlines() if not SLOW_STEP.match(line)]
    assert (done.stdout, said, done.returncode) == ("ok\n", [], 0)


def test_a_dropped_handler_is_collected() -> None:
    import weakref

    with serve() as server:
        handler = handler_for(server)
        handler.chat(user())
        gone = weakref.ref(handler)
        del handler
        gc.collect()
    assert gone() is None


# ---------------------------------------------------------------- the live check


def test_a_check_lists_what_is_served() -> None:
    with serve(served=["fake-model", "other"]) as server:
        found = handler_for(server).check()
    assert (found.ok, found.served, found.error) == (True, ("fake-model", "other"), None)
    assert found.latency > 0
    assert server.bodies == [], "listing costs nothing"


def test_a_check_asks_a_server_that_lists_the_model_under_another_name() -> None:
    with serve(served=["/models/fake.gguf"]) as server:
        assert handler_for(server, max_tokens=100).check().ok
    assert [body["max_tokens"] for body in server.bodies] == [1]


def test_a_check_says_what_is_wrong() -> None:
    with serve(default=Reply(status=404, message="no such model"), served=["a", "b"]) as server:
        found = handler_for(server).check()
    assert not found.ok
    assert found.error is not None
    assert "no such model" in found.error
    assert "it serves a, b" in found.error


# ---------------------------------------------------------------- small parts


async def ask(handler: OpenAIHandler, *, streamed: bool = False, **params: Any) -> Any:
    if streamed:
        return await handler.achat(user(), on_delta=lambda _: None, **params)
    return await handler.achat(user(), **params)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"max_concurrency": 0}, "max_concurrency is out of range: 0 (allowed is 1 or more)"),
        ({"timeout": -1}, "timeout is out of range: -1 (allowed is more than 0)"),
        ({"max_tokens": -1}, "max_tokens is out of range: -1 (allowed is 1 or more)"),
        ({"max_retries": "many"}, "max_retries is out of range: 'many' (allowed is 0 or more)"),
        ({"api_key": "sk-a\nb"}, "the key for 127.0.0.1 (given) cannot be sent"),
        ({"api_key": "sk-ä"}, "the key for 127.0.0.1 (given) cannot be sent"),
    ],
)
def test_a_handler_with_which_no_call_could_be_made_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        OpenAIHandler("m", "http://127.0.0.1:9/v1", **options)
    assert str(refused.value).startswith(told)
    assert "sk-" not in str(refused.value)


def test_space_around_a_key_is_no_part_of_it() -> None:
    with serve(key="secret-key") as server:
        handler = OpenAIHandler("fake-model", server.base_url, api_key=" secret-key\n")
        assert handler.chat(user()).text == "ok"


def test_a_whole_reply_with_a_lone_surrogate_is_one() -> None:
    with serve([Reply(text="a\ud800b")]) as server:
        assert handler_for(server).chat(user()).text == "a\ud800b"


def test_http_where_https_was_meant_is_told() -> None:
    with serve() as server, pytest.raises(ModelError, match=r"no encrypted connection.*speaks http or https"):
        OpenAIHandler("m", server.base_url.replace("http:", "https:"), api_key="k", max_retries=0).chat(
            user()
        )


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reply_without_end_is_cut_off(streamed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("distill_core.models.openai_reply.MOST_CHARACTERS", 100)
    with serve([Reply(text="word " * 5_000)]) as server:
        on_delta = (lambda _: None) if streamed else None
        reply = await handler_for(server).achat(user(), on_delta=on_delta)
    assert 100 <= len(reply.text) < 120
    assert reply.finish_reason == "length"


async def test_tool_calls_without_end_are_cut_off_and_may_be_numbered_anyhow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("distill_core.models.openai_reply.MOST_CHARACTERS", 100)
    with serve([Reply(tool_calls=(("python", "x " * 5_000),))]) as server:
        reply = await handler_for(server).achat(user(), on_delta=lambda _: None)
    assert len(reply.text) < 300
    streamed = StreamedReply(lambda _: None)
    for index in ([], None, {"a": 1}):
        call = {"index": index, "function": {"name": "look", "arguments": "{}"}}
        streamed.add({"choices": [{"delta": {"tool_calls": [call]}}]})
    assert streamed.response(model="m", elapsed=0.0, attempts=1).text.count("<tool_call>") == 3
