"""`distill-tui export` as a person calls it."""

import json
import shutil

import pytest

from distill_core.config import Settings
from distill_core.errors import ExportError
from tests.sessions.export.making import annotate, block, make
from tests.sessions.export.tokens import tokenizer_file
from tui.app import DistillApp
from tui.cli.commands.export import command
from tui.screens.export_draft import Draft, plan_of


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Two sessions, one with a key in it."""
    home = tmp_path_factory.mktemp("kept")
    make(home, "s1", [block("print(worker('the key is hunter2-very-secret'))"), block("FINAL(1)")])
    annotate(make(home, "s2", [block("FINAL(2)")]), {"target": {"kind": "session"}, "rating": 5})
    return home


@pytest.fixture
def mine(program, kept, tmp_path, monkeypatch):
    """The program with those sessions in its home, and that key in its environment."""
    shutil.copytree(kept, tmp_path / "home")
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2-very-secret")
    return program


def test_an_export_says_what_is_there_and_what_is_not(mine, tmp_path):
    status, out, err = mine("export", "prompt-completion", "--out", "set")
    assert (status, err) == (0, "")
    assert out.startswith("3 rows of 2 sessions are in set\n         3 train\n")
    assert "redacted: " in out
    text = (tmp_path / "set" / "data" / "train" / "00000.jsonl").read_text()
    assert "hunter2" not in text
    assert "<KEY_1>" in text
    assert mine("export", "prompt-completion", "--out", "set")[1].startswith(
        "3 rows of 2 sessions still are in set"
    )


def test_sessions_are_named_by_id_or_folder(mine, tmp_path):
    assert mine("export", "kto", "s1", "--dry-run")[1].startswith("2 rows of 1 session would be")
    assert mine("export", "kto", tmp_path / "home" / "sessions" / "s2", "--dry-run")[1].startswith(
        "1 row of 1"
    )


def test_the_report_as_json(mine):
    status, out, _ = mine("export", "worker", "--out", "set", "--json", "--no-redact")
    assert status == 0
    told = json.loads(out)
    assert (told["rows"], told["rows_in_all"], told["redacted"]) == ({"train": 1}, 1, {})


def test_a_row_is_explained(mine):
    status, out, _ = mine("export", "preference", "--explain", "s1/1")
    assert status == 0
    assert out.startswith("s1/1/s1: out by no_pair (there is nothing to compare it with): approved as it was")


def test_formats_are_listed(mine):
    status, out, _ = mine("export", "--formats")
    assert status == 0
    assert "prompt-completion" in out
    assert "axolotl" in out


@pytest.mark.parametrize(
    ("args", "status", "words"),
    [
        (["sftt", "--out", "x"], 1, "no such export format: sftt (did you mean sft? There are atif, "),
        (["nope", "--out", "x"], 1, "no such export format: nope (one of atif, axolotl, "),
        (["sft", "nowhere", "--out", "x"], 1, "no session to export: nowhere"),
        (["sft", "./nowhere", "--out", "x"], 1, "no session in ./nowhere"),
        (["stepwise", "--out", "x"], 1, "no row for stepwise"),
        (["sft", "--out", "doc.txt"], 1, "cannot export to"),
        (["sft", "--out", "x", "--split", "half"], 1, "not a split: half"),
        (["sft", "--out", "x", "--keep", "calm"], 1, "no such rule: calm"),
        (["sft", "--out", "x", "--keep", "same_session"], 1, "a rule that cannot be lifted: same_session"),
        (["sft", "--explain", "s9"], 1, "no such row: s9"),
        (["sft", "--out", "x", "--shard-size", "big"], 2, "no size"),
        (["sft"], 2, "--out"),
        ([], 2, "--formats"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(mine, tmp_path, args, status, words):
    before = sorted(tmp_path.iterdir())
    done, out, err = mine("export", *args)
    assert done == status
    assert out == ""
    assert words in err
    assert "Traceback" not in err
    assert status == 2 or err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_kept_yet(program):
    status, _, err = program("export", "sft", "--out", "x")
    assert status == 1
    assert "there is no home" in err


@pytest.mark.parametrize("name", ["sft", "atif"])
def test_an_export_is_imported_again(mine, tmp_path, name):
    assert mine("export", name, "--out", "set")[0] == 0
    into = ("--home", tmp_path / "other")
    status, out, err = mine("sessions", "import", "set", *into)
    assert (status, err) == (0, "")
    assert "s1: new\n" in out
    assert "s2: there\n" in mine("sessions", "import", "set", *into)[1]
    assert mine("export", name, "--out", "again", *into)[0] == 0


def test_a_file_that_is_no_export_is_one_line(mine, tmp_path):
    (tmp_path / "x.jsonl").write_text('{"prompt": 1}\n')
    status, _, err = mine("sessions", "import", "x.jsonl")
    assert status == 1
    assert err.count("\n") == 1
    assert "neither a conversation" in err


def test_examples_are_neither_counted_nor_exported_unless_asked_for(program, tmp_path):
    program("sessions", "import", "--examples")
    status, _, err = program("export", "sft", "--out", "d")
    assert (status, (tmp_path / "d").exists()) == (1, False)
    assert "no session of your own to export: 10 example sessions" in err
    assert "--examples" in err
    with pytest.raises(ExportError, match="by the filter kind:example, or their names"):
        plan_of(Draft(), Settings(), tmp_path / "home")
    make(tmp_path / "home", "mine", [block("FINAL(1)")])
    make(tmp_path / "home", "example-02-barley.2", [block("FINAL(2)")])
    note = "note: 11 example sessions are left out (--examples takes them in)\n"
    status, out, err = program("export", "openai", "--dry-run")
    assert (status, out.splitlines()[0], err) == (0, "1 row of 1 session would be", note)
    status, out, err = program("stats", "--json")
    assert (status, json.loads(out)["sessions"], err) == (0, 1, note)
    for words, sessions in (
        (["--examples"], 12),
        (["kind:example"], 11),
        (["kind:research -kind:example"], 1),
        (["id:example-01"], 1),
    ):
        status, out, err = program("stats", "--json", *words)
        assert (status, json.loads(out)["sessions"], err) == (0, sessions, "")
        assert f"of {sessions} session" in program("export", "openai", "--dry-run", *words)[1]
    named = program("export", "openai", "--dry-run", "example-01-two-years")
    assert (named[1].splitlines()[0], named[2]) == ("1 row of 1 session would be", "")
    assert json.loads(program("sessions", "show", "last", "--json")[1])["session_id"] == "mine"


GIVEN = {
    "chosen": ["by:ada", "s1", "-label:bad"],
    "out": ["--out", "D"],
    "storage": ["--storage", "parquet"],
    "shard_size": ["--shard-size", "2MB"],
    "splits": ["--split", "test=0.3", "--split", "validation=0.1"],
    "seed": ["--seed", "3"],
    "labels": ["--label", "x", "--label", "y"],
    "vouched": ["--vouched"],
    "sample": ["--sample", "0.5"],
    "evidence": ["--evidence"],
    "near": ["--near", "0.9"],
    "keep": ["--keep", "error", "--keep", "rejected"],
    "no_reasoning": ["--no-reasoning"],
    "tokenizer": ["--tokenizer", tokenizer_file()],
    "redact": ["--redact", "email, card"],
    "no_redact": ["--no-redact"],
    "licence": ["--licence", "CC0"],
    "examples": ["--examples"],
}
"""What can be given, by the names of the command's parameters."""
HEADLESS = {"dry_run": ["--dry-run"], "explain": ["--explain", "s1"], "as_json": ["--json"]}


@pytest.fixture
def screens(monkeypatch):
    """The screens that are opened, none of which is shown."""
    opened = []
    monkeypatch.setenv("TEXTUAL_DRIVER", "none")
    monkeypatch.setattr(DistillApp, "run", lambda app: opened.append(app._first()))
    return opened


def test_the_screen_knows_or_refuses_every_option():
    beside = {"format_name", "formats", "config", "home"}
    assert {*GIVEN, *HEADLESS} == {parameter.name for parameter in command.params} - beside


@pytest.mark.parametrize("names", [[name] for name in GIVEN] + [sorted(set(GIVEN) - {"no_redact"})], ids=len)
def test_the_screen_begins_with_what_is_given(mine, screens, tmp_path, monkeypatch, names):
    words = [word for name in names for word in GIVEN[name]]
    planned = []
    monkeypatch.setattr("sessions.export.pipeline.rehearse", lambda plan, **_: planned.append(plan))
    mine("export", "prompt-completion", "--dry-run", *words)
    assert mine("export", *words) == (0, "", "")
    (screen,) = screens
    assert [plan_of(screen.draft, Settings(), tmp_path / "home")] == planned
    assert screen.draft.folder == ("D" if "out" in names else "dataset")
    assert screen.draft != Draft()


@pytest.mark.parametrize("words", [["s2"], ["last"], ["by:ada"], ["-label:bad"], ["./somewhere"]])
def test_words_that_choose_sessions_are_no_format(mine, screens, words):
    assert mine("export", *words) == (0, "", "")
    assert screens[0].draft.sessions == " ".join(words)


@pytest.mark.parametrize("words", HEADLESS.values(), ids=HEADLESS)
def test_what_a_screen_has_no_use_for_is_refused(mine, screens, words):
    status, _, err = mine("export", "by:ada", *words)
    assert (status, screens) == (2, [])
    assert f"{words[0]} needs a format" in err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--keep", "unreadable"], "a rule that cannot be lifted: unreadable"),
        (["--keep", "calm"], "no such rule: calm (one of undecided, "),
        (["--near", "2"], "not a similarity: 2"),
        (["--redact", "feelings"], "no such kind of redaction: feelings"),
        (["--sample", "3"], "not a share: 3"),
        (["--shard-size", "0"], "not a shard size: 0"),
        (["--split", "half"], "not a split: half"),
        (["--tokenizer", "nope"], "cannot read the tokenizer: nope"),
    ],
)
def test_what_the_screen_could_not_honour_is_refused(mine, screens, words, told):
    status, out, err = mine("export", *words)
    assert (status, out, screens) == (1, "", [])
    assert told in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("name", ["export", "home"])
def test_a_screen_that_a_fault_ended_is_no_success(mine, screens, monkeypatch, name):
    assert mine(name)[0] == 0
    monkeypatch.setattr(DistillApp, "return_code", 1)
    assert mine(name)[0] == 1


def test_a_home_without_sessions_says_how_to_come_to_some(mine, tmp_path):
    (tmp_path / "new" / "sessions").mkdir(parents=True)
    status, _, err = mine("export", "sft", "--out", "x", "--examples", "--home", str(tmp_path / "new"))
    assert status == 1
    assert "the home holds none yet" in err
    assert "distill-tui sessions import --examples" in err
