"""One line's story: acceptance, calls, dead letter, acts, and the lines that replace it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic_core import from_json
from sqlalchemy import Connection, select

from issuance.redrive.rules import Case
from issuance.reward_key import reward_key
from issuance.states import CampaignState, State
from ledger.audit_log import (
    ENTRY,
    AuditEntry,
    actions_in,
    campaign_target,
    entry_of,
    letter_target,
    line_target,
)
from ledger.dead_letters.browse import AttemptRecord, DeadLetter, attempts_in, letter_of_job_in
from ledger.queries.outcomes import LineRecord, lines_of_job_in
from ledger.store.clock import instant, now_ms
from ledger.store.database import Ledger
from ledger.store.schema import audit_log, campaigns, intakes, jobs, lines, replacements

_SAME_TRANSACTION_MS = 10_000
"""An intake and its entry in the audit log have times of one transaction."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What the ledger knows of a job itself."""

    id: str
    state: State
    lane: str
    source: str | None
    """The file; None: the request came from no file."""
    source_line: int
    """The row of the file; 0: none."""
    accepted_at: datetime | None
    accepted_by: AuditEntry | None
    """The act of acceptance; None: the audit log has none of this job."""
    due_at: datetime | None
    lease_until: datetime | None
    chunk_id: str | None
    is_reconciled: bool
    """Whether its next call is a read of the API's transactions instead of an attempt to issue."""
    may_have_reached: bool
    generation: int
    reissue_of: str | None
    transaction_number: str | None


@dataclass(frozen=True, slots=True)
class Story:
    """All that the ledger knows of a line."""

    line: LineRecord
    siblings: list[LineRecord]
    """All lines of its job, this one among them."""
    job: JobFacts
    campaign_state: CampaignState
    campaign_act: AuditEntry | None
    """The act that brought the campaign into its state; None: it was no act of a person."""
    attempts: list[AttemptRecord]
    letter: DeadLetter | None
    acts: list[AuditEntry]
    """Acts on the line and its dead letter, oldest first."""
    is_held: bool
    """Whether its reward is stopped in its campaign."""
    replaced_by: str | None
    """The line that took its place."""
    replaces: list[str]
    """The lines whose place it took."""
    read_at: datetime | None
    """The ledger's time of this story."""

    @property
    def known(self) -> tuple[str, ...]:
        """What masked texts about it must not show."""
        return tuple(dict.fromkeys(text for line in self.siblings for text in line.known))

    @property
    def case(self) -> Case | None:
        """The facts that decide the redrives of its dead letter, if there is one."""
        return None if self.letter is None else self.letter.case


def read_story(ledger: Ledger, request_id: str) -> Story | None:
    """Read the story of the line with this requestId; None: there is no such line.

    Each of its few queries is answered by an index, however many lines there are.
    """
    with ledger.read() as connection:
        of_job = lines_of_job_in(connection, request_id)
        line = next((each for each in of_job if each.request_id == request_id), None)
        if line is None:
            return None
        number = connection.scalars(
            select(lines.c.job_number).where(lines.c.request_id == request_id)
        ).one()
        state, job = _job(connection, number, line.campaign)
        letter = letter_of_job_in(connection, number)
        return Story(
            line,
            of_job,
            job,
            state,
            _last_act(connection, campaign_target(line.campaign), state),
            attempts_in(connection, number),
            letter,
            _acts(connection, line, letter, of_job),
            _is_held(connection, line),
            connection.scalar(_REPLACED_BY.where(replacements.c.request_id == request_id)),
            list(connection.scalars(_REPLACES.where(replacements.c.replaced_by == request_id))),
            instant(connection.scalar(select(now_ms()))),
        )


_REPLACED_BY = select(replacements.c.replaced_by)
_REPLACES = select(replacements.c.request_id).order_by(replacements.c.at)


def _is_held(connection: Connection, line: LineRecord) -> bool:
    query = select(campaigns.c.stopped_rewards).where(campaigns.c.name == line.campaign)
    stopped = from_json(connection.scalar(query) or "[]")
    return reward_key(line.reward_id, line.reward_external_id) in stopped


def _job(connection: Connection, number: int, campaign: str) -> tuple[CampaignState, JobFacts]:
    query = (
        select(
            *(jobs.c[name] for name in _JOB_COLUMNS),
            campaigns.c.state.label("campaign_state"),
            intakes.c.source,
            intakes.c.started_at,
        )
        .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
        .outerjoin(intakes, intakes.c.id == jobs.c.intake_id)
        .where(jobs.c.number == number)
    )
    row = connection.execute(query).one()
    began = row.accepted_at if row.started_at is None else row.started_at
    return CampaignState(row.campaign_state), JobFacts(
        id=row.id,
        state=State(row.state),
        lane=row.lane,
        source=row.source,
        source_line=row.source_line,
        accepted_at=instant(row.accepted_at),
        accepted_by=_acceptance(connection, campaign, row.id, row.source, began),
        due_at=instant(row.due_at),
        lease_until=instant(row.lease_until),
        chunk_id=row.chunk_id,
        is_reconciled=row.fallback is not None,
        may_have_reached=row.may_have_reached,
        generation=row.generation,
        reissue_of=row.reissue_of,
        transaction_number=row.transaction_number,
    )


_JOB_COLUMNS = (
    "id", "state", "lane", "source_line", "accepted_at", "due_at", "lease_until", "chunk_id",
    "fallback", "may_have_reached", "generation", "reissue_of", "transaction_number",
)  # fmt: skip


def _acceptance(
    connection: Connection, campaign: str, job_id: str, source: str | None, began: int
) -> AuditEntry | None:
    """Find who accepted a job: a file's entry is on the campaign, a single request's on the job."""
    query = select(*ENTRY).where(audit_log.c.verb == "accept")
    if source is None:
        query = query.where(audit_log.c.target == line_target(job_id))
    else:
        query = query.where(
            audit_log.c.target == campaign_target(campaign),
            audit_log.c.at.between(began - _SAME_TRANSACTION_MS, began + _SAME_TRANSACTION_MS),
        )
    found = map(entry_of, connection.execute(query.order_by(audit_log.c.id)))
    return next((entry for entry in found if source is None or entry.after.endswith(source)), None)


def _last_act(connection: Connection, target: str, after: str) -> AuditEntry | None:
    query = select(*ENTRY).where(audit_log.c.target == target, audit_log.c.after == after)
    row = connection.execute(query.order_by(audit_log.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else entry_of(row)


def _acts(
    connection: Connection,
    line: LineRecord,
    letter: DeadLetter | None,
    of_job: Sequence[LineRecord],
) -> list[AuditEntry]:
    targets = [line_target(line.request_id)]
    if line.request_id != of_job[0].request_id:
        targets.append(line_target(of_job[0].request_id))
    if letter is not None:
        targets.append(letter_target(letter.id))
    found = [entry for target in targets for entry in actions_in(connection, target)]
    return sorted(found, key=lambda entry: entry.id)
