"""What every request passes: known hosts only, no writes from other sites, and safe headers."""

from collections.abc import Collection, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_READING = ("GET", "HEAD")
_FROM_HERE = "same-origin"
HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    # Not `no-referrer`: a browser would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_PRIVATE = "no-store"


class Guard:
    """ASGI middleware.

    Args:
        app: the application.
        hosts: the hosts that a request may name; a page on another name could be read by others
            (DNS rebinding).
        url: the address that people open; the origin of our own forms.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], url: str) -> None:
        self._app = app
        self._hosts = frozenset(hosts)
        self._origin = url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", _PRIVATE)
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        if refusal is not None:
            await PlainTextResponse(refusal[1], refusal[0])(scope, receive, send_safely)
            return
        await self._app(scope, receive, send_safely)

    def _refusal(self, method: str, headers: Headers) -> tuple[int, str] | None:
        if headers.get("host", "") not in self._hosts:
            return 421, "This console has another address: see ISSUANCE_WEB_URL.\n"
        if method in _READING:
            return None
        site = headers.get("sec-fetch-site")
        if site is not None:
            from_here = site == _FROM_HERE
        else:
            # An older browser, or a program: it must at least say where the form came from.
            from_here = headers.get("origin") in {f"{self._scheme}{host}" for host in self._hosts}
        return None if from_here else (403, "Refused: this request came from another site.\n")

    @property
    def _scheme(self) -> str:
        return self._origin.partition("//")[0] + "//"
