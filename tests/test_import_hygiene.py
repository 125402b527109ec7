"""Starting is light: what a command does not need, it does not import."""

import json
import subprocess
import sys

import pytest

HEAVY = ("textual", "openai", "vllm", "xllamacpp", "torch")
PROBE = """
import json, sys
from tui.cli.program import status_of
status = status_of({args!r})
print("MODULES", json.dumps([status, sorted(sys.modules)]))
"""


def loaded(*args):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(args=list(args))], capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("MODULES "))
    status, modules = json.loads(line.removeprefix("MODULES "))
    return status, set(modules)


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        ["sessions", "--help"],
        ["sessions", "verify", "."],
        ["run", "--help"],
        ["config"],
        ["export", "--help"],
        ["export", "--formats"],
        ["models", "list"],
    ],
    ids=" ".join,
)
def test_no_heavy_library_is_imported(args):
    _, modules = loaded(*args)
    assert not modules & set(HEAVY)


def test_help_needs_click_and_little_else():
    status, modules = loaded("--help")
    assert status == 0
    assert not modules & {"rich", "aiohttp", "msgspec", "asyncio", "lxml", "markdown_it"}


def test_the_engine_knows_neither_screen_nor_database():
    foreign = ("textual", "sqlite_utils", "tui", "rich")
    code = f"import sys, distill_core.session; print([m for m in {foreign} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_home_screen_is_painted_before_anything_that_a_session_needs_is_imported():
    later = (
        "tui.screens.live",
        "tui.screens.new",
        "distill_core.session",
        "distill_core.repl.aio",
        "markdown_it",
    )
    code = (
        "import sys, tui.setup, tui.stage, tui.app, tui.screens.home, tui.cli.commands.home; "
        f"print([m for m in {later} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
