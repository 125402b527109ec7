"""An exporter is one file, and nothing else needs to know of it."""

import json
import re
import sys
from pathlib import Path

import pytest

from distill_core.errors import ExportError
from sessions.export import Plan, export, formats, sources
from sessions.export.rows import RULES
from sessions.home import Home
from tests.sessions.export.tokens import options_for

ONE_FILE = '''
"""`questions`: what was asked."""

from sessions.export.rows import Format, Row, of_session


def rows(trace, options):
    yield Row(key=trace.session_id, columns={"question": trace.query}, origin=of_session(trace))


FORMAT = Format(name="questions", help="what was asked", rows=rows, columns={"question": "string"})
'''


def test_a_format_is_added_by_adding_one_file(home, tmp_path, monkeypatch):
    (tmp_path / "questions.py").write_text(ONE_FILE)
    monkeypatch.setattr(formats, "__path__", [*formats.__path__, str(tmp_path)])
    try:
        assert "questions" in formats.names()
        plan = Plan(format=formats.find("questions"), sources=tuple(sources(Home(home).folders())))
        made = export(plan, str(tmp_path / "out"))
        assert made.left == {"duplicate": 6}
        row = json.loads((tmp_path / "out" / "data" / "train" / "00000.jsonl").read_text())
        assert row["question"] == "Which clause caps liability?"
    finally:
        sys.modules.pop("sessions.export.formats.questions", None)


def test_each_file_of_the_folder_is_a_format_of_its_name():
    files = {p.stem.replace("_", "-") for p in Path(formats.__file__).parent.glob("*.py")} - {"--init--"}
    assert set(formats.names()) == files
    assert [format.name for format in formats.all_formats()] == formats.names()
    assert all(
        format.help and (format.columns or format.storage != "rows") for format in formats.all_formats()
    )


def test_every_rule_is_in_the_documentation():
    page = (Path(__file__).parents[3] / "docs" / "EXPORT.md").read_text(encoding="utf-8")
    table = page.partition("| rule | leaves out |")[2].partition("\n\n")[0]
    told = {rule for line in table.splitlines() for rule in re.findall(r"`(\w+)`", line.partition(" | ")[0])}
    assert told == set(RULES)


def test_an_unknown_format_names_the_nearest():
    with pytest.raises(ExportError, match=r"no such export format: sftt .did you mean sft"):
        formats.find("sftt")


def test_what_rows_hold_is_what_their_format_declares(home):
    from sessions.export.pipeline import sifted
    from sessions.export.several import Kept

    def fits(value, shape):
        if isinstance(shape, dict):
            return isinstance(value, dict) and all(n in shape and fits(v, shape[n]) for n, v in value.items())
        if isinstance(shape, list):
            return isinstance(value, list) and all(fits(one, shape[0]) for one in value)
        kinds = {"string": str, "int64": int, "float64": float, "bool": bool, "json": object}
        return isinstance(value, kinds[shape])

    for format in formats.all_formats():
        if format.storage != "rows":
            continue
        rows = [v.row for _, v in sifted(_plan(home, format)) if isinstance(v, Kept)]
        assert rows, format.name
        for row in rows:
            assert fits(row.columns, dict(format.columns)), (format.name, row.key)


def _plan(home, format):
    return Plan(format=format, sources=tuple(sources(Home(home).folders())), options=options_for(format.name))
