"""What a person can name, and the one line they get where it cannot be read."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from distill_core.documents import load, loading, source
from distill_core.errors import DocumentError
from tests.distill_core.documents.samples import lines, pdf


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two texts, one below, and what should be left out."""
    (tmp_path / "docs" / "sub").mkdir(parents=True)
    (tmp_path / "docs" / "b.txt").write_text("two")
    (tmp_path / "docs" / "a.txt").write_text("one")
    (tmp_path / "docs" / "sub" / "c.json").write_text('{"n": 3}')
    (tmp_path / "docs" / ".hidden").write_text("secret")
    (tmp_path / "docs" / "image.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (tmp_path / "docs" / "empty.txt").write_text("")
    return tmp_path / "docs"


# ---------------------------------------------------------------- several files


def test_folder_is_a_dict_from_name_to_text(folder: Path) -> None:
    document = load(folder)
    assert document.value == {"a.txt": "one", "b.txt": "two", "sub/c.json": '{"n": 3}'}
    assert list(document.value) == ["a.txt", "b.txt", "sub/c.json"]
    assert (document.name, document.kind) == ("docs", "dict")
    assert document.notes[0].startswith(
        "2 files were left out: empty.txt (it is empty); image.png (it is an image)"
    )


def test_pattern_names_files_from_where_it_begins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(str(folder / "*.txt")).value == {"a.txt": "one", "b.txt": "two"}
    assert load(str(folder / "**" / "*.json")).value == {"sub/c.json": '{"n": 3}'}
    monkeypatch.chdir(folder)
    assert load("[ab].txt").value == {"a.txt": "one", "b.txt": "two"}


def test_file_whose_name_looks_like_a_pattern_is_that_file(folder: Path) -> None:
    (folder / "[ab].txt").write_text("itself")
    assert load(str(folder / "[ab].txt")).value == "itself"


def test_several_names_keep_their_order_and_clashes_are_told_apart(folder: Path) -> None:
    (folder / "sub" / "a.txt").write_text("other")
    names = [folder / "b.txt", folder / "a.txt", folder / "sub" / "a.txt"]
    document = load(names)
    assert list(document.value.values()) == ["two", "one", "other"]  # type: ignore[union-attr]
    assert list(document.value) == [
        "b.txt",
        (folder / "a.txt").as_posix(),
        (folder / "sub" / "a.txt").as_posix(),
    ]
    assert load([folder / "a.txt"]).value == "one"
    assert load([folder / "a.txt", folder / "a.txt"]).value == {"a.txt": "one"}


def test_several_names_may_mix_files_folders_patterns_and_stdin(folder: Path) -> None:
    document = load(["-", str(folder / "sub"), str(folder / "b*")], stdin=b"piped")
    assert document.value == {"stdin": "piped", "sub/c.json": '{"n": 3}', "b.txt": "two"}


def test_a_named_file_that_cannot_be_read_is_an_error_not_a_note(folder: Path) -> None:
    with pytest.raises(DocumentError, match=r"image\.png: it is an image"):
        load([folder / "a.txt", folder / "image.png"])


def test_pipes_and_sockets_in_a_folder_are_left_out_and_noted(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(os.path.relpath(folder / "sock"))
        for named in (folder, str(folder / "*"), [folder / "b.txt", str(folder / "[ps]*")]):
            document = load(named)  # type: ignore[arg-type]
            assert not {"pipe", "sock"} & set(document.value)
            assert "pipe (it is a pipe, socket or device)" in document.notes[0]


@pytest.mark.parametrize("pattern", ["", "**", "**/*", "**/**/*.*", "*/../**/*", "../*/**"])
def test_links_in_circles_are_not_followed_and_each_file_is_read_once(folder: Path, pattern: str) -> None:
    for name in ("again", "sub/up"):
        (folder / name).symlink_to(folder, target_is_directory=True)
    (folder / "0-link.txt").symlink_to("a.txt")
    texts = list(load(str(folder / pattern)).value.values())  # type: ignore[union-attr]
    assert sorted(texts) == ["one", "two", '{"n": 3}']


def test_pattern_passes_by_files_where_it_looks_for_folders(folder: Path) -> None:
    assert load(str(folder / "*" / "**")).value == {"sub/c.json": '{"n": 3}'}


def test_link_to_a_file_elsewhere_is_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.txt").write_text("far")
    (folder / "near.txt").symlink_to(tmp_path / "elsewhere.txt")
    assert load(str(folder / "n*")).value == {"near.txt": "far"}


# ---------------------------------------------------------------- stdin


def test_stdin_is_named_once() -> None:
    with pytest.raises(DocumentError, match="stdin was named twice"):
        load(["-", "-"], stdin=b"piped")


def test_stdin_is_read_as_bytes_or_text() -> None:
    assert load("-", stdin=io.BytesIO("naïve".encode())).value == "naïve"
    assert load("-", stdin=io.StringIO("naïve")).value == "naïve"
    assert load("-", stdin=pdf([lines(b"Hello there")])).value == "Hello there"
    assert load("-", stdin='{"a": 1}').value == '{"a": 1}'


def test_stdin_of_the_process(tmp_path: Path) -> None:
    code = "from distill_core.documents import load; d = load('-'); print(d.name, d.value)"
    ran = subprocess.run(
        [sys.executable, "-c", code], input="piped", capture_output=True, text=True, check=True
    )
    assert ran.stdout == "stdin piped\n"


def test_terminal_is_not_waited_for() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with pytest.raises(DocumentError, match="nothing is piped"):
        load("-", stdin=Terminal())


def test_fifo_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = subprocess.Popen([sys.executable, "-c", f"open({str(path)!r}, 'w').write('through')"])
    assert load(path).value == "through"
    assert writer.wait() == 0


# ---------------------------------------------------------------- errors


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, "x")
    return buffer.getvalue()


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("empty.txt", b"", "it is empty"),
        ("blank.txt", b" \n\t\n", "it is empty"),
        ("blank.md", b"\xef\xbb\xbf\n\n", "no text"),
        ("noise.txt", bytes(range(256)) * 20, "binary"),
        ("noise.bin", b"\x00\x01\x02\x03" * 500, "binary"),
        ("marked.txt", b"\xff\xfea\x00b", "marked as utf-16"),
        ("photo.jpg", b"\xff\xd8\xff\xe0" + bytes(50), "image"),
        ("book.xlsx", zipped("xl/workbook.xml"), "zip archive"),
        ("all.tar.gz", b"\x1f\x8b\x08" + bytes(50), "gzip"),
        ("old.doc", OLE, "password-protected or pre-2007"),
        ("locked.docx", OLE, "protected by a password"),
        ("broken.docx", b"PK\x03\x04 word/document.xml " + bytes(50), "damaged"),
        ("other.docx", zipped("readme.txt"), "damaged or not a Word file"),
        ("not.docx", b"plain text", "damaged or not a Word file"),
        ("locked.pdf", pdf([lines(b"secret")], password=True), "protected by a password"),
        ("broken.pdf", b"%PDF-1.4\nnothing here", "damaged"),
        ("not.pdf", b"plain text", "damaged or not a PDF"),
        ("scan.pdf", pdf([b"", b""]), "most likely a scan"),
        ("empty.html", b"<html><body><script>1</script></body></html>", "no text"),
        ("letter.rtf", b"{\\rtf1 hello}", "RTF"),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",
)
def test_each_failure_is_one_line_that_names_the_file(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(DocumentError) as caught:
        load(path)
    message = str(caught.value)
    assert name in message
    assert words in message
    assert caught.value.remedy
    assert "\n" not in message


@pytest.mark.parametrize(
    "url", ["https://example.org/a.pdf", "http://example.org/*.txt", "s3://bucket/key", "ftp://x/y"]
)
def test_url_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(DocumentError, match=r"it is a URL.*download it first"):
        load(url)
    with pytest.raises(DocumentError, match="it is a URL"):
        load(Path(url))


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("nowhere.txt", "there is no such file"),
        ("nowhere/*.txt", "no file matches"),
        ("", "no document was named"),
        ([], "no document was named"),
        ("file:///etc/hosts", "it is a URL"),
        ("/dev/zero", "device"),
        ("a\0b", "cannot hold NUL"),
        ("x" * 5000, "name too long"),
    ],
    ids=["file", "pattern", "nothing", "none", "file-url", "device", "nul", "long"],
)
def test_what_cannot_be_found_says_so(named: Any, words: str) -> None:
    with pytest.raises(DocumentError, match=rf"(?i){words}"):
        load(named)


def test_file_without_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "locked.txt"
    path.write_text("x")

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    # A test may run as root, whom no mode keeps out.
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DocumentError, match=r"locked\.txt: you may not read it"):
        load(path)


def test_empty_folder_and_folder_of_pictures(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="it holds no files"):
        load(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(9))
    with pytest.raises(DocumentError, match=r"nothing in it can be read: a\.png \(it is an image\)"):
        load(tmp_path)


def test_sizes_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("x" * 10)
    monkeypatch.setattr(loading, "MAX_FILES", 2)
    with pytest.raises(DocumentError, match="more than 2 files"):
        load(tmp_path)
    monkeypatch.setattr(loading, "MAX_FILES", 10)
    monkeypatch.setattr(loading, "MAX_BYTES", 25)
    with pytest.raises(DocumentError, match="more than 25 bytes"):
        load(tmp_path)


def test_name_that_is_not_unicode_is_spelled_out(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("x")
    load(path).name.encode("utf-8")
    with pytest.raises(DocumentError) as caught:
        load(path.with_suffix(".pdf"))
    str(caught.value).encode("utf-8")


# ---------------------------------------------------------------- the parts


def test_a_format_is_added_by_adding_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from distill_core.documents import readers

    (tmp_path / "shouting.py").write_text(
        "from distill_core.documents.source import Reading\n"
        "FORMAT = 'shouting'\n"
        "SUFFIXES = ('.loud',)\n"
        "def recognise(source): return False\n"
        "def read(source): return Reading(source.data.decode().upper())\n"
    )
    (tmp_path / "a.loud").write_text("hello")
    assert load(tmp_path / "a.loud").value == "hello"
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(tmp_path)])
    source.readers.cache_clear()
    try:
        assert load(tmp_path / "a.loud").value == "HELLO"
    finally:
        monkeypatch.undo()
        source.readers.cache_clear()
        sys.modules.pop("distill_core.documents.readers.shouting", None)


def test_no_library_of_a_reader_is_imported_before_it_is_needed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    code = (
        "import sys; from distill_core.documents import load; load(sys.argv[1]);"
        "print([m for m in ('lxml', 'docx', 'pypdfium2', 'charset_normalizer') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.txt")], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"


def test_large_text_is_held_once_beside_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"All happy families are alike.\n" * 1_000_000)
    code = (
        "import resource, sys; from distill_core.documents import load;"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; d = load(sys.argv[1]);"
        "print(d.chars, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / d.chars)"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    chars, ratio = ran.stdout.split()
    assert int(chars) == 30_000_000
    assert float(ratio) < 2.5
