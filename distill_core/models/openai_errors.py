"""The SDK's exceptions turned into one line for a person: which model, where, what happened, what to do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from distill_core.errors import ModelError
from distill_core.models.credentials import scrub

if TYPE_CHECKING:
    from openai import APIError

LONGEST = 400
RETRY_HEADER = "x-stainless-retry-count"
REMEDIES = {
    400: "change what the message names",
    401: "check the key for this host",
    402: "check the account's credit",
    403: "check what this key may use",
    404: "check the model's name and base_url",
    413: "send a shorter prompt",
    422: "change what the message names",
    429: "wait, or have fewer calls in flight (max_concurrency)",
}


def requests_made(error: APIError) -> int:
    """How many requests the SDK made before it gave up: it numbers its retries in a header, from 0."""
    return int(error.request.headers.get(RETRY_HEADER, "0")) + 1


def to_model_error(
    error: APIError, *, model: str, host: str, key: str | None, timeout: float, earlier: int, began: bool
) -> ModelError:
    """The SDK's `error` as a `ModelError`.

    Args:
        error: what the SDK raised.
        model: the model asked.
        host: the endpoint's host, with its port.
        key: kept out of the line.
        timeout: seconds, as configured.
        earlier: requests made for this call before the ones that the SDK counts.
        began: whether a part of the reply had come.
    """
    from openai import APIStatusError

    status = error.status_code if isinstance(error, APIStatusError) else None
    found, remedy = _explain(error, status=status, timeout=timeout, began=began)
    attempts = earlier + requests_made(error)
    if attempts > 1:
        found += f", after {attempts} requests"
    return ModelError(
        f"{model} at {host} {'broke off' if began else 'failed'}",
        found=scrub(found, key),
        remedy=remedy,
        attempts=attempts,
        status=status,
    )


def _explain(error: APIError, *, status: int | None, timeout: float, began: bool) -> tuple[str, str]:
    from openai import APIConnectionError, APIStatusError

    if status is not None:
        text = " ".join(said(error).split())
        remedy = REMEDIES.get(status, "the server is in trouble: try again later" if status >= 500 else "")
        if isinstance(error, APIStatusError) and (wait := error.response.headers.get("retry-after")):
            remedy = f"try again after {wait[:40]}{' s' if wait.isdigit() else ''}"
        return f"HTTP {status}: {text[:LONGEST]}" if text else f"HTTP {status}", remedy
    if isinstance(error, APIConnectionError):
        return _explain_connection(error, timeout, began)
    return said(error)[:LONGEST], "try again, or look at the server's log"


def _explain_connection(error: APIError, timeout: float, began: bool) -> tuple[str, str]:
    """The transport reports a dropped connection as a timeout too: the exception at the bottom tells."""
    import aiohttp

    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__) is not None:
        chain.append(cause)
    root = chain[-1]
    for link in chain:
        if isinstance(link, aiohttp.ClientConnectorDNSError):
            return f"no host is called {link.host}", "check base_url and the network"
        if isinstance(link, aiohttp.ClientSSLError):
            return f"no encrypted connection: {link}", "check whether the server speaks http or https"
        if isinstance(link, aiohttp.ClientConnectorError):
            why = os.strerror(link.os_error.errno) if link.os_error.errno else str(link.os_error)
            return f"cannot connect: {why}", "check base_url and that the server runs"
    if isinstance(root, TimeoutError):
        return f"nothing came for {timeout:g} s", "raise timeout, or ask for less at once"
    if isinstance(root, aiohttp.InvalidURL):
        return f"not an URL: {root}", "correct base_url"
    why = str(root) or type(root).__name__
    if any(isinstance(link, aiohttp.ClientPayloadError) for link in chain):
        why = "the reply ended in the middle"  # aiohttp's words name a status 400 that nobody sent
    return (
        f"the connection was lost: {why}",
        "try again" if began else "check that the server runs, try again",
    )


def said(error: APIError) -> str:
    """What the server said, without the SDK's "Error code: 400 - " before it."""
    body = error.body
    if isinstance(body, dict):
        inner = body.get("error", body)
        message = inner.get("message") if isinstance(inner, dict) else inner
        if not message and isinstance(body.get("detail"), str):
            message = body["detail"]
        return str(message) if message else ""
    return str(body) if body else error.message
