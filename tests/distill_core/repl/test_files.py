"""Ordinary work with files in the scratch folder, at every level."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator

import pytest

from distill_core.isolation.levels import obstacle
from distill_core.repl import REPL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a filter of system calls is Linux's")


@pytest.fixture(params=["none", "good", "strong"])
def repl(request: pytest.FixtureRequest) -> Iterator[REPL]:
    if (reason := obstacle(request.param)) is not None:
        pytest.skip(f"level {request.param}: {reason}")
    with REPL("", isolation=request.param) as made:
        yield made


def test_files_are_copied_moved_linked_and_packed(repl: REPL) -> None:
    code = """
        import os, pathlib, shutil, tarfile, tempfile, zipfile
        os.makedirs('a/b')
        pathlib.Path('a/b/x').write_text('x')
        shutil.copy('a/b/x', 'a/y'); shutil.copy2('a/y', 'a/z'); shutil.copytree('a', 'c'); shutil.move('c', 'd')
        os.link('a/y', 'a/b/linked'); os.symlink('a', 'way')
        pathlib.Path('a/y').touch(); pathlib.Path('new').touch(); os.chmod('a/y', 0o600)
        with open('new', 'w') as new: os.fchmod(new.fileno(), 0o600)
        os.chmod(os.path.abspath('way/y'), 0o640); os.utime('a/y', (10**9, 10**9)); os.utime('a')
        with tarfile.open('t.tar', 'w') as tar: tar.add('a')
        with tarfile.open('t.tar') as tar: tar.extractall('untarred')
        with zipfile.ZipFile('z.zip', 'w') as packed: packed.write('a/y')
        with zipfile.ZipFile('z.zip') as packed: packed.extractall('unzipped')
        shutil.make_archive('all', 'gztar', 'a'); shutil.rmtree('d')
        with tempfile.TemporaryDirectory() as folder: shutil.copy('a/y', folder)
        print(sorted(os.listdir('a/b')), os.path.samefile('a/y', 'a/b/linked'), os.path.exists('untarred/a/b/x'))
        """
    result = repl.execute(textwrap.dedent(code))
    assert result.stdout == "['linked', 'x'] True True\n", result.traceback


def test_touching_a_file_makes_it_new(repl: REPL) -> None:
    code = """
        import os, pathlib, time
        pathlib.Path('old').write_text('text')
        before = os.stat('old').st_mtime_ns
        time.sleep(0.05)
        pathlib.Path('old').touch()
        print(os.stat('old').st_mtime_ns > before, pathlib.Path('old').read_text())
        """
    assert repl.execute(textwrap.dedent(code)).stdout == "True text\n"


def test_files_that_are_not_there_are_missed(repl: REPL) -> None:
    result = repl.execute("import os\nos.chmod('nothing', 0o600)")
    assert "FileNotFoundError" in (result.traceback or "")


@pytest.mark.parametrize("way", ["chmod", "utime", "link"])
def test_other_files_stay_as_they_are(repl: REPL, way: str) -> None:
    if repl.isolation == "none":
        pytest.skip("without isolation cells may do what their account may")
    code = f"""
        import os
        try:
            if {way!r} == 'chmod': os.chmod(os.__file__, 0o777)
            elif {way!r} == 'utime': os.utime(os.__file__)
            else: os.link(os.__file__, 'linked')
        except OSError: print('refused')
        """
    assert repl.execute(textwrap.dedent(code)).stdout == "refused\n"
