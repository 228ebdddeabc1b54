"""What runs, what needs a person, the account, and whether the system is healthy."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup
from starlette.responses import Response

from charts.line import LineChart, Series, draw_lines
from issuance.states import CampaignState, State
from ledger.queries.balance import Balance
from operations.call_history import read_call_rates
from operations.formats import counted
from operations.status import Status, read_status
from web.pages.progress import outcome_bar
from web.routing import View, route
from web.shared import Moment

_ENDED = (CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.CLOSED)
_SHOWN_ENDED = 20


@dataclass(frozen=True, slots=True)
class Task:
    """Something that needs a person."""

    what: str
    href: str
    command: str


def read_shared_status(view: View) -> Moment[Status]:
    """Read the status of everything; pages that are open together share one."""
    site, subject = view.site, view.viewer.subject
    return site.shared.read(
        "status", lambda: read_status(subject, site.services, site.ledger, None)
    )


def tasks(balances: list[Balance]) -> Iterator[Task]:
    """Find what needs a person, the most urgent first."""
    for balance in balances:
        name, state = balance.campaign.name, balance.campaign.state
        href = f"/campaigns/{name}"
        if state is CampaignState.STOPPED:
            yield Task(f"{name} was stopped", href, f"issuance status {name}")
        if state is CampaignState.AWAITING_APPROVAL:
            yield Task(f"{name} waits for approval", href, f"issuance campaign plan {name}")
        if state is CampaignState.PAUSED and balance.unsettled:
            what = f"{name} is paused with {counted(balance.unsettled, 'reward')} to go"
            yield Task(what, href, f"issuance campaign resume {name}")
    for balance in balances:
        name = balance.campaign.name
        if balance.open_dead_letters:
            what = f"{name}: {counted(balance.open_dead_letters, 'dead letter')} to decide on"
            command = f"issuance dead-letters list --campaign {name}"
            yield Task(what, f"/campaigns/{name}#dead-letters", command)
        if not balance.balanced:
            what = f"{name}: the books differ"
            yield Task(what, f"/campaigns/{name}", f"issuance status {name} --recount")


def _calls_chart(view: View) -> Markup:
    site, subject = view.site, view.viewer.subject
    rates = site.shared.read(
        "rates", lambda: read_call_rates(subject, site.services, site.ledger, site.call_history)
    ).value
    series = [Series("calls a minute", rates.calls)]
    if any(value is not None for _, value in rates.allowed):
        series.append(Series("allowed", rates.allowed))
    chart = LineChart(
        "Calls a minute over the last 15 minutes",
        series,
        zone=view.viewer.zone,
        begin=rates.begin,
        end=rates.end,
        width=1000,
        height=180,
        empty="No call in the last 15 minutes",
        id="calls",
    )
    return Markup(draw_lines(chart))  # noqa: S704  # it escapes every text


def overview(view: View) -> Response:
    """Show the overview."""
    moment = read_shared_status(view)
    status = moment.value
    running = [each for each in status.balances if each.campaign.state not in _ENDED]
    ended = [each for each in reversed(status.balances) if each.campaign.state in _ENDED]
    values = {
        "moment": moment.at,
        "status": status,
        "tasks": list(tasks(status.balances)),
        "running": [(each, outcome_bar(each)) for each in running],
        "ended": [(each, outcome_bar(each)) for each in ended[:_SHOWN_ENDED]],
        "ended_total": len(ended),
        "chart": _calls_chart(view),
        "health": view.site.health.refresh(view.viewer.subject),
        "in_doubt": sum(each.counts.get(State.IN_DOUBT, 0) for each in status.balances),
    }
    return view.page("overview.html", values)


ROUTES = [route("/", overview)]
