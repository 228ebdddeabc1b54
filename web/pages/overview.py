"""What runs, what needs a person, the account, and whether the system is healthy."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from markupsafe import Markup
from starlette.responses import Response

from config.settings import SettingsError
from issuance.outcome import Reason
from issuance.states import CampaignState
from ledger.dead_letters.groups import LetterGroup
from limiter.unavailable import LimitsUnavailable
from operations.dead_letters import list_groups
from operations.formats import counted, one_line
from operations.limits import breaker_text, chosen_accounts
from operations.status import Presence, Status, find_presence, read_status
from web.pages.account_chart import account_chart, read_shared_past
from web.pages.progress import outcome_bar
from web.routing import View, route
from web.shared import Moment

_ENDED = (CampaignState.FINISHED, CampaignState.CANCELLED, CampaignState.CLOSED)
_SHOWN_ENDED = 20
_NEW = timedelta(hours=1)
_SHOWN_ACCOUNTS = 3
_PRESENCE_WAIT_SECONDS, _PRESENCE_OLDEST_SECONDS = 5.0, 15.0


@dataclass(frozen=True, slots=True)
class Task:
    """Something that needs a person."""

    what: str
    href: str
    command: str


def read_shared_status(view: View, campaign: str | None = None) -> Moment[Status]:
    """Read the status of a campaign or of everything; pages that are open together share one."""
    site, subject = view.site, view.viewer.subject

    def read() -> Status:
        presence = site.presence.read(
            lambda: find_presence(subject, site.services),
            wait_seconds=_PRESENCE_WAIT_SECONDS,
            oldest_seconds=_PRESENCE_OLDEST_SECONDS,
        )
        return read_status(
            subject,
            site.services,
            site.ledger,
            campaign,
            presence=presence.value if presence else Presence(False, "the workers are being asked"),
        )

    return view.shared(("status", campaign), read)


def tasks(status: Status) -> Iterator[Task]:
    """Find what needs a person in the campaigns, the most urgent first."""
    for balance in status.balances:
        name, state = balance.campaign.name, balance.campaign.state
        href = f"/campaigns/{name}"
        if state is CampaignState.STOPPED:
            yield Task(f"{name} was stopped", href, f"issuance status {name}")
        elif name in status.stopped:
            yield Task(f"{name}: some of its rewards are stopped", href, f"issuance status {name}")
        if state is CampaignState.AWAITING_APPROVAL:
            yield Task(
                f"{name} waits for approval", f"{href}/plan", f"issuance campaign plan {name}"
            )
        if state is CampaignState.PAUSED and balance.unsettled:
            what = f"{name} is paused with {counted(balance.unsettled, 'reward')} to go"
            yield Task(what, href, f"issuance campaign resume {name}")
    for balance in status.balances:
        name = balance.campaign.name
        if balance.open_dead_letters:
            what = f"{name}: {counted(balance.open_dead_letters, 'dead letter')} to decide on"
            command = f"issuance dead-letters list --campaign {name}"
            yield Task(what, f"/campaigns/{name}#dead-letters", command)
        if not balance.balanced:
            what = f"{name}: the books differ"
            yield Task(what, f"/campaigns/{name}", f"issuance status {name} --recount")


@dataclass(frozen=True, slots=True)
class AccountHour:
    """An account's last hour in one chart."""

    name: str
    chart: Markup | None
    state: str
    """Whether calls may start; why nothing is known if there is no chart."""


def group_tasks(groups: Iterable[LetterGroup], now: datetime) -> Iterator[Task]:
    """Find the groups of dead letters that are new, and the rewards in doubt."""
    doubt = 0
    for group in groups:
        reason = group.text.reason
        if reason is Reason.IN_DOUBT:
            doubt += group.letters
        if group.first_seen is None or reason is None or now - group.first_seen > _NEW:
            continue
        code = "" if group.text.code is None else f" {group.text.code}"
        what = (
            f"new in the last hour: {counted(group.letters, 'dead letter')}, "
            f"{reason.replace('_', ' ')}{code}: {one_line(group.text.pattern)}"
        )
        command = f"issuance dead-letters list --group {group.text.id}"
        yield Task(what, f"/dead-letters#group-{group.text.id}", command)
    if doubt:
        command = "issuance dead-letters list --reason in_doubt"
        what = f"{counted(doubt, 'reward')} in doubt"
        yield Task(what, "/dead-letters?reason=in_doubt", command)


def _read_groups(view: View) -> list[LetterGroup]:
    site, subject = view.site, view.viewer.subject
    return view.shared(("groups", ()), lambda: list_groups(subject, site.ledger), rarely=True).value


def _hours(view: View, names: list[str]) -> Iterator[AccountHour]:
    for name in names:
        try:
            past = read_shared_past(view, name).value
        except (LimitsUnavailable, SettingsError) as error:
            yield AccountHour(name, None, str(error))
        else:
            state = breaker_text(past.limits.state.account)
            yield AccountHour(name, account_chart(view, past, height=160), state)


def overview(view: View) -> Response:
    """Show the overview."""
    moment = read_shared_status(view)
    status = moment.value
    running = [each for each in status.balances if each.campaign.state not in _ENDED]
    ended = [each for each in reversed(status.balances) if each.campaign.state in _ENDED]
    names = chosen_accounts(view.site.services, None)
    values = {
        "moment": moment.at,
        "status": status,
        "tasks": [
            *tasks(status),
            *group_tasks(_read_groups(view), datetime.now(UTC)),
        ],
        "running": [(each, outcome_bar(each)) for each in running],
        "ended": [(each, outcome_bar(each)) for each in ended[:_SHOWN_ENDED]],
        "ended_total": len(ended),
        "accounts": list(_hours(view, names[:_SHOWN_ACCOUNTS])),
        "accounts_total": len(names),
        "health": view.site.health.refresh(view.viewer.subject),
    }
    return view.page("overview.html", values)


ROUTES = [route("/", overview)]
