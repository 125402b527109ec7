"""Plays the host for a corpus of attacks: plants canaries, listens, runs each attack on a fresh REPL, tells what came.

A program of its own, so that it can run as another account, and so that its memory is the host's and nobody else's.
argv: the corpus, the level, then the ids of cases (none: all). Prints one JSON object a case: id, problems (what must
not have happened and did), soft (the same for what the corpus lets pass), seconds.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from distill_core.isolation.scratch import clear
from distill_core.repl import REPL, CellResult
from tui.text import clean

_SECRET = "CANARY-7f3a91"
_ENVIRONMENT = "HARNESS_API_KEY"
_GROWTH_BYTES = 200 << 20
_CONTROLS = {chr(code) for code in (*range(0x20), *range(0x7F, 0xA0))} - {"\n", "\t"}


class Host:
    """What an attack could reach: files, sockets that count who knocks, a process that must live on."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="distill-host-"))
        self.home = self.folder / "home"
        self.home.mkdir()
        (self.home / "id_ed25519").write_text(_SECRET + "-file")
        self.hits: list[str] = []
        os.environ[_ENVIRONMENT] = _SECRET + "-environment"
        self.shm = Path("/dev/shm") / f"distill-{os.getpid()}"
        self.shm.write_text(_SECRET + "-shm")
        self.abstract = f"distill-harness-{os.getpid()}"
        self.tcp = self._listen(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0), "PORT")
        self.udp = self._listen(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0), "UDP")
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, str(self.folder / "socket"), "UNIX")
        self._listen(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + self.abstract, "ABS")
        self._listen(socket.AF_UNIX, socket.SOCK_DGRAM, "\0" + self.abstract + "-d", "ABS")
        self.victim = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(36000)"])

    def _listen(self, family: int, kind: int, address: Any, name: str) -> Any:
        listener = socket.socket(family, kind)
        listener.bind(address)
        if kind == socket.SOCK_STREAM:
            listener.listen()
        threading.Thread(target=self._count, args=(listener, kind, name), daemon=True).start()
        return listener.getsockname()

    def _count(self, listener: socket.socket, kind: int, name: str) -> None:
        while True:
            if kind == socket.SOCK_STREAM:
                listener.accept()[0].close()
            else:
                listener.recv(100)
            self.hits.append(name)

    def substituted(self, code: str) -> str:
        """The attack with the things of this host in it."""
        tokens = {
            "FILE": self.home / "id_ed25519",
            "ENV": _ENVIRONMENT,
            "PORT": self.tcp[1],
            "UDP": self.udp[1],
            "UNIX": self.folder / "socket",
            "ABS": self.abstract,
            "VICTIM": self.victim.pid,
            "HOSTPID": os.getpid(),
            "WRITE": self.home / "written",
            "SHM": self.shm.name,
        }
        for token, value in tokens.items():
            code = code.replace(f"@@{token}@@", str(value))
        return code

    def harm(self) -> list[str]:
        """What has happened to it."""
        problems = [f"{name} was reached" for name in self.hits]
        self.hits.clear()
        if self.victim.poll() is not None or _state(self.victim.pid) == "T":
            problems.append("the victim does not run any more")
        if (self.home / "written").exists():
            problems.append("a file was written on the host")
        if sorted(path.name for path in self.home.iterdir()) != ["id_ed25519"]:
            problems.append("the home has changed")
        return problems

    def close(self) -> None:
        """Take everything away."""
        self.victim.kill()
        self.victim.wait()
        self.shm.unlink()
        clear(str(self.folder))


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _seen(result: CellResult) -> SimpleNamespace:
    """A result as a screen gets it: through the function that every foreign text passes."""
    return SimpleNamespace(
        stdout=clean(result.stdout),
        stderr=clean(result.stderr),
        status="interrupted" if result.status == "timeout" else result.status,
        tb=None if result.traceback is None else clean(result.traceback),
        final=None if result.final is None else clean(result.final.text),
        calls=[call.prompt for call in result.worker_calls],
        elapsed=result.elapsed,
    )


def _told(seen: SimpleNamespace) -> list[str]:
    texts = [seen.stdout, seen.stderr, seen.tb or "", seen.final or ""]
    problems = []
    if any("ESCAPED" in text for text in texts):
        problems.append("it says that it escaped: " + " ".join(texts)[:200])
    if any("CANARY-" in text for text in [*texts, *seen.calls]):
        problems.append("a secret came out")
    if any(_CONTROLS & set(text) for text in texts):
        problems.append("control characters for the terminal")
    return problems


def _attack(case: dict[str, Any], level: str, host: Host) -> tuple[list[str], list[str]]:
    timeout = case.get("timeout", 4)
    budget = case.get("budget", timeout + 4)
    hard: list[str] = []
    lenient: list[str] = []
    with REPL(
        "the document", "the question", worker=lambda prompt: f"W<{prompt[:40]}>", isolation=level
    ) as repl:
        if repl.isolation != level:
            return [f"the level is {repl.isolation}"], []
        for block in case.get("pre", []):
            if repl.execute(block).status != "ok":
                hard.append("a block before the attack failed")
        before, started = _peak(), time.monotonic()
        seen = _seen(repl.execute(host.substituted(case["code"]), timeout=timeout))
        if (took := time.monotonic() - started) > budget:
            hard.append(f"control came back after {took:.1f} s, {budget} were allowed")
        if (grown := _peak() - before) > _GROWTH_BYTES:
            hard.append(f"the host grew by {grown >> 20} MiB")
        (lenient if case.get("soft") else hard).extend(_told(seen))
        if "CANARY-" in seen.stdout:
            hard.append("a secret came out")
        if case["expect"] != "contained" and seen.status not in ("ok", "error", "final"):
            hard.append(f"the cell ended as {seen.status}: {seen.tb}")
        if "check" in case and not case["check"](seen):
            (lenient if case.get("soft") else hard).append(f"its own check fails: {seen}"[:600])
        if "post" in case:
            block, wanted = case["post"]
            after = _seen(repl.execute(block))
            if wanted not in after.stdout:
                (lenient if case.get("soft") else hard).append(f"afterwards: {after.stdout!r} {after.tb}")
        alive = repl.execute("print('alive', 6*7)")
        if alive.stdout != "alive 42\n":
            hard.append(f"the next cell: {alive.stdout!r} {alive.traceback}")
    return [*hard, *host.harm()], lenient


def main() -> None:
    """Run the cases and print what came of each."""
    corpus, level, *wanted = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    host = Host()
    try:
        for case in runpy.run_path(corpus)["CORPUS"]:
            if wanted and case["id"] not in wanted:
                continue
            started = time.monotonic()
            problems, soft = _attack(case, level, host)
            seconds = round(time.monotonic() - started, 2)
            print(
                json.dumps({"id": case["id"], "problems": problems, "soft": soft, "seconds": seconds}),
                flush=True,
            )
    finally:
        host.close()


if __name__ == "__main__":
    main()
