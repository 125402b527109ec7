"""`sessions` and `stats` as a person calls them."""

import json
import shutil

import pytest

from tests.sessions.homes import ANSWERING, ASKING, FAILING, judge, keep


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made")
    keep(home, "s1", ASKING, ANSWERING)
    judge(keep(home, "s2", FAILING, ANSWERING, question="Who signed? \x1b[31m"), rating=4, labels=("good",))
    return home


@pytest.fixture
def home(made, tmp_path):
    return shutil.copytree(made, tmp_path / "home")


def test_list_shows_a_line_a_session_newest_first(program, home):
    status, out, _ = program("sessions", "list")
    assert status == 0
    heads, second, first = out.splitlines()
    assert heads.split()[:3] == ["SESSION", "STARTED", "STATUS"]
    assert second.startswith("s2")
    assert "␛[31m" in second
    assert first.startswith("s1")


def test_list_takes_filters_that_begin_with_a_minus(program, home):
    _, out, _ = program("sessions", "list", "-label:good", "--json")
    assert [json.loads(line)["session_id"] for line in out.splitlines()] == ["s1"]
    assert program("sessions", "list", "colour:red")[0] == 1


@pytest.mark.parametrize("word", ["-status:finished", "-nothing-is-called-so", '-"no such thing"'])
@pytest.mark.parametrize("command", [("sessions", "list"), ("stats",), ("export", "sft", "--dry-run")])
def test_no_letter_of_a_word_behind_a_minus_is_an_option(program, home, command, word):
    turned_round = program(*command, word, "--home", home)[1]
    assert "Usage" not in turned_round
    assert turned_round == program(*command, "--home", home, "--", word)[1]


def test_what_follows_an_option_is_its_value_also_behind_a_minus(program, home):
    status, _, err = program("sessions", "list", "--sort", "-cost")
    assert status == 2
    assert "'-cost' is not one of 'started'" in err


def test_search_tells_where_and_fails_where_there_is_nothing(program, home):
    status, out, _ = program("sessions", "search", "worker_batch")
    assert status == 0
    assert out.splitlines()[0] == "s1"
    assert "code in step 1" in out
    _, out, _ = program("sessions", "search", "worker_batch", "--json", "--limit", "1")
    hit = json.loads(out)
    assert [hit["snippet"][a:b] for a, b in hit["marks"]] == ["worker_batch"]
    assert program("sessions", "search", "nowhere")[0] == 1


def test_show_tells_steps_outputs_answer_and_judgements(program, home):
    _, out, _ = program("sessions", "show", "s2")
    for words in (
        "step 1",
        "ZeroDivisionError",
        "the cap is in clause seven",
        "ada on session: rated 4; good",
    ):
        assert words in out
    assert "\x1b" not in out


def test_an_annotator_reads_what_others_said_once_done(program, home, tmp_path, monkeypatch):
    (tmp_path / "eve.toml").write_text('[screen]\nname = "eve"\n')
    monkeypatch.setenv("DISTILL_CONFIG", str(tmp_path / "eve.toml"))
    _, out, told = program("sessions", "list", "id:s2")
    assert "·" in out
    assert "good" not in out
    assert "others judged 1 session that you are not done with" in told
    assert json.loads(program("sessions", "list", "id:s2", "--json")[1])["closed"] == ["ada"]
    assert program("sessions", "list", "rating:4")[1].count("s2") == 0
    _, out, _ = program("sessions", "show", "s2")
    assert "what ada said is shown once you are done" in out
    assert "rated 4" not in out
    for way in (("list", "rating:4"), ("show", "s2"), ("search", "clause", "rating:4")):
        assert "s2" in program("sessions", *way, "--all-judgements")[1]
    assert "rated 4" in program("sessions", "show", "s2", "--all-judgements")[1]
    judge(home / "sessions" / "s2", by="ada", done=True)
    judge(home / "sessions" / "s2", by="eve", done=True)
    assert "rated 4" in program("sessions", "show", "s2")[1]


def test_verify_without_a_name_checks_the_whole_home(program, home):
    status, out, _ = program("sessions", "verify")
    assert status == 0
    assert out.count("whole") == 2
    (home / "sessions" / "s1" / "worker.jsonl").write_bytes(b"{}\n")
    assert program("sessions", "verify")[0] == 1
    assert program("sessions", "verify", "s2")[0] == 0


def test_a_session_that_cannot_be_read_is_damaged_and_the_others_are_checked(program, home):
    log = home / "sessions" / "s1" / "worker.jsonl"
    log.unlink()
    log.mkdir()
    status, out, _ = program("sessions", "verify")
    assert status == 1
    first, why, second = out.splitlines()[:3]
    assert "s1: DAMAGED" in first
    assert "worker.jsonl" in why
    assert "s2: whole" in second


def test_verify_takes_a_name_cut_short(program, home):
    (home / "sessions" / "s1").rename(home / "sessions" / "20260301-s1")
    status, out, _ = program("sessions", "verify", "2026")
    assert (status, out.count("whole")) == (0, 1)


def test_remove_and_restore(program, home):
    assert program("sessions", "rm", "s1")[0] == 0
    assert "s1" not in program("sessions", "list")[1]
    assert program("sessions", "restore")[1] == "s1\n"
    assert program("sessions", "restore", "s1")[0] == 0
    assert "s1" in program("sessions", "list")[1]
    assert program("sessions", "restore") == (0, "", "the trash is empty\n")


@pytest.mark.parametrize(
    "command",
    ["sessions list", "sessions show last", "sessions restore", "sessions gc", "stats", "export sft --out d"],
)
def test_who_only_reads_makes_no_home(program, tmp_path, command):
    status, out, err = program(*command.split(), "--home", tmp_path / "hmoe")
    assert (status, out, (tmp_path / "hmoe").exists()) == (1, "", False)
    assert err.startswith(f"distill-tui: there is no home {tmp_path / 'hmoe'} (name another with --home, ")


def test_an_empty_list_says_so(program, home):
    assert program("sessions", "list", "model:nobody")[2].startswith("no session fits")


def test_an_empty_home_is_whole_and_says_that_it_is_empty(program, tmp_path):
    (tmp_path / "empty").mkdir()
    status, _, told = program("sessions", "verify", "--home", tmp_path / "empty")
    assert (status, told.strip()) == (0, "no session is kept here yet")


def test_import_rebuild_and_sweep(program, home, made, tmp_path, monkeypatch):
    monkeypatch.setenv("DISTILL_HOME", str(tmp_path / "fresh"))
    assert program("sessions", "import", made)[1] == "s1: new\ns2: new\n"
    assert program("sessions", "import", made)[1] == "s1: there\ns2: there\n"
    assert "2 sessions" in program("sessions", "rebuild")[1]
    assert "0 things" in program("sessions", "gc", "--dry-run")[1]


def test_what_cannot_be_taken_in_is_named_and_the_others_are_taken(program, made, tmp_path, monkeypatch):
    broken = shutil.copytree(made, tmp_path / "broken")
    (broken / "sessions" / "s1" / "supervisor.jsonl").write_text("no session\n")
    monkeypatch.setenv("DISTILL_HOME", str(tmp_path / "fresh"))
    status, out, told = program("sessions", "import", tmp_path / "nowhere", broken)
    assert (status, out) == (1, "s2: new\n")
    nowhere, first = told.splitlines()
    assert nowhere.startswith(f"error: not taken: no session in {tmp_path / 'nowhere'}")
    assert first.startswith(f"error: not taken: the session in {broken / 'sessions' / 's1'} is damaged")


def test_stats_in_words_and_as_json(program, home):
    _, out, _ = program("stats")
    assert "sessions      2 (finished 2)" in out
    _, out, _ = program("stats", "label:good", "--json")
    assert json.loads(out)["sessions"] == 1


def test_a_session_that_was_run_is_in_the_index_without_looking(program, endpoint, models, tmp_path):
    endpoint.plays += ["```repl\nFINAL('seven')\n```"]
    assert program("run", "doc.txt", "-q", "Which clause?", "--headless", *models)[0] == 0
    from sessions import Store

    with Store(tmp_path / "home", catch_up=False) as store:
        (row,) = store.list()
        assert (row.answer, row.status) == ("seven", "finished")
        before = store.connection.total_changes
        store.catch_up()
        assert store.connection.total_changes == before


def test_a_home_that_cannot_be_written_is_one_clear_line(program, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("DISTILL_HOME", str(tmp_path / "file"))
    status, _, err = program("sessions", "list")
    assert status == 1
    assert err.count("\n") == 1
    assert "--home" in err
