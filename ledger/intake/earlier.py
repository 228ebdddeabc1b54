"""What the ledger knows of requestIds that are accepted again."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from issuance.job import Job, Line
from issuance.redrive.narrow import narrow_body
from ledger.retention.tombstones import Tombstone, find_tombstones
from ledger.store.dialects.dialect import dialect_of


class Earlier(NamedTuple):
    """A stored line. One is made for each row of a file, so it must be cheap."""

    intake_id: int | None
    source_line: int
    position: int
    variant: str
    body: bytes
    campaign_id: int

    def is_of_body(self, body: bytes) -> bool:
        """Whether its job has this body."""
        return self.body == body

    def is_line(self, part: Job) -> bool:
        """Whether this job has only this line, whatever job it was accepted in."""
        return (
            self.variant == part.variant
            and narrow_body(part.variant, self.body, {part.id}) == part.body
        )


class ErasedLine(NamedTuple):
    """A stored line whose customer was erased: its body is gone, its reward was kept."""

    intake_id: int | None
    source_line: int
    position: int
    campaign_id: int
    job_lines: int
    """How many lines its job has."""
    reward_id: int
    requested_quantity: int
    org_id: int | None
    reward_external_id: str | None

    def is_reward(self, line: Line) -> bool:
        """Whether a line asks for the same reward, quantity and organisation."""
        asked = (line.reward_id, line.quantity, line.org_id, line.reward_external_id)
        return asked == self[-4:]


Found = Earlier | ErasedLine | Tombstone


def find_earlier(
    connection: Connection, batch: Sequence[Job], bodies_key: bytes
) -> dict[str, Found]:
    """Return what is stored or pruned of a batch's lines, by requestId.

    `bodies_key` is the ledger's for `Purpose.BODIES`.
    """
    request_ids = [line.request_id for job in batch for line in job.lines]
    # In this order: a line that is pruned between the two reads has a tombstone by then.
    living = _living(connection, request_ids)
    return {**find_tombstones(connection, request_ids, bodies_key), **living}


def is_whole(found: Found, job: Job) -> bool:
    """Whether a job has the body of the job that a line was found in."""
    return not isinstance(found, ErasedLine) and found.is_of_body(job.body)


def is_same(earlier: Mapping[str, Found], found: Found, part: Job, *, line_by_line: bool) -> bool:
    """Whether a job's payload is the one that was accepted before.

    Of an erased customer only what is kept can be compared: the rewards, their quantities and
    organisations; nothing at all after it was pruned, too.

    Args:
        earlier: what is known of the batch's lines.
        found: what is known of one of this job's lines.
        part: the job.
        line_by_line: whether a job of one line may have been accepted as a part of another job.
    """
    if isinstance(found, ErasedLine) or (isinstance(found, Tombstone) and found.is_erased):
        return all(
            _is_same_reward(earlier.get(line.request_id), line, None if line_by_line else part)
            for line in part.lines
        )
    return found.is_of_body(part.body) or (line_by_line and found.is_line(part))


def _is_same_reward(found: Found | None, line: Line, whole: Job | None) -> bool:
    """Whether a known line asks for the same; `whole`: and its job has as many lines."""
    if isinstance(found, ErasedLine):
        return found.is_reward(line) and (whole is None or found.job_lines == len(whole.lines))
    return isinstance(found, Tombstone) and found.is_erased


def _living(connection: Connection, request_ids: Sequence[str]) -> dict[str, Earlier | ErasedLine]:
    dialect = dialect_of(connection)
    present = dialect.rows_among(
        connection, "SELECT job_number FROM lines WHERE request_id", request_ids
    )
    numbers = list({number for (number,) in present})
    if not numbers:
        return {}
    rows = dialect.rows_among(connection, _LIVING, numbers)
    found: dict[str, Earlier | ErasedLine] = {
        request_id: Earlier(*earlier) for request_id, *earlier in rows
    }
    if any(not each[_BODY] for each in found.values()):
        erased = dialect.rows_among(connection, _ERASED, numbers)
        found |= {request_id: ErasedLine(*kept) for request_id, *kept in erased}
    return found


_BODY = Earlier._fields.index("body")
_LIVING = (
    "SELECT lines.request_id, jobs.intake_id, jobs.source_line, lines.position, jobs.variant, "
    "jobs.body, jobs.campaign_id "
    "FROM lines JOIN jobs ON jobs.number = lines.job_number WHERE lines.job_number"
)
_ERASED = (
    "SELECT lines.request_id, jobs.intake_id, jobs.source_line, lines.position, jobs.campaign_id, "
    "(SELECT count(*) FROM lines AS others WHERE others.job_number = jobs.number), "
    "lines.reward_id, lines.requested_quantity, lines.org_id, lines.reward_external_id "
    "FROM lines JOIN jobs ON jobs.number = lines.job_number "
    "WHERE jobs.customer = 'erased:*' AND lines.job_number"
)
