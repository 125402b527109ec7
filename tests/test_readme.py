"""What the README shows works as it stands there."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.distill_core.documents.samples import pdf
from tests.fakes.openai_server import Reply, serve

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
INSTALL = ('pip install -e ".[local]" && distill-tui demo', 'pip install -e ".[dev]" && pytest')


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def endpoint():
    """A server on which every supervisor answers at once."""
    with serve(default=Reply(text="```repl\nFINAL('clause 7')\n```"), key=None) as server:
        yield server


def test_the_first_screenful_says_how_to_install():
    first = "\n".join(README.splitlines()[:24])
    for line in INSTALL:
        assert line in first


def test_the_continuous_check_runs_the_readmes_test_line():
    script = (Path(__file__).parents[1] / ".ci" / "run").read_text()
    install, test = INSTALL[1].split(" && ")
    assert re.search(
        rf"^{re.escape(install.replace('pip install', 'pip install -q'))}$", script, re.MULTILINE
    )
    assert re.search(rf"^tested {re.escape(test)}$", script, re.MULTILINE)


def test_the_python_example_runs(endpoint, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("distill_core.models.openai.DEFAULT_BASE_URL", endpoint.base_url)
    (tmp_path / "paper.txt").write_text("Clause 7 caps liability.")
    (code,) = blocks("python")
    exec(compile(code, "README.md", "exec"), {})
    assert capsys.readouterr().out == "clause 7\n"
    assert (tmp_path / "logs" / "my_run" / "supervisor.jsonl").is_file()


def test_the_headless_lines_run(endpoint, tmp_path):
    (tmp_path / "report.pdf").write_bytes(pdf([b"BT /F 12 Tf 72 720 Td (Clause 7 caps liability.) Tj ET"]))
    environment = {
        **os.environ,
        "BASE_URL": endpoint.base_url,
        "SUPERVISOR_MODEL": "big",
        "WORKER_MODEL": "small",
        "DISTILL_HOME": str(tmp_path / "home"),
        "DISTILL_CONFIG": os.devnull,
    }
    lines = [line for block in blocks("") for line in block.splitlines() if "--headless" in line]
    assert len(lines) >= 2
    for line in lines:
        words = shlex.split(line.split("|")[0], comments=True)
        assert words[0] == "distill-tui"
        done = subprocess.run(
            [sys.executable, "-c", "from tui.cli import main; main()", *words[1:]],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(done.stdout)["answer"] if "--json" in words else done.stdout.strip()
        assert answer == "clause 7"
