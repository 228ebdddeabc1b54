"""The application: its routes, behind the guard."""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from web import live
from web.guard import Guard
from web.pages import (
    account,
    approvals,
    audit,
    campaign,
    campaign_acts,
    campaign_charts,
    campaign_end,
    campaign_lists,
    dead_letter,
    dead_letters,
    login,
    oidc,
    overview,
    plan,
    report,
    reveal,
    search,
    system,
    uploads,
    users,
)
from web.site import STATIC, Site


def _alive(_: Request) -> Response:
    return PlainTextResponse("alive\n")


class _Static(StaticFiles):
    """Files that a browser may keep for an hour; nothing in them is private."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        """Add the header."""
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["cache-control"] = "public, max-age=3600"
        return response


def routes() -> list[BaseRoute]:
    """Return all routes."""
    return [
        Route("/livez", _alive, methods=["GET"]),
        Mount("/static", _Static(directory=STATIC), name="static"),
        *login.ROUTES,
        *oidc.ROUTES,
        *live.ROUTES,
        *overview.ROUTES,
        *plan.ROUTES,
        *report.ROUTES,
        *campaign_charts.ROUTES,
        *campaign_end.ROUTES,
        *campaign_lists.ROUTES,
        *campaign.ROUTES,
        *campaign_acts.ROUTES,
        *dead_letters.ROUTES,
        *dead_letter.ROUTES,
        *reveal.ROUTES,
        *search.ROUTES,
        *account.ROUTES,
        *uploads.ROUTES,
        *approvals.ROUTES,
        *system.ROUTES,
        *audit.ROUTES,
        *users.ROUTES,
    ]


def make_app(site: Site) -> Starlette:
    """Make the application of one web process."""

    def missing(_: Request, __: Exception) -> Response:
        values = {"title": "Not found", "cause": "There is no such page."}
        return HTMLResponse(site.render("unreadable.html", values), 404)

    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Guard, hosts=site.hosts, url=site.url)],
        exception_handlers={404: missing},
    )
    app.state.site = site
    return app
