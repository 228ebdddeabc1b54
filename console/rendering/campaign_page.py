"""One campaign's page: what it has to go, its speed, when it ends, and what limits it."""

import shlex
from collections.abc import Iterator
from datetime import UTC, datetime

from rich.text import Text

from console.rendering.campaign import difference, sums
from console.terminal import whole
from issuance.states import OPEN, SETTLED, CampaignState, State
from ledger.queries.balance import Balance
from operations.forecast.outlook import Ends, Outlook, ToGo
from operations.formats import counted, duration, lasting, time_of_day

_WIDTH = 14
_ALWAYS_SHOWN = (State.ISSUED, State.PARTIAL, State.FAILED)
_NOT_STARTED = (CampaignState.DRAFT, CampaignState.AWAITING_APPROVAL, CampaignState.SCHEDULED)


def campaign_page(balance: Balance, outlook: Outlook, next_step: str = "") -> list[Text]:
    """The page's lines; `next_step` says what is to be done before the campaign starts."""
    moment = datetime.now(UTC)
    campaign = balance.campaign
    title = f"{campaign.name}: {campaign.state.replace('_', ' ')}"
    if outlook.started_at and campaign.state not in _NOT_STARTED:
        title += f", started {time_of_day(outlook.started_at, moment)}"
    if campaign.weight != 1:
        title += f", weight {campaign.weight}"
    lines = [Text(title, style="bold"), *map(Text, _facts(balance, outlook, moment))]
    if next_step:
        lines.append(Text(_row("next", next_step)))
    if not balance.balanced:
        lines.append(Text(_row("BOOKS DIFFER", difference(balance)), style="bold red"))
    return lines


def _row(name: str, text: str) -> str:
    return f"  {name:<{_WIDTH}}{text}"


def _facts(balance: Balance, outlook: Outlook, now: datetime) -> Iterator[str]:
    yield _row(counted(balance.campaign.accepted_lines, "line"), _counts(balance))
    for line in sums(balance):
        yield _row("", line)
    if balance.unsettled:
        yield _row("to go", " · ".join(_to_go(outlook.to_go, now)))
    if balance.unsettled and (outlook.ends or outlook.per_second):
        allowed = outlook.allowed_per_second
        of = f" (of {allowed:,.0f} allowed)" if allowed else ""
        yield _row("speed", f"{outlook.per_second:,.1f} calls a second{of}")
    if outlook.ends:
        yield _row("will be done", ends_text(outlook.ends, now))
    elif balance.unsettled:
        yield _row("will be done", f"unknown: {outlook.because or 'no speed is known yet'}")
    if outlook.because and outlook.ends:
        yield _row("limited by", outlook.because)
    if outlook.finished_at:
        yield _row("finished", _finished(outlook.finished_at, outlook.started_at, now))
    if balance.open_dead_letters:
        command = whole(
            f"issuance dead-letters list --campaign {shlex.quote(balance.campaign.name)}"
        )
        yield _row("dead letters", f"{balance.open_dead_letters:,} open: {command}")


def _counts(balance: Balance) -> str:
    shown = [
        f"{balance.counts[state]:,} {state.replace('_', ' ')}"
        for state in SETTLED
        if balance.counts[state] or state in _ALWAYS_SHOWN
    ]
    accepted = balance.campaign.accepted_lines
    if balance.unsettled:
        shown.append(f"{sum(balance.counts[state] for state in OPEN):,} to go")
    if balance.pruned:
        shown.append(f"({balance.pruned:,} of them pruned)")
    done = f"  {(accepted - balance.unsettled) * 100 // accepted} %" if accepted else ""
    return " · ".join(shown) + done


def _to_go(to_go: ToGo, now: datetime) -> Iterator[str]:
    if to_go.not_sent or not (to_go.again or to_go.looked_up or to_go.held):
        yield f"{to_go.not_sent:,} not sent yet"
    if to_go.again:
        by = f" by {time_of_day(to_go.again_by, now)}" if to_go.again_by else ""
        yield f"{to_go.again:,} tried again{by}"
    if to_go.looked_up:
        by = f" by {time_of_day(to_go.looked_up_by, now)}" if to_go.looked_up_by else ""
        yield f"{to_go.looked_up:,} looked up{by}"
    if to_go.held:
        yield f"{to_go.held:,} held: their reward is stopped"


def ends_text(ends: Ends, now: datetime) -> str:
    """`18:30:10Z to 18:33:00Z, likely 18:31:02Z (in 4 min)`."""
    times = (ends.earliest, ends.latest, ends.likely)
    early, late, likely = (time_of_day(each, now) for each in times)
    left = duration(max(0.0, (ends.likely - now).total_seconds()))
    span = f"{early} to {late}, likely {likely}" if early != late else f"about {likely}"
    return f"{span} (in {left})"


def end_line(outlook: Outlook, now: datetime) -> str:
    """`done 18:30:10Z to 18:33:00Z, likely 18:31:02Z (in 4 min); limited by …`, or why unknown."""
    if outlook.ends is None:
        return f"end unknown: {outlook.because}" if outlook.because else ""
    because = f"; limited by {outlook.because}" if outlook.because else ""
    return f"done {ends_text(outlook.ends, now)}{because}"


def _finished(finished: datetime, started: datetime | None, now: datetime) -> str:
    text = time_of_day(finished, now)
    if started is None:
        return text
    return f"{text}, took {lasting((finished - started).total_seconds())}"
