"""Who may ask: this user's page, by an address of this machine and with the token."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse

from pareto_explorer.reports.html import POLICY

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard"]

_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
"""Another name that leads here is one that somebody has made lead here."""

_READS = ("GET", "HEAD")

_HEADERS = {
    "content-security-policy": f"{POLICY}; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class Guard:
    """Lets requests pass that may, without the token in their path; the others get nothing.

    Args:
        app: What answers them.
        token: The first segment of every path.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request as ASGI has it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # a WebSocket, which nothing here speaks
            await send({"type": "websocket.close"})
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        token, slash, rest = scope["path"].removeprefix("/").partition("/")
        if not _ours(scope):
            answer: ASGIApp = PlainTextResponse("Forbidden", 403)
        elif not hmac.compare_digest(token.encode(errors="replace"), self._token):
            answer = PlainTextResponse("Not Found", 404)
        elif not slash:
            answer = RedirectResponse(f"/{token}/")
        else:
            answer, scope = self._app, {**scope, "path": f"/{rest}"}
        await answer(scope, receive, guarded)


def _ours(scope: Scope) -> bool:
    """Whether host and origin of a request are this machine's, and the same."""
    headers = Headers(scope=scope)
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not _HOST.fullmatch(hosts[0]):
        return False
    if scope["method"] in _READS and not origins:
        return True
    return origins == [f"http://{hosts[0]}"]
