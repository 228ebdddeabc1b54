"""The report of a closed campaign, as a file to keep."""

from urllib.parse import quote

from starlette.responses import Response

from issuance.errors import ExplainedError
from operations.report.report import Form, Report, make_report
from web.routing import View, route


class BusyError(ExplainedError):
    """One report at a time: several would slow down all pages."""


def report(view: View) -> Response:
    """Make the report as the command does; the browser saves it and does not show it."""
    made = _make(view)
    # Plain letters for older programs, and the whole name as RFC 6266 writes it.
    plain = "".join(char if char.isascii() and char.isalnum() else "-" for char in made.campaign)
    named = quote(f"{made.campaign}-report.html", safe="")
    return Response(
        made.content,
        media_type="text/html; charset=utf-8",
        headers={
            "content-disposition": (
                f"attachment; filename=\"{plain}-report.html\"; filename*=UTF-8''{named}"
            )
        },
    )


def _make(view: View) -> Report:
    site, name = view.site, view.request.path_params["name"]
    if not site.making_report.acquire(blocking=False):
        raise BusyError("Another report is being made: try again in a minute. Nothing was recorded")
    try:
        return make_report(view.viewer.subject, site.ledger, name)[Form.HTML]
    finally:
        site.making_report.release()


ROUTES = [route("/campaigns/{name}/report", report, methods=("POST",))]
