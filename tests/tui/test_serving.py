"""The program in a browser: who is let in, and that it is the same program."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from distill_core.models.child_server import free_port
from tui.serving import COOKIE, Address, TokenServer, guard, is_loopback

CHROMIUM = shutil.which("chromium")


def guarded() -> tuple[web.Application, Address]:
    port = free_port()
    address = Address(port=port, token="the-token")
    app = web.Application(middlewares=[guard(address)])

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text="inside")

    app.router.add_get("/", answer)
    app.router.add_get("/ws", answer)
    return app, address


async def asked(path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    app, address = guarded()
    async with TestClient(TestServer(app, port=address.port)) as client:
        answer = await client.get(path, headers=headers, allow_redirects=False)
        cookies = {name: morsel.value for name, morsel in answer.cookies.items()}
        return answer.status, await answer.text(), cookies


async def test_nobody_without_the_token_is_let_in() -> None:
    for path in ("/", "/ws", "/?token=", "/?token=wrong", "/ws?token=the-token"):
        assert (await asked(path))[0] == 403
    assert (await asked("/", Cookie=f"{COOKIE}=wrong"))[0] == 403


async def test_the_token_becomes_a_cookie_and_leaves_the_address() -> None:
    status, _, cookies = await asked("/?token=the-token")
    assert (status, cookies) == (302, {COOKIE: "the-token"})
    assert (await asked("/ws", Cookie=f"{COOKIE}=the-token"))[:2] == (200, "inside")


async def test_another_page_of_the_browser_cannot_use_the_cookie() -> None:
    assert (await asked("/ws", Cookie=f"{COOKIE}=the-token", Origin="http://evil.example"))[0] == 403
    assert (await asked("/ws", Cookie=f"{COOKIE}=the-token", Host="evil.example"))[0] == 403


def test_each_run_has_a_token_of_its_own() -> None:
    assert Address().token != Address().token
    assert len(Address().token) > 40


@pytest.mark.parametrize(
    ("host", "only_here"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("example.org", False)],
)
def test_what_is_loopback(host: str, only_here: bool) -> None:
    assert is_loopback(host) is only_here


def test_every_page_runs_the_program_itself() -> None:
    server = TokenServer(Address(), ["home", "--home", "a b"])
    assert server.command == f"{sys.executable} -m tui home --home 'a b'"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    """The link of a running server."""
    port = free_port()
    program = subprocess.Popen(
        [sys.executable, "-m", "tui", "serve", "--port", str(port), "--home", str(tmp_path / "home")],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        text=True,
    )
    assert program.stdout is not None
    try:
        yield program.stdout.readline().strip()
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(20)
        program.stdout.close()


@pytest.mark.skipif(CHROMIUM is None, reason="needs Debian's chromium")
async def test_the_home_screen_opens_in_a_browser_and_takes_keys(served: str) -> None:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        elsewhere: list[str] = []
        page.on("response", lambda got: elsewhere.append(got.url) if "127.0.0.1" not in got.url else None)
        response = await page.goto(served)
        assert response is not None
        assert response.status == 200
        assert "token" not in urlsplit(page.url).query
        # The page shows what the program sends, and goes dark when that has ended: here, because of a key.
        await page.wait_for_selector("body.-first-byte", timeout=60_000)
        assert elsewhere == []
        await page.wait_for_timeout(1_000)
        await page.click("#terminal")
        await page.keyboard.press("q")
        await page.wait_for_selector(".closed-dialog", state="visible", timeout=30_000)
        stranger = await browser.new_context()
        refused = await (await stranger.new_page()).goto(served.partition("?")[0])
        assert refused is not None
        assert refused.status == 403
        await browser.close()
