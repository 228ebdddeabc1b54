"""What waits for a second person, what the viewer submitted, and what was decided lately."""

from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.responses import Response

from ledger.queries.submissions import SubmissionPage
from operations.approvals import Which, list_approvals
from web.routing import View, route

_SHOWN = 20
_TITLES = {
    Which.WAITING: "Waiting for a decision",
    Which.MINE: "Submitted by you",
    Which.DECIDED: "Decided",
}


@dataclass(frozen=True, slots=True)
class Section:
    """One of the page's lists."""

    which: Which
    title: str
    page: SubmissionPage


def approvals(view: View) -> Response:
    """Show the lists; each has a cursor of its own name."""
    at = datetime.now(UTC)
    sections = [_section(view, which) for which in Which]
    values = {
        "at": at,
        "sections": sections,
        "is_paged": bool(view.request.query_params.keys() - {"part"}),
    }
    return view.page("approvals.html", values)


def _section(view: View, which: Which) -> Section:
    text = view.request.query_params.get(which, "")
    before = int(text) if text.isascii() and text.isdigit() else None
    found = list_approvals(
        view.viewer.subject, view.site.ledger, which, limit=_SHOWN, before=before
    )
    return Section(which, _TITLES[which], found)


ROUTES = [route("/approvals", approvals)]
