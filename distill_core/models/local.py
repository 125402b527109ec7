"""The embedded model: a small open-weights model on this machine, for supervisor and worker alike.

One child process serves both roles (`local_runtime.py` is its inside), on loopback behind a random key, and is spoken
to as any other OpenAI-compatible endpoint. It ends with this program, however this program ends.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import math
import os
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import platformdirs

from distill_core.errors import ModelError
from distill_core.models import local_runtime, openmp, weights
from distill_core.models.catalogue import catalogue
from distill_core.models.child_server import ChildServer, free_port, random_key

if TYPE_CHECKING:
    from distill_core.models.openai import OpenAIHandler

RUNTIME = Path(local_runtime.__file__)
SLOTS = 4
CONTEXT = 8192
"""Tokens a slot, so that a full worker context fits in each at once. One conversation alone may use all of them."""

CACHE_MIB = 1024
"""Memory for the prompts of conversations that lost their slot, in MiB: a supervisor's turn after many worker calls
reads only what is new."""

SPIN_COUNT = "2000"
"""GOMP_SPINCOUNT of the child. At the default, threads that wait for each other spin, and on a machine with anything
else to do the speed of generation was measured to fall from 25 tokens a second to 2."""

CALL_SECONDS = 1800.0
"""Time limit of one call: reading a full context takes minutes on two cores, and a retry would begin anew."""

MAX_LOG_BYTES = 4_000_000

GOMP_REMEDY = (
    "install it: apt-get install libgomp1 (Debian, Ubuntu), dnf install libgomp (Fedora), "
    "apk add libgomp (Alpine); or let distill-tui models pull fetch one"
)


class LocalServer:
    """A running server of the embedded model. Made by `start` or `astart`.

    Attributes:
        model: name the server answers to.
        path: the weights.
        base_url: its OpenAI-compatible endpoint.
        slots: conversations it works on at once.
        context: tokens that each may use when all work.
        log_path: where its output goes.
    """

    def __init__(
        self, child: ChildServer, *, model: str, path: Path, base_url: str, slots: int, context: int
    ) -> None:
        self._child = child
        self.model = model
        self.path = path
        self.base_url = base_url
        self.slots = slots
        self.context = context
        self.log_path = child.log_path

    @classmethod
    def start(
        cls,
        model: str | Path = weights.DEFAULT,
        *,
        slots: int = SLOTS,
        context: int = CONTEXT,
        threads: int | None = None,
        cache_mib: int = CACHE_MIB,
        cache_dir: Path | None = None,
        log_path: Path | None = None,
    ) -> LocalServer:
        """Start the server and wait until it answers (seconds). Blocks: in a coroutine use `astart`.

        Args:
            model: name of weights that have been pulled, or the path of a GGUF file.
            slots: conversations to work on at once.
            context: tokens a slot.
            threads: CPU threads; by default one a core that this process may use.
            cache_mib: memory for prompts of conversations without a slot, MiB.
            cache_dir: where pulled weights are kept.
            log_path: file for the server's output.

        Raises:
            WeightsError: the weights are not there, or not GGUF.
            ModelError: the runtime is not installed, lacks a system library, or cannot load the weights.
        """
        path = weights.resolve(model, cache_dir=cache_dir).resolve()
        if importlib.util.find_spec("xllamacpp") is None:
            raise ModelError(
                "cannot run the embedded model",
                found="its runtime, xllamacpp, is not installed",
                remedy="pip install 'distill-tui[local]'",
            )
        name = str(model) if str(model) in catalogue() else path.stem
        port, key = free_port(), random_key()
        settings = {
            "model": str(path),
            "alias": name,
            "port": port,
            "slots": slots,
            "context": context,
            "threads": threads or cores(),
            "cache_mib": cache_mib,
        }
        child = ChildServer(
            # -P: neither the script's folder nor where the person works may be imported from.
            [sys.executable, "-P", RUNTIME, json.dumps(settings)],
            env={
                local_runtime.KEY_VARIABLE: key,
                "GOMP_SPINCOUNT": SPIN_COUNT,
                **openmp.environment(cache_dir),
            },
            log_path=_fresh_log(log_path or platformdirs.user_log_path("distill-tui") / "embedded.log"),
            ready_url=f"http://127.0.0.1:{port}/v1/models",
            key=key,
            name="the embedded model's server",
        )
        try:
            child.start()
        except ModelError as error:
            raise _explained(error, child.last_line(), path) from error
        base_url = f"http://127.0.0.1:{port}/v1"
        return cls(child, model=name, path=path, base_url=base_url, slots=slots, context=context)

    @classmethod
    async def astart(cls, model: str | Path = weights.DEFAULT, **options: Any) -> LocalServer:
        """`start`, without blocking the event loop."""
        return await asyncio.to_thread(cls.start, model, **options)

    @property
    def api_key(self) -> str:
        """The key that calls need. Known to this process and the child only."""
        return self._child.key or ""

    @property
    def running(self) -> bool:
        """Whether the child is alive."""
        return self._child.running

    def handler(self, **sampling: Any) -> OpenAIHandler:
        """A handler for this server, for either role. Closing it leaves the server running.

        Args:
            sampling: what `OpenAIHandler` takes: temperature, max_tokens, seed, …
        """
        from distill_core.models.openai import OpenAIHandler

        # More in flight than there are slots would wait inside the server, the clock of their time limit running.
        options: dict[str, Any] = {"timeout": CALL_SECONDS, "max_concurrency": self.slots, "max_retries": 0}
        # The port is another at every start: kept replies belong to the weights instead.
        options["identity"] = weights.identity(self.path)
        handler = OpenAIHandler(self.model, self.base_url, api_key=self.api_key, **(options | sampling))
        handler.primitives = ("worker_yes",)  # the compact prompt's example makes use of it
        return handler

    def close(self) -> None:
        """End the server. Safe to call twice."""
        self._child.close()

    async def aclose(self) -> None:
        """`close`, without blocking the event loop."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> LocalServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"LocalServer({self.model!r}, base_url={self.base_url!r}, running={self.running})"


def cores() -> int:
    """CPU cores that this process may use: of the machine, of its affinity, of its container's quota."""
    if sys.version_info >= (3, 13):
        count = os.process_cpu_count() or 1
    else:
        count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(count, _quota(Path("/sys/fs/cgroup/cpu.max"))))


def _quota(cpu_max: Path) -> int:
    """Cores that a container's quota amounts to, rounded up; many where there is none.

    Source of the format: the kernel's cgroup-v2 documentation, "$MAX $PERIOD" in microseconds, "max" for no limit.
    """
    try:
        limit, period = cpu_max.read_text().split()
        return math.ceil(int(limit) / int(period))
    except (OSError, ValueError, ZeroDivisionError):
        return sys.maxsize


def _fresh_log(path: Path) -> Path:
    """`path`, emptied when it has grown large: it is appended to by every start."""
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        os.truncate(path, 0)
    return path


def _explained(error: ModelError, last_line: str, path: Path) -> ModelError:
    """The reason why the server did not start, with what to do about it."""
    if last_line.startswith(local_runtime.NO_GOMP):
        return ModelError(
            "cannot run the embedded model",
            found=f"the system library {last_line}",
            remedy=GOMP_REMEDY,
        )
    if last_line.startswith(local_runtime.NO_RUNTIME):
        return ModelError(
            "cannot run the embedded model",
            found=last_line,
            remedy="reinstall it: pip install --force-reinstall 'distill-tui[local]'",
        )
    if last_line.startswith(local_runtime.NO_LOAD):
        return ModelError(
            f"cannot load {path}",
            found=last_line,
            remedy="give weights that llama.cpp can run, and that fit in memory",
        )
    return error
