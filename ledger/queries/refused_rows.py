"""The lines of a campaign that issued nothing and will not, with the bodies of their jobs."""

from collections.abc import Collection, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, exists, select

from issuance.customer import ERASED
from issuance.states import State
from ledger.campaigns import Campaign
from ledger.store.schema import IS_SETTLED_LINE, dead_letters, jobs, lines

ISSUED_NOTHING: Final = frozenset({State.FAILED, State.CANCELLED})
"""The states of lines that issued nothing under their requestId, and never will."""
_READ_AT_ONCE = 1_000


class RefusedLine(NamedTuple):
    """A line that issued nothing, with what its job's row needs."""

    job_number: int
    request_id: str
    reward_id: int
    state: str
    code: int | None
    message: str | None
    settled_at: int | None
    customer: str
    variant: str
    body: bytes
    scope: str | None
    source_line: int


RefusedRow = list[RefusedLine]
"""The chosen lines of one job, in the order of its body."""


def read_refused_rows(
    connection: Connection, campaign: Campaign, states: Collection[State]
) -> Iterator[RefusedRow]:
    """Stream the chosen lines by job, in order of acceptance.

    Left out are lines that a reissue has replaced, and customers that were erased.

    Args:
        connection: a transaction.
        campaign: the campaign.
        states: any of `ISSUED_NOTHING`.
    """
    columns = [*(lines.c[name] for name in RefusedLine._fields[:7])]
    columns += [jobs.c[name] for name in RefusedLine._fields[7:]]
    query = _chosen(select(*columns), campaign, states)
    streamed = connection.execution_options(yield_per=_READ_AT_ONCE)
    found = streamed.execute(query.order_by(lines.c.job_number, lines.c.position))
    for _, of_job in groupby(map(RefusedLine._make, found), attrgetter("job_number")):
        yield list(of_job)


def _chosen(
    query: Select[tuple[object, ...]], campaign: Campaign, states: Collection[State]
) -> Select[tuple[object, ...]]:
    return (
        query.select_from(lines)
        .join(jobs, jobs.c.number == lines.c.job_number)
        .where(
            lines.c.campaign_id == campaign.id,
            IS_SETTLED_LINE,
            lines.c.state.in_(states),
            jobs.c.customer != str(ERASED),
            ~_IS_REISSUED,
        )
    )


_IS_REISSUED: ColumnElement[bool] = exists().where(
    dead_letters.c.job_number == jobs.c.number, dead_letters.c.reissued_as.is_not(None)
)
