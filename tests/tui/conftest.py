"""What every test of a screen needs."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.widgets import Input, TextArea


@pytest.fixture(autouse=True)
def steady_cursors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cursors do not blink: a picture must not depend on when it is taken."""
    for widget in (Input, TextArea):
        monkeypatch.setattr(widget.cursor_blink, "_default", False)


@pytest.fixture(autouse=True)
def no_notices_in_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Notices come and go by the clock, and what is said by them is tested by what they say."""
    if "snap_compare" in request.fixturenames:
        monkeypatch.setattr(App, "notify", lambda *_, **__: None)
