"""One campaign: its rewards by outcome, its way over time, who did what, and what can be done."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from issuance.budget import number_text
from issuance.masking import mask_customer, scrub
from issuance.reward_key import EXTERNAL
from issuance.states import NOT_STARTED, State
from ledger.budgets.usage import Usage
from ledger.dead_letters.browse import DeadLetter, DeadLetterFilter
from ledger.queries.audit_entries import AuditFilter
from ledger.queries.balance import Balance
from ledger.queries.counters import Tally
from ledger.queries.sampled_codes import MOST_LINES
from operations.campaign_facts import CampaignFacts, read_facts
from operations.code_mix import read_code_mix
from operations.dead_letters import list_letters
from operations.history import History, read_history
from operations.outcomes import NOT_ISSUED
from operations.series.marks import NOT_DRAWN
from operations.stops import Stopped
from web.pages.campaign_acts import possible_acts, setting_fields
from web.pages.campaign_charts import calls_charts, codes_chart, read_campaign_series
from web.pages.overview import read_shared_status
from web.pages.progress import outcome_bar
from web.routing import View, route

_LETTERS = 20
_ACTS = 20
_MOST_ENTRIES = 200
"""An act on very many rewards is not counted further here; the audit page does."""


def campaign(view: View) -> Response:
    """Show a campaign."""
    name = view.request.path_params["name"]
    moment = read_shared_status(view, name)
    (balance,) = moment.value.balances
    name = balance.campaign.name
    of_it = view.shared(("of campaign", name), lambda: _read_parts(view, name)).value
    stopped = moment.value.stopped.get(name)
    values = {
        "moment": moment.at,
        "balance": balance,
        "outlook": moment.value.outlooks.get(name),
        "since": moment.value.since.get(name),
        "accounts_unknown": not moment.value.limits,
        "task": view.site.tasks.find(name),
        "stopped": stopped,
        "todo": moment.value.todo.get(name, ""),
        "has_plan": balance.campaign.state in NOT_STARTED,
        "stopped_rewards": _stopped_rewards(stopped),
        "bar": outcome_bar(balance),
        "counts": [(state, balance.counts.get(state, 0)) for state in State],
        "outcomes": _outcomes(balance),
        "budget": _budget(moment.value.budgets.get(name)),
        "facts": of_it.facts,
        "fields": setting_fields(of_it.facts.settings),
        "not_issued": sum(balance.counts.get(state, 0) for state in NOT_ISSUED),
        "letters": of_it.letters,
        "letters_total": balance.open_dead_letters,
        "history": of_it.history,
        "actions": list(possible_acts(view, balance)),
    }
    return view.page("campaign.html", values | _charts(view, name))


def _charts(view: View, name: str) -> dict[str, Any]:
    series = read_campaign_series(view, name)
    subject, site = view.viewer.subject, view.site
    mix = site.rarely.read(("codes", name), lambda: read_code_mix(subject, site.ledger, name))
    return {
        "series": series.value.calls,
        "marks": series.value.marks,
        "not_drawn": NOT_DRAWN,
        "charts": calls_charts(view, series.value),
        "series_moment": series.at,
        "mix": mix.value,
        "mix_moment": mix.at,
        "most_lines": MOST_LINES,
        "codes_chart": codes_chart(mix.value),
    }


def shown_letter(letter: DeadLetter) -> tuple[DeadLetter, str, str]:
    """Return a dead letter with its customer and the API's message, both masked."""
    return letter, mask_customer(letter.customer), scrub(letter.message, letter.known)


def _outcomes(balance: Balance) -> list[tuple[State, int, Tally | None]]:
    """Return the states that have lines, with units and points.

    Units of all unsettled lines are at the waiting ones: a partial answer gave them, before the
    line was sent again.
    """
    return [
        (state, count, None if state in _ASSIGNED else balance.sums.get(state))
        for state, count in balance.counts.items()
        if count or balance.sums.get(state, Tally()).units
    ]


_ASSIGNED = (State.QUEUED, State.RUNNING)


def _budget(usage: Usage | None) -> list[tuple[str, list[str], int]]:
    """Return each bound: its name; the budget, issued, reserved and left; percent."""
    if usage is None:
        return []
    rows = []
    for name, most in usage.budget.bounds:
        issued, reserved = getattr(usage.issued, name), getattr(usage.reserved, name)
        numbers = (most, issued, reserved, getattr(usage.left, name))
        percent = 100 * issued // most if most else 100
        rows.append((name, [number_text(name, number) for number in numbers], percent))
    return rows


@dataclass(frozen=True, slots=True)
class _Parts:
    """What pages of one campaign share in addition to its status."""

    facts: CampaignFacts
    letters: list[tuple[DeadLetter, str, str]]
    history: History


def _read_parts(view: View, name: str) -> _Parts:
    ledger, subject = view.site.ledger, view.viewer.subject
    chosen = AuditFilter(campaign=name)
    letters = list_letters(subject, ledger, DeadLetterFilter(campaign=name), limit=_LETTERS)
    return _Parts(
        read_facts(subject, ledger, name),
        list(map(shown_letter, letters)),
        read_history(subject, ledger, chosen, limit=_ACTS, most_entries=_MOST_ENTRIES),
    )


def _stopped_rewards(stopped: Stopped | None) -> list[str]:
    """Return the rewards that can be left out, as the command takes them."""
    if stopped is None:
        return []
    rewards = (stop.reward for stop in stopped.stops if stop.reward)
    return sorted({reward.removeprefix(EXTERNAL) for reward in rewards})


ROUTES = [route("/campaigns/{name}", campaign)]
