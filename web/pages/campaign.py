"""One campaign: its rewards by outcome, its dead letters, who did what, and what can be done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from issuance.campaign_life import Act, next_state
from issuance.masking import mask_customer, scrub
from issuance.reward_key import EXTERNAL
from issuance.states import NOT_STARTED, State
from ledger.dead_letters.browse import DeadLetter, DeadLetterFilter
from ledger.queries.audit_entries import AuditFilter
from ledger.queries.balance import Balance
from operations.access.roles import Right
from operations.campaigns import Change, cancel, pause, resume
from operations.dead_letters import list_letters
from operations.history import MOST_ENTRIES, History, read_history
from operations.stops import Stopped
from web.pages.overview import read_shared_status
from web.pages.progress import outcome_bar
from web.routing import NotFoundError, View, route

_LETTERS = 20
_ACTS = 20
_Operation = Callable[..., Change]
_ACTIONS: dict[str, tuple[Act, Right, _Operation]] = {
    "pause": (Act.PAUSE, Right.PAUSE, pause),
    "resume": (Act.RESUME, Right.RESUME, resume),
    "cancel": (Act.CANCEL, Right.CANCEL, cancel),
}
_CONFIRMED = ("cancel",)


def campaign(view: View) -> Response:
    """Show a campaign."""
    name = view.request.path_params["name"]
    moment = read_shared_status(view, name)
    (balance,) = moment.value.balances
    name = balance.campaign.name
    of_it = view.shared(("of campaign", name), lambda: _read_parts(view, name)).value
    values = {
        "moment": moment.at,
        "balance": balance,
        "status": moment.value,
        "outlook": moment.value.outlooks.get(name),
        "stopped": moment.value.stopped.get(name),
        "budget": moment.value.budgets.get(name),
        "todo": moment.value.todo.get(name, ""),
        "has_plan": balance.campaign.state in NOT_STARTED,
        "stopped_rewards": _stopped_rewards(moment.value.stopped.get(name)),
        "bar": outcome_bar(balance),
        "counts": [(state, balance.counts.get(state, 0)) for state in State],
        "letters": of_it.letters,
        "letters_total": balance.open_dead_letters,
        "history": of_it.history,
        "actions": list(_possible(view, balance)),
    }
    return view.page("campaign.html", values)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What pages of one campaign share in addition to its status."""

    letters: list[tuple[DeadLetter, str, str]]
    history: History


def _read_parts(view: View, name: str) -> _Parts:
    ledger, subject = view.site.ledger, view.viewer.subject
    chosen = AuditFilter(campaign=name)
    letters = list_letters(subject, ledger, DeadLetterFilter(campaign=name), limit=_LETTERS)
    return _Parts(
        [(each, mask_customer(each.customer), scrub(each.message, each.known)) for each in letters],
        read_history(subject, ledger, chosen, limit=_ACTS, most_entries=MOST_ENTRIES),
    )


def _stopped_rewards(stopped: Stopped | None) -> list[str]:
    """Return the rewards that can be left out, as the command takes them."""
    if stopped is None:
        return []
    rewards = (stop.reward for stop in stopped.stops if stop.reward)
    return sorted({reward.removeprefix(EXTERNAL) for reward in rewards})


def _possible(view: View, balance: Balance) -> list[tuple[str, bool, str]]:
    """Return what the state and the viewer's rights allow, each with the command that does it."""
    state, name = balance.campaign.state, balance.campaign.name
    return [
        (verb, view.viewer.subject.may(right), f"issuance campaign {verb} {name}")
        for verb, (act, right, _) in _ACTIONS.items()
        if next_state(act, state) not in (None, state)
    ]


def act(view: View) -> Response:
    """Pause, resume or cancel a campaign, with the checks and the entry of the command."""
    name, verb = view.request.path_params["name"], view.request.path_params["verb"]
    if verb not in _ACTIONS:
        raise NotFoundError(f"There is no action {verb}")
    form = view.form()
    if verb in _CONFIRMED and form.get("confirm") != name:
        return view.page("confirm.html", {"name": name, "verb": verb, "wrong": "confirm" in form})
    _, _, operation = _ACTIONS[verb]
    given: dict[str, Any] = {"note": form.get("note", "")}
    if verb == "resume":
        given |= {"continues": form.get("how") == "go-on"}
        given |= {"without": [form["reward"]] if form.get("how") == "without" else []}
    operation(view.viewer.subject, view.site.services, view.site.ledger, name, **given)
    return RedirectResponse(f"/campaigns/{quote(name, safe='')}", 303)


ROUTES = [
    route("/campaigns/{name}", campaign),
    route("/campaigns/{name}/{verb}", act, methods=("POST",)),
]
