"""Waits until work is settled; a terminal shows the progress."""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn
from rich.text import Text

from console.rendering.campaign import counts
from console.rendering.campaign_page import end_line
from console.rendering.progress import TimeElapsed
from console.terminal import err, remark
from issuance.states import OPEN, CampaignState, State
from ledger.queries.balance import Balance
from ledger.queries.outcomes import LineRecord
from ledger.store.database import Ledger
from operations.access.subject import Subject
from operations.campaigns import read_balance, read_state
from operations.forecast.reader import read_outlook
from operations.outcomes import read_line
from operations.services import Services

_POLL_SECONDS = 0.5
_SHARE_OF_TIME = 4
"""The wait after a poll, as a multiple of the poll's time: polling stays a small load."""
_HALTED = {
    CampaignState.PAUSED: "`issuance campaign resume` continues it",
    CampaignState.STOPPED: "`issuance status` says why, and what can be done",
    CampaignState.CANCELLED: "calls under way finish by themselves",
}


class _Waiting(Progress):
    """A bar, and below it the counts of lines by state and the forecast of the end."""

    counts = ""
    end = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The lines on the terminal."""
        yield from super().get_renderables()
        yield Text(self.counts)
        if self.end:
            yield Text(self.end)


def wait_for_campaign(subject: Subject, services: Services, ledger: Ledger, name: str) -> Balance:
    """Wait until a campaign is settled, paused, stopped or cancelled; return its balance."""
    with _Waiting(
        *(BarColumn(bar_width=20), MofNCompleteColumn(), TaskProgressColumn(), TimeElapsed()),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name)
        for _ in _polls():
            found = read_balance(subject, ledger, name)
            accepted = found.campaign.accepted_lines
            progress.counts = counts(found)
            progress.update(task, total=accepted, completed=accepted - found.unsettled)
            if not progress.disable:
                outlook = read_outlook(subject, services, ledger, found)
                progress.end = end_line(outlook, datetime.now(UTC))
            if not found.unsettled:
                return found
            if found.campaign.state in _HALTED:
                _say_halted(name, found.campaign.state)
                return found
    raise AssertionError("unreachable: the polls never end")


def wait_for_line(subject: Subject, ledger: Ledger, request_id: str) -> LineRecord | State:
    """Wait until a line is settled, or its campaign does not run any more; return the line.

    A pruned line has nothing left but its state.
    """
    for _ in _polls():
        line = read_line(subject, ledger, request_id)
        if isinstance(line, State) or line.state not in OPEN:
            return line
        halted = read_state(subject, ledger, line.campaign)
        if halted in _HALTED:
            _say_halted(line.campaign, halted)
            return line
    raise AssertionError("unreachable: the polls never end")


def _polls() -> Iterator[None]:
    while True:
        began = time.monotonic()
        yield
        time.sleep(max(_POLL_SECONDS, _SHARE_OF_TIME * (time.monotonic() - began)))


def _say_halted(name: str, state: CampaignState) -> None:
    remark(f"Not waiting: campaign {name} is {state}; {_HALTED[state]}.")
