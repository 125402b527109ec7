"""An export is whole or not there, the same bytes each time, and does nothing twice."""

import json
import os
import shutil
from pathlib import Path

import msgspec
import pytest

from distill_core.errors import ExportError
from distill_core.forking import fork as branch_off
from distill_core.reading import read_session
from distill_core.record import record_of
from sessions.export import Options, Plan, Splits, explain, export, rehearse, sifting, sources
from sessions.export.formats import all_formats, find
from sessions.export.records import read_manifest
from sessions.export.rows import FIXED, RULES, Left
from sessions.export.splits import parse_shares
from sessions.home import Home
from tests.sessions.export.making import annotate, block, fork, make
from tests.sessions.export.tokens import options_for


def plan(home, name="prompt-completion", **options):
    return Plan(format=find(name), sources=tuple(sources(Home(home).folders())), **options)


def content(folder):
    """Every file of a folder with its bytes."""
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()
    }


def rows(folder):
    return [
        json.loads(line)
        for path in sorted((Path(folder) / "data").rglob("*.jsonl"))
        for line in path.read_text().splitlines()
    ]


@pytest.fixture
def own(home, tmp_path):
    """A home of the test's own, to change."""
    return Path(shutil.copytree(home, tmp_path / "home"))


SPLIT = {"splits": Splits(shares={"test": 0.4})}


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
def test_the_same_export_twice_is_the_same_bytes(home, tmp_path, storage):
    for name in ("one", "two"):
        export(plan(home, storage=storage, **SPLIT), str(tmp_path / name))
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "two"]


def test_a_second_export_of_the_same_sessions_writes_nothing(home, tmp_path):
    out = tmp_path / "out"
    export(plan(home), str(out))
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*")}
    again = export(plan(home), str(out))
    assert not again.changed
    assert again.total == len(rows(out))
    assert {p: p.stat().st_mtime_ns for p in out.rglob("*")} == before


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
@pytest.mark.parametrize("name", ["prompt-completion", "openai", "worker"])
def test_new_and_changed_sessions_are_added_and_the_rest_is_taken_over(own, tmp_path, name, storage):
    export(plan(own, name, storage=storage, **SPLIT), str(tmp_path / "out"))
    annotate(
        own / "sessions" / "s1-plain",
        {
            "step": 1,
            "target": {"kind": "step", "id": "1", "field": "reply", "start": 0, "end": 1},
            "correction": "We",
        },
    )
    make(own, "s2b-new", [block("print(worker('new'))", "New."), block("FINAL(3)")])
    made = export(plan(own, name, storage=storage, **SPLIT), str(tmp_path / "out"))
    assert made.changed
    assert made.reused > 0
    export(plan(own, name, storage=storage, **SPLIT), str(tmp_path / "fresh"))
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_rows_that_were_named_otherwise_are_not_taken_over(home, tmp_path, monkeypatch):
    with monkeypatch.context() as earlier:
        earlier.setattr("sessions.export.selecting.ALGORITHM", b"another")
        earlier.setattr("sessions.export.sifting.content_hash", lambda line: f"{len(line):032x}")
        assert export(plan(home), str(tmp_path / "out")).total
    made = export(plan(home), str(tmp_path / "out"))
    assert made.changed
    assert not made.reused
    export(plan(home), str(tmp_path / "fresh"))
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_session_that_is_gone_takes_its_rows_along(own, tmp_path):
    export(plan(own), str(tmp_path / "out"))
    shutil.rmtree(own / "sessions" / "s1-plain")
    export(plan(own), str(tmp_path / "out"))
    export(plan(own), str(tmp_path / "fresh"))
    assert content(tmp_path / "out") == content(tmp_path / "fresh")
    assert not any(row["provenance"]["session"] == "s1-plain" for row in rows(tmp_path / "out"))


@pytest.mark.parametrize("after", [1, 3, 6])
def test_an_interrupted_export_goes_on_where_it_stopped(home, tmp_path, monkeypatch, after):
    out = tmp_path / "out"

    def interrupt(progress):
        if progress.done == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(plan(home, **SPLIT), str(out), on_progress=interrupt)
    assert not out.exists()
    aside = tmp_path / ".out.part"
    for path in aside.rglob("*.jsonl"):
        with path.open("ab") as file:
            file.write(b'{"torn')
    sifted = []
    from sessions.export.sifting import Sieve

    whole = Sieve.prepare_together

    def counted(self, source):
        sifted.append(source.session_id)
        return whole(self, source)

    monkeypatch.setattr(Sieve, "prepare_together", counted)
    export(plan(home, **SPLIT), str(out))
    assert len(sifted) == 7 - after
    monkeypatch.undo()
    export(plan(home, **SPLIT), str(tmp_path / "fresh"))
    assert content(out) == content(tmp_path / "fresh")
    assert not aside.exists()


def test_small_shards_hold_all_rows_in_order(home, tmp_path):
    export(plan(home), str(tmp_path / "one"))
    export(plan(home, shard_size=20_000), str(tmp_path / "many"))
    assert rows(tmp_path / "one") == rows(tmp_path / "many")
    shards = sorted((tmp_path / "many" / "data" / "train").iterdir())
    assert len(shards) > 2
    assert all(shard.stat().st_size <= 20_000 for shard in shards)


def test_a_fork_is_always_with_its_parent(tmp_path):
    home = tmp_path / "home"
    for number in range(6):
        parent = make(home, f"p{number}", [block(f"print({number})"), block(f"FINAL({number})")])
        middle = fork(parent, f"q{number}", 1)
        fork(middle, f"r{number}", 1)
    found = sources(Home(home).folders())
    for seed in range(20):
        splits = Splits(shares={"test": 0.3, "validation": 0.2}, seed=seed)
        placed = {source.session_id: splits.of(source.family) for source in found}
        assert all(placed[f"p{n}"] == placed[f"q{n}"] == placed[f"r{n}"] for n in range(6))
    assert {splits.of(f"s{n}") for n in range(200)} == {"train", "test", "validation"}


def test_a_fork_is_with_its_forebears_also_where_its_parent_is_gone(tmp_path):
    home = tmp_path / "home"
    make(home, "first", [block("print(1)"), block("FINAL(1)")])
    for name, parent in (("second", "first"), ("third", "second"), ("fourth", "third")):
        folder = home / "sessions" / parent
        earlier = branch_off(record_of(read_session(folder).events), 2)
        fork(folder, name, 1, relation=earlier.parent)
    shutil.rmtree(home / "sessions" / "third")
    assert {source.family for source in sources(Home(home).folders())} == {"first"}
    shutil.rmtree(home / "sessions" / "second")
    assert {source.family for source in sources(Home(home).folders())} == {"first"}


def test_splits_take_about_their_share_and_another_seed_divides_otherwise():
    splits = Splits(shares={"test": 0.2})
    placed = [splits.of(f"family {n}") for n in range(2000)]
    assert 340 <= placed.count("test") <= 460
    assert placed != [Splits(shares={"test": 0.2}, seed=1).of(f"family {n}") for n in range(2000)]


def test_equal_rows_stand_once_and_it_is_told_which_was_first(tmp_path):
    home = tmp_path / "home"
    for name in ("a", "b"):
        make(home, name, [block("FINAL(1)")])
    made = rehearse(plan(home))
    assert (made.total, made.left) == (1, {"duplicate": 1})
    (line,) = explain(plan(home), "b")
    assert line == "b/1/s1: out by duplicate (equal to a row before it): as a/1/s1"


def test_near_duplicates_only_on_request(tmp_path):
    home = tmp_path / "home"
    words = " ".join(f"word{n}" for n in range(60))
    make(home, "a", [block("FINAL(1)", words)])
    make(home, "b", [block("FINAL(1)", words + " more")])
    make(home, "c", [block("FINAL(1)", words[::-1])])
    assert rehearse(plan(home)).total == 3
    made = rehearse(plan(home, near=0.8))
    assert (made.total, made.left) == (2, {"near_duplicate": 1})
    assert made.examples["near_duplicate"].why == "as a/1/s1"


def test_the_same_session_in_two_folders_is_exported_once(own, tmp_path):
    shutil.copytree(own / "sessions" / "s1-plain", own / "sessions" / "zz-copy")
    made = rehearse(plan(own))
    assert made.left["same_session"] == 1


def test_rules_can_be_lifted_by_name(home):
    assert rehearse(plan(home)).left["error"] == 1
    lifted = rehearse(plan(home, options=Options(keep=frozenset({"error", "marked_bad"}))))
    assert "error" not in lifted.left
    assert lifted.total == rehearse(plan(home)).total + 1


@pytest.mark.parametrize("made", all_formats(), ids=lambda made: made.name)
def test_what_is_said_to_be_fixed_is_and_nothing_else(home, made):
    def left(keep):
        options = msgspec.structs.replace(options_for(made.name), keep=frozenset(keep))
        sieve = sifting.Sieve(msgspec.structs.replace(plan(home, made.name), options=options))
        found = (one for source in plan(home).sources for one in sieve.sift(source))
        return [one for one in found if isinstance(one, Left)]

    assert left(FIXED) == left(())
    # Of verl's rows the right answer is a column.
    assert {one.rule for one in left(set(RULES) - set(FIXED))} <= {*FIXED, "no_judgement"}


def test_a_replay_is_left_out_unless_it_is_asked_for(tmp_path):
    path = make(tmp_path, "s", [block("FINAL(1)")]) / "supervisor.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"kind":"research"', b'"kind":"replay"', 1))
    assert rehearse(plan(tmp_path)).left == {"replay": 1}
    assert rehearse(plan(tmp_path, options=Options(keep=frozenset({"replay"})))).total == 1


def test_every_row_is_explained(home):
    assert explain(plan(home), "s2-decided/1") == ["s2-decided/1/s1: in train, edited by ada"]
    assert explain(plan(home), "s2-decided/2/s2") == [
        "s2-decided/2/s2: out by rejected (a person rejected it): rejected by ada"
    ]
    assert len(explain(plan(home), "s2-decided")) == 6
    assert explain(plan(home), "s2-deci") == explain(plan(home), "s2-decided")
    assert explain(plan(home), "nothing") == []


def test_what_a_policy_let_through_alone_can_be_left_out(home):
    everything, vouched = rehearse(plan(home)), rehearse(plan(home, vouched=True))
    assert vouched.total + vouched.left["unvouched"] == everything.total
    assert 0 < vouched.total < everything.total
    assert explain(plan(home, vouched=True), "s2-decided/1") == ["s2-decided/1/s1: in train, edited by ada"]


def test_labels_and_samples_choose_rows(home):
    labelled = rehearse(plan(home, labels=("probing",)))
    assert (labelled.total, labelled.left["label"]) == (1, 8)
    half = rehearse(plan(home, sample=0.5))
    assert half.total + half.left["sampled_out"] == rehearse(plan(home)).total
    assert half.total > 0


def test_only_worker_replies_whose_quote_is_there(home):
    assert rehearse(plan(home, "worker")).total == 3
    evident = rehearse(plan(home, "worker", options=Options(evidence=True)))
    assert (evident.total, evident.left["no_evidence"]) == (1, 2)


def test_rows_say_where_they_come_from(home, tmp_path):
    export(plan(home, licence="CC0-1.0", tool="distill-tui 9"), str(tmp_path / "out"))
    origin = next(
        r["provenance"] for r in rows(tmp_path / "out") if r["provenance"]["row"] == "s2-decided/1/s1"
    )
    assert origin["decision"] == "edited"
    assert origin["decided_by"] == "ada"
    assert origin["annotators"] == ["ada"]
    assert origin["labels"] == ["probing"]
    assert origin["models"] == ["scripted"]
    assert origin["licence"] == "CC0-1.0"
    assert origin["tool"] == "distill-tui 9"
    assert origin["family"] == "s2-decided"
    events = (home / "sessions" / "s2-decided").glob("*.jsonl")
    types = {e["seq"]: e["type"] for path in events for e in map(json.loads, path.read_text().splitlines())}
    assert {types[seq] for seq in origin["events"]} >= {"supervisor_replied", "decision_made", "annotated"}


def test_the_card_counts_what_is_there_and_what_is_not(home, tmp_path):
    export(plan(home, **SPLIT, definitions={"probing": "looks before it leaps"}), str(tmp_path / "out"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert "| `probing` | 1 | looks before it leaps |" in card
    assert "2 by `rejected`: a person rejected it" in card
    assert card.startswith("---\n")


# ---------------------------------------------------------------- what is refused


def refused(tmp_path, *, match, **changes):
    """The plan is refused in one line, and nothing new lies in the folder."""
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ExportError, match=match) as error:
        export(changes.pop("plan"), str(tmp_path / changes.pop("place", "out")))
    assert "\n" not in str(error.value)
    assert sorted(tmp_path.iterdir()) == before


def test_nothing_selected(tmp_path):
    refused(tmp_path, plan=plan(tmp_path), match="no session to export")


def test_nothing_left(home, tmp_path):
    refused(tmp_path, plan=plan(home, labels=("unheard-of",)), match="no row for prompt-completion")


def test_a_folder_that_holds_something_else(home, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("mine")
    refused(tmp_path, plan=plan(home), match="not empty")
    assert (tmp_path / "out" / "thesis.tex").read_text() == "mine"


def test_another_export_in_the_same_place(home, tmp_path):
    export(plan(home), str(tmp_path / "out"))
    before = content(tmp_path / "out")
    refused(tmp_path, plan=plan(home, "kto"), match="another format")
    assert content(tmp_path / "out") == before


def test_a_file_in_the_place(home, tmp_path):
    (tmp_path / "out").write_text("a file")
    refused(tmp_path, plan=plan(home), match="cannot export")


def test_behind_a_link_the_export_is_where_it_leads_to(home, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "place", target_is_directory=True)
    for _ in range(2):
        export(plan(home), str(tmp_path / "link"))
    assert (tmp_path / "link").is_symlink()
    assert rows(tmp_path / "place")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "place"]


def test_what_fails_before_anything_is_written_leaves_nothing(home, tmp_path):
    wrong = tmp_path / "tokenizer.json"
    wrong.write_text("none")
    with pytest.raises(ExportError, match="no tokenizer"):
        export(plan(home, "process-steps", options=Options(tokenizer=str(wrong))), str(tmp_path / "out"))
    assert [p.name for p in tmp_path.iterdir()] == ["tokenizer.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_place_that_cannot_be_written(home, tmp_path):
    tmp_path.chmod(0o500)
    try:
        refused(tmp_path, plan=plan(home), match="cannot export")
    finally:
        tmp_path.chmod(0o700)


def test_a_place_that_cannot_be(home):
    with pytest.raises(ExportError, match="cannot export to /proc"):
        export(plan(home), "/proc/nowhere/out")


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
def test_a_full_disk_leaves_nothing_half_written(home, tmp_path, monkeypatch, storage):
    from sessions.export import pipeline

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pipeline, "write_manifest", full)
    with pytest.raises(ExportError, match="No space left"):
        export(plan(home, storage=storage), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    monkeypatch.undo()
    export(plan(home, storage=storage), str(tmp_path / "out"))
    export(plan(home, storage=storage), str(tmp_path / "fresh"))
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_session_without_its_first_stream_is_left_out_and_told(own):
    (own / "sessions" / "s1-plain" / "supervisor.jsonl").unlink()
    made = rehearse(plan(own))
    assert made.left["unreadable"] == 1
    assert "it has no supervisor.jsonl" in made.examples["unreadable"].why


@pytest.mark.parametrize("begins", ["session_begun", "session_started"])
def test_a_session_of_a_newer_version_is_left_out_and_told(own, begins):
    log = own / "sessions" / "s1-plain" / "supervisor.jsonl"
    first, rest = log.read_text().split("\n", 1)
    log.write_text(json.dumps({**json.loads(first), "v": 99, "type": begins}) + "\n" + rest)
    made = rehearse(plan(own))
    assert made.left["unreadable"] == 1
    assert "newer version (schema 99" in made.examples["unreadable"].why


def test_where_nothing_else_is_left_the_first_reason_is_told(home, own, tmp_path):
    for session in (own / "sessions").iterdir():
        log = session / "supervisor.jsonl"
        first, rest = log.read_text().split("\n", 1)
        log.write_text(json.dumps({**json.loads(first), "v": 99}) + "\n" + rest)
    with pytest.raises(ExportError) as newer:
        export(plan(own), str(tmp_path / "out"))
    assert "by unreadable; first s1-plain: written by a newer version (schema 99" in str(newer.value)
    assert "--keep" not in str(newer.value)
    with pytest.raises(ExportError, match=r"; label: it does not bear .* \(--keep RULE lifts a rule, --expl"):
        export(plan(home, labels=("nowhere",)), str(tmp_path / "out"))


def test_a_first_line_may_be_long(own):
    log = own / "sessions" / "s1-plain" / "supervisor.jsonl"
    first, rest = log.read_text().split("\n", 1)
    log.write_text(json.dumps({**json.loads(first), "query": "why? " * 20_000}) + "\n" + rest)
    assert "unreadable" not in rehearse(plan(own)).left


def test_a_damaged_session_is_left_out_and_told(own):
    log = own / "sessions" / "s1-plain" / "repl.jsonl"
    log.write_text("garbage\n" + log.read_text())
    assert "damaged" in rehearse(plan(own)).examples["unreadable"].why


@pytest.mark.parametrize("where", ["worker", "supervisor"])
@pytest.mark.parametrize("odd", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_left_out_until_it_is_one(own, tmp_path, where, odd):
    out = str(tmp_path / "out")
    log = own / "sessions" / "s1-plain" / f"{where}.jsonl"
    log.rename(tmp_path / "log")
    odd(log)
    assert export(plan(own), out).left["unreadable"] == 1
    assert not export(plan(own), out).changed
    log.rmdir() if log.is_dir() else log.unlink()
    (tmp_path / "log").rename(log)
    assert "unreadable" not in export(plan(own), out).left
    export(plan(own), str(tmp_path / "fresh"))
    assert content(tmp_path / "out") == content(tmp_path / "fresh")


def test_a_link_in_a_circle_is_told_as_such(own):
    log = own / "sessions" / "s1-plain" / "worker.jsonl"
    log.unlink(missing_ok=True)
    log.symlink_to(log.name)
    assert "symbolic links" in rehearse(plan(own, "worker")).examples["unreadable"].why


def test_a_log_that_is_mended_while_it_is_read_is_exported_the_next_time(own, tmp_path, monkeypatch):
    log = own / "sessions" / "s1-plain" / "repl.jsonl"
    whole = log.read_text()
    log.write_text("garbage\n" + whole)

    def mending(folder, **options):
        reading = read_session(folder, **options)
        log.write_text(whole)
        return reading

    monkeypatch.setattr(sifting, "read_session", mending)
    assert export(plan(own), str(tmp_path / "out")).left["unreadable"] == 1
    monkeypatch.undo()
    assert "unreadable" not in export(plan(own), str(tmp_path / "out")).left


def test_the_manifest_has_a_session_a_line(own, tmp_path):
    export(plan(own), str(tmp_path / "out"))
    manifest = read_manifest(tmp_path / "out")
    assert manifest is not None
    first, *lines = (tmp_path / "out" / "export.json").read_text().splitlines()
    assert [json.loads(line.rstrip(","))["session"] for line in lines[:-1]] == [
        record.session for record in manifest.sessions
    ]
    assert first.startswith('{"settings":{')
    assert manifest.settings == msgspec.to_builtins(plan(own).settings())


def test_a_folder_without_a_session(tmp_path):
    with pytest.raises(ExportError, match="no session in"):
        sources([tmp_path])


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"options": Options(keep=frozenset({"gravity"}))}, "no such rule"),
        ({"options": Options(keep=frozenset({"unreadable"}))}, "cannot be lifted: unreadable .what cannot"),
        ({"options": Options(keep=frozenset({"label", "error"}))}, "lifted: label .leave --label out"),
        ({"sample": 2.0}, "not a share"),
        ({"near": 2.0}, "not a similarity"),
        ({"redact": ("feelings",)}, "no such kind of redaction"),
        ({"shard_size": 0}, "not a shard size"),
    ],
)
def test_plans_that_make_no_sense(home, tmp_path, changes, match):
    with pytest.raises(ExportError, match=match):
        export(plan(home, **changes), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words", [["test"], ["test=0"], ["test=1"], ["train=0.5"], ["a=0.6", "b=0.6"], ["../x=0.1"], ["all=0.3"]]
)
def test_words_that_are_no_split(words):
    with pytest.raises(ExportError):
        parse_shares(words)


@pytest.mark.parametrize("name", ["validation", "dev", "null", "on", "no", "data", "a_1", "all_1"])
def test_every_other_split_is_loaded(home, tmp_path, name):
    from datasets import load_dataset

    export(plan(home, splits=Splits(shares=parse_shares([f"{name}=0.5"]), seed=1)), str(tmp_path / "out"))
    assert set(load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))) == {"train", name}


def test_a_fork_alone_tells_which_rule_leaves_it_out_and_how_to_keep_it(home, tmp_path):
    fork = [home / "sessions" / "s6-fork"]
    with pytest.raises(ExportError, match=r"no row for prompt-completion.*by copied.*--keep copied"):
        export(Plan(format=find("prompt-completion"), sources=tuple(sources(fork))), str(tmp_path / "out"))
    kept = Options(keep=frozenset({"copied"}))
    assert export(
        Plan(format=find("prompt-completion"), sources=tuple(sources(fork)), options=kept),
        str(tmp_path / "out"),
    ).total


def test_any_place_that_fsspec_knows(home, tmp_path):
    import fsspec

    url = "memory://export-test/out"
    export(plan(home, **SPLIT), url)
    again = export(plan(home, **SPLIT), url)
    assert not again.changed
    export(plan(home, **SPLIT), str(tmp_path / "local"))
    memory = fsspec.filesystem("memory")
    there = {
        name.removeprefix("/export-test/out/"): memory.cat(name) for name in memory.find("/export-test/out")
    }
    assert there == content(tmp_path / "local")
    memory.pipe("/export-test/other/thesis.tex", b"mine")
    with pytest.raises(ExportError, match="not empty"):
        export(plan(home), "memory://export-test/other")
    with pytest.raises(ExportError, match="cannot export"):
        export(plan(home), "teleport://nowhere/out")


def stored(url):
    """Every file of a place in memory with its bytes."""
    import fsspec

    memory, place = fsspec.filesystem("memory"), url.removeprefix("memory:/")
    return {name.removeprefix(f"{place}/"): memory.cat(name) for name in memory.find(place)}


@pytest.mark.parametrize("there_before", [True, False])
def test_what_died_while_it_was_put_elsewhere_is_put_there_anew(own, tmp_path, monkeypatch, there_before):
    """However many files it had put there: those of before are written over one by one."""
    from fsspec.implementations.memory import MemoryFileSystem

    put, left = MemoryFileSystem.put_file, []

    def dying(self, local, place, **more):
        if not left.pop():
            raise KeyboardInterrupt
        return put(self, local, place, **more)

    whole = str(tmp_path / "whole")
    changed = own / "sessions" / "s1-plain"
    aside = shutil.move(changed, tmp_path / "aside")
    before = plan(own, **SPLIT)
    shutil.move(aside, changed)
    export(plan(own, **SPLIT), whole)
    count = len(content(whole))
    for after in range(count + 1):
        url = f"memory://export-dying/{there_before}{after}"
        if there_before:
            export(before, url)
        left[:] = [False, *[True] * after]
        with monkeypatch.context() as dead:
            dead.setattr(MemoryFileSystem, "put_file", dying)
            with pytest.raises(KeyboardInterrupt):
                export(plan(own, **SPLIT), url)
        assert stored(url) != content(whole)
        export(plan(own, **SPLIT), url)
        assert stored(url) == content(whole)


def test_what_somebody_else_has_under_the_manifests_name_stays(home):
    import fsspec

    memory = fsspec.filesystem("memory")
    memory.pipe("/export-others/export.json", b'{"mine": 1}')
    memory.pipe("/export-others/thesis.tex", b"mine")
    with pytest.raises(ExportError, match="holds no export"):
        export(plan(home), "memory://export-others")
    assert sorted(stored("memory://export-others")) == ["export.json", "thesis.tex"]


def test_the_root_is_no_folder_for_an_export(home):
    with pytest.raises(ExportError, match="cannot export to /: it is the root"):
        export(plan(home), "/")


def without_a_line(path):
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def with_other_letters(path):
    path.write_bytes(path.read_bytes().replace(b"assistant", b"ASSISTANT"))


def with_lines_joined(path):
    path.write_bytes(path.read_bytes().replace(b"\n", b" "))


@pytest.mark.parametrize("spoil", [Path.unlink, without_a_line, with_other_letters, with_lines_joined])
@pytest.mark.parametrize("name", ["prompt-completion", "openai"])
def test_rows_that_somebody_changed_are_made_anew(own, tmp_path, name, spoil):
    for place in ("out", "further"):
        export(plan(own, name), str(tmp_path / place))
        (shard,) = (tmp_path / place / "data").rglob("*.jsonl")
        spoil(shard)
    make(own, "s2b-new", [block("print(worker('new'))", "New."), block("FINAL(3)")])
    export(plan(own, name), str(tmp_path / "further"))
    export(plan(own, name), str(tmp_path / "fresh"))
    assert content(tmp_path / "further") == content(tmp_path / "fresh")


@pytest.mark.parametrize("storage", ["jsonl", "parquet"])
@pytest.mark.parametrize("spoil", [Path.unlink, without_a_line])
def test_an_export_of_which_a_file_is_missing_or_shorter_is_made_anew(home, tmp_path, spoil, storage):
    out = tmp_path / "out"
    export(plan(home, storage=storage), str(out))
    before = content(out)
    spoil(next(path for path in (out / "data").rglob("*") if path.is_file()))
    assert export(plan(home, storage=storage), str(out)).changed
    assert content(out) == before


def test_two_exports_into_one_folder_do_not_write_through_each_other(home, tmp_path):
    """The second one starts while the first one writes."""
    seconds = []

    def meanwhile(_):
        if not seconds:
            with pytest.raises(ExportError, match="another export is being written there") as failure:
                export(plan(home), str(tmp_path / "out"))
            seconds.append(failure.value)

    export(plan(home), str(tmp_path / "out"), on_progress=meanwhile)
    export(plan(home), str(tmp_path / "alone"))
    assert seconds
    assert content(tmp_path / "out") == content(tmp_path / "alone")
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []
