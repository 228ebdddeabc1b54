"""The report of a closed campaign, as a file to keep."""

from urllib.parse import quote

from starlette.responses import Response

from operations.report.report import Form, make_report
from web.routing import View, route


def report(view: View) -> Response:
    """Make the report as the command does; the browser saves it and does not show it."""
    name = view.request.path_params["name"]
    made = make_report(view.viewer.subject, view.site.ledger, name)[Form.HTML]
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


ROUTES = [route("/campaigns/{name}/report", report, methods=("POST",))]
