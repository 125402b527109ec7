"""What the response cache tells apart: kinds of handlers, weights, and handlers whose replies are not kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from distill_core.models import weights
from distill_core.models.base import LMResponse, Message, ModelHandler
from distill_core.models.cache import ResponseCache, cache_key
from distill_core.models.openai import OpenAIHandler
from distill_core.models.recorded import RecordedHandler
from distill_core.playbook.supervisor import PlaybookSupervisor
from tests.fakes.models import Scripted

ASKED = [{"role": "user", "content": "x"}]


class Other(Scripted):
    """Another kind of handler, by the same model name."""


def test_handlers_of_two_classes_do_not_share_replies() -> None:
    assert cache_key(Scripted(), ASKED, {}) == cache_key(Scripted(), ASKED, {})
    assert cache_key(Scripted(), ASKED, {}) != cache_key(Other(), ASKED, {})


class Nameless(ModelHandler):
    """A handler as short as it may be written: its class does not tell what answers."""

    def __init__(self, says: str, identity: str | None = None) -> None:
        self.says = says
        self.identity = identity

    def chat(self, messages: Sequence[Message], **kwargs: Any) -> LMResponse:
        return LMResponse(self.says)

    def chat_batch(self, message_batches: Sequence[Sequence[Message]], **kwargs: Any) -> list[LMResponse]:
        return [self.chat(messages) for messages in message_batches]


async def test_replies_of_a_handler_that_nothing_names_are_not_kept(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "replies.db")
    for handler in (Nameless("one"), Nameless("two", "the second")):
        await cache.keep(handler, ASKED, {}, LMResponse(handler.says))
    found = [await cache.session().find(Nameless("", name), ASKED, {}) for name in (None, "the second")]
    cache.close()
    assert [reply and reply.text for reply in found] == [None, "two"]


def test_an_identity_stands_for_an_address_that_changes() -> None:
    one, two = (
        OpenAIHandler("m", f"http://127.0.0.1:{port}/v1", identity="weights:1") for port in (1001, 1002)
    )
    third = OpenAIHandler("m", "http://127.0.0.1:1001/v1", identity="weights:2")
    assert cache_key(one, ASKED, {}) == cache_key(two, ASKED, {}) != cache_key(third, ASKED, {})


def test_weights_of_a_persons_own_are_told_apart_by_name_and_size(tmp_path: Path) -> None:
    for name, content in (("a.gguf", b"GGUF"), ("b.gguf", b"GGUF"), ("c.gguf", b"GGUF+")):
        (tmp_path / name).write_bytes(content)
    known = [weights.identity(tmp_path / name) for name in ("a.gguf", "b.gguf", "c.gguf", "a.gguf")]
    assert known[0] == known[3]
    assert len(set(known)) == 3


async def test_replies_that_must_not_be_kept_are_not(tmp_path: Path) -> None:
    cache = ResponseCache(tmp_path / "replies.db")
    for handler in (PlaybookSupervisor(), RecordedHandler([])):
        assert await cache.find(handler, ASKED, {}) is None
        await cache.keep(handler, ASKED, {}, LMResponse("no"))
        assert await cache.session().find(handler, ASKED, {}) is None
    assert len(cache) == 0
    cache.close()
