"""`fork`, `replay` and `resume` as a person calls them."""

import json
import signal
import time

import pytest

from distill_core import events as ev
from distill_core.reading import read_session
from distill_core.record import record_of
from distill_core.rerunning import Divergence, Rerun
from distill_core.state import fold
from sessions.verify import verify
from tests.fakes.openai_server import Reply, serve
from tests.tui.cli.test_process import asking, environment, start, wait_for_output
from tui.headless.diverging import asked

__all__ = ["environment"]

LOOK = "```repl\nwords = context.split()\nprint(len(words))\n```"
ASK = "```repl\nsaid = worker_batch(words[:2])\nprint(said)\n```"
ANSWER = "```repl\nFINAL(said[0])\n```"
TIME = "```repl\nimport time\nt = time.time_ns()\nprint(t)\n```"


def folders(tmp_path):
    return sorted((tmp_path / "home" / "sessions").iterdir(), key=lambda f: f.stat().st_mtime)


def state_of(folder):
    return fold(read_session(folder).events)


@pytest.fixture
def kept(program, endpoint, models, tmp_path):
    """A finished session of three steps; gives its folder."""
    endpoint.plays += [LOOK, ASK, ANSWER]
    assert program("run", "doc.txt", "-q", "who?", "--headless", "--no-cache", *models)[0] == 0
    return folders(tmp_path)[0]


def test_a_replay_tells_each_cell_and_the_whole(program, endpoint, kept):
    before = len(endpoint.bodies)
    status, out, _ = program("replay", kept.name)
    assert status == 0
    assert [line.split(",")[0] for line in out.splitlines()[:3]] == ["step 1", "step 2", "step 3"]
    assert out.splitlines()[-1] == f"{kept.name}: equal"
    assert len(endpoint.bodies) == before, "no model was called"


def test_a_replay_shows_where_it_diverges(program, endpoint, models, tmp_path):
    endpoint.plays += [TIME, LOOK, "```repl\nFINAL(1)\n```"]
    program("run", "doc.txt", "-q", "who?", "--headless", *models)
    status, out, _ = program("replay", "last")
    assert status == 1
    assert "step 1, cell c1: DIVERGED" in out
    assert "--- recorded" in out
    assert "+++ now" in out
    assert "2 cells after it were not run (--all runs them)" in out
    status, out, _ = program("replay", "last", "--all", "--json")
    told = json.loads(out)
    assert (status, told["equal"]) == (1, False)
    assert [cell["equal"] for cell in told["cells"]] == [False, True, True]
    assert told["cells"][0]["differences"][0]["kind"] == "output"


def test_another_worker_gets_the_same_prompts_and_is_compared(program, endpoint, kept, tmp_path):
    other = serve(default=Reply(text="another view"), key=None, served=("tiny",))
    with other as server:
        options = ["--worker", "tiny", "--base-url", server.base_url, "--json"]
        status, out, err = program("replay", str(kept), *options)
        asked = sorted(body["messages"][-1]["content"] for body in server.bodies)
    told = json.loads(out)
    assert status == 1
    assert asked == ["The", "treasure"]
    assert (told["same_replies"], told["prompts"]) == (0, 2)
    assert (told["before"]["answer"], told["now"]["answer"]) == ("W:The", "another view")
    assert told["now"]["worker"] == "tiny"
    made = state_of(folders(tmp_path)[-1])
    assert (made.started.kind, made.started.parent.session_id) == ("replay", kept.name)
    assert made.supervisor_usage.total_tokens == 0
    assert "is kept in" in err
    assert "(replay with tiny)" in program("fork", kept.name, "--tree")[1]


@pytest.mark.parametrize("as_json", [True, False])
def test_a_worker_with_which_the_code_goes_on_beyond_the_record_is_compared_all_the_same(
    program, endpoint, models, tmp_path, as_json
):
    endpoint.plays.append("```repl\nFINAL({'W:how many?': 7}[worker('how many?')])\n```")
    program("run", "doc.txt", "-q", "who?", "--headless", "--no-cache", *models)
    with serve(default=Reply(text="many"), key=None, served=("tiny",)) as server:
        options = ["--worker", "tiny", "--base-url", server.base_url, *(["--json"] if as_json else [])]
        status, out, err = program("replay", "last", *options)
    assert status == 1
    assert "went on beyond what is on record" in err
    if as_json:
        told = json.loads(out)
        assert (told["same_replies"], told["prompts"]) == (0, 1)
        assert (told["before"]["answer"], told["now"]["status"]) == ("7", "diverged")
    else:
        assert "now       many" in out


def test_the_session_with_another_worker_is_read_where_it_was_kept(program, endpoint, kept, tmp_path):
    (tmp_path / "config.toml").write_text(f'worker = "small"\nbase_url = "{endpoint.base_url}"\n')
    options = ["--worker", "live", "--no-cache", "--log-dir", tmp_path / "there", "--json"]
    first, second = (json.loads(program("replay", "last", *options)[1])["log_dir"] for _ in range(2))
    assert (first, second) == (str(tmp_path / "there"), str(tmp_path / "there.2"))


def test_the_configured_worker_is_called_live(program, endpoint, kept, tmp_path):
    (tmp_path / "config.toml").write_text(f'worker = "small"\nbase_url = "{endpoint.base_url}"\n')
    status, out, _ = program("replay", "last", "--worker", "live", "--no-cache")
    assert status == 0
    assert "2 of 2 prompts got the same reply" in out


def test_a_session_that_used_its_budget_up_ends_so_with_another_worker(program, endpoint, models, tmp_path):
    ask = (
        "```repl\ntry:\n    worker_batch(['a', 'b', 'c'])\nexcept Exception as error:\n    print(error)\n```"
    )
    endpoint.plays += [ask, "```repl\nFINAL('in part')\n```"]
    bound = ("--max-worker-calls", "1")
    program("run", "doc.txt", "-q", "who?", "--headless", "--no-cache", *bound, *models)
    (tmp_path / "config.toml").write_text(f'worker = "small"\nbase_url = "{endpoint.base_url}"\n')
    told = json.loads(program("replay", "last", "--worker", "live", "--no-cache", "--json")[1])
    for side in (told["before"], told["now"]):
        assert (side["status"], side["answer"]) == ("budget", "in part")


def test_a_fork_goes_on_behind_the_last_step(program, endpoint, kept, tmp_path):
    endpoint.plays += ["```repl\nFINAL(said[1])\n```"]
    asked = len(endpoint.bodies)
    status, out, _ = program("fork", "last", "--instruct", "The second one.", "--headless", "--no-cache")
    assert (status, out) == (0, "W:treasure\n")
    assert len(endpoint.bodies) == asked + 1, "only the new step was asked for"
    assert "The second one." in endpoint.bodies[-1]["messages"][-1]["content"]
    made = state_of(folders(tmp_path)[-1])
    assert made.started.parent == ev.Parent(session_id=kept.name, steps=3)
    assert [s.copied for s in made.steps] == [True, True, True, False]
    assert verify(folders(tmp_path)[-1]).whole


def test_a_fork_runs_code_from_a_file_and_takes_other_bounds(program, endpoint, kept, tmp_path):
    (tmp_path / "new.py").write_text("said = worker_batch(words)\nprint(len(said))\n")
    endpoint.plays += ["```repl\nFINAL(len(said))\n```"]
    options = ["--at", "2", "--code", "new.py", "--max-turns", "9", "--headless", "--no-cache"]
    status, out, _ = program("fork", kept.name[:12], *options)
    made = state_of(folders(tmp_path)[-1])
    assert (status, out) == (0, f"{len(['The', 'treasure', 'was', 'found', 'by', 'Mira', 'Vale.'])}\n")
    assert made.limits.turns == 9
    assert made.steps[1].decisions[0].action == "edit"


def test_a_fork_takes_another_model(program, endpoint, kept, tmp_path):
    other = serve(default=Reply(text="```repl\nFINAL('other')\n```"), key=None, served=("huge", "small"))
    with other as server:
        models = ["--base-url", server.base_url, "--supervisor", "huge"]
        status, out, _ = program("fork", "last", "--at", "3", "--headless", *models)
    made = state_of(folders(tmp_path)[-1])
    assert (status, out) == (0, "other\n")
    assert (made.started.supervisor, made.replies["s1"].model) == ("huge", "big")


def test_the_tree_of_forks_is_shown(program, endpoint, kept, tmp_path):
    program("fork", kept.name, "--at", "3", "--headless")
    child = folders(tmp_path)[-1]
    program("fork", child.name, "--at", "2", "--headless")
    status, out, _ = program("fork", child.name, "--tree")
    assert status == 0
    lines = out.splitlines()
    assert [line.index(line.strip()[0]) for line in lines] == [0, 3, 6]
    assert lines[1].startswith(f"   {child.name} (from step 3)")
    assert lines[1].endswith("<")


@pytest.fixture
def timed(program, endpoint, models, tmp_path):
    """A session that prints the time, then answers with it."""
    endpoint.plays += [TIME, "```repl\nprint(1)\n```", "```repl\nFINAL(t)\n```"]
    program("run", "doc.txt", "-q", "who?", "--headless", "--no-cache", *models)
    return folders(tmp_path)[0]


def test_a_fork_whose_cells_come_out_differently_asks_or_stops_and_leaves_nothing(
    program, timed, tmp_path, capsys
):
    status, _, err = program("fork", timed.name, "--at", "3", "--headless")
    assert status == 1
    assert "step 1, cell c1: it prints something else" in err
    assert "--- recorded" in err
    assert "nobody can be asked here; to go on all the same: --on-divergence keep" in err
    assert len(folders(tmp_path)) == 1
    cell = record_of(read_session(timed).events).cells[0]
    difference = Divergence(step=1, cell_id="c1", kind="output", recorded="1\n", found="2\n")
    run = Rerun(cell=cell, result=cell.result(), differences=(difference,))
    lines = iter(("what?", "b", "k"))
    assert asked(run, may_branch=False, read=lambda question: next(lines)) == "keep"
    assert asked(run, may_branch=True, read=lambda question: "b") == "branch"
    err = capsys.readouterr().err
    assert "it prints something else" in err
    assert "'b' is none of these" in err


def test_it_goes_on_all_the_same_where_that_is_asked_for(program, endpoint, timed, tmp_path):
    endpoint.plays += ["```repl\nFINAL(t > 0)\n```"]
    options = ["--at", "3", "--on-divergence", "keep", "--headless", "--no-cache"]
    status, out, _ = program("fork", timed.name, *options)
    assert (status, out) == (0, "True\n")
    rebuilt = [e for e in read_session(folders(tmp_path)[-1]).events if isinstance(e, ev.StateRebuilt)]
    assert len(rebuilt[0].diverged) == 1


def test_or_branches_off_where_they_differ(program, endpoint, timed, tmp_path):
    endpoint.plays += ["```repl\nFINAL(t)\n```"]
    options = ["--at", "3", "--on-divergence", "branch", "--headless", "--no-cache"]
    status, out, err = program("fork", timed.name, *options)
    made = state_of(folders(tmp_path)[-1])
    assert status == 0
    assert out.strip() == made.cells["c1"].text().strip()
    assert "branching off at step 1" in err
    assert made.started.parent.steps == 0


# ---------------------------------------------------------------- a program that dies


def test_a_killed_session_is_resumed_where_it_was(program, environment, tmp_path):
    loop = "for p in ('a', 'b', 'c'):\n    print(worker(p), flush=True)"
    slow = f"```repl\nn = 7\nprint('begun', flush=True)\n{loop}\n```"
    final = "```repl\nFINAL(n)\n```"
    plays = [slow, final]

    def answer(body):
        text = body["messages"][-1]["content"]
        if body["model"] == "big":
            return Reply(text=plays.pop(0))
        return (
            Reply(failure="hang")
            if text == "b" and len(seen) < 2 and not seen.append(text)
            else Reply(text=text)
        )

    seen = []
    with serve(answer, key=None, served=("big", "small")) as server:
        process = start(asking(server, "--no-cache"), environment, tmp_path)
        wait_for_output(tmp_path / "home", "begun")
        deadline = time.monotonic() + 60
        while not seen and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
        (folder,) = folders(tmp_path)
        assert read_session(folder).events[-1].seq > 5
        seen.append("let it through")
        status, out, err = program("resume", "--headless", "--no-cache")
        prompts = [b["messages"][-1]["content"] for b in server.bodies if b["model"] == "small"]
    assert (status, out) == (0, "7\n")
    assert prompts == ["a", "b", "b", "c"]
    assert folder.name in err
    state = state_of(folder)
    assert state.cells["c1"].text() == "begun\na\nb\nc\n"
    assert verify(folder).problems == ()
    assert folders(tmp_path) == [folder]
    status, _, err = program("resume")
    assert status == 1
    assert "no session is unfinished" in err


def test_a_session_that_is_over_says_to_fork_it(program, kept):
    status, _, err = program("resume", kept.name)
    assert status == 1
    assert "is over: finished" in err
    assert "distill-tui fork 2" in err


def test_other_models_than_the_session_had_are_not_taken_in_silence(program, endpoint, kept, tmp_path):
    (tmp_path / "config.toml").write_text(f'supervisor = "huge"\nbase_url = "{endpoint.base_url}"\n')
    events = read_session(kept).events
    supervisor = kept / "supervisor.jsonl"
    started = json.loads(supervisor.read_text().splitlines()[0])
    for name in ("supervisor", "worker", "base_url"):
        del started["config"][name]
    lines = supervisor.read_text().splitlines()
    supervisor.write_text("\n".join([json.dumps(started), *lines[1:]]) + "\n")
    assert len(events) > 5
    status, _, err = program("fork", kept.name, "--at", "2", "--headless", "--base-url", endpoint.base_url)
    assert status == 1
    assert "the session's supervisor was big: today's settings give huge (name one with --supervisor)" in err


def test_the_example_sessions_are_taken_in(program, tmp_path):
    status, out, _ = program("sessions", "import", "--examples")
    assert status == 0
    assert out.count(": new") == 10
    status, out, _ = program("replay", "example-03")
    assert (status, out.splitlines()[-1]) == (0, "example-03-guests: equal")
    assert program("sessions", "import")[0] == 2
