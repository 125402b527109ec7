"""What a killed program leaves in the folder for temporary files goes at the end of a later one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from distill_core.isolation.leftovers import locked_folder, sweep


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def age(folder: Path) -> None:
    os.utime(folder, (0, 0))


def test_a_folder_whose_owner_was_killed_goes_with_all_that_is_in_it(temporary: Path) -> None:
    program = (
        "import time; from distill_core.repl import REPL\n"
        "REPL('').execute('1'); print(1, flush=True); time.sleep(99)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        (folder,) = temporary.iterdir()
        age(folder)
        sweep()
        assert folder.exists()
        process.send_signal(signal.SIGKILL)
    sweep()
    assert not folder.exists()


def test_a_new_one_is_left_to_whoever_is_about_to_lock_it(temporary: Path) -> None:
    folder, held = locked_folder()
    os.close(held)
    sweep()
    assert Path(folder).exists()


def test_what_only_has_the_name_is_not_touched(
    temporary: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "kept").touch()
    elsewhere.chmod(0o700)
    age(elsewhere)
    (temporary / "distill-repl-link").symlink_to(elsewhere)
    (temporary / "distill-repl-file").touch()
    shared = temporary / "distill-repl-shared"
    shared.mkdir()
    shared.chmod(0o755)
    age(shared)
    sweep()
    assert (elsewhere / "kept").exists()
    assert {path.name for path in temporary.iterdir()} == {
        "distill-repl-link",
        "distill-repl-file",
        "distill-repl-shared",
    }
