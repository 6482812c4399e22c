"""Who may talk to the workspace: this machine only, and from a browser only its own page."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

from .core import Core
from .errors import SlackError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def is_loopback(host: str) -> bool:
    """Whether a host, with or without port, is a name of this machine."""
    return urlsplit(f"//{host}").hostname in LOOPBACK


@web.middleware
async def loopback_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse other host names, so that a website cannot reach in by pointing its own name at 127.0.0.1."""
    if not is_loopback(request.host):
        raise web.HTTPForbidden(text="the local workspace answers to 127.0.0.1 and localhost only")
    return await handler(request)


class PageGuard:
    """The page's cookie, new with every process, and the check that a request comes from the page itself."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._secret = secrets.token_urlsafe(24)

    def set_cookie(self, request: web.Request, response: web.Response) -> None:
        # cookies are shared by all ports of a host, so the name carries the port
        response.set_cookie(self._name(request), self._secret, httponly=True, samesite="Strict", path="/")

    def allows(self, request: web.Request) -> bool:
        """Whether it carries the cookie and comes from no other website, or carries a token of the app."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer":
            return self._knows(token)
        if not hmac.compare_digest(request.cookies.get(self._name(request), ""), self._secret):
            return False
        origin = request.headers.get("Origin")
        return origin is None or urlsplit(origin).netloc == request.host

    def check(self, request: web.Request) -> None:
        """Raises: HTTPForbidden."""
        if not self.allows(request):
            raise web.HTTPForbidden(text="open the page again: this request is not from it")

    def _knows(self, token: str) -> bool:
        try:
            self._core.identify(token)
        except SlackError:
            return False
        return True

    def _name(self, request: web.Request) -> str:
        return f"workspace_{urlsplit(f'//{request.host}').port or 80}"
