"""The program as a person calls it: its own home, no keys, no configuration but the test's."""

import pytest

from tests.fakes.openai_server import Reply, serve
from tui.cli.program import status_of


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    """Runs the program; gives (exit status, stdout, stderr)."""
    for name in (
        "TOGETHER_API_KEY",
        "OPENAI_API_KEY",
        "BASE_URL",
        "SUPERVISOR_MODEL",
        "WORKER_MODEL",
        "LOG_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISTILL_HOME", str(tmp_path / "home"))
    (tmp_path / "config.toml").write_text("")
    monkeypatch.setenv("DISTILL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "doc.txt").write_text("The treasure was found by Mira Vale.\n")

    def call(*args):
        status = status_of([str(a) for a in args])
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


@pytest.fixture
def endpoint():
    """A server whose supervisor plays what a test puts into `script`, and whose worker echoes."""
    script = []

    def answer(body):
        if body["model"] == "big":
            return Reply(text=script.pop(0) if script else "```repl\nFINAL('out of script')\n```")
        return Reply(text="W:" + body["messages"][-1]["content"])

    with serve(answer, key=None, served=("big", "small")) as server:
        server.plays = script
        yield server


@pytest.fixture
def models(endpoint):
    """Options that name the endpoint's models."""
    return ["--base-url", endpoint.base_url, "--supervisor", "big", "--worker", "small"]
