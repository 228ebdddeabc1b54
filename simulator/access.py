"""Authentication: Basic tills, OAuth tokens and the scope of connected organisations (§2)."""

import base64
import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.catalogue import Catalogue
from simulator.replies import Reply, gateway_reply, json_reply
from simulator.statuses import NO_VALIDATION_CODE, GatewayError, RefusalError

AUTHORIZATION = b"authorization"
TOKEN_HEADER = b"x-cap-api-oauth-token"
SCOPE = b"data-scope"
SCOPE_ORGS = (b"data-scope-org", b"data-scope-orgs")
MOST_ORGS_OF_A_READ = 2
UNAUTHORISED = GatewayError(401, "Invalid authentication credentials or token expired")


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller; `username` is its till, or None for an OAuth client."""

    account: str
    org_id: int
    username: str | None = None


def basic_header(username: str, password: str) -> str:
    """The Authorization header of a till; the password is sent as lower-case hex MD5."""
    digest = hashlib.md5(password.encode(), usedforsecurity=False).hexdigest()
    return "Basic " + base64.b64encode(f"{username}:{digest}".encode()).decode()


class Authenticator:
    """Authenticates the callers of all accounts and grants tokens; `clock` is in epoch seconds."""

    def __init__(self, accounts: Iterable[Catalogue], clock: Callable[[], float]) -> None:
        self._clock = clock
        self._orgs_of: dict[str, tuple[int, frozenset[int]]] = {}
        self._usernames: dict[str, frozenset[str]] = {}
        self._tills: dict[bytes, Caller] = {}
        self._clients: dict[tuple[str, str], Caller] = {}
        self._tokens: dict[bytes, tuple[Caller, float]] = {}
        for account in accounts:
            self._add(account)

    def _add(self, account: Catalogue) -> None:
        name = account.name
        self._orgs_of[name] = account.org_id, frozenset(account.children)
        self._usernames[name] = frozenset(till.username for till in account.tills)
        tills = {
            basic_header(till.username, till.password).encode(): Caller(
                name, till.org_id, till.username
            )
            for till in account.tills
        }
        clients = {
            (client.key, client.secret): Caller(name, client.org_id) for client in account.clients
        }
        if tills.keys() & self._tills.keys() or clients.keys() & self._clients.keys():
            raise ValueError(f"account {name} has the same credentials as another account")
        self._tills |= tills
        self._clients |= clients

    def identify(self, headers: Mapping[bytes, bytes]) -> Caller:
        """Return the caller; raises GatewayError 401 for a wrong, unknown or expired credential."""
        token = headers.get(TOKEN_HEADER)
        if token is None:
            caller = self._tills.get(headers.get(AUTHORIZATION, b""))
        else:
            caller, expires_at = self._tokens.get(token, (None, 0.0))
            caller = caller if self._clock() < expires_at else None
        if caller is None:
            raise UNAUTHORISED
        return caller

    def grant_token(self, body: Any, ttl_seconds: float) -> Reply:
        """Reply with a new token, or with 401 (an assumption) for a wrong key or secret."""
        fields = body if isinstance(body, dict) else {}
        caller = self._clients.get((str(fields.get("key")), str(fields.get("secret"))))
        if caller is None:
            return gateway_reply(GatewayError(401, "Invalid client key or secret"))
        expires_at = self._clock() + ttl_seconds
        token = _make_token(
            {"org": caller.org_id, "exp": int(expires_at), "jti": secrets.token_hex(8)}
        )
        self._tokens[token.encode()] = (caller, expires_at)
        return json_reply(
            200, {"data": {"accessToken": token, "ttlSeconds": int(ttl_seconds)}, "errors": None}
        )

    def revoke_tokens(self) -> None:
        """Invalidate every token, as when a client's access is renewed in the middle of a run."""
        self._tokens.clear()

    def check_till(self, caller: Caller, query: Mapping[str, str]) -> None:
        """Require the caller's own till and `skip_validation=true`, as the issue endpoints do."""
        self.check_username(caller, query)
        if query.get("skip_validation", "").lower() != "true":
            raise RefusalError(NO_VALIDATION_CODE)

    def check_username(self, caller: Caller, query: Mapping[str, str]) -> None:
        """Require the caller's own till in the query; raises GatewayError 403."""
        username = query.get("username")
        if not username:
            raise GatewayError(403, "username is mandatory")
        if username not in self._usernames[caller.account] or caller.username not in (
            None,
            username,
        ):
            raise GatewayError(403, "username is not the authorised till")

    def orgs_for_writing(self, caller: Caller, headers: Mapping[bytes, bytes]) -> frozenset[int]:
        """The organisations that a connected-orgs issue may write to; `ALL` is for reads only."""
        scope = headers.get(SCOPE, b"SELF").decode().upper()
        if scope not in {"SELF", "OTHER"}:
            raise GatewayError(403, f"DATA-SCOPE {scope} is not supported for POST")
        return self._orgs(scope, caller, headers)

    def orgs_for_reading(self, caller: Caller, headers: Mapping[bytes, bytes]) -> frozenset[int]:
        """The organisations that a connected-orgs read may see."""
        scope = headers.get(SCOPE, b"SELF").decode().upper()
        if scope not in {"SELF", "OTHER", "ALL"}:
            raise GatewayError(403, f"DATA-SCOPE {scope} is not supported")
        orgs = self._orgs(scope, caller, headers)
        if scope == "OTHER" and len(orgs) > MOST_ORGS_OF_A_READ:
            raise GatewayError(403, "DATA-SCOPE OTHER reads at most two organisations")
        return orgs

    def _orgs(self, scope: str, caller: Caller, headers: Mapping[bytes, bytes]) -> frozenset[int]:
        if scope == "SELF":
            return frozenset({caller.org_id})
        parent, children = self._orgs_of[caller.account]
        if caller.org_id != parent:
            raise GatewayError(
                403, f"DATA-SCOPE {scope} needs the parent organisation's credentials"
            )
        if scope == "ALL":
            return children | {parent}
        raw = next((headers[name] for name in SCOPE_ORGS if name in headers), b"").decode()
        wanted = [part.strip() for part in raw.split(",") if part.strip()]
        orgs = frozenset(int(part) for part in wanted if part.isdecimal())
        if not wanted or len(orgs) != len(wanted) or not orgs <= children:
            raise GatewayError(
                403, "DATA-SCOPE OTHER needs DATA-SCOPE-ORG with connected child orgs"
            )
        return orgs


def _make_token(claims: Mapping[str, Any]) -> str:
    parts = [{"alg": "RS256", "typ": "JWT"}, claims]
    encoded = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ]
    return ".".join([*encoded, secrets.token_urlsafe(32)])
