"""An export to S3: a server of its own process that speaks the protocol, and s3fs."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from distill_core.errors import ExportError
from sessions.export import Plan, export, sources
from sessions.export.formats import find
from sessions.home import Home


def plan(home):
    return Plan(format=find("worker"), sources=tuple(sources(Home(home).folders())))


@pytest.fixture(scope="module")
def server():
    """The URL of a server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        with socket.socket() as asks:
            if asks.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.send_signal(signal.SIGINT)
    process.wait(30)


@pytest.fixture
def bucket(server, monkeypatch, tmp_path):
    """A bucket there, as `s3fs` sees it."""
    import s3fs

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("HOME", str(tmp_path))  # where others may be kept
    s3fs.S3FileSystem.clear_instance_cache()
    fs = s3fs.S3FileSystem()
    fs.mkdir("traces")
    yield fs
    fs.rm("traces", recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


def test_what_is_there_is_what_a_folder_would_hold(home, bucket, tmp_path):
    first = export(plan(home), "s3://traces/sets/worker")
    export(plan(home), str(tmp_path / "out"))
    bucket.invalidate_cache()
    there = {name.removeprefix("traces/sets/worker/"): bucket.cat(name) for name in bucket.find("traces")}
    assert there == {
        str(path.relative_to(tmp_path / "out")): path.read_bytes()
        for path in (tmp_path / "out").rglob("*")
        if path.is_file()
    }
    assert first.changed
    assert not export(plan(home), "s3://traces/sets/worker").changed


def test_what_is_not_ours_stays(home, bucket):
    bucket.pipe("traces/mine/thesis.tex", b"mine")
    with pytest.raises(ExportError, match="not empty, and holds no export"):
        export(plan(home), "s3://traces/mine")
    assert bucket.find("traces") == ["traces/mine/thesis.tex"]


def test_a_bucket_that_is_not_there_is_not_made(home, bucket):
    with pytest.raises(ExportError, match=r"cannot export to s3://traecs/worker.*bucket does not exist"):
        export(plan(home), "s3://traecs/worker")
    assert bucket.ls("") == ["traces"]


def test_without_credentials_it_is_one_line(home, bucket, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket.clear_instance_cache()
    with pytest.raises(ExportError, match="cannot export to s3://traces/x") as failure:
        export(plan(home), "s3://traces/x")
    assert "\n" not in str(failure.value)
