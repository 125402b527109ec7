"""What other processes have sifted is written as if this one had: the same files, whoever did the work."""

import shutil
from pathlib import Path

import msgspec
import pytest

from sessions.example_sessions import example_folders
from sessions.export import Plan, Splits, export, pipeline, sifting, sifting_ahead, sources
from sessions.export.formats import all_formats, find
from sessions.export.sifting import Sieve
from tests.sessions.export.making import annotate, traced
from tests.sessions.export.tokens import options_for

ROWS = [format.name for format in all_formats() if format.storage != "files"]
KEEP = frozenset({"unfinished", "error", "rejected", "sent_back", "no_judgement"})


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """The example sessions, a worker's reply in one of them corrected."""
    home = tmp_path_factory.mktemp("home")
    found = [shutil.copytree(folder, home / folder.name) for folder in example_folders()]
    target = next(
        {"kind": "worker_call", "id": call.call_id}
        for call in traced(found[0]).calls
        if call.response is not None
    )
    annotate(found[0], {"step": 1, "target": target, "correction": "Seven fees.", "reason": "It is so."})
    return found


def plan(name, folders, **more):
    options = msgspec.structs.replace(options_for(name), keep=KEEP)
    return Plan(format=find(name), sources=tuple(sources(folders)), options=options, **more)


def written(out: Path):
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.fixture
def two_processes(monkeypatch):
    """Exports go through two other processes, however small they are."""
    monkeypatch.setattr(sifting_ahead, "pays", lambda plan: len(plan.sources) > 1)
    monkeypatch.setattr(sifting_ahead.os, "cpu_count", lambda: 2)


def both(tmp_path, monkeypatch, made):
    monkeypatch.setattr(sifting_ahead, "pays", lambda plan: False)
    export(made, str(tmp_path / "alone"))
    monkeypatch.setattr(sifting_ahead, "pays", lambda plan: True)
    export(made, str(tmp_path / "ahead"))
    return written(tmp_path / "alone"), written(tmp_path / "ahead")


@pytest.mark.parametrize("name", ROWS)
def test_each_format_is_the_same_bytes(tmp_path, monkeypatch, two_processes, folders, name):
    alone, ahead = both(tmp_path, monkeypatch, plan(name, folders, splits=Splits(shares={"test": 0.3})))
    assert alone == ahead


def test_a_session_that_is_there_twice_puts_nothing_out_of_order(
    tmp_path, monkeypatch, two_processes, folders
):
    twice = shutil.copytree(folders[1], tmp_path / "copies" / folders[1].name)
    made = plan("worker", [*folders, twice])
    alone, ahead = both(tmp_path, monkeypatch, made)
    assert alone == ahead
    assert b'"same_session":1' in alone["export.json"].replace(b" ", b"")


def test_shards_end_and_repetitions_are_left_out_at_the_same_rows(
    tmp_path, monkeypatch, two_processes, folders
):
    again = shutil.copytree(folders[0], tmp_path / "copies" / "again")
    told = again / "supervisor.jsonl"
    told.write_text(told.read_text().replace(f'"session_id":"{folders[0].name}"', '"session_id":"again"'))
    made = plan("worker", [*folders, again], shard_size=3000)
    alone, ahead = both(tmp_path, monkeypatch, made)
    assert alone == ahead
    assert len([name for name in alone if name.startswith("data/")]) > 3
    assert b'"duplicate":' in alone["export.json"].replace(b" ", b"")


def test_an_interrupted_export_goes_on_with_the_right_sessions(tmp_path, two_processes, folders):
    def interrupt(progress):
        if progress.done == 3:
            raise KeyboardInterrupt

    export(plan("worker", folders), str(tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        export(plan("worker", folders), str(tmp_path / "out"), on_progress=interrupt)
    export(plan("worker", folders), str(tmp_path / "out"))
    assert written(tmp_path / "out") == written(tmp_path / "whole")


def test_where_the_other_processes_die_their_work_is_done_here(tmp_path, monkeypatch, two_processes):
    class Dying(sifting_ahead.Ahead):
        def prepared(self, place, source, sieve):
            if place == 1:
                for helper in self._helpers:
                    helper.process.kill()
                    helper.process.wait()
            return super().prepared(place, source, sieve)

    monkeypatch.setattr(pipeline.sifting_ahead, "Ahead", Dying)
    alone, ahead = both(tmp_path, monkeypatch, plan("worker", example_folders()))
    assert alone == ahead


def test_who_has_nothing_more_to_do_is_ended_once_and_not_before(
    tmp_path, monkeypatch, two_processes, folders
):
    told = []

    class Watched(sifting_ahead._Helper):
        def dismiss(self):
            told.append(("dismissed", len(self.todo)))
            super().dismiss()

        def end(self):
            told.append(("ended", len(self.todo)))
            super().end()

    monkeypatch.setattr(sifting_ahead, "_Helper", Watched)
    alone, ahead = both(tmp_path, monkeypatch, plan("worker", folders))
    assert alone == ahead
    assert told == [("dismissed", 0), ("ended", 0)]


def test_rows_of_a_large_session_come_in_batches(monkeypatch):
    monkeypatch.setattr(sifting, "_ROWS", 2)
    made = plan("worker", example_folders())
    sieve = Sieve(made)
    for source in made.sources:
        whole = list(Sieve(made).prepare(source))
        batches = list(sifting_ahead.batches(sieve, source))
        assert [batch.last for batch in batches] == [False] * (len(batches) - 1) + [True]
        told = [one for batch in batches for rows in batch.rows for one in rows.each()]
        assert sum(len(batch.left) for batch in batches) + len(told) == len(whole)
        assert all(len(rows.keys) <= 2 for batch in batches for rows in batch.rows)
        rows = [one for one in whole if hasattr(one, "digest")]
        assert [(one.row.key, one.digest, one.line) for one in told] == [
            (one.row.key, one.digest, one.line) for one in rows
        ]


def test_small_exports_start_no_process():
    made = plan("worker", example_folders())
    assert not sifting_ahead.pays(made)
    assert sifting_ahead.pays(made, worth_it=1)
    assert not sifting_ahead.pays(msgspec.structs.replace(made, near=0.9), worth_it=1)
