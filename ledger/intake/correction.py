"""Correction: a corrected file takes the place of the lines that its customers had before.

Only lines that issued nothing and never will give way: what may be issued stays as it is.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import CompoundSelect, Connection, select, union, update

from issuance.customer import Customer
from issuance.customer_digest import customer_digest
from issuance.derived_keys import Purpose
from issuance.job import Job
from issuance.states import CampaignState, DeadLetterState, State
from ledger.audit_log import Operator, campaign_target, record_action
from ledger.campaigns import Campaign, CampaignError
from ledger.replacement import replace_lines
from ledger.store.clock import now_ms
from ledger.store.commit_log import log_jobs_after_commit
from ledger.store.database import Ledger
from ledger.store.dialects.dialect import dialect_of
from ledger.store.schema import IS_OPEN, IS_SETTLED_LINE, jobs, lines

_CUSTOMERS_AT_ONCE = 2_000
_UNSETTLED = (State.WAITING, State.QUEUED, State.RUNNING)
_DONE = (State.ISSUED, State.REVOKED, State.REPLACED)
_GIVE_WAY = frozenset({State.FAILED, *_DONE})


@dataclass(slots=True)
class Corrected:
    """What a correction did."""

    replaced: int = 0
    """Lines that gave way."""
    unsent: int = 0
    """Those of them that were not sent yet: they are withdrawn."""
    kept: Counter[str] = field(default_factory=Counter)
    """Lines that may be issued, by what they are: they were not touched."""


class _Wanted(NamedTuple):
    """What the file asks for a customer."""

    customer: str
    request_ids: tuple[str, ...]


class _Found(NamedTuple):
    """A line of a customer in the campaign, with its job's state."""

    job_number: int
    request_id: str
    state: str
    quantity: int | None
    vouchers: str | None
    customer: str
    customer_digest: int
    job_state: str
    may_have_reached: bool

    @property
    def shows_units(self) -> bool:
        """Whether a reply has shown units of it."""
        return bool(self.quantity or self.vouchers)


class Correction:
    """Collects what a file asks for, and then replaces what its customers had instead.

    It may be run again after a crash: what was replaced stays so, and the rest follows.

    Args:
        ledger: the record.
        campaign: the campaign whose lines give way.
        source: the file's name.
        operator: the operator, for the audit log.

    Raises:
        CampaignError: the campaign is closed.
    """

    def __init__(self, ledger: Ledger, campaign: Campaign, source: str, operator: Operator) -> None:
        if campaign.state is CampaignState.CLOSED:
            raise CampaignError(
                f"Campaign {campaign.name} is closed: its lines are accounted for, and none of "
                "them can be replaced"
            )
        self._ledger = ledger
        self._campaign = campaign
        self._source = source
        self._operator = operator
        self._key = ledger.key(Purpose.CUSTOMERS)
        with ledger.read() as connection:
            self._wanted: dict[int, _Wanted | None] = dict.fromkeys(
                connection.scalars(_customers(campaign.id))
            )

    def note(self, of_file: Iterable[Job]) -> None:
        """Remember the rows of customers whose lines may give way: others cost no memory."""
        for job in of_file:
            digest = customer_digest(job.customer, self._key)
            if digest in self._wanted:
                before = self._wanted[digest]
                ids = tuple(line.request_id for line in job.lines)
                self._wanted[digest] = _Wanted(
                    job.customer.canonical, ((*before.request_ids, *ids) if before else ids)
                )

    def apply(self) -> Corrected:
        """Replace the lines of these customers that the file has no more."""
        done = Corrected()
        digests = [digest for digest, wanted in self._wanted.items() if wanted is not None]
        for start in range(0, len(digests), _CUSTOMERS_AT_ONCE):
            with self._ledger.write() as connection:
                self._apply(connection, digests[start : start + _CUSTOMERS_AT_ONCE], done)
        return done

    def _apply(self, connection: Connection, digests: Sequence[int], done: Corrected) -> None:
        replaced_by: dict[str, str] = {}
        letters: dict[int, str] = {}
        withdrawn: list[int] = []
        for number, of_job in self._jobs(connection, digests):
            wanted = self._wanted[of_job[0].customer_digest]
            if wanted is None or not _is_of(of_job, wanted):
                continue
            if why := _why_kept(of_job):
                done.kept.update({why: len(of_job)})
                continue
            given_way = [line for line in of_job if line.state in (State.FAILED, State.WAITING)]
            if not given_way:
                continue
            successor = wanted.request_ids[0]
            replaced_by |= {line.request_id: successor for line in given_way}
            letters[number] = successor
            if of_job[0].job_state in _UNSETTLED:
                withdrawn.append(number)
                done.unsent += len(given_way)
        done.replaced += len(replaced_by)
        if replaced_by:
            _withdraw(connection, withdrawn)
            replace_lines(connection, replaced_by)
            _close_letters(connection, letters)
            log_jobs_after_commit(connection, "jobs_replaced", list(replaced_by))
            self._record(connection, len(replaced_by), len(withdrawn))

    def _jobs(
        self, connection: Connection, digests: Sequence[int]
    ) -> Iterator[tuple[int, list[_Found]]]:
        """Lock the jobs of these customers in the campaign, and return them with their lines."""
        chosen = (
            jobs.c.customer_digest.in_(digests),
            jobs.c.campaign_id == self._campaign.id,
        )
        locked = select(jobs.c.number).where(*chosen).order_by(jobs.c.number).with_for_update()
        numbers = connection.scalars(locked).all()
        query = (
            select(
                *(lines.c[name] for name in _Found._fields[:5]),
                jobs.c.customer,
                jobs.c.customer_digest,
                jobs.c.state.label("job_state"),
                jobs.c.may_have_reached,
            )
            .join(jobs, jobs.c.number == lines.c.job_number)
            .where(lines.c.job_number.in_(numbers))
            .order_by(lines.c.job_number, lines.c.position)
        )
        found = map(_Found._make, connection.execute(query).all())
        for number, of_job in groupby(found, attrgetter("job_number")):
            yield number, list(of_job)

    def _record(self, connection: Connection, replaced: int, withdrawn: int) -> None:
        record_action(
            connection,
            self._operator,
            verb="replace",
            target=campaign_target(self._campaign.name),
            before=f"file {self._source}",
            after=f"lines: {replaced}, jobs not sent yet: {withdrawn}",
        )


def _customers(campaign_id: int) -> CompoundSelect[int]:
    """Return the query for the customers with lines that are not issued, by their digests."""
    of_jobs = select(jobs.c.customer_digest).where(
        jobs.c.campaign_id == campaign_id, IS_OPEN, jobs.c.customer_digest.is_not(None)
    )
    refused = (
        select(jobs.c.customer_digest)
        .join(lines, lines.c.job_number == jobs.c.number)
        .where(
            lines.c.campaign_id == campaign_id,
            IS_SETTLED_LINE,
            lines.c.state.in_((State.FAILED, State.PARTIAL, State.IN_DOUBT)),
            jobs.c.customer_digest.is_not(None),
        )
    )
    return union(of_jobs, refused)


def _is_of(of_job: Sequence[_Found], wanted: _Wanted) -> bool:
    """Whether a job is this customer's, and none of its lines is in the file."""
    is_theirs = Customer.parse(of_job[0].customer).canonical == wanted.customer
    return is_theirs and not any(line.request_id in wanted.request_ids for line in of_job)


def _why_kept(of_job: Sequence[_Found]) -> str:
    """Say why a job does not give way; "": it does."""
    state = of_job[0].job_state
    states = {line.state for line in of_job}
    if state == State.RUNNING or (state in _UNSETTLED and of_job[0].may_have_reached):
        return "being sent"
    if state in _UNSETTLED:
        is_unsent = states == {State.WAITING} and not any(line.shows_units for line in of_job)
        return "" if is_unsent else "issued in part"
    if states <= _GIVE_WAY:
        return "" if State.FAILED in states or State.ISSUED not in states else "issued"
    if State.IN_DOUBT in states:
        return "in doubt"
    return "issued in part" if State.PARTIAL in states else ""


def _withdraw(connection: Connection, numbers: Sequence[int]) -> None:
    """Settle jobs that were not sent: their messages find nothing to claim."""
    now = now_ms()
    connection.execute(
        update(jobs)
        .where(jobs.c.number.in_(numbers))
        .values(state=State.REPLACED, open_lines=0, lease_until=None, settled_at=now)
    )
    connection.execute(update(lines).where(lines.c.job_number.in_(numbers)).values(settled_at=now))


def _close_letters(connection: Connection, successors: dict[int, str]) -> None:
    """Close the jobs' dead letters; with a successor none of them is ever redriven again."""
    now = connection.scalar(select(now_ms()))
    rows = [(successor, now, number) for number, successor in successors.items()]
    statement = (
        f"UPDATE dead_letters SET state = '{DeadLetterState.CLOSED}', reissued_as = ?, "  # noqa: S608
        "changed_at = ? WHERE job_number = ? AND "
        f"state IN ('{DeadLetterState.OPEN}', '{DeadLetterState.REDRIVEN}')"
    )
    dialect_of(connection).execute_rows(connection, statement, rows)
