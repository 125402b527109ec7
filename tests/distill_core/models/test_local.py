"""The embedded model through the real runtime, with weights small enough for every test run.

What is tested is the plumbing: SmolLM2-135M's answers mean nothing, so only their shapes are looked at.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from distill_core.errors import ModelError, WeightsError
from distill_core.models import local, weights
from distill_core.models.base import Delta, Usage
from distill_core.models.local import LocalServer

pytestmark = pytest.mark.timeout(900)  # the first run on a machine fetches 93 MB

WEIGHTS = "smollm2-135m"
ASK = [{"role": "user", "content": "Name a colour."}]


@pytest.fixture(scope="module")
def gguf() -> Path:
    """The weights, fetched as a person would fetch them."""
    if importlib.util.find_spec("xllamacpp") is None:
        pytest.skip("needs the runtime of the embedded model: pip install -e '.[local]'")
    try:
        return weights.pull(WEIGHTS)
    except WeightsError as error:
        pytest.skip(f"needs the weights {WEIGHTS}: {error}")


@pytest.fixture(scope="module")
def server(gguf: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    log = tmp_path_factory.mktemp("embedded") / "server.log"
    with LocalServer.start(WEIGHTS, context=256, log_path=log) as server:
        yield server


def refused(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def wait_until_refused(port: int) -> None:
    while not refused(port):
        time.sleep(0.02)


# ---------------------------------------------------------------- the server and its key


@pytest.mark.parametrize("key", [None, "guess"])
@pytest.mark.parametrize("path", ["/models", "/chat/completions"])
def test_without_its_key_the_server_answers_nothing(server: LocalServer, path: str, key: str | None) -> None:
    request = urllib.request.Request(server.base_url + path, b"{}" if "chat" in path else None)
    if key:
        request.add_header("Authorization", f"Bearer {key}")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)
    assert caught.value.code == 401


def test_the_key_is_in_no_process_list_log_or_repr(server: LocalServer) -> None:
    assert len(server.api_key) >= 32
    assert server.api_key not in repr(server)
    assert server.api_key not in server.log_path.read_text(errors="replace")
    listed = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]
    assert not any(server.api_key.encode() in line for line in listed)


def test_the_server_listens_on_loopback_only(server: LocalServer) -> None:
    assert urlsplit(server.base_url).hostname == "127.0.0.1"


# ---------------------------------------------------------------- calls


def test_a_chat_has_text_usage_and_a_model(server: LocalServer) -> None:
    handler = server.handler(temperature=0, max_tokens=8)
    response = handler.chat(ASK)
    assert response.text
    assert response.model == WEIGHTS
    assert response.usage.prompt_tokens > 0
    assert 0 < response.usage.completion_tokens <= 8
    assert response.usage.calls == handler.total_usage.calls == 1
    assert response.finish_reason in {"stop", "length"}


def test_a_json_schema_is_kept_to(server: LocalServer) -> None:
    schema = {
        "type": "object",
        "properties": {
            "found": {"type": "boolean"},
            "count": {"type": "integer", "minimum": 0, "maximum": 99},
        },
        "required": ["found", "count"],
        "additionalProperties": False,
    }
    reply_format = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
    response = server.handler(temperature=0, max_tokens=60).chat(ASK, response_format=reply_format)
    value = json.loads(response.text)
    assert set(value) == {"found", "count"}
    assert isinstance(value["found"], bool)
    assert 0 <= value["count"] <= 99


def test_a_grammar_is_kept_to(server: LocalServer) -> None:
    response = server.handler(max_tokens=8).chat(ASK, extra_body={"grammar": 'root ::= "Yes" | "No"'})
    assert response.text in {"Yes", "No"}


async def test_a_stream_is_the_text_in_pieces(server: LocalServer) -> None:
    pieces: list[Delta] = []
    handler = server.handler(temperature=0, max_tokens=12)
    response = await handler.achat(ASK, on_delta=pieces.append)
    assert len(pieces) > 1
    assert "".join(piece.text for piece in pieces) == response.text
    assert response.usage.completion_tokens > 0


async def test_a_batch_larger_than_the_slots_comes_back_in_order(server: LocalServer) -> None:
    prompts = [[{"role": "user", "content": "word " * 4 * (n + 1)}] for n in range(server.slots + 2)]
    responses = await server.handler(max_tokens=2).achat_batch(prompts)
    lengths = [response.usage.prompt_tokens for response in responses]
    assert len(responses) == len(prompts)
    assert lengths == sorted(set(lengths))


def test_logprobs_give_the_chances_of_the_first_token(server: LocalServer) -> None:
    response = server.handler(temperature=0, max_tokens=1).chat(ASK, logprobs=True, top_logprobs=5)
    assert response.logprobs is not None
    first = response.logprobs[0]
    assert len(first.top) == 5
    assert 0 < sum(math.exp(logprob) for _, logprob in first.top) <= 1.001


def test_a_prompt_read_before_is_not_read_again(server: LocalServer) -> None:
    handler = server.handler(temperature=0, max_tokens=1)
    piece = "The harbour lay quiet under the snow. " * 12
    first = handler.chat([{"role": "user", "content": piece + "Who spoke?"}])
    second = handler.chat([{"role": "user", "content": piece + "Where was it?"}])
    assert second.usage.cached_tokens > first.usage.prompt_tokens // 2


def test_one_conversation_may_be_longer_than_a_slot(server: LocalServer) -> None:
    long = "word " * (server.context + 50)
    response = server.handler(max_tokens=1).chat([{"role": "user", "content": long}])
    assert response.usage.prompt_tokens > server.context


def test_a_prompt_over_the_whole_context_is_a_model_error(server: LocalServer) -> None:
    long = "word " * (server.context * server.slots + 200)
    with pytest.raises(ModelError) as caught:
        server.handler(max_tokens=1).chat([{"role": "user", "content": long}])
    assert caught.value.status == 400
    assert caught.value.attempts == 1


def test_the_two_roles_have_each_their_count_of_tokens(server: LocalServer) -> None:
    supervisor, worker = server.handler(max_tokens=1), server.handler(max_tokens=1)
    supervisor.chat(ASK)
    assert supervisor.total_usage.calls == 1
    assert worker.total_usage == Usage()


# ---------------------------------------------------------------- its end


async def test_closing_ends_the_server_and_may_be_repeated(gguf: Path, tmp_path: Path) -> None:
    server = await LocalServer.astart(gguf, slots=1, context=256, log_path=tmp_path / "log")
    assert server.running
    assert server.model == gguf.stem
    await server.aclose()
    await server.aclose()
    assert not server.running
    # Another test's server may have the number by now.
    wait_until_refused(urlsplit(server.base_url).port or 0)


STARTS_AND_WAITS = """
import sys, time
from distill_core.models.local import LocalServer
server = LocalServer.start(sys.argv[1], slots=1, context=256)
print(server.base_url, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_dies_with_the_program(gguf: Path, tmp_path: Path, number: signal.Signals) -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS, str(gguf)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"XDG_STATE_HOME": str(tmp_path)},
    )
    try:
        assert program.stdout is not None
        port = urlsplit(program.stdout.readline()).port or 0
        assert not refused(port)
    finally:
        program.send_signal(number)
        program.communicate()
    wait_until_refused(port)


# ---------------------------------------------------------------- what keeps it from starting


@pytest.fixture
def some_gguf(tmp_path: Path) -> Path:
    path = tmp_path / "some.gguf"
    path.write_bytes(weights.GGUF_MAGIC + b"\0" * 64)
    return path


@pytest.fixture
def fake_runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module called xllamacpp that comes before the real one; the test writes what it does."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.syspath_prepend(str(folder))
    return folder / "xllamacpp.py"


def test_a_runtime_that_is_not_installed_is_said(some_gguf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"xllamacpp, is not installed .*\[local\]"):
        LocalServer.start(some_gguf)


def test_a_missing_libgomp_gets_its_remedy(some_gguf: Path, fake_runtime: Path, tmp_path: Path) -> None:
    fake_runtime.write_text("raise ImportError('libgomp.so.1: cannot open shared object file')")
    with pytest.raises(ModelError, match="apt-get install libgomp1") as caught:
        LocalServer.start(some_gguf, log_path=tmp_path / "log")
    assert "\n" not in str(caught.value)


def test_the_spin_count_is_set_before_the_runtime_is_imported(
    some_gguf: Path, fake_runtime: Path, tmp_path: Path
) -> None:
    fake_runtime.write_text("import os\nraise ImportError('spins ' + os.environ['GOMP_SPINCOUNT'])")
    with pytest.raises(ModelError, match=r"spins 2000 .*reinstall"):
        LocalServer.start(some_gguf, log_path=tmp_path / "log")


def test_weights_that_cannot_be_loaded_are_named(gguf: Path, some_gguf: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"cannot load .*some\.gguf") as caught:
        LocalServer.start(some_gguf, log_path=tmp_path / "log")
    assert "\n" not in str(caught.value)


def test_weights_not_pulled_are_said_with_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=f"models pull {weights.DEFAULT}"):
        LocalServer.start(cache_dir=tmp_path)


@pytest.mark.parametrize(
    ("text", "cores"),
    [("max 100000", sys.maxsize), ("150000 100000", 2), ("200000 100000", 2), ("", sys.maxsize)],
)
def test_a_containers_quota_limits_the_threads(tmp_path: Path, text: str, cores: int) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert local._quota(tmp_path / "cpu.max") == cores
    assert local._quota(tmp_path / "nowhere") == sys.maxsize


def test_a_large_log_is_begun_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x" * (local.MAX_LOG_BYTES + 1))
    assert local._fresh_log(log).stat().st_size == 0
    log.write_bytes(b"x")
    assert local._fresh_log(log).stat().st_size == 1


def test_importing_the_module_loads_no_runtime_and_no_sdk() -> None:
    code = "import sys, distill_core.models.local; print([m for m in ('xllamacpp', 'openai') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
