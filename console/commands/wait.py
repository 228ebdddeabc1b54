"""Waiting until work has come to its end, with what goes on meanwhile shown on a terminal."""

import time
from collections.abc import Iterator

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from console.rendering.campaign import counts
from console.terminal import err, remark
from issuance.states import OPEN, CampaignState, State
from ledger.campaigns import find_campaign
from ledger.queries.balance import Balance, balance
from ledger.queries.outcomes import LineRecord, find_line
from ledger.retention.tombstones import pruned_state
from ledger.store.database import Ledger

_POLL_SECONDS = 0.5
_SHARE_OF_TIME = 4
"""A poll that takes long is followed by a wait that takes longer: waiting must not become the load."""
_HALTED = {
    CampaignState.PAUSED: "`issuance campaign resume` lets it go on",
    CampaignState.CANCELLED: "what is under way finishes by itself",
}


def wait_for_campaign(ledger: Ledger, name: str) -> Balance:
    """Wait until a campaign has no unsettled lines, or is paused or cancelled; returns its balance then."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        *(MofNCompleteColumn(), TaskProgressColumn(), TimeRemainingColumn()),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as progress:
        task = progress.add_task(name)
        for _ in _polls():
            found = balance(ledger, name)
            settled = found.campaign.accepted_lines - found.unsettled
            progress.update(
                task,
                total=found.campaign.accepted_lines,
                completed=settled,
                description=counts(found),
            )
            if not found.unsettled:
                return found
            if found.campaign.state in _HALTED:
                _say_halted(name, found.campaign.state)
                return found
    raise AssertionError("unreachable: the polls never end")


def wait_for_line(ledger: Ledger, request_id: str) -> LineRecord | State:
    """Wait until a line is settled, or its campaign is paused or cancelled; returns it as it is then.

    Of a line that was pruned only its state is left.
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
