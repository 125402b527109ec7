"""The installed program in a real terminal, from the first key to an exported file."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from distill_core import events as ev
from distill_core.reading import read_session
from tests.fakes.openai_server import Reply, serve

TMUX = shutil.which("tmux")
PROGRAM = Path(sys.executable).parent / "distill-tui"
CODE = "```repl\nFINAL(worker('who found it?'))\n```"
LOOKS = 600
"""How often the terminal is looked at before a test gives up, ten times a second."""

pytestmark = [
    pytest.mark.skipif(TMUX is None, reason="needs tmux"),
    pytest.mark.skipif(not PROGRAM.exists(), reason="needs the program installed beside the interpreter"),
]


class Terminal:
    """A terminal multiplexer of its own with one window."""

    def __init__(self, socket: Path, command: list[str], env: dict[str, str]) -> None:
        self._socket = str(socket)
        given = [part for name, value in env.items() for part in ("-e", f"{name}={value}")]
        self._tmux(
            "-f",
            os.devnull,
            "new-session",
            "-d",
            "-x",
            "120",
            "-y",
            "40",
            "-c",
            str(socket.parent),
            *given,
            *command,
        )

    def _tmux(self, *arguments: str) -> str:
        # Programs take the size of a terminal from these names, where they are set, before they ask it.
        env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "TMUX")}
        command = [TMUX or "tmux", "-S", self._socket, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=env).stdout

    def press(self, *keys: str) -> None:
        """Press keys, as tmux calls them."""
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        """Type `text` as it is."""
        self._tmux("send-keys", "-l", text)

    def seen(self) -> str:
        """What stands on the screen."""
        return self._tmux("capture-pane", "-p")

    def until(self, holds: str | Callable[[], bool]) -> None:
        """Wait until a text stands on the screen, or something else holds."""
        for _ in range(LOOKS):
            if holds in self.seen() if isinstance(holds, str) else holds():
                return
            time.sleep(0.1)
        raise AssertionError(f"waited for {holds!r}, saw:\n{self.seen()}")

    def close(self) -> None:
        """End what runs in it."""
        self._tmux("kill-server")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[[str], Terminal]]:
    """Opens the program on a terminal, asking the models at an address."""
    opened: list[Terminal] = []

    def open_with(base_url: str) -> Terminal:
        config = tmp_path / "config.toml"
        config.write_text(f'supervisor = "big"\nworker = "small"\nbase_url = "{base_url}"\n')
        command = [str(PROGRAM), "home", "--config", str(config), "--home", str(tmp_path / "home")]
        env = {
            "TERM": "xterm-256color",
            "HOME": str(tmp_path),
            "PWD": str(tmp_path),
            "DISTILL_HOME": str(tmp_path / "home"),
        }
        opened.append(Terminal(tmp_path / "tmux", command, env))
        return opened[0]

    yield open_with
    for one in opened:
        one.close()


def kept(tmp_path: Path) -> list[ev.Event]:
    folders = list((tmp_path / "home" / "sessions").glob("*"))
    return list(read_session(folders[0]).events) if folders else []


def has(tmp_path: Path, kind: type[ev.Event]) -> Callable[[], bool]:
    return lambda: any(isinstance(event, kind) for event in kept(tmp_path))


def emptied(at: Terminal) -> Callable[[], bool]:
    """Whether the folder is gone from the question, the one in the title aside; keys may come before it takes them."""

    def holds() -> bool:
        at.press("C-a", "C-k")
        time.sleep(0.1)
        return at.seen().count("dataset") == 1

    return holds


def test_from_the_first_key_to_an_exported_file(tmp_path: Path, terminal: Callable[[str], Terminal]) -> None:
    (tmp_path / "doc.txt").write_text("The treasure was found by Mira Vale.\n")

    def answer(body: dict[str, object]) -> Reply:
        return Reply(text=CODE if body["model"] == "big" else "Mira Vale")

    with serve(answer, key=None, served=("big", "small")) as server:
        at = terminal(server.base_url)
        at.until("New session")
        at.press("n")
        at.until("Worker calls")
        at.type(str(tmp_path / "doc.txt"))
        at.press("Tab")
        at.type("Who found the treasure?")
        at.press("C-s")
        at.until("step 1 proposes")
        at.press("a")
        at.until("is this the answer?")
        at.press("1")
        at.press("m")
        at.until("Judge step 1")
        at.press("5", "C-s")
        at.until(has(tmp_path, ev.Annotated))
        at.press("a")
        at.until(has(tmp_path, ev.SessionFinished))
        at.press("q")
        at.until("All sessions")
        at.press("x")
        at.until("1 row of")
        at.press("o")
        at.until("esc back")
        at.until(emptied(at))
        at.type("data")
        at.press("Enter")
        at.until(lambda: "folder dataset" not in at.seen() and "esc back" not in at.seen())
        at.until("1 row of")
        at.press("w")
        at.until(lambda: (tmp_path / "data" / "export.json").exists())
        at.press("q")
        at.until("Recent sessions")
        at.press("q")
    rows = [json.loads(line) for file in (tmp_path / "data").rglob("*.jsonl") for line in file.open()]
    assert [row["completion"][0]["content"] for row in rows] == [CODE]
    judged = next(event for event in kept(tmp_path) if isinstance(event, ev.Annotated))
    assert judged.rating == 5
