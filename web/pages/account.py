"""An API account: its last hour, what it answers now, its locks, and its limits to set."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from config.accounts import AccountError
from config.settings import SettingsError
from ledger.audit_log import account_target
from ledger.queries.audit_entries import AuditFilter
from ledger.queries.newest_answers import NEWEST_CALLS
from limiter.unavailable import LimitsUnavailable
from operations.access.roles import Right
from operations.account_past import read_answers, read_locks
from operations.history import MOST_ENTRIES, read_history
from operations.limits import (
    adaptive_limit_text,
    breaker_text,
    chosen_accounts,
    read_rate,
    resume_accounts,
    set_account_rate,
    unrelated_text,
)
from web.pages.account_chart import account_chart, read_shared_past
from web.pages.overview import read_shared_status
from web.routing import NotFoundError, View, route

_ACTS = 10


def account(view: View) -> Response:
    """Show an account; without a name the only one, or a list."""
    name = view.request.path_params.get("name")
    if name is None:
        names = chosen_accounts(view.site.services, None)
        if len(names) != 1:
            view.viewer.subject.require(Right.VIEW)
            return view.page("accounts.html", {"names": names})
        name = names[0]
    values: dict[str, Any] = {
        "name": name,
        "action": f"/account/{quote(name, safe='')}",
        "past": None,
        "problem": "",
        "at": datetime.now(UTC),
        "may_set": view.viewer.subject.may(Right.SET_LIMITS),
        "may_resume": view.viewer.subject.may(Right.END_SUSPENSION),
    }
    try:
        values |= _limits(view, name)
    except AccountError as error:
        raise NotFoundError(str(error)) from error
    except (LimitsUnavailable, SettingsError) as error:
        values["problem"] = str(error)
    return view.page("account.html", values | _ledger_part(view, name))


def _limits(view: View, name: str) -> dict[str, Any]:
    site, subject = view.site, view.viewer.subject
    moment = read_shared_past(view, name)
    past = moment.value
    state, end = past.limits.state, datetime.fromtimestamp(past.end, UTC)
    locks = view.shared(("locks", name), lambda: read_locks(subject, site.services, name)).value
    return {
        "past": past,
        "at": moment.at,
        "state": state,
        "since": end - timedelta(seconds=state.account.for_seconds),
        "next_try": end + timedelta(seconds=state.account.until_seconds),
        "first": None if past.since is None else datetime.fromtimestamp(past.since, UTC),
        "incidents": [
            (number, each, _time(each.begin), _time(each.end))
            for number, each in zip(range(len(past.incidents), 0, -1), past.incidents, strict=True)
        ],
        "chart": account_chart(view, past),
        "locks": locks,
        "lease_seconds": site.services.settings.lease_seconds,
        "breaker": breaker_text,
        "adaptive": adaptive_limit_text,
        "unrelated": unrelated_text,
    }


def _time(at: float | None) -> datetime | None:
    return None if at is None else datetime.fromtimestamp(at, UTC)


def _ledger_part(view: View, name: str) -> dict[str, Any]:
    site, subject = view.site, view.viewer.subject
    answers = view.shared(("answers", name), lambda: read_answers(subject, site.ledger, name)).value
    balances = read_shared_status(view).value.balances
    chosen = AuditFilter(target=account_target(name))
    return {
        "answers": answers,
        "newest": NEWEST_CALLS,
        "to_go": sum(each.unsettled for each in balances if each.campaign.account == name),
        "history": read_history(
            subject, site.ledger, chosen, limit=_ACTS, most_entries=MOST_ENTRIES
        ),
    }


def act(view: View) -> Response:
    """Set the rate or end the suspensions, with the checks and the entry of the command."""
    name, verb = view.request.path_params["name"], view.request.path_params["verb"]
    form, site, subject = view.form(), view.site, view.viewer.subject
    note = form.get("note", "")
    match verb:
        case "rate":
            rate = read_rate(form.get("per_minute", "").replace(",", "").strip())
            set_account_rate(subject, site.services, name, rate, note)
        case "resume":
            resume_accounts(subject, site.services, name, note)
        case _:
            raise NotFoundError(f"There is no action {verb}")
    return RedirectResponse(f"/account/{quote(name, safe='')}", 303)


ROUTES = [
    route("/account", account),
    route("/account/{name}", account),
    route("/account/{name}/{verb}", act, methods=("POST",)),
]
