"""The OpenID Connect provider: discovery, and the exchange of a code for the person."""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import httpx
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from pydantic_core import from_json

from config.settings import Settings
from config.tls import TlsFiles
from issuance.loopback import is_loopback
from operations.people.external import ExternalPerson
from operations.people.oidc.errors import OidcError
from operations.people.oidc.id_token import Expected, person_of, verify
from rewards_api.body import EncodingError, OversizeError, read_body
from rewards_api.tls import make_context
from rewards_api.transport import find_proxy

_SECONDS = 8.0
"""Longest time for all calls of one step of a login."""
_MAX_BODY_BYTES = 512 * 1024
_KEPT_SECONDS = 300.0
_ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_BASIC = "client_secret_basic"
_ERRORS = ("invalid_client", "invalid_grant", "invalid_request", "unauthorized_client")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BegunLogin:
    """What a browser keeps of a login that it has begun, until the provider sends it back."""

    state: str
    nonce: str
    verifier: str
    """The secret of PKCE: only this browser's login can use the code."""

    @classmethod
    def make(cls) -> Self:
        """Begin a login."""
        return cls(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48))


class Provider:
    """The provider of the settings; its discovery document is kept for five minutes.

    Args:
        settings: name the issuer and the client.
        redirect_uri: where the provider sends people back to.
    """

    def __init__(self, settings: Settings, redirect_uri: str) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self.issuer = settings.web_oidc_issuer
        self._metadata: Mapping[str, Any] = {}
        self._kept_until = float("-inf")

    async def login_url(self, begun: BegunLogin) -> str:
        """Return the provider's address at which the person logs in.

        Raises:
            OidcError: the provider does not answer, or not as it must.
        """
        async with self._client() as http:
            metadata = await _within_time(self._discover(http))
        parameters = {
            "response_type": "code",
            "client_id": self._settings.web_oidc_client_id,
            "redirect_uri": self._redirect_uri,
            "scope": self._settings.web_oidc_scopes,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": create_s256_code_challenge(begun.verifier),
            "code_challenge_method": "S256",
        }
        endpoint = metadata["authorization_endpoint"]
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(parameters)}"

    async def identify(self, begun: BegunLogin, code: str, issuer: str | None) -> ExternalPerson:
        """Exchange a code for an ID token, verify it, and return the person.

        Args:
            begun: what the browser kept.
            code: what it brought back; "" if the provider gave none.
            issuer: the issuer that it names next to the code, if it does (RFC 9207).

        Raises:
            OidcError: the provider does not answer, refuses the code, or is not believed.
        """
        if issuer not in (None, self.issuer):
            raise OidcError("Another issuer answered")
        if not code:
            raise OidcError("It did not log you in")
        async with self._client() as http:
            tokens, keys = await _within_time(self._exchange(http, begun, code))
        if not isinstance(tokens.get("id_token"), str):
            raise OidcError("It sent no ID token")
        access_token = tokens.get("access_token")
        expected = Expected(
            self.issuer,
            self._settings.web_oidc_client_id,
            begun.nonce,
            access_token if isinstance(access_token, str) else "",
        )
        return person_of(
            verify(tokens["id_token"], keys, expected),
            name_claim=self._settings.web_oidc_name_claim,
            groups_claim=self._settings.web_oidc_groups_claim,
        )

    async def _exchange(
        self, http: httpx.AsyncClient, begun: BegunLogin, code: str
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        metadata = await self._discover(http)
        tokens = await _ask(http, "POST", metadata["token_endpoint"], **self._form(begun, code))
        return tokens, await _ask(http, "GET", metadata["jwks_uri"])

    def _form(self, begun: BegunLogin, code: str) -> dict[str, Any]:
        """Return the token request, with the client's secret in the way that the provider takes."""
        client, secret = (
            self._settings.web_oidc_client_id,
            self._settings.web_oidc_client_secret.get_secret_value(),
        )
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "code_verifier": begun.verifier,
        }
        ways = self._metadata.get("token_endpoint_auth_methods_supported", [_BASIC])
        if secret and _BASIC in ways:
            # Form-encoded first: RFC 6749, section 2.3.1.
            return {"data": form, "auth": (quote(client, safe=""), quote(secret, safe=""))}
        return {
            "data": form | {"client_id": client} | ({"client_secret": secret} if secret else {})
        }

    async def _discover(self, http: httpx.AsyncClient) -> Mapping[str, Any]:
        if time.monotonic() < self._kept_until:
            return self._metadata
        url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await _ask(http, "GET", url)
        if found.get("issuer") != self.issuer:
            raise OidcError(
                "Its discovery document names another issuer: write it in "
                "ISSUANCE_WEB_OIDC_ISSUER exactly as there"
            )
        if not all(map(_is_safe, map(found.get, _ENDPOINTS))):
            raise OidcError("Its discovery document has no https:// address for each endpoint")
        self._metadata, self._kept_until = found, time.monotonic() + _KEPT_SECONDS
        return found

    def _client(self) -> httpx.AsyncClient:
        try:
            context = make_context(TlsFiles(self._settings.web_oidc_tls_ca))
        except OSError as error:
            raise OidcError(f"Its CAs cannot be read ({type(error).__name__})") from None
        return httpx.AsyncClient(
            verify=context, timeout=_SECONDS, trust_env=False, proxy=find_proxy(self.issuer)
        )


async def _within_time(work: Coroutine[Any, Any, _T]) -> _T:
    try:
        async with asyncio.timeout(_SECONDS):
            return await work
    except TimeoutError:
        raise OidcError(f"It gave no answer within {_SECONDS:g} s") from None


async def _ask(http: httpx.AsyncClient, method: str, url: str, **more: Any) -> Mapping[str, Any]:
    """Return the JSON object that the provider answers with; no redirect is followed."""
    path = urlsplit(url).path
    try:
        async with http.stream(method, url, headers={"accept": "application/json"}, **more) as got:
            status, body = got.status_code, await read_body(got, _MAX_BODY_BYTES)
    except (httpx.HTTPError, OversizeError, EncodingError) as error:
        raise OidcError(f"{path} gave no answer ({type(error).__name__})") from None
    try:
        answer = from_json(body)
    except ValueError:
        answer = None
    if status != httpx.codes.OK or not isinstance(answer, dict):
        # `error` is one of a few words of OAuth; anything else is not shown.
        why = answer.get("error") if isinstance(answer, dict) else None
        known = f": {why}" if why in _ERRORS else ""
        raise OidcError(f"{path} answered HTTP {status}{known}")
    return answer


def _is_safe(url: object) -> bool:
    if not isinstance(url, str):
        return False
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
