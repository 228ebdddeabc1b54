"""Logging in by the OpenID Connect provider of the settings."""

import hmac
from functools import partial
from urllib.parse import parse_qsl, urlencode

import anyio.to_thread
import structlog
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from config.settings import SettingsError
from ledger.store.errors import LedgerError
from operations.access.subject import NotAllowedError
from operations.people.login import log_in_external
from operations.people.oidc.errors import OidcError
from operations.people.oidc.provider import BegunLogin, Provider
from web.pages.login import logged_in, login_form, own_path
from web.routing import LOGIN, NO_ROLES, unreadable
from web.site import OIDC_CALLBACK, Site

log = structlog.get_logger("issuance.web")

_BEGIN = f"{LOGIN}/oidc"
_COOKIE = "issuance_oidc"
_MOST_SECONDS = 600
_FIELDS = {"state", "nonce", "verifier", "next"}
_NOT_BEGUN = (
    "This login was not begun in this browser, was used already, or is older than ten minutes. "
    "Begin again."
)
_HOW = "by the provider"


async def begin(request: Request) -> Response:
    """Send the browser to the provider; what it must bring back stays in a cookie."""
    site, provider = _parts(request)
    if provider is None:
        return login_form(request, "No provider is set up here.", status=404)
    begun = BegunLogin.make()
    try:
        response = RedirectResponse(await provider.login_url(begun), 303)
    except OidcError as error:
        return _failed(request, error, 503)
    path = own_path(request.query_params.get("next", ""))
    kept = {"state": begun.state, "nonce": begun.nonce, "verifier": begun.verifier, "next": path}
    response.set_cookie(
        _COOKIE,
        urlencode(kept),
        max_age=_MOST_SECONDS,
        path=OIDC_CALLBACK,
        httponly=True,
        # Sent when the provider leads the browser back, and with no request within its pages.
        samesite="lax",
        secure=site.is_secure,
    )
    return response


async def finish(request: Request) -> Response:
    """Log in the person whom the provider sends back, once."""
    response = await _finish(request)
    response.delete_cookie(_COOKIE, path=OIDC_CALLBACK)
    return response


async def _finish(request: Request) -> Response:
    site, provider = _parts(request)
    kept = dict(parse_qsl(request.cookies.get(_COOKIE, ""), keep_blank_values=True))
    query = request.query_params
    if provider is None or kept.keys() != _FIELDS or not _is_same(kept["state"], query):
        return login_form(request, _NOT_BEGUN, status=403)
    begun = BegunLogin(kept["state"], kept["nonce"], kept["verifier"])
    try:
        person = await provider.identify(begun, query.get("code", ""), query.get("iss"))
    except OidcError as error:
        return _failed(request, error, 403)
    enter = partial(log_in_external, site.services, site.ledger, person, _HOW)
    try:
        session, subject = await anyio.to_thread.run_sync(enter)
        subject.require_a_role()
    except NotAllowedError as error:
        return login_form(request, str(error), status=403)
    except (DBAPIError, LedgerError) as error:
        return unreadable(site, error)
    except SettingsError as error:
        return unreadable(site, error, NO_ROLES)
    return logged_in(request, session or "", own_path(kept["next"]))


def _is_same(state: str, query: QueryParams) -> bool:
    given = query.get("state", "")
    return bool(state) and hmac.compare_digest(state.encode(), given.encode())


def _parts(request: Request) -> tuple[Site, Provider | None]:
    site: Site = request.app.state.site
    return site, site.provider


def _failed(request: Request, error: OidcError, status: int) -> Response:
    log.warning("oidc_login_failed", why=str(error))
    message = f"The provider did not log you in. {error}. A local user can still log in below."
    return login_form(request, message, status=status)


ROUTES = [
    Route(_BEGIN, begin, methods=["GET"]),
    Route(OIDC_CALLBACK, finish, methods=["GET"]),
]
