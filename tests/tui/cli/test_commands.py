"""The other commands, and that every command is documented."""

import importlib.util
import re
from pathlib import Path

import click
import pytest

from distill_core.examples import DEFAULT, examples
from distill_core.models import weights
from distill_core.runner import run
from tests.fakes.models import Scripted, echo
from tui.cli.program import COMMANDS, paint_often
from tui.cli.program import program as root

DOCS = Path(__file__).parents[3] / "docs" / "CLI.md"


def commands(group, path=()):
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


def test_every_command_is_documented_and_has_help():
    text = DOCS.read_text()
    for path, command in commands(root):
        assert "distill-tui " + " ".join(path) in text, path
        assert command.help, path


def test_the_listing_says_what_each_command_says_of_itself():
    for name, line in COMMANDS.items():
        command = root.get_command(click.Context(root), name)
        assert command.help.splitlines()[0] == line


def test_every_command_line_in_the_documents_is_one_the_program_takes():
    root_folder = DOCS.parents[1]
    lines = []
    for path in [root_folder / "README.md", *sorted((root_folder / "docs").glob("*.md"))]:
        for fence in re.findall(r"```(?:sh|bash)?\n(.*?)```", path.read_text(), re.DOTALL):
            lines += [(path.name, line) for line in fence.splitlines() if "distill-tui " in line]
    assert len(lines) > 8
    for name, line in lines:
        words = re.split(r"\s+#|\s+\||\s+&&\s+(?!distill)", line.split("distill-tui ", 1)[1])[0]
        args = [word.strip('"…') or "x" for word in re.findall(r'"[^"]*"|\S+', words)]
        at, command = root, None
        while args and isinstance(at, click.Group):
            command = at.get_command(click.Context(at), args[0])
            assert command is not None, (name, line)
            args, at = args[1:], command
            if isinstance(at, click.Group) and (not args or args[0].startswith("-")):
                break
        command.make_context("x", list(args), resilient_parsing=False)


def test_textual_takes_how_often_it_is_to_paint_unless_a_person_says_otherwise(monkeypatch):
    spec = importlib.util.find_spec("textual.constants")
    for wanted, taken in ((None, 120), ("30", 30)):
        monkeypatch.setenv("TEXTUAL_FPS", wanted or "")
        if wanted is None:
            monkeypatch.delenv("TEXTUAL_FPS")
        paint_often()
        constants = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(constants)
        assert taken == constants.MAX_FPS


def test_models_tells_roles_reasons_and_a_live_check(program, endpoint, models):
    status, out, _ = program("models", *models)
    assert status == 0
    assert "supervisor: big" in out
    assert "because   flag" in out
    assert out.count("check     ok") == 2


def test_models_fails_where_an_endpoint_does_not_answer(program):
    status, out, _ = program("models", "--base-url", "http://127.0.0.1:9/v1", "--worker", "w")
    assert status == 1
    assert "check     failed: w at 127.0.0.1:9" in out


def test_models_shows_both_roles_where_a_key_is_missing(program, endpoint, tmp_path):
    (tmp_path / "config.toml").write_text(
        f'supervisor = "s"\nworker = "small"\nbase_url = "{endpoint.base_url}"\n'
        '[models.s]\nmodel = "big"\napi_key_env = "NO_SUCH_KEY"\n'
    )
    status, out, _ = program("models")
    assert status == 1
    assert "check     failed: NO_SUCH_KEY is not set" in out
    assert "worker: small" in out
    assert "check     ok" in out


def test_models_says_what_cannot_run(program, tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(64))
    (tmp_path / "config.toml").write_text('supervisor = "v"\n[models.v]\nprovider = "vllm"\nmodel = "m"\n')
    status, out, _ = program("models", "--gguf", tmp_path / "m.gguf")
    assert status == 1
    assert "check     failed: vllm is not installed" in out
    assert re.search(r"weights   .*m\.gguf\n  check     failed: cannot load ", out)


def test_models_leaves_the_embedded_model_alone_where_no_check_is_wanted(program, tmp_path):
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + bytes(64))
    status, out, _ = program("models", "--no-check", "--gguf", tmp_path / "m.gguf")
    assert status == 0
    assert "check" not in out


def test_models_list_names_what_can_be_pulled(program):
    status, out, _ = program("models", "list")
    assert status == 0
    assert weights.DEFAULT in out
    assert "Apache-2.0" in out


def test_pulling_an_unknown_name_is_one_line(program):
    status, _, err = program("models", "pull", "no-such-model")
    assert status == 1
    assert "no weights are called 'no-such-model'" in err


def test_config_init_never_overwrites(program, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILL_CONFIG", str(tmp_path / "new" / "config.toml"))
    assert program("config", "init")[0] == 0
    assert program("config")[0] == 0
    status, _, err = program("config", "init")
    assert status == 1
    assert "is there already" in err


def test_sessions_verify_tells_whole_from_damaged(program, tmp_path):
    folder = run("q", "text", Scripted("```repl\nFINAL(1)\n```"), echo(), log_dir=tmp_path / "s").log_dir
    status, out, _ = program("sessions", "verify", folder)
    assert status == 0
    assert "whole" in out
    path = folder / "supervisor.jsonl"
    path.write_bytes(path.read_bytes().replace(b"Python", b"Pascal", 1))
    status, out, _ = program("sessions", "verify", folder)
    assert status == 1
    assert "DAMAGED" in out


def test_a_mistyped_command_gets_a_suggestion(program):
    status, _, err = program("confg")
    assert status == 2
    assert "Did you mean config?" in err


def test_the_demo_asks_its_question_of_its_document(program, endpoint):
    example = examples()[DEFAULT]
    endpoint.plays += ["```repl\nFINAL(len(context))\n```"]
    status, out, err = program(
        "demo", "--headless", "--base-url", endpoint.base_url, "--supervisor", "big", "--worker", "small"
    )
    assert status == 0
    assert int(out) == len(example.text()) > 20_000
    assert example.question in err


@pytest.mark.parametrize("name", sorted(examples()))
def test_an_examples_answer_is_in_its_document(name):
    example = examples()[name]
    flat = " ".join(example.text().split())
    assert " ".join(example.evidence.split()) in flat
    assert example.right(example.evidence)
    assert not example.right("NONE")
