"""Acceptance: jobs enter the ledger first, in bulk and idempotently (design rule 1)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from issuance.approval_policy import NO_POLICY, ApprovalPolicy
from issuance.derived_keys import Purpose
from issuance.job import Job
from issuance.redrive.narrow import narrow
from issuance.states import CampaignState
from ledger.approvals import VOIDABLE, void_approval
from ledger.audit_log import SYSTEM, Operator, campaign_target, record_action
from ledger.campaigns import Campaign, CampaignError
from ledger.intake.ceiling import check_ceiling
from ledger.intake.earlier import Earlier, Found, find_earlier, is_same, is_whole
from ledger.intake.insertion import insert_jobs
from ledger.intake.transaction_numbers import taken_numbers
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, intakes
from ledger.store.secret import Keys

_TRIES = 3


@dataclass(frozen=True, slots=True)
class Conflict:
    """A job that was not accepted."""

    job: Job
    kind: Literal["repeat", "changed", "number", "quantity", "ceiling"]
    """`repeat`: the intake had this customer and reward before; `changed`: the ledger has another
    payload under this requestId; `number`: another job has this transactionNumber; `quantity`: the
    job is new, and a line of it asks for more units than the ceiling; `ceiling`: the job is new,
    and needs the approval of a second person."""
    first_line: int
    """The row of the file that was accepted; 0 when it came from no file."""
    is_exact: bool = True
    """False: `first_line` is where the accepted job begins, and a later row of it is meant."""


@dataclass(slots=True)
class Acceptance:
    """The result of accepting a batch of jobs."""

    accepted: list[Job] = field(default_factory=list)
    known: list[Job] = field(default_factory=list)
    """Already in the ledger with the same payload: nothing was added."""
    conflicts: list[Conflict] = field(default_factory=list)


class Act(NamedTuple):
    """An act of acceptance, for the audit log."""

    operator: Operator
    target: str
    what: str
    """What is accepted, without a customer."""


class Bounds(NamedTuple):
    """What may be accepted. What was accepted before stays known, whatever the bounds are now."""

    max_quantity: int | None = None
    """The most units of a line of a new job; None: no ceiling."""
    policy: ApprovalPolicy = NO_POLICY
    """Bounds what one person may add to a campaign that has started."""
    needs_approval: bool = False
    """A new job needs a second person, so it is refused."""


NO_BOUNDS = Bounds()


class _Accepting(NamedTuple):
    """For whom a batch is accepted."""

    campaign_id: int
    intake_id: int | None
    line_by_line: bool
    bounds: Bounds
    keys: Keys


def open_intake(
    ledger: Ledger, campaign: Campaign, source: str, operator: Operator = SYSTEM
) -> int:
    """Record that a file is being read, and by whom; returns the intake's id."""
    with ledger.write() as connection:
        values = {
            "campaign_id": campaign.id,
            "source": source,
            "accepted": 0,
            "known": 0,
            "refused": 0,
        }
        result = connection.execute(insert(intakes).values(started_at=now_ms(), **values))
        key = result.inserted_primary_key
        assert key is not None  # noqa: S101  # a single-row insert always has one
        record_action(
            connection,
            operator,
            verb="accept",
            target=campaign_target(campaign.name),
            after=f"file {source}",
        )
        return int(key[0])


def close_intake(
    ledger: Ledger,
    intake_id: int,
    *,
    operator: Operator = SYSTEM,
    accepted: int,
    known: int,
    refused: int,
    warned: int = 0,
) -> None:
    """Record that a file was read to its end."""
    counts = {"accepted": accepted, "known": known, "refused": refused, "warned": warned}
    with ledger.write() as connection:
        connection.execute(
            update(intakes).where(intakes.c.id == intake_id).values(finished_at=now_ms(), **counts)
        )
        found = connection.execute(_INTAKE.where(intakes.c.id == intake_id)).one()
        record_action(
            connection,
            operator,
            verb="accepted",
            target=campaign_target(found.name),
            before=f"file {found.source}",
            after=f"{accepted} accepted, {known} known, {refused} refused",
        )


_INTAKE = select(campaigns.c.name, intakes.c.source).join(
    campaigns, campaigns.c.id == intakes.c.campaign_id
)


def accept(
    ledger: Ledger,
    campaign: Campaign,
    batch: Sequence[Job],
    *,
    intake_id: int | None = None,
    line_by_line: bool = False,
    bounds: Bounds = NO_BOUNDS,
    act: Act | None = None,
) -> Acceptance:
    """Accept the new jobs of a batch in one transaction.

    Args:
        ledger: the record.
        campaign: the campaign of all jobs.
        batch: at most a few thousand jobs.
        intake_id: the intake they come from; distinguishes a row repeated in a file from a file
            that is read again.
        line_by_line: whether each line is new or known by itself, like the rows of a file: the new
            lines of a job are accepted as a job of their own. Otherwise a job is new, known or in
            conflict as a whole, like a request with an idempotency key.
        bounds: what may be accepted.
        act: recorded with the batch; None: it belongs to an act that was recorded before, such as
            an intake.

    Raises:
        CampaignError: the campaign was cancelled or closed, or the batch needs an approval.
    """
    acceptance, commit = accept_uncommitted(
        ledger,
        campaign,
        batch,
        intake_id=intake_id,
        line_by_line=line_by_line,
        bounds=bounds,
        act=act,
    )
    commit()
    return acceptance


def accept_uncommitted(
    ledger: Ledger,
    campaign: Campaign,
    batch: Sequence[Job],
    *,
    intake_id: int | None = None,
    line_by_line: bool = False,
    bounds: Bounds = NO_BOUNDS,
    act: Act | None = None,
) -> tuple[Acceptance, Callable[[], None]]:
    """Do the same as `accept`, but leave the commit to the returned function.

    It may be called in another thread, which then waits for the disk. Until then nothing else in
    this process may write.
    """
    accepting = _Accepting(campaign.id, intake_id, line_by_line, bounds, ledger.keys)
    for attempt in range(1, _TRIES + 1):
        try:
            with ExitStack() as stack:
                connection = stack.enter_context(ledger.write())
                acceptance, state = _accept(connection, campaign, batch, accepting)
                if act is not None and acceptance.accepted:
                    record_action(
                        connection, act.operator, verb="accept", target=act.target, after=act.what
                    )
                if state in VOIDABLE and acceptance.accepted:
                    operator = SYSTEM if act is None else act.operator
                    void_approval(
                        connection, campaign.id, campaign.name, operator, "rows were added"
                    )
                return acceptance, stack.pop_all().close
        except IntegrityError:
            # Another producer has just accepted one of these requestIds in another campaign.
            if attempt == _TRIES:
                raise
    raise AssertionError("unreachable")


def _accept(
    connection: Connection, campaign: Campaign, batch: Sequence[Job], accepting: _Accepting
) -> tuple[Acceptance, CampaignState]:
    state = _lock_campaign(connection, campaign)
    acceptance = _sort_out(connection, batch, accepting)
    if acceptance.accepted:
        if accepting.bounds.policy.is_set:
            check_ceiling(connection, campaign, acceptance.accepted, accepting.bounds.policy)
        insert_jobs(
            connection,
            campaign.id,
            acceptance.accepted,
            customer_key=accepting.keys[Purpose.CUSTOMERS],
            intake_id=accepting.intake_id,
        )
    return acceptance, state


def _lock_campaign(connection: Connection, campaign: Campaign) -> CampaignState:
    # The row lock makes producers of one campaign take turns; SQLite's writers always do.
    query = select(campaigns.c.state).where(campaigns.c.id == campaign.id)
    state = connection.scalar(query.with_for_update(key_share=True))
    if state is None:
        raise CampaignError(
            f"Campaign {campaign.name} was empty and removed meanwhile: run this again"
        )
    if state in _ENDED:
        raise CampaignError(f"Campaign {campaign.name} was {state}: choose another name")
    return CampaignState(state)


_ENDED = (CampaignState.CANCELLED, CampaignState.CLOSED)


def _sort_out(connection: Connection, batch: Sequence[Job], accepting: _Accepting) -> Acceptance:
    """Sort a batch into new jobs, known ones and conflicts; writes nothing."""
    acceptance = Acceptance()
    earlier = find_earlier(connection, batch, accepting.keys[Purpose.BODIES])
    numbers = taken_numbers(connection, batch)
    for job in batch:
        for part in (
            _split(job, earlier) if accepting.line_by_line and len(job.lines) > 1 else (job,)
        ):
            found = next(
                (earlier[line.request_id] for line in part.lines if line.request_id in earlier),
                None,
            )
            if found is None:
                if (conflict := _conflict_of_new(part, numbers, accepting)) is not None:
                    acceptance.conflicts.append(conflict)
                    continue
                acceptance.accepted.append(part)
                if part.transaction_number is not None:
                    numbers[part.transaction_number] = part.source_line
                for position, line in enumerate(part.lines):
                    row = Earlier(
                        accepting.intake_id,
                        part.source_line,
                        position,
                        part.variant,
                        part.body,
                        accepting.campaign_id,
                    )
                    earlier[line.request_id] = row
            elif kind := _conflict_with(earlier, found, job, part, accepting):
                acceptance.conflicts.append(
                    Conflict(part, kind, found.source_line, found.position == 0)
                )
            else:
                acceptance.known.append(part)
    return acceptance


def find_conflict(ledger: Ledger, job: Job, bounds: Bounds = NO_BOUNDS) -> Conflict | None:
    """Say why a job could not be accepted into a new campaign; None: it could. Changes nothing."""
    keys = ledger.keys
    with ledger.read() as connection:
        new = _Accepting(_NO_CAMPAIGN, None, line_by_line=False, bounds=bounds, keys=keys)
        conflicts = _sort_out(connection, [job], new).conflicts
    return conflicts[0] if conflicts else None


_NO_CAMPAIGN = 0


def _conflict_of_new(
    part: Job, numbers: Mapping[str | None, int], accepting: _Accepting
) -> Conflict | None:
    """Say why a new part of a job cannot be accepted; None: it can."""
    if (most := accepting.bounds.max_quantity) is not None:
        for line in part.lines:
            if line.quantity > most:
                return Conflict(part, "quantity", 0)
    if accepting.bounds.needs_approval:
        return Conflict(part, "ceiling", 0)
    if part.transaction_number in numbers:
        return Conflict(part, "number", numbers[part.transaction_number])
    return None


def _conflict_with(
    earlier: Mapping[str, Found], found: Found, job: Job, part: Job, key: _Accepting
) -> Literal["repeat", "changed"] | None:
    """Say why a part of a job conflicts with what is stored; None: it is the same."""
    if (
        key.intake_id is not None
        and found.intake_id == key.intake_id
        and not _is_same_row(found, job)
    ):
        return "repeat"
    if found.campaign_id == key.campaign_id and is_same(
        earlier, found, part, line_by_line=key.line_by_line
    ):
        return None
    return "changed"


def _split(job: Job, earlier: dict[str, Found]) -> list[Job]:
    """Split a job into its new lines, which stay together, and each of its known ones."""
    known = [line.request_id for line in job.lines if line.request_id in earlier]
    if not known or is_whole(earlier[known[0]], job):
        return [job]
    new = {line.request_id for line in job.lines}.difference(known)
    parts = [narrow(job, {request_id}) for request_id in known]
    return [narrow(job, new), *parts] if new else parts


def _is_same_row(found: Found, job: Job) -> bool:
    """Whether the found job begins at one of this job's rows: both were made from the same rows."""
    return found.source_line == job.source_line or any(
        found.source_line == line.source_line for line in job.lines
    )
