"""Routes whose handlers get the site and the viewer. Without a session they lead to the login."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote

from sqlalchemy.exc import DBAPIError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from config.settings import SettingsError
from issuance.errors import ExplainedError
from ledger.campaigns import NoSuchCampaignError
from ledger.store.errors import LedgerError, SchemaMismatchError
from ledger.store.secret import SecretError
from operations.access.roles import Right
from operations.access.subject import NotAllowedError
from operations.uploads.store import NoSuchUploadError
from web.forms import read_form
from web.shared import Moment
from web.site import Site
from web.viewer import Viewer, find_open_viewer, find_viewer

LOGIN = "/login"
_NO_LEDGER = "The ledger cannot be read"
NO_ROLES = "The roles cannot be read"
_T = TypeVar("_T")


class NotFoundError(Exception):
    """There is no such thing; the message says what."""


@dataclass(frozen=True, slots=True)
class View:
    """One request of a person who is logged in."""

    site: Site
    request: Request
    viewer: Viewer

    @property
    def is_part(self) -> bool:
        """Whether an open page asks for its live part."""
        return "part" in self.request.query_params

    def page(
        self, template: str, values: Mapping[str, Any] | None = None, *, status: int = 200
    ) -> HTMLResponse:
        """Fill a page's template; a request for its live part gets that part only."""
        common = {
            "viewer": self.viewer,
            "zone": self.viewer.zone,
            "path": self.request.url.path,
            "is_part": self.is_part,
        }
        return HTMLResponse(self.site.render(template, common | dict(values or {})), status)

    def shared(
        self,
        key: Hashable,
        read: Callable[[], _T],
        right: Right = Right.VIEW,
        *,
        rarely: bool = False,
    ) -> Moment[_T]:
        """Read a value that pages share: the viewer needs the right even if another page read it.

        Args:
            key: what the value depends on.
            read: reads it, if no page did within the last second.
            right: what the operation that reads it needs.
            rarely: whether the value may be some seconds old, because many rows are read.

        Raises:
            NotAllowedError: the viewer does not have the right.
        """
        self.viewer.subject.require(right)
        return (self.site.rarely if rarely else self.site.shared).read(key, read)

    def form(self) -> Mapping[str, str]:
        """Read the request's form."""
        return read_form(self.request)


Handler = Callable[[View], Response]


def route(path: str, handler: Handler, *, methods: tuple[str, ...] = ("GET",)) -> Route:
    """Make a route for people who are logged in; the handler runs in a thread."""

    def endpoint(request: Request) -> Response:
        site: Site = request.app.state.site
        try:
            is_open = request.method == "GET" and "part" in request.query_params
            viewer = (find_open_viewer if is_open else find_viewer)(site, request)
            if viewer is None:
                return _to_login(request)
            return _answer(View(site, request, viewer), handler)
        except (DBAPIError, LedgerError) as error:
            return unreadable(site, error)
        except SettingsError as error:
            return unreadable(site, error, NO_ROLES)

    name = f"{handler.__module__}.{handler.__name__}"
    return Route(path, endpoint, methods=list(methods), name=name)


def _answer(view: View, handler: Handler) -> Response:
    try:
        answer = handler(view)
    except NotAllowedError as error:
        return _problem(view, "Not allowed", error, 403)
    except (NoSuchCampaignError, NoSuchUploadError, NotFoundError) as error:
        return _problem(view, "Not found", error, 404)
    except (SchemaMismatchError, SecretError):
        raise
    except ExplainedError as error:
        return _problem(view, "Refused", error, 409)
    if view.request.method == "POST":
        view.site.shared.forget()
        view.site.rarely.forget()
    return answer


def _problem(view: View, title: str, error: Exception, status: int) -> Response:
    if "part" in view.request.query_params:
        return _load_again(status)
    return view.page("problem.html", {"title": title, "text": str(error)}, status=status)


def _load_again(status: int) -> Response:
    """Refuse a live part, so that the browser loads the whole page and shows why."""
    return Response(status_code=status, headers={"HX-Refresh": "true"})


def _to_login(request: Request) -> Response:
    if "part" in request.query_params:
        return _load_again(401)
    if request.method != "GET":
        return RedirectResponse(LOGIN, 303)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"{LOGIN}?next={quote(wanted)}", 303)


def unreadable(site: Site, error: Exception, title: str = _NO_LEDGER) -> Response:
    """Say that the ledger or the roles cannot be read, and why; nothing is made up instead."""
    cause = str(getattr(error, "orig", None) or error).splitlines()[0]
    values = {"title": title, "cause": cause}
    return HTMLResponse(site.render("unreadable.html", values), 503)
