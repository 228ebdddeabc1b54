"""What can be done to a campaign: each act with its right, its checks and its command."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from issuance.campaign_life import Act, next_state
from issuance.campaign_settings import NONE, CampaignSettings, GivenSettings
from issuance.details.points import as_points
from issuance.fair_queue import WEIGHT_MAX, WEIGHT_MIN
from issuance.states import CampaignState
from ledger.queries.balance import Balance
from operations.access.roles import Right
from operations.campaign_facts import read_facts
from operations.campaign_life import set_settings
from operations.campaigns import cancel, pause, read_balance, resume, weigh
from operations.errors import UsageError
from web.routing import NotFoundError, View, route

_ENDED = (CampaignState.CANCELLED, CampaignState.CLOSED)


@dataclass(frozen=True, slots=True)
class Possible:
    """An act that the campaign's state allows."""

    verb: str
    is_allowed: bool
    """Whether the viewer's roles allow it, too."""
    command: str


_VERBS = {
    "pause": (Act.PAUSE, Right.PAUSE),
    "resume": (Act.RESUME, Right.RESUME),
    "cancel": (Act.CANCEL, Right.CANCEL),
}


def possible_acts(view: View, balance: Balance) -> Iterator[Possible]:
    """Return what the campaign's state allows, each with the command that does it."""
    state, name = balance.campaign.state, shlex.quote(balance.campaign.name)
    for verb, (act, right) in _VERBS.items():
        if next_state(act, state) not in (None, state):
            command = f"issuance campaign {verb} {name}"
            yield Possible(verb, view.viewer.subject.may(right), command)
    if state not in _ENDED:
        command = f"issuance campaign weight {name} N"
        yield Possible("weight", view.viewer.subject.may(Right.WEIGHT), command)
        command = f"issuance campaign set {name} --OPTION VALUE"
        yield Possible("set", view.viewer.subject.may(Right.SET_CAMPAIGN), command)
    if next_state(Act.CLOSE, state) is not None:
        command = f"issuance campaign close {name}"
        yield Possible("close", view.viewer.subject.may(Right.CLOSE), command)
    if balance.units and state is not CampaignState.CLOSED:
        command = f"issuance campaign revoke {name} --plan"
        yield Possible("revoke", view.viewer.subject.may(Right.REVOKE), command)


def setting_fields(settings: CampaignSettings) -> dict[str, str]:
    """Return the settings as the form shows them, by their option's name; "" for none."""
    points = settings.budget_points
    values: dict[str, Any] = {
        "start-at": settings.described()["start-at"] if settings.start_at else None,
        "window": settings.window,
        "timezone": settings.timezone,
        "rate": settings.rate_per_minute,
        "canary": settings.canary,
        "stop-loss": settings.stop_loss,
        "budget-units": settings.budget_units,
        "budget-points": None if points is None else as_points(points),
    }
    return {name: "" if value is None else str(value) for name, value in values.items()}


_NUMBERS = ("rate", "canary", "budget-units")


def given_settings(form: Mapping[str, str], settings: CampaignSettings) -> GivenSettings:
    """Return the settings that a form changes; an empty field takes one away.

    Raises:
        UsageError: nothing is changed, or a number cannot be read.
    """
    shown = setting_fields(settings)
    changed = {
        name: form[name].strip()
        for name in shown
        if name in form and form[name].strip() != shown[name]
    }
    if not changed:
        raise UsageError("Nothing is changed")
    values = {name: _value(name, text) for name, text in changed.items()}
    return GivenSettings(**{name.replace("-", "_"): value for name, value in values.items()})


def _value(name: str, text: str) -> Any:
    return whole_number(name, text or "0") if name in _NUMBERS else text or NONE


def whole_number(name: str, text: str) -> int:
    """Read a number of a form.

    Raises:
        UsageError: it is none.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(2**63))):
        raise UsageError(f"{name}: {text[:40]!r} is no whole number")
    return int(text)


def to_campaign(name: str) -> Response:
    """Return to the campaign's page."""
    return RedirectResponse(f"/campaigns/{quote(name, safe='')}", 303)


def _pause(view: View, name: str, form: Mapping[str, str]) -> None:
    pause(view.viewer.subject, view.site.services, view.site.ledger, name, form.get("note", ""))


def _resume(view: View, name: str, form: Mapping[str, str]) -> None:
    how = form.get("how")
    resume(
        view.viewer.subject,
        view.site.services,
        view.site.ledger,
        name,
        form.get("note", ""),
        continues=how == "go-on",
        without=[form.get("reward", "")] if how == "without" else [],
    )


def _cancel(view: View, name: str, form: Mapping[str, str]) -> Response | None:
    """Show what a cancellation would do, or cancel if the form has the campaign's name."""
    subject, site, note = view.viewer.subject, view.site, form.get("note", "")
    subject.require(Right.CANCEL)
    balance = read_balance(subject, site.ledger, name)
    if form.get("confirm") != balance.campaign.name:
        wrong = "confirm" in form
        values = {"name": balance.campaign.name, "balance": balance, "wrong": wrong, "note": note}
        return view.page("confirm.html", values)
    cancel(subject, site.services, site.ledger, name, note)
    return None


def _weight(view: View, name: str, form: Mapping[str, str]) -> None:
    weight = whole_number("weight", form.get("weight", ""))
    if not WEIGHT_MIN <= weight <= WEIGHT_MAX:
        raise UsageError(f"weight {weight}: give {WEIGHT_MIN} to {WEIGHT_MAX}")
    weigh(view.viewer.subject, view.site.ledger, name, weight, form.get("note", ""))


def _set(view: View, name: str, form: Mapping[str, str]) -> None:
    subject, site = view.viewer.subject, view.site
    subject.require(Right.SET_CAMPAIGN)
    settings = read_facts(subject, site.ledger, name).settings
    given = given_settings(form, settings)
    note = form.get("note", "")
    set_settings(subject, site.services, site.ledger, name, given, note=note)


_ACTS: Mapping[str, Callable[[View, str, Mapping[str, str]], Response | None]] = {
    "pause": _pause,
    "resume": _resume,
    "cancel": _cancel,
    "weight": _weight,
    "set": _set,
}


def act(view: View) -> Response:
    """Change a campaign, with the checks and the entry of the command."""
    name, verb = view.request.path_params["name"], view.request.path_params["verb"]
    if verb not in _ACTS:
        raise NotFoundError(f"There is no action {verb}")
    return _ACTS[verb](view, name, view.form()) or to_campaign(name)


ROUTES = [route("/campaigns/{name}/{verb}", act, methods=("POST",))]
