"""The OpenMP library for systems that have none: fetched, checked, and found by the model's process alone."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

import msgspec
import pytest

from distill_core.errors import ModelError, WeightsError
from distill_core.models import openmp, weights
from distill_core.models.local import LocalServer
from tui.cli.pulling import pull_with_notice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the runtime brings its own")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A system without the library, and an empty cache."""
    monkeypatch.setattr(openmp, "missing", lambda: True)
    monkeypatch.setattr(weights, "default_cache_dir", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def have_one(cache: Path) -> Path:
    library = openmp.folder(cache) / openmp.LIBRARY
    library.parent.mkdir(parents=True)
    library.write_bytes(b"")
    return library


def test_the_library_of_the_pinned_package_can_be_loaded(tmp_path: Path) -> None:
    if openmp.carrier() is None:
        pytest.skip("no package has the library for this machine")
    try:
        library = openmp.fetch(tmp_path)
    except WeightsError as error:
        pytest.skip(f"needs the package index: {error}")
    assert ctypes.CDLL(str(library)).omp_get_max_threads() >= 1
    assert openmp.fetch(tmp_path) == library
    assert [path.name for path in library.parent.iterdir()] == [openmp.LIBRARY]


def test_a_package_with_other_content_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    carrier = openmp.carrier()
    if carrier is None:
        pytest.skip("no package has the library for this machine")
    other = msgspec.structs.replace(carrier.part, package_sha256="0" * 64)
    monkeypatch.setattr(openmp, "carrier", lambda: openmp.Carrier(carrier.platform, other))
    with pytest.raises(WeightsError, match="pip could not fetch pykdtree"):
        openmp.fetch(tmp_path)
    assert not list(openmp.folder(tmp_path).iterdir())


def test_a_machine_without_a_package_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openmp, "carrier", lambda: None)
    with pytest.raises(WeightsError, match=r"no package has libgomp\.so\.1"):
        openmp.fetch(tmp_path)


def test_a_process_is_told_of_it_only_where_the_system_has_none(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert openmp.environment() == {}
    folder = str(have_one(bare).parent)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/there")
    assert openmp.environment() == {"LD_LIBRARY_PATH": os.pathsep.join(("/there", folder))}
    monkeypatch.delenv("LD_LIBRARY_PATH")
    assert openmp.environment() == {"LD_LIBRARY_PATH": folder}
    monkeypatch.setattr(openmp, "missing", lambda: False)
    assert openmp.environment() == {}


def test_the_models_process_finds_it(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = have_one(bare).parent
    (tmp_path / "xllamacpp.py").write_text("import os\nraise ImportError(os.environ['LD_LIBRARY_PATH'])")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    gguf = tmp_path / "some.gguf"
    gguf.write_bytes(weights.GGUF_MAGIC + b"\0" * 64)
    with pytest.raises(ModelError, match=str(folder)):
        LocalServer.start(gguf, log_path=tmp_path / "log")


def test_a_pull_says_that_it_is_missing_before_anything_large_is_fetched(
    bare: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError, match=r"libgomp\.so\.1 is missing; .*apt-get install libgomp1"):
        pull_with_notice(weights.DEFAULT)
    said = capsys.readouterr().err
    assert "libgomp.so.1 is missing" in said
    assert "MB" not in said


def test_on_a_machine_without_a_package_a_pull_says_what_to_install(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    monkeypatch.setattr(openmp, "carrier", lambda: None)
    with pytest.raises(ModelError, match="apt-get install libgomp1"):
        pull_with_notice(weights.DEFAULT)
