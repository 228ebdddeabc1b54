"""Logging in and out: by password, or once by a link."""

from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ledger.store.errors import LedgerError
from operations.people.login import log_in_by_link, log_in_by_password, log_out
from web.forms import read_form
from web.routing import LOGIN, unreadable
from web.site import Site
from web.viewer import SESSION_COOKIE

_LONGEST = 2_000
_REFUSED = (
    "Not logged in: the name or the password is wrong, the user is disabled, or too many wrong "
    "passwords came. Wait a minute, or ask an admin."
)
_OLD_LINK = (
    "This link is used up or too old. Make another one with `issuance user link` on the machine."
)


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


def login_form(
    request: Request, message: str = "", *, status: int = 200, token: str = ""
) -> Response:
    """Show the form with a message; `token` is that of a link to continue with."""
    values = {
        "message": message,
        "token": token,
        "has_provider": _site(request).provider is not None,
        "next": own_path(request.query_params.get("next", "")),
    }
    return HTMLResponse(_site(request).render("login.html", values), status)


def own_path(wanted: str) -> str:
    """Return a path of this console: a link must not lead elsewhere after the login."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    return wanted if is_ours and not parts.netloc and not parts.scheme else "/"


def logged_in(request: Request, token: str, path: str) -> Response:
    """Give the browser its session, and lead it to the page that it wanted."""
    response = RedirectResponse(path, 303)
    secure = _site(request).is_secure
    response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="lax", secure=secure)
    return response


def show_login(request: Request) -> Response:
    """Show the form."""
    return login_form(request)


def show_link(request: Request) -> Response:
    """Ask before a link is used up: programs that preview links must not do that."""
    return login_form(request, token=request.path_params["token"])


def submit(request: Request) -> Response:
    """Log in by what the form says."""
    form = read_form(request)
    path = own_path(form.get("next", ""))
    site = _site(request)
    try:
        if link := form.get("token", ""):
            session = log_in_by_link(site.ledger, link[:_LONGEST])
            refused = _OLD_LINK
        else:
            name, password = form.get("name", "").strip(), form.get("password", "")
            session = log_in_by_password(site.ledger, name[:_LONGEST], password[:_LONGEST])
            refused = _REFUSED
    except (DBAPIError, LedgerError) as error:
        return unreadable(site, error)
    if session is None:
        return login_form(request, refused, status=403)
    return logged_in(request, session, path)


def leave(request: Request) -> Response:
    """Log out."""
    token = request.cookies.get(SESSION_COOKIE, "")
    if token:
        log_out(_site(request).ledger, token)
    response = RedirectResponse(LOGIN, 303)
    response.delete_cookie(SESSION_COOKIE)
    return response


ROUTES = [
    Route(LOGIN, show_login, methods=["GET"]),
    Route(f"{LOGIN}/link/{{token}}", show_link, methods=["GET"]),
    Route(LOGIN, submit, methods=["POST"]),
    Route("/logout", leave, methods=["POST"]),
]
