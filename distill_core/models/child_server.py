"""A server that this program starts for itself: on loopback, behind a key, gone when it is gone.

What runs in it is the caller's (`argv`). Its output goes to a log file, never to a screen. A watcher process
(`child_watch.py`) stands between, so that the server and all it started end with this program.
"""

from __future__ import annotations

import http.client
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from distill_core.errors import ModelError

WATCHER = Path(__file__).with_name("child_watch.py")
POLL_SECONDS = 0.1
TAIL_BYTES = 16_384


def free_port() -> int:
    """A TCP port on 127.0.0.1 that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def random_key() -> str:
    """A key that only this process and its child know."""
    return secrets.token_urlsafe(32)


class ChildServer:
    """A child server. `start` waits until it answers; `close` ends it with its whole process tree.

    Args:
        argv: the command, with its port already in it (`free_port`). Arguments show in process lists: no key
            here.
        env: variables set for the child beside this process's own (the place for its key); None removes one.
        log_path: file that its output is appended to; folders are made, others cannot read it.
        ready_url: answers a GET with 200 once the server is ready; 503 or a refused connection: "not yet".
        key: sent as a bearer token to `ready_url`, and kept out of every error.
        name: what errors call it.
        startup_seconds: how long it may take to be ready.
        grace_seconds: how long it may take to stop when asked, before it is killed.
    """

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log_path: Path,
        ready_url: str,
        env: Mapping[str, str | None] | None = None,
        key: str | None = None,
        name: str = "the model server",
        startup_seconds: float = 600.0,
        grace_seconds: float = 5.0,
    ) -> None:
        self.argv = tuple(str(part) for part in argv)
        self.env = dict(env or {})
        self.log_path = log_path
        self.ready_url = ready_url
        self.key = key
        self.name = name
        self.startup_seconds = startup_seconds
        self.grace_seconds = grace_seconds
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def start(self) -> ChildServer:
        """Start the server and wait until it is ready. Blocks: call it off the event loop.

        Raises:
            ModelError: it ended, or was not ready in time; quotes the log's last line. Nothing is left
                running.
        """
        with self._lock:
            if self._process is not None:
                raise ModelError(f"{self.name} was started already")
            self._process = self._spawn()
        try:
            self._wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the server and everything it started, and wait for it. Safe to call twice, from any thread."""
        with self._lock:
            process = self._process
            if process is None:
                return
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(self.grace_seconds + 5.0)
            except subprocess.TimeoutExpired:
                process.kill()  # the kernel then kills the server: it was started to die with the watcher
                process.wait()

    @property
    def running(self) -> bool:
        """Whether the server is started and has not ended."""
        return self._process is not None and self._process.poll() is None

    def last_line(self) -> str:
        """The last line of the log that is not blank, without the key; empty where there is none."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
                text = log.read().decode("utf-8", "replace")
        except OSError:
            return ""
        if self.key:
            text = text.replace(self.key, "***")
        return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")

    def __enter__(self) -> ChildServer:
        return self if self.running else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _spawn(self) -> subprocess.Popen[bytes]:
        env = {**os.environ, **{name: value for name, value in self.env.items() if value is not None}}
        for name, value in self.env.items():
            if value is None:
                env.pop(name, None)
        command = [sys.executable, "-I", str(WATCHER), str(self.grace_seconds), *self.argv]
        try:
            self.log_path.parent.mkdir(parents=True, exist_ok=True)
            log = os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                return subprocess.Popen(
                    command, stdin=subprocess.PIPE, stdout=log, stderr=log, env=env, start_new_session=True
                )
            finally:
                os.close(log)
        except OSError as error:
            raise ModelError(f"cannot start {self.name}", found=str(error)) from error

    def _wait_ready(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + self.startup_seconds
        while True:
            found = self._ask()
            # Asked after the probe: a stranger on the port must not pass for a server that has died.
            if self._process.poll() is not None:
                raise self._failure(
                    f"{self.name} ended with status {self._process.returncode} while starting"
                )
            if found == "ready":
                return
            if time.monotonic() > deadline:
                raise self._failure(f"{self.name} was not ready after {self.startup_seconds:g} s ({found})")
            time.sleep(POLL_SECONDS)

    def _failure(self, what: str) -> ModelError:
        return ModelError(
            what,
            found=self.last_line() or "it printed nothing",
            remedy=f"the whole log is in {self.log_path}",
        )

    def _ask(self) -> str:
        """ "ready", or why it is not."""
        request = urllib.request.Request(self.ready_url)
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with direct.open(request, timeout=5.0):
                return "ready"
        except urllib.error.HTTPError as error:
            return f"HTTP {error.code}"
        except (OSError, http.client.HTTPException) as error:
            return str(getattr(error, "reason", error))
