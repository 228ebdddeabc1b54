"""What happened to a campaign while it worked: acts, stops, closed windows, and its budget."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from charts.line import Mark
from issuance.windows import stored_window
from ledger.audit_log import AuditEntry
from ledger.campaigns import Campaign, find_in
from ledger.queries.campaign_times import (
    CampaignTimes,
    acts_until,
    budget_notices,
    read_times,
)
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.history_sentences import sentence

MOST_MARKS = 100
_ENDED_BY = {"pause": ("resume", "cancel"), "stop": ("resume", "cancel")}
_BEFORE = ("submit", "approve")
"""Also shown if they came before the start: at the left end of a chart."""
_MOMENTS = (
    *("resume", "cancel", "start", "set", "weight", "bulk revoke"),
    *("stop reward", "continue reward", "remove reward", "canary passed"),
    *("set limit done", "end suspensions done"),
)
NOT_DRAWN = (
    "These charts leave out the adaptive limit, suspensions and the backlog. The account's page "
    "has the last hour of the first two; a closed campaign's report has the limit and the backlog."
)
"""What the charts of a campaign's page do not show, and where it is."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What happened, the oldest first."""

    shown: Sequence[Mark]
    total: int
    """If there are more than are shown, the oldest are left out."""


@needs(Right.VIEW)
def read_marks(subject: Subject, ledger: Ledger, name: str) -> Marks:
    """Read the marks for the charts of a campaign; none before it has started.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        campaign = find_in(connection, name)
        times = read_times(connection, campaign)
        if times.begin is None:
            return Marks([], 0)
        recorded = acts_until(connection, campaign, (*_BEFORE, *_ENDED_BY, *_MOMENTS), times.end)
        notices = budget_notices(connection, campaign.id)
    begin = times.begin / 1000
    acts = [each for each in recorded if each.verb in _BEFORE or each.at.timestamp() >= begin]
    found = [*_acts(acts, campaign, times.end), *_closed(times)]
    found += [Mark(at / 1000, f"{percent} % of the budget is issued") for at, percent in notices]
    found.sort(key=lambda mark: (mark.at, mark.what))
    return Marks(found[-MOST_MARKS:], len(found))


def _acts(acts: Sequence[AuditEntry], campaign: Campaign, end_ms: int) -> Iterator[Mark]:
    for place, entry in enumerate(acts):
        ends = _ENDED_BY.get(entry.verb)
        until = None
        if ends is not None:
            later = (each.at.timestamp() for each in acts[place:] if each.verb in ends)
            until = next(later, end_ms / 1000)
        kind, _, name = entry.target.partition(":")
        what = name if kind == "campaign" else f"account {name}"
        said = sentence(entry.verb, what, entry.before, entry.after)
        yield Mark(entry.at.timestamp(), f"{entry.subject} {said}", until)


def _closed(times: CampaignTimes) -> Iterator[Mark]:
    """Yield the times at which its window, as it is now, was closed."""
    window = None if times.window is None else stored_window(times.window, times.timezone)
    if window is None or times.begin is None:
        return
    at, end = (datetime.fromtimestamp(ms / 1000, UTC) for ms in (times.begin, times.end))
    closes = at if not window.is_open(at) else window.closes_at(at)
    while closes is not None and closes < end:
        opens = window.opens_at(closes)
        yield Mark(
            closes.timestamp(),
            f"the window {window.text} ({window.timezone}) was closed",
            min(opens, end).timestamp(),
        )
        closes = window.closes_at(opens + timedelta(seconds=1))
