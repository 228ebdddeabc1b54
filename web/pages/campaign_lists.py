"""A campaign's lines by outcome, with their export, and its open dead letters, page by page."""

import re
import shlex
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from issuance.states import SETTLED, State
from ledger.dead_letters.browse import DeadLetterFilter
from ledger.queries.outcomes import LinePlace
from operations.campaigns import read_balance
from operations.dead_letters import list_letters
from operations.errors import UsageError
from operations.outcome_export import csv_texts, jsonl_texts, outcome_fields
from operations.outcomes import NOT_ISSUED, list_outcomes, page_outcomes
from operations.time_zones import zone_of
from web.pages.campaign import shown_letter
from web.routing import View, route

_PAGE = 50
_FIRST: LinePlace = (0, -1)
_LISTED = (State.FAILED, *(state for state in SETTLED if state is not State.FAILED))
_FORMATS = {"csv": "csv", "excel": "csv", "jsonl": "jsonl"}


def outcomes(view: View) -> Response:
    """Show a campaign's settled lines of one state."""
    name, query = view.request.path_params["name"], view.request.query_params
    chosen = _state(query.get("state", ""))
    page = page_outcomes(
        view.viewer.subject,
        view.site.ledger,
        name,
        chosen or State.FAILED,
        after=_place(query.get("after", "")),
        limit=_PAGE,
    )
    values = {
        "name": page.campaign,
        "chosen": chosen or State.FAILED,
        "states": [(state, page.totals.get(state, 0)) for state in _LISTED],
        "lines": [(line, outcome_fields(line, reveal=False)) for line in page.lines],
        "total": page.totals.get(chosen or State.FAILED, 0),
        "next": None if page.next is None else f"{page.next[0]}-{page.next[1]}",
        "is_later": "after" in query,
    }
    return view.page("outcomes.html", values)


def _state(text: str) -> State | None:
    if not text:
        return None
    if text not in SETTLED:
        raise UsageError(f"There is no list of {text[:40]!r}: choose one of {', '.join(SETTLED)}")
    return State(text)


def _place(text: str) -> LinePlace:
    if not text:
        return _FIRST
    found = re.fullmatch(r"(\d{1,18})-(\d{1,9})", text, re.ASCII)
    if found is None:
        raise UsageError(f"after: {text[:40]!r} is no place in the list")
    return int(found[1]), int(found[2])


def export(view: View) -> Response:
    """Send a campaign's lines as a file, masked; the export is recorded first."""
    form, name = view.form(), view.request.path_params["name"]
    kind = form.get("format", "")
    if kind not in _FORMATS:
        raise UsageError(f"format: choose one of {', '.join(_FORMATS)}")
    chosen = _state(form.get("state", ""))
    found = list_outcomes(
        view.viewer.subject,
        view.site.ledger,
        name,
        states=NOT_ISSUED if chosen is None else [chosen],
        form=_FORMATS[kind],
        reveal=False,
    )
    zone = zone_of(view.site.services, found.account)
    texts = (
        jsonl_texts(found.lines, zone, reveal=False)
        if kind == "jsonl"
        else csv_texts(found.lines, zone, excel=kind == "excel", reveal=False)
    )
    which = "not-issued" if chosen is None else chosen.value
    file_name = quote(f"{found.campaign}-{which}.{_FORMATS[kind]}", safe="")
    return StreamingResponse(
        texts,
        media_type="application/x-ndjson" if kind == "jsonl" else "text/csv",
        headers={"content-disposition": f"attachment; filename*=UTF-8''{file_name}"},
    )


def letters(view: View) -> Response:
    """Show a campaign's open dead letters."""
    subject, ledger, query = view.viewer.subject, view.site.ledger, view.request.query_params
    balance = read_balance(subject, ledger, view.request.path_params["name"])
    campaign = balance.campaign
    after = query.get("after", "0")
    if not re.fullmatch(r"\d{1,18}", after, re.ASCII):
        raise UsageError(f"after: {after[:40]!r} is no dead letter")
    chosen = DeadLetterFilter(campaign=campaign.name)
    found = list(list_letters(subject, ledger, chosen, limit=_PAGE + 1, after=int(after)))
    shown = found[:_PAGE]
    values = {
        "name": campaign.name,
        "command": f"issuance dead-letters list --campaign {shlex.quote(campaign.name)}",
        "letters": list(map(shown_letter, shown)),
        "letters_total": balance.open_dead_letters,
        "next": shown[-1].id if len(found) > _PAGE else None,
        "is_later": "after" in query,
    }
    return view.page("letters.html", values)


ROUTES = [
    route("/campaigns/{name}/outcomes", outcomes),
    route("/campaigns/{name}/outcomes", export, methods=("POST",)),
    route("/campaigns/{name}/letters", letters),
]
