"""A small OpenID Connect provider: real HTTP, signed tokens, codes that work once."""

import hashlib
import json
import socket
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "console", "s3cret/with:signs"


@dataclass
class Provider:
    """The provider; a test changes what it says."""

    url: str
    key: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", auto_kid=True))
    signing_key: Any = None
    """Signs instead of `key`, which the key set has."""
    header: dict[str, Any] = field(default_factory=lambda: {"alg": "ES256"})
    claims: dict[str, Any] = field(default_factory=dict)
    """Change the ID token's claims; None removes one."""
    metadata: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(
        default_factory=lambda: {"preferred_username": "Bo@x.example", "groups": ["ops"]}
    )
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)

    def discovery(self, _: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.url,
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
            }
            | self.metadata
        )

    def authorize(self, request: Request) -> Response:
        """Log the person in at once."""
        query = dict(request.query_params)
        self.asked.append(query)
        code = f"code-{len(self.asked)}"
        self.codes[code] = query
        back = {"code": code, "state": query["state"], "iss": self.url}
        return RedirectResponse(f"{query['redirect_uri']}?{urlencode(back)}", 302)

    async def token(self, request: Request) -> Response:
        form = dict((await request.form()).items())
        asked = self.codes.pop(str(form.get("code")), None)
        if asked is None or not self._is_client(request, form):
            error = "invalid_grant" if asked is None else "invalid_client"
            return JSONResponse({"error": error}, 400)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, 400)
        return JSONResponse({"access_token": "at", "id_token": self.id_token(asked["nonce"])})

    def _is_client(self, request: Request, form: dict[str, Any]) -> bool:
        header = request.headers.get("authorization", "")
        if header:
            client, _, secret = b64decode(header.removeprefix("Basic ")).decode().partition(":")
            return (unquote(client), unquote(secret)) == (CLIENT, SECRET)
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, SECRET)

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "1",
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            **self.person,
            **self.claims,
        }
        shown = {name: value for name, value in claims.items() if value is not None}
        header = {"kid": self.key.kid} | self.header
        if header["alg"] == "none":
            parts = (json.dumps(part).encode() for part in (header, shown))
            return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."
        key = self.signing_key or self.key
        return jwt.encode(header, shown, key, algorithms=[header["alg"]])

    def keys(self, _: Request) -> Response:
        found = KeySet([self.key]).as_dict(private=False)
        shared = OctKey.import_key("a shared secret of the set, 32 b!").as_dict(private=True)
        return JSONResponse({"keys": [*found["keys"], {"kty": "new", "kid": "x"}, shared]})

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self.discovery),
                Route("/authorize", self.authorize),
                Route("/token", self.token, methods=["POST"]),
                Route("/keys", self.keys),
            ]
        )


@contextmanager
def provider(**tls: Any) -> Iterator[Provider]:
    """Run a provider; `tls` are uvicorn's options for a certificate."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        scheme = "https" if tls else "http"
        made = Provider(f"{scheme}://127.0.0.1:{listening.getsockname()[1]}")
        server = uvicorn.Server(uvicorn.Config(made.app(), log_config=None, **tls))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield made
        finally:
            server.should_exit = True
            thread.join()
