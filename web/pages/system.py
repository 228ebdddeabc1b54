"""The account's limits, the processes, the health checks and the audit log."""

from starlette.responses import Response

from ledger.queries.audit_entries import AuditFilter
from ledger.store.schema import REVISION
from operations.history import MOST_ENTRIES, read_history
from operations.limits import adaptive_limit_text, breaker_text, unrelated_text
from web.pages.overview import read_shared_status
from web.routing import View, route

_ACTS = 50


def system(view: View) -> Response:
    """Show the system."""
    moment = read_shared_status(view)
    values = {
        "moment": moment.at,
        "status": moment.value,
        "health": view.site.health.refresh(view.viewer.subject),
        "schema": REVISION,
        "breaker": breaker_text,
        "adaptive": adaptive_limit_text,
        "unrelated": unrelated_text,
    }
    return view.page("system.html", values)


def audit(view: View) -> Response:
    """Show who did what, the newest first."""
    query = view.request.query_params
    before = query.get("before", "")
    chosen = AuditFilter(subject=query.get("by") or None, campaign=query.get("campaign") or None)
    history = read_history(
        view.viewer.subject,
        view.site.ledger,
        chosen,
        limit=_ACTS,
        most_entries=MOST_ENTRIES,
        before=int(before) if before.isascii() and before.isdigit() else None,
    )
    values = {"history": history, "by": query.get("by", ""), "campaign": query.get("campaign", "")}
    return view.page("audit.html", values)


ROUTES = [route("/system", system), route("/audit", audit)]
