"""What is removed can come back, and only what nothing needs is deleted."""

import os
import shutil

import pytest

from distill_core import document_store
from distill_core.errors import StoreError
from distill_core.recorder import SessionLog
from sessions.arriving import arriving
from sessions.home import Home
from sessions.trash import remove, restore, sweep, trashed
from tests.sessions.homes import ANSWERING, keep


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("made")
    keep(home, "s1", ANSWERING)
    keep(home, "s2", ANSWERING, context="another text")
    for path in (home / "documents").iterdir():
        os.utime(path, (0, 0))
    return home


@pytest.fixture
def home(made, tmp_path):
    return Home(shutil.copytree(made, tmp_path / "home"))


def names(home):
    return [folder.name for folder in home.folders()]


def test_a_removed_session_comes_back(home):
    remove(home, "s1")
    assert names(home) == ["s2"]
    assert [p.name for p in trashed(home)] == ["s1"]
    restore(home, "s1")
    assert names(home) == ["s1", "s2"]


def test_two_of_one_name_both_stay_in_the_trash(home):
    shutil.copytree(home.folder("s1"), home.path / "copy")
    remove(home, "s1")
    (home.path / "copy").rename(home.folder("s1"))
    remove(home, "s1")
    assert [p.name for p in trashed(home)] == ["s1", "s1.2"]


def test_restoring_never_overwrites(home):
    remove(home, "s1")
    shutil.copytree(home.folder("s2"), home.folder("s1"))
    with pytest.raises(StoreError, match="kept already"):
        restore(home, "s1")


def test_a_name_may_be_cut_short_where_that_is_clear(home):
    remove(home, "s1")
    remove(home, "s2")
    with pytest.raises(StoreError, match="several sessions in the trash begin with 's'"):
        restore(home, "s")
    with pytest.raises(StoreError, match="no session in the trash is called 't'"):
        restore(home, "t")
    remembered = home.trash / "s1"
    remembered.rename(home.trash / "20260301-s1")
    assert restore(home, "2026").name == "20260301-s1"


def test_a_running_session_is_not_removed(home):
    log = SessionLog(home.folder("s1"), append=True)
    with pytest.raises(StoreError, match="still running"):
        remove(home, "s1")
    log.close()
    remove(home, "s1")


@pytest.mark.parametrize("name", ["", ".", "..", "../s1", "nosuch"])
def test_what_is_no_session_is_told(home, name):
    with pytest.raises(StoreError, match=r"no session|no such"):
        remove(home, name)


def test_a_document_goes_only_when_neither_home_nor_trash_needs_it(home):
    remove(home, "s1")
    assert sweep(home).paths == ()
    assert len(sweep(home, trash=True, dry=True).paths) == 2
    swept = sweep(home, trash=True)
    assert swept.bytes > 0
    assert len(list(home.documents.iterdir())) == 1
    assert trashed(home) == []


def test_a_young_document_waits_for_its_session(home):
    (home.documents / ("0" * 64 + ".txt")).write_text("just written")
    assert sweep(home).paths == ()
    assert len(sweep(home, young=0).paths) == 1


def test_a_document_that_lay_there_waits_for_the_session_that_is_to_read_it(home):
    reference = document_store.keep("read before", home.documents)
    path = document_store.document_path(home.documents, reference)
    os.utime(path, (0, 0))
    assert sweep(home, dry=True).paths == (path,)
    document_store.keep("read before", home.documents)
    assert sweep(home).paths == ()


def test_nothing_is_deleted_where_a_session_cannot_be_read(home):
    (home.folder("s1") / "supervisor.jsonl").write_bytes(b"not json\n")
    with pytest.raises(StoreError, match="cannot tell"):
        sweep(home)
    assert len(list(home.documents.iterdir())) == 2


def test_what_a_killed_import_left_is_swept_up(home):
    left = home.sessions / ".arriving-x"
    (left / "session").mkdir(parents=True)
    assert sweep(home).paths == (), "it may just be arriving"
    os.utime(left, (0, 0))
    assert sweep(home).paths == (left,)
    assert not left.exists()


def test_a_session_that_is_still_arriving_is_left_alone_however_long_that_takes(home):
    with arriving(home.sessions) as folder:
        (folder / "session").mkdir()
        os.utime(folder, (0, 0))
        assert sweep(home).paths == ()
        assert (folder / "session").is_dir()
    assert not folder.exists()
