"""vLLM as a child server: its own process tree, a free loopback port, a random key, its output in a log file."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from distill_core.errors import ModelError
from distill_core.models import vllm_log
from distill_core.models.child_server import ChildServer, free_port, random_key
from distill_core.models.credentials import scrub
from distill_core.models.openai import OpenAIHandler

MODULE = "vllm.entrypoints.openai.api_server"
"""Run as a module: in CPU builds the `vllm serve` command is broken, this is not."""

CALL_SECONDS = 600.0
CONCURRENCY = 256
"""vLLM queues what it cannot run at once, and batches the better the more it is given."""


class VLLMServer:
    """A running server. Made ready by the constructor, which blocks until then.

    Args:
        model_path: folder of the weights, or their name on the hub.
        model: the name it is served under.
        sampling: parameters for every call.
        log_path: file for the server's output.
        engine_args: for vLLM, as `vllm.LLM` names them.
        startup_seconds: how long it may take to be ready.

    Raises:
        ModelError: it did not start; quotes what its log says failed.
    """

    def __init__(
        self,
        model_path: str,
        model: str,
        *,
        sampling: Mapping[str, Any],
        log_path: Path,
        engine_args: Mapping[str, Any],
        startup_seconds: float,
    ) -> None:
        port, key = free_port(), random_key()
        base_url = f"http://127.0.0.1:{port}/v1"
        self._child = ChildServer(
            server_argv(model_path, model, port, engine_args),
            env={"VLLM_API_KEY": key, "VLLM_NO_USAGE_STATS": "1", "VLLM_DO_NOT_TRACK": "1"},
            log_path=log_path,
            ready_url=f"{base_url}/models",
            key=key,
            name=f"the vLLM server for {model}",
            startup_seconds=startup_seconds,
        )
        start = vllm_log.size(log_path)
        try:
            self._child.start()
        except ModelError as error:
            cause = vllm_log.root_cause(log_path, start)
            error.found = scrub(cause, key) if cause else error.found
            raise
        self.handler = OpenAIHandler(
            model,
            base_url,
            api_key=key,
            timeout=CALL_SECONDS,
            max_concurrency=CONCURRENCY,
            **sampling,
        )

    def close(self) -> None:
        """Close the connections and end the server with everything it started."""
        self.handler.close()
        self._child.close()


def server_argv(model_path: str, model: str, port: int, engine_args: Mapping[str, Any]) -> Sequence[str]:
    """The command: engine arguments become flags (`max_model_len=4096` is `--max-model-len 4096`)."""
    command = [sys.executable, "-m", MODULE, "--model", model_path, "--served-model-name", model]
    command += ["--host", "127.0.0.1", "--port", str(port)]
    for name, value in engine_args.items():
        flag = name.replace("_", "-")
        if value is None:
            continue
        if isinstance(value, bool):
            command.append(f"--{flag}" if value else f"--no-{flag}")
        elif isinstance(value, (list, tuple)):
            command += [f"--{flag}", *map(str, value)]
        elif isinstance(value, Mapping):
            command += [f"--{flag}", json.dumps(value)]
        else:
            command += [f"--{flag}", str(value)]
    return command
