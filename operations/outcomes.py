"""What an operator sees of lines: a campaign's outcomes, and one reward with its calls."""

from collections.abc import Iterator
from dataclasses import dataclass

from issuance.states import State
from ledger.audit_effects import record_export, record_reveal
from ledger.audit_log import campaign_target, line_target
from ledger.campaigns import find_campaign
from ledger.dead_letters.browse import AttemptRecord, attempts_of
from ledger.queries.balance import balance
from ledger.queries.outcomes import LineRecord, find_line, lines_of_job, outcomes
from ledger.retention.tombstones import pruned_state
from ledger.store.database import Ledger
from operations.access.needs import needs
from operations.access.roles import Right
from operations.access.subject import Subject
from operations.errors import UsageError
from operations.formats import one_line


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


@dataclass(frozen=True, slots=True)
class Reward:
    """One line with all that is known of it."""

    line: LineRecord
    known: tuple[str, ...]
    """What masked texts about it must not show."""
    calls: list[AttemptRecord]


@needs(Right.VIEW, reveal=Right.REVEAL)
def list_outcomes(
    subject: Subject,
    ledger: Ledger,
    campaign: str,
    *,
    state: State | None = None,
    form: str | None = None,
    reveal: bool,
) -> Outcomes:
    """List a campaign's lines. Exporting and revealing them is recorded first.

    Args:
        subject: asks for it.
        ledger: the record.
        campaign: its name.
        state: only lines in this state; None: all.
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
        outcomes(ledger, found, state=state),
    )


@needs(Right.VIEW, reveal=Right.REVEAL)
def show_reward(subject: Subject, ledger: Ledger, request_id: str, *, reveal: bool) -> Reward:
    """Read one line; `reveal`: whether it will be shown unmasked, which needs a right of its own.

    Revealing is recorded first.

    Raises:
        UsageError: there is no such line.
    """
    line = find_line(ledger, request_id.strip().lower())
    if line is None:
        raise UsageError(
            f"There is no line {one_line(request_id)}: `issuance outcomes CAMPAIGN` lists the "
            "requestIds; a pruned line is only in the archive"
        )
    if reveal:
        record_reveal(ledger, subject.acting(), line_target(line.request_id))
    known = {text: None for each in lines_of_job(ledger, line.request_id) for text in each.known}
    return Reward(line, tuple(known), attempts_of(ledger, line.request_id))


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
