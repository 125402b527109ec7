"""The index is pleasant to read with the tool made for that: tables open, rows have titles, search works."""

import pytest
from datasette.app import Datasette

from sessions import Store
from tests.sessions.homes import decision, invent, judge
from tests.sessions.stories import asked, talk


@pytest.fixture
async def datasette(tmp_path):
    judge(
        invent(tmp_path, "s1", *asked(), *talk(3), decision()),
        rating=3,
        labels=("good",),
        comment="well cited",
    )
    Store(tmp_path).close()
    site = Datasette([str(tmp_path / "sessions.db")])
    await site.invoke_startup()
    return site


async def test_every_table_opens(datasette):
    found = (await datasette.client.get("/sessions.json")).json()
    tables = {table["name"] for table in found["tables"] if not table["hidden"]}
    assert {"sessions", "steps", "cells", "worker_calls", "annotations", "labels", "documents"} <= tables
    for table in tables:
        assert (await datasette.client.get(f"/sessions/{table}")).status_code == 200, table


async def test_rows_of_a_session_link_to_it_by_its_title(datasette):
    page = (await datasette.client.get("/sessions/worker_calls")).text
    assert "What of s1?" in page


async def test_a_table_can_be_searched_by_words_with_underscores(datasette):
    rows = (await datasette.client.get("/sessions/cells.json?_search=worker_batch&_shape=array")).json()
    assert [row["cell_id"] for row in rows] == ["c1"]
    rows = (await datasette.client.get("/sessions/annotations.json?_search=cited&_shape=array")).json()
    assert [row["by"] for row in rows] == ["ada"]
    nothing = await datasette.client.get("/sessions/annotations.json?_search=nowhere&_shape=array")
    assert nothing.json() == [], "the words were looked for"
