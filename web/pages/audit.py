"""The audit log: each act with its person, by filters, and whether the log is unbroken."""

import shlex
from urllib.parse import urlencode

from starlette.responses import RedirectResponse, Response

from operations.access.roles import Right
from operations.audit import make_filter, verify
from operations.history import MOST_ENTRIES, read_history
from operations.history_sentences import SENTENCES
from web.numbers import read_number
from web.routing import View, route

_ACTS = 50
_SEARCHED = 50_000
"""Entries that one page searches: a filter that rarely fits must not read a log of millions."""
_FILTERS = ("by", "campaign", "verb", "since")
_WAIT_SECONDS = 1.0


def audit(view: View) -> Response:
    """Show acts, the newest first."""
    query = view.request.query_params
    given = {name: query.get(name, "").strip() for name in _FILTERS}
    chosen = make_filter(
        since=given["since"] or None,
        until=None,
        user=given["by"] or None,
        target=None,
        verb=given["verb"] or None,
        campaign=given["campaign"] or None,
    )
    before = query.get("before", "")
    history = read_history(
        view.viewer.subject,
        view.site.ledger,
        chosen,
        limit=_ACTS,
        before=read_number(before, "before") if before else None,
        most_entries=MOST_ENTRIES,
        most_searched=_SEARCHED,
    )
    kept = urlencode({name: value for name, value in given.items() if value})
    values = {
        "history": history,
        "given": given,
        "query": f"&{kept}" if kept else "",
        "verbs": sorted(SENTENCES),
        "command": _command(given),
        "verified": view.site.verifying.newest,
    }
    return view.page("audit.html", values)


def _command(given: dict[str, str]) -> str:
    """Return the command with the same filters."""
    known = {"since": "--since", "by": "--by", "campaign": "--campaign"}
    command = "issuance history"
    if given["verb"] and not given["campaign"]:
        known = {"since": "--since", "by": "--subject", "verb": "--verb"}
        command = "issuance audit list"
    options = [f"{known[name]} {shlex.quote(given[name])}" for name in known if given[name]]
    return " ".join((command, *options))


def begin_verification(view: View) -> Response:
    """Begin to verify the log, and show the result when there is one."""
    subject, ledger = view.viewer.subject, view.site.ledger
    subject.require(Right.VIEW)
    view.site.verifying.begin(lambda: verify(subject, ledger, None), _WAIT_SECONDS)
    return RedirectResponse("/audit/verification", 303)


def verification(view: View) -> Response:
    """Show the newest verification."""
    view.viewer.subject.require(Right.VIEW)
    return view.page("verification.html", {"verified": view.site.verifying.newest})


ROUTES = [
    route("/audit", audit),
    route("/audit/verify", begin_verification, methods=("POST",)),
    route("/audit/verification", verification),
]
