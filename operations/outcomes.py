"""What an operator sees of a campaign's lines."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from issuance.states import SETTLED, State
from ledger.audit_effects import record_export, record_reveal
from ledger.audit_log import campaign_target
from ledger.campaigns import find_campaign, find_in
from ledger.queries.balance import balance
from ledger.queries.counters import counted_lines
from ledger.queries.outcomes import LinePlace, LineRecord, find_line, outcomes, settled_page
from ledger.retention.tombstones import pruned_state
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject

# What took the place of a replaced line counts for its customer; a revoked one had been issued.
_GOT_IT = frozenset({State.ISSUED, State.REPLACED, State.REVOKED})
NOT_ISSUED: Final = tuple(state for state in State if state not in _GOT_IT)
"""The states of lines whose customer has not got all units."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """A campaign's lines."""

    campaign: str
    """The campaign's name in the ledger."""
    account: str
    pruned: int
    """Lines that are not listed, because they were pruned."""
    lines: Iterator[LineRecord]
    """Oldest first; read as they are used."""


@needs(Right.VIEW, reveal=Right.REVEAL)
def list_outcomes(
    subject: Subject,
    ledger: Ledger,
    campaign: str,
    *,
    states: Collection[State] = (),
    form: str | None = None,
    reveal: bool,
) -> Outcomes:
    """List a campaign's lines. Exporting and revealing them is recorded first.

    Args:
        subject: asks for it.
        ledger: the record.
        campaign: its name.
        states: only lines in one of these states; empty: all.
        form: the format of an export; None: they are only shown.
        reveal: whether they will be shown unmasked, which needs a right of its own.

    Raises:
        CampaignError: there is no such campaign.
    """
    found = find_campaign(ledger, campaign)
    target = campaign_target(found.name)
    if form is not None:
        record_export(ledger, subject.acting(), target, form=form, reveal=reveal)
    elif reveal:
        record_reveal(ledger, subject.acting(), target)
    return Outcomes(
        found.name,
        found.account,
        balance(ledger, found.name).pruned,
        outcomes(ledger, found, states=states),
    )


@dataclass(frozen=True, slots=True)
class OutcomePage:
    """Some of a campaign's lines of one state."""

    campaign: str
    """The campaign's name in the ledger."""
    lines: Sequence[LineRecord]
    """In order of acceptance."""
    totals: Mapping[State, int]
    """The lines of each settled state that are in the ledger: pruned ones are not listed."""
    next: LinePlace | None
    """The next page is after this line; None: this is the last one."""


@needs(Right.VIEW)
def page_outcomes(
    subject: Subject, ledger: Ledger, campaign: str, state: State, *, after: LinePlace, limit: int
) -> OutcomePage:
    """Read a page of a campaign's lines of a settled state, to be shown masked.

    Args:
        subject: asks for it.
        ledger: the record.
        campaign: its name.
        state: a settled state.
        after: only lines that were accepted after this one; (0, -1): from the first on.
        limit: how many at most.

    Raises:
        CampaignError: there is no such campaign.
    """
    with ledger.read() as connection:
        found = find_in(connection, campaign)
        page = settled_page(connection, found.id, state, after=after, limit=limit + 1)
        totals: Counter[State] = Counter()
        for (_, counted), tally in counted_lines(connection, found.id).items():
            if counted in SETTLED:
                totals[counted] += tally.lines
    has_more = len(page) > limit
    shown = page[:limit]
    lines = [line for _, line in shown]
    return OutcomePage(found.name, lines, totals, shown[-1][0] if has_more else None)


@needs(Right.VIEW)
def read_line(subject: Subject, ledger: Ledger, request_id: str) -> LineRecord | State:
    """Read an accepted line, to be shown masked; of a pruned one only its state is left."""
    line = find_line(ledger, request_id)
    if line is not None:
        return line
    state = pruned_state(ledger, request_id)
    if state is None:
        raise AssertionError(f"an accepted line is never removed without a trace: {request_id}")
    return state
