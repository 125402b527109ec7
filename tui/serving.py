"""The program in a browser: textual-serve behind a token.

textual-serve lets in whoever reaches its port. Here every request needs the token of this run: the first brings it in
the address, the answer puts it into a cookie, which the browser then sends along, also with the WebSocket. A request
whose Host or Origin is not the served one is refused, so that no other page in the same browser can use the cookie.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import shlex
import sys
from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from textual_serve.server import Server

COOKIE = "distill_tui"
HEADERS = {
    "Content-Security-Policy": "default-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""The page loads nothing from anywhere else (textual-serve's asks for a font), and stands in no other page."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is served, and the token of this run.

    Args:
        host: name or address to listen on.
        port: to listen on.
        public_url: how browsers reach it, where that differs (behind a proxy).
        token: what a browser needs.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str | None = None
    token: str = msgspec.field(default_factory=lambda: secrets.token_urlsafe(32))

    @property
    def base(self) -> str:
        """The address without the token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return (self.public_url or f"http://{host}:{self.port}").rstrip("/")

    @property
    def link(self) -> str:
        """What a person opens."""
        return f"{self.base}/?token={self.token}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class TokenServer(Server):
    """textual-serve, for those who have the token.

    Args:
        address: where, and the token.
        arguments: what the program is run with, once for each browser that connects.
    """

    def __init__(self, address: Address, arguments: Sequence[str]) -> None:
        super().__init__(
            shlex.join([sys.executable, "-m", "tui", *arguments]),
            host=address.host,
            port=address.port,
            title="distill-tui",
            public_url=address.base,
        )
        self.address = address

    async def _make_app(self) -> web.Application:
        app = await super()._make_app()
        app.middlewares.append(guard(self.address))
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command has said where to go."""

    def initialize_logging(self) -> None:
        """Keep the log of requests, which would hold the token, off the terminal."""


def guard(address: Address) -> Middleware:
    """A middleware that lets only holders of the token through."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _meant_for(request, address):
            return web.Response(status=403, text="This address is not the one that is served.\n")
        brought = request.query.get("token", "")
        if brought and _same(brought, address.token) and request.path == "/":
            # The token leaves the address at once: what stands there is remembered and passed on.
            response = web.Response(status=302, headers={"Location": f"{address.base}/"})
            response.set_cookie(
                COOKIE,
                address.token,
                httponly=True,
                samesite="Strict",
                secure=address.base.startswith("https:"),
            )
            return response
        if not _same(request.cookies.get(COOKIE, ""), address.token):
            return web.Response(status=403, text="Open the link that distill-tui serve has printed.\n")
        answer = await handler(request)
        if not answer.prepared:
            answer.headers.update(HEADERS)
        return answer

    return check


def _same(brought: str, token: str) -> bool:
    return hmac.compare_digest(brought.encode(), token.encode())


def _meant_for(request: web.Request, address: Address) -> bool:
    """Whether a request names the served host, and comes from a page of it if from any."""
    served = urlsplit(address.base).netloc
    origin = request.headers.get("Origin")
    return request.host == served and (origin is None or urlsplit(origin).netloc == served)
