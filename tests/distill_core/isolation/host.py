"""A host with things on it that an attack could reach, and a count of what was reached."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from distill_core.isolation.scratch import clear

SECRET = "CANARY-7f3a91"
_ENVIRONMENT = "HARNESS_API_KEY"


class Host:
    """Files, sockets that count who knocks, a process that must live on."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="distill-host-"))
        self.home = self.folder / "home"
        self.home.mkdir()
        (self.home / "id_ed25519").write_text(SECRET + "-file")
        self.hits: list[str] = []
        os.environ[_ENVIRONMENT] = SECRET + "-environment"
        self.shm = Path("/dev/shm") / f"distill-{os.getpid()}"
        self.shm.write_text(SECRET + "-shm")
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
            "HOME": self.home,
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
        """What has happened to it since it was last asked."""
        problems = [f"{name} was reached" for name in self.hits]
        self.hits.clear()
        if self.victim.poll() is not None or self._victim_stopped():
            problems.append("the victim does not run any more")
        if sorted(path.name for path in self.home.iterdir()) != ["id_ed25519"]:
            problems.append("the home has changed")
        elif (self.home / "id_ed25519").read_text() != SECRET + "-file":
            problems.append("a file of the host was written")
        return problems

    def _victim_stopped(self) -> bool:
        return Path(f"/proc/{self.victim.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"

    def close(self) -> None:
        """Take everything away."""
        self.victim.kill()
        self.victim.wait()
        self.shm.unlink()
        clear(str(self.folder))
