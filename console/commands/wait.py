"""Waits until work is settled; a terminal shows the progress."""

import time
from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn
from rich.text import Text

from console.rendering.campaign import counts
from console.rendering.progress import TimeElapsed, TimeLeft
from console.terminal import err, remark
from issuance.states import OPEN, CampaignState, State
from ledger.campaigns import find_campaign
from ledger.queries.balance import Balance, balance
from ledger.queries.outcomes import LineRecord, find_line
from ledger.retention.tombstones import pruned_state
from ledger.store.database import Ledger

_POLL_SECONDS = 0.5
_SHARE_OF_TIME = 4
"""The wait after a poll, as a multiple of the poll's time: polling stays a small load."""
_HALTED = {
    CampaignState.PAUSED: "`issuance campaign resume` continues it",
    CampaignState.CANCELLED: "calls under way finish by themselves",
}


class _Waiting(Progress):
    """A bar, and below it the counts of lines by state."""

    counts = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The lines on the terminal."""
        yield from super().get_renderables()
        yield Text(self.counts)


def wait_for_campaign(ledger: Ledger, name: str) -> Balance:
    """Wait until a campaign is settled, paused or cancelled; return its balance."""
    with _Waiting(
        *(BarColumn(bar_width=20), MofNCompleteColumn(), TaskProgressColumn()),
        *(TimeElapsed(), TimeLeft()),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name)
        for _ in _polls():
            found = balance(ledger, name)
            accepted = found.campaign.accepted_lines
            progress.counts = counts(found)
            progress.update(task, total=accepted, completed=accepted - found.unsettled)
            if not found.unsettled:
                return found
            if found.campaign.state in _HALTED:
                _say_halted(name, found.campaign.state)
                return found
    raise AssertionError("unreachable: the polls never end")


def wait_for_line(ledger: Ledger, request_id: str) -> LineRecord | State:
    """Wait until a line is settled, or its campaign is paused or cancelled; return the line.

    A pruned line has nothing left but its state.
    """
    for _ in _polls():
        line = find_line(ledger, request_id)
        if line is None:
            state = pruned_state(ledger, request_id)
            if state is None:
                raise AssertionError(
                    f"an accepted line is never removed without a trace: {request_id}"
                )
            return state
        if line.state not in OPEN:
            return line
        halted = find_campaign(ledger, line.campaign).state
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
