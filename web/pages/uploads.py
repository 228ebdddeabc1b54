"""A new campaign from a file: sent, its columns named, checked, and saved as a draft."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response, StreamingResponse

from issuance.errors import ExplainedError
from operations.access.roles import Right
from operations.errors import UsageError
from operations.uploads.receiving import Receiving, TooLargeError
from operations.uploads.state import BUSY, Order, SeenColumn, Stage, State
from operations.uploads.store import (
    MOST_UPLOADS,
    find_upload,
    list_uploads,
    receive_upload,
    remove_upload,
)
from operations.uploads.upload import Upload, is_interrupted
from producers.source.columns import IGNORE
from producers.uploads.columns import CHOICES, check_columns, column_problems, custom_field
from producers.uploads.start import start
from producers.uploads.work import Task
from web.multipart import Begin, read_parts
from web.pages.upload_order import FLAGS, given_values, read_mapping, read_order
from web.routing import NotFoundError, View, route

_PIECE_BYTES = 65_536
_EXCEL_MARK = b"\xef\xbb\xbf"
_ONE_NAME = frozenset(name for names in CHOICES.values() for name in names)
_AGAIN = {Stage.READING: "read", Stage.CHECKING: "check", Stage.ACCEPTING: "accept"}


def new(view: View) -> Response:
    """Show the form for a file, and the person's other uploads."""
    return _new(view)


def _new(view: View, problem: str = "", status: int = 200) -> Response:
    uploads = list_uploads(view.viewer.subject, view.site.services)
    values = {
        "uploads": [(each, each.read()) for each in uploads],
        "most_uploads": MOST_UPLOADS,
        "most_bytes": view.site.services.settings.web_upload_max_bytes,
        "problem": problem,
    }
    return view.page("new_campaign.html", values, status=status)


def send(view: View) -> Response:
    """Take a file, and begin to read it."""
    site, subject = view.site, view.viewer.subject
    subject.require(Right.BLAST)  # before the file is read
    try:
        with receive_upload(subject, site.services) as receiving:
            receiving.announce(_length(view))
            _receive(view, receiving)
    except TooLargeError as error:
        return _new(view, str(error), 413)
    except UsageError as error:
        return _new(view, str(error), 409)
    start(subject, site.services, receiving.id, Task.READ)
    return RedirectResponse(f"/uploads/{receiving.id}", 303)


def _length(view: View) -> int:
    with suppress(ValueError):
        return int(view.request.headers.get("content-length", ""))
    return 0


def _receive(view: View, receiving: Receiving) -> None:
    for event in read_parts(view.request):
        match event:
            case Begin("file", name):
                receiving.begin_rows(name)
            case Begin("rewards", name) if name:
                receiving.begin_rewards()
            case Begin():
                receiving.end_file()
            case piece:
                receiving.write(piece)


def upload(view: View) -> Response:
    """Show what is known of an upload, and what can be done next."""
    found = find_upload(view.viewer.subject, view.site.services, view.request.path_params["id"])
    state = found.read()
    is_busy = state.stage in BUSY and found.is_busy
    if not is_busy and "part" in view.request.query_params:
        # The process has ended: the whole page has something new.
        return Response(headers={"HX-Refresh": "true"})
    if not is_busy:
        state = found.read()  # what it wrote last
    return view.page("upload.html", _values(view, found, state, is_busy=is_busy))


def _values(view: View, found: Upload, state: State, *, is_busy: bool = False) -> dict[str, Any]:
    order = state.order
    return {
        "upload": found,
        "about": found.about,
        "state": state,
        "given": given_values(order),
        "is_busy": is_busy,
        "is_live": is_busy,
        "progress": found.read_progress(),
        "again": _AGAIN[state.stage] if is_interrupted(state, is_busy=is_busy) else "",
        "problem": state.problem,
        "columns": _columns(state, order.mapping),
        "choices": CHOICES,
        "flags": FLAGS,
        "accounts": list(view.site.services.accounts.all()),
        "command_line": order.command(found.about.name, rewards=found.about.has_rewards),
        "outcome": state.accepted or state.checked,
    }


def _columns(
    state: State, mapping: Mapping[str, str]
) -> list[tuple[SeenColumn, str, list[str], str]]:
    """Return each column with its choice, what its own name could be, and its problem."""
    problems = column_problems(state.seen, mapping)
    found = []
    for column in state.seen.columns:
        chosen = mapping.get(column.name, column.guess)
        own = {custom_field(column.name), chosen, column.guess} - {"", IGNORE, *_ONE_NAME}
        found.append((column, chosen, sorted(own), problems.get(column.name, "")))
    return found


def act(view: View) -> Response:
    """Read another sheet, check the file, save its rows as a draft, or remove it."""
    number, verb = view.request.path_params["id"], view.request.path_params["verb"]
    site, subject = view.site, view.viewer.subject
    match verb:
        case "read":
            sheet = view.form().get("sheet", "")
            start(subject, site.services, number, Task.READ, order=Order(sheet=sheet))
        case "check":
            return _check(view, number)
        case "accept":
            start(subject, site.services, number, Task.ACCEPT)
        case "remove":
            remove_upload(subject, site.services, number)
            return RedirectResponse("/uploads", 303)
        case _:
            raise NotFoundError(f"There is no action {verb}")
    return RedirectResponse(f"/uploads/{number}", 303)


def _check(view: View, number: str) -> Response:
    site, subject, form = view.site, view.viewer.subject, view.form()
    found = find_upload(subject, site.services, number)
    state = found.read()
    order = state.order
    try:
        if "campaign" in form:  # without, an interrupted check is continued
            order = read_order(form, state.seen, order.sheet)
        check_columns(state.seen, order)
    except (ExplainedError, ValueError) as error:
        # The person sees what was typed, with what is wrong.
        values = _values(view, found, state) | {
            "problem": str(error),
            "given": given_values(Order()) | dict(form),
            "columns": _columns(state, read_mapping(form, state.seen)),
        }
        return view.page("upload.html", values, status=409)
    start(subject, site.services, number, Task.CHECK, order=order)
    return RedirectResponse(f"/uploads/{number}", 303)


def refused(view: View) -> Response:
    """Send the refused rows as CSV, with the mark by which Excel knows UTF-8."""
    found = find_upload(view.viewer.subject, view.site.services, view.request.path_params["id"])
    if not found.refused.exists():
        raise NotFoundError("No row was refused")
    headers = {"content-disposition": 'attachment; filename="refused-rows.csv"'}
    return StreamingResponse(_pieces(found.refused), media_type="text/csv", headers=headers)


def _pieces(file: Path) -> Iterator[bytes]:
    yield _EXCEL_MARK
    with file.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


ROUTES = [
    route("/uploads", new),
    route("/uploads", send, methods=("POST",)),
    route("/uploads/{id}", upload),
    route("/uploads/{id}/refused.csv", refused),
    route("/uploads/{id}/{verb}", act, methods=("POST",)),
]
