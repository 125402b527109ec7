"""`run` without a screen: answer on stdout, progress on stderr, one line for what goes wrong."""

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import themes
from distill_core import events as ev
from distill_core.reading import read_session
from sessions.verify import verify
from tests.fakes.openai_server import Reply, serve

LOOK = "```repl\nprint(len(context))\n```"
ASK = "```repl\nFINAL(worker('who?'))\n```"


@pytest.fixture
def models_of_none():
    """Options that name a worker which refuses every call."""
    with serve(default=Reply(status=400), key=None) as server:
        yield ["--base-url", server.base_url, "--worker", "small"]


def only_session(tmp_path):
    (folder,) = (tmp_path / "home" / "sessions").iterdir()
    return folder


def test_the_answer_and_nothing_else_is_on_stdout(program, endpoint, models, tmp_path):
    endpoint.plays += [LOOK, ASK]
    status, out, err = program("run", "doc.txt", "-q", "who?", "--headless", "--approve", "auto", *models)
    assert (status, out) == (0, "W:who?\n")
    assert "step 1: cell ok" in err
    assert "finished after 2 steps" in err
    assert verify(only_session(tmp_path)).whole
    assert (tmp_path / "home" / "documents").is_dir()


def test_json_is_one_object_with_everything_one_asks_for(program, endpoint, models):
    endpoint.plays += [ASK]
    status, out, _ = program("run", "doc.txt", "-q", "who?", "--json", *models)
    told = json.loads(out)
    assert status == 0
    assert (told["answer"], told["status"], told["partial"]) == ("W:who?", "finished", False)
    assert told["worker_usage"]["calls"] == 1
    assert Path(told["log_dir"]).name == told["session"]


def test_equal_calls_are_answered_from_the_cache_unless_told_otherwise(program, endpoint, models):
    endpoint.plays += [ASK]
    program("run", "doc.txt", "-q", "who?", "--json", *models)
    before = len(endpoint.bodies)
    _, out, _ = program("run", "doc.txt", "-q", "who?", "--json", *models)
    assert len(endpoint.bodies) == before
    assert json.loads(out)["worker_usage"]["calls"] == 0
    endpoint.plays += [ASK]
    program("run", "doc.txt", "-q", "who?", "--json", "--no-cache", *models)
    assert len(endpoint.bodies) == before + 2


def test_a_person_decides_at_a_plain_prompt(program, endpoint, models, tmp_path, monkeypatch):
    endpoint.plays += [LOOK, LOOK, ASK]
    monkeypatch.setattr("sys.stdin", io.StringIO("q\nr\nask the worker\na\na\nr\nsay who asked\nx\n"))
    status, _, err = program("run", "doc.txt", "-q", "who?", "--headless", "--approve", "ask", *models)
    decisions = [e for e in read_session(only_session(tmp_path)).events if isinstance(e, ev.DecisionMade)]
    assert [d.action for d in decisions] == ["reject", "approve", "approve", "send_back", "stop"]
    assert decisions[0].guidance == "ask the worker"
    assert "'q' is none of these; ? tells what each does" in err
    assert "print(len(context))" in err
    assert status == 1


def test_editing_opens_the_editor_and_keeps_both(program, endpoint, models, tmp_path, monkeypatch):
    endpoint.plays += [LOOK]
    editor = tmp_path / "editor.py"
    editor.write_text(
        "import sys, time; p = sys.argv[1]; time.sleep(1.1); open(p, 'w').write('FINAL(42)\\n')"
    )
    monkeypatch.setenv("EDITOR", f"python {editor}")
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO("e\na\n"))
    status, out, err = program("run", "doc.txt", "-q", "who?", "--headless", "--approve", "ask", *models)
    assert (status, out) == (0, "42\n")
    assert "-print(len(context))" in err
    decision = next(e for e in read_session(only_session(tmp_path)).events if isinstance(e, ev.DecisionMade))
    assert (decision.before, decision.after) == (("print(len(context))",), ("FINAL(42)",))


def test_when_the_input_ends_the_session_stops(program, endpoint, models, monkeypatch):
    endpoint.plays += [LOOK]
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    status, _, err = program("run", "doc.txt", "-q", "who?", "--headless", "--approve", "ask", *models)
    assert status == 1
    assert "stopped" in err


def test_a_budget_ends_it_with_the_partial_result(program, endpoint, models):
    endpoint.plays += ["```repl\nprint('so far:', worker_batch(['a', 'b', 'c']))\n```", LOOK]
    status, out, _ = program(
        "run", "doc.txt", "-q", "who?", "--json", "--max-worker-calls", 1, "--max-turns", 1, *models
    )
    told = json.loads(out)
    assert status == 1
    assert told["partial"]
    assert "so far" in told["answer"]


def test_a_used_log_folder_is_left_alone(program, endpoint, models, tmp_path):
    for _ in range(2):
        endpoint.plays += [ASK]
        program("run", "doc.txt", "-q", "who?", "--headless", "--log-dir", tmp_path / "log", *models)
    assert verify(tmp_path / "log").whole
    assert verify(tmp_path / "log.2").whole


def test_stdin_is_a_document(program, endpoint, models, monkeypatch):
    endpoint.plays += ["```repl\nFINAL(context)\n```"]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe"), encoding="utf-8"))
    _, out, _ = program("run", "-", "-q", "who?", "--headless", *models)
    assert out.strip() == "from a pipe"


@pytest.mark.parametrize(
    ("args", "status", "told"),
    [
        (["nothere.txt", "-q", "x"], 1, "cannot read nothere.txt"),
        (["https://example.org/a.pdf", "-q", "x"], 1, "download it first"),
        (["doc.txt", "-q", " "], 2, "question is empty"),
        (["doc.txt"], 2, "Missing option '-q'"),
        (["doc.txt", "-q", "x", "--max-turns", "0"], 2, "is not in the range"),
        (["doc.txt", "-q", "x", "--worker", "playbook"], 1, "the playbook cannot be the worker"),
        (["doc.txt", "-q", "x", "--worker", "w", "--base-url", "nonsense"], 1, "nonsense"),
        (["doc.txt", "-q", "x", "--worker", "w", "--base-url", "ftp://h/v1"], 1, "its scheme is 'ftp'"),
        (
            [
                "doc.txt",
                "-q",
                "x",
                "--worker",
                "w",
                "--base-url",
                "http://127.0.0.1:1/v1",
                "--home",
                "doc.txt",
            ],
            1,
            "the home doc.txt is no folder: a file",
        ),
    ],
)
def test_bad_input_gets_one_clear_line(program, args, status, told):
    found, out, err = program("run", *args, "--headless")
    assert found == status
    assert told in err
    assert "Traceback" not in err
    assert out == ""


def test_a_key_shows_nowhere(program, endpoint, models, tmp_path, monkeypatch):
    secret = "sk-test-0123456789abcdef"
    monkeypatch.setenv("OPENAI_API_KEY", secret)
    endpoint.plays += ["```repl\nimport os\nprint(dict(os.environ))\nFINAL(str(dict(os.environ)))\n```"]
    _, out, err = program("run", "doc.txt", "-q", "x", "--headless", *models)
    assert endpoint.requests[0].headers["Authorization"] == f"Bearer {secret}"
    _, shown, _ = program("config")
    kept = b"".join(p.read_bytes() for p in (tmp_path / "home").rglob("*") if p.is_file())
    assert secret not in out + err + shown
    assert secret.encode() not in kept
    assert re.search(r"OPENAI_API_KEY\s+…cdef\s+environment", shown)


def test_a_fault_of_the_program_is_told_in_one_line(program, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("oh\nno")

    monkeypatch.setattr("distill_core.documents.load", broken)
    status, _, err = program("run", "doc.txt", "-q", "x")
    assert status == 1
    assert err == "distill-tui: a fault of the program: RuntimeError: oh no (DISTILL_DEBUG=1 shows where)\n"


@pytest.mark.parametrize(("flag", "level"), [("--unsafe-no-sandbox", "none"), ("--isolation=good", "good")])
def test_the_isolation_asked_for_is_the_one_on_record(program, endpoint, models, tmp_path, flag, level):
    endpoint.plays += [ASK]
    assert program("run", "doc.txt", "-q", "who?", "--headless", flag, *models)[0] == 0
    started = read_session(only_session(tmp_path)).events[0]
    assert started.isolation == level


def test_insisting_on_a_wall_and_on_none_is_refused(program, models):
    status, _, err = program(
        "run", "doc.txt", "-q", "x", "--isolation", "good", "--unsafe-no-sandbox", *models
    )
    assert status == 2
    assert "exclude one another" in err


HOSTILE = "a\x1b]52;c;aGVsbG8=\x07b.txt"


def test_a_files_name_cannot_reach_the_terminal_as_a_command(program, endpoint, models, tmp_path):
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "whole.txt").write_text("words")
    (folder / HOSTILE).write_bytes(b"caf\xe9")  # noted: not UTF-8
    (folder / HOSTILE.replace("b.txt", "b.bin")).write_bytes(bytes(range(256)))  # noted: left out
    endpoint.plays += ["```repl\nFINAL('done')\n```"]
    status, out, err = program("run", folder, "-q", "who?", "--headless", *models)
    assert (status, out) == (0, "done\n")
    assert err.count("␛]52;c;") >= 2
    assert not {"\x1b", "\x07"} & set(err)


def test_json_is_printed_of_a_session_that_failed_at_once(program, tmp_path):
    with serve(default=Reply(status=401), key=None) as server:
        args = ["--base-url", server.base_url, "--supervisor", "big", "--worker", "small"]
        status, out, err = program("run", "doc.txt", "-q", "who?", "--json", *args)
    told = json.loads(out)
    assert status == 1
    assert (told["answer"], told["status"], told["partial"]) == ("", "failed", True)
    assert told["reason"]
    assert told["reason"] in err
    assert told["log_dir"] == str(only_session(tmp_path))


def test_a_worker_that_never_answers_leaves_no_answer_and_one_reason(program, models_of_none):
    status, out, err = program("run", "doc.txt", "-q", "x", "--headless", *models_of_none)
    assert (status, out) == (1, "")
    assert (
        err.count("the worker answered none of 1 call (see that it can be reached: distill-tui models)") == 1
    )
    assert "failed; the session is kept in" in err


def test_json_has_no_report_for_an_answer(program, models_of_none):
    _, out, _ = program("run", "doc.txt", "-q", "x", "--json", *models_of_none)
    told = json.loads(out)
    assert (told["answer"], told["partial"]) == ("", True)
    assert "see that it can be reached" in told["reason"]


@pytest.mark.parametrize(
    ("document", "told"), [("nothere.txt", "no such file"), ("doc.txt", "no model is configured")]
)
def test_json_is_printed_where_no_session_could_be_run(program, monkeypatch, document, told):
    monkeypatch.setattr("distill_core.models.weights.find", lambda name: None)
    status, out, err = program("run", document, "-q", "x", "--json")
    said = json.loads(out)["error"]
    assert status == 1
    assert told in said
    assert said in err


def test_a_disk_that_takes_no_more_is_told_in_one_line(tmp_path):
    command = [sys.executable, "-m", "tui", "models", "list"]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "distill-tui: cannot write the output: No space left on device (make room, or write elsewhere)"
    ]


def test_a_partial_answer_is_called_one(program, endpoint, models):
    endpoint.plays += ["```repl\nprint('half')\n```", "no code", "none", "nor here"]
    status, out, err = program("run", "doc.txt", "-q", "x", "--headless", *models)
    assert (status, out) == (1, "half\n")
    assert "partial: this is the best there was" in err
    assert "3 replies in a row held no code to run" in err


def test_a_key_in_the_endpoints_address_is_neither_shown_nor_kept(program, endpoint, tmp_path):
    address = endpoint.base_url.replace("http://", "http://ann:s3cret-word@")
    (tmp_path / "config.toml").write_text(f'base_url = "{address}"\nsupervisor = "big"\nworker = "small"\n')
    endpoint.plays += [ASK]
    _, out, err = program("run", "doc.txt", "-q", "x", "--headless")
    shown = program("config")[1] + program("models")[1]
    kept = b"".join(p.read_bytes() for p in (tmp_path / "home").rglob("*") if p.is_file())
    assert "http://***@127.0.0.1" in shown
    assert "s3cret-word" not in out + err + shown
    assert b"s3cret-word" not in kept
    assert b"http://***@127.0.0.1" in kept


def test_the_store_of_replies_is_closed_with_the_session(program, endpoint, models, monkeypatch):
    closed = []
    monkeypatch.setattr("distill_core.models.cache.ResponseCache.close", lambda cache: closed.append(cache))
    endpoint.plays += [ASK]
    program("run", "doc.txt", "-q", "who?", "--headless", *models)
    assert len(closed) == 1


def test_a_bound_on_money_wants_prices(program):
    args = ["--base-url", "http://models.example/v1", "--worker", "small", "--max-cost", "1"]
    status, _, err = program("run", "doc.txt", "-q", "x", "--headless", *args)
    assert status == 1
    assert "limits.money (flag) cannot be kept" in err


def test_palettes_are_looked_for_beside_the_configuration_that_was_named(
    program, models, tmp_path, monkeypatch
):
    offered = []
    monkeypatch.setattr("tui.cli.launch.on_terminal", lambda: True)
    monkeypatch.setattr(
        "tui.running.run_live", lambda make, **options: offered.extend(options["setup"].palettes)
    )
    folder = tmp_path / "mine" / "themes"
    folder.mkdir(parents=True)
    (tmp_path / "mine" / "c.toml").write_text("")
    night = Path(themes.__file__).with_name("night.toml").read_text()
    (folder / "own.toml").write_text(night.replace('"night"', '"own"'))
    program("run", "doc.txt", "-q", "x", "--config", tmp_path / "mine" / "c.toml", *models)
    assert "own" in offered


def test_an_unknown_theme_is_refused_before_anything_starts(program, models, monkeypatch):
    monkeypatch.setattr("tui.cli.launch.on_terminal", lambda: True)
    status, _, err = program("run", "doc.txt", "-q", "x", "--theme", "mauve", *models)
    assert status == 1
    assert "no such theme: mauve" in err


def test_two_actions_with_one_key_are_refused(program, models, tmp_path, monkeypatch):
    monkeypatch.setattr("tui.cli.launch.on_terminal", lambda: True)
    config = tmp_path / "c.toml"
    config.write_text('[keys]\ndecide.approve = "y"\ndecide.edit = "y"\n')
    status, _, err = program("run", "doc.txt", "-q", "x", "--config", config, *models)
    assert status == 1
    assert "y means both decide.approve and decide.edit" in err
