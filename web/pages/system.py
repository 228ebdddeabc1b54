"""The account's limits, the processes and the health checks."""

from starlette.responses import Response

from operations.limits import adaptive_limit_text, breaker_text, unrelated_text
from operations.system_view import read_system
from web.pages.overview import read_shared_status
from web.routing import View, route


def system(view: View) -> Response:
    """Show the system."""
    moment = read_shared_status(view)
    site, subject = view.site, view.viewer.subject
    values = {
        "moment": moment.at,
        "status": moment.value,
        "health": view.site.health.refresh(view.viewer.subject),
        "system": view.shared(
            "system", lambda: read_system(subject, site.services, site.ledger)
        ).value,
        "versions": {each.node: each.version for each in moment.value.processes},
        "breaker": breaker_text,
        "adaptive": adaptive_limit_text,
        "unrelated": unrelated_text,
    }
    return view.page("system.html", values)


ROUTES = [route("/system", system)]
