"""The frozen bodies of a campaign's jobs, by the requestIds that they carry."""

from collections.abc import Iterator

from sqlalchemy import select

from issuance.customer import ERASED
from ledger.campaigns import Campaign
from ledger.store.database import Ledger
from ledger.store.schema import jobs, lines

_READ_AT_ONCE = 1_000


def frozen_bodies(ledger: Ledger, campaign: Campaign) -> Iterator[tuple[str, bytes]]:
    """Stream each line's requestId with the body of its job, in order of acceptance.

    Jobs whose customer was erased have no body, and are left out.
    """
    query = (
        select(lines.c.request_id, jobs.c.body)
        .join(jobs, jobs.c.number == lines.c.job_number)
        .where(lines.c.campaign_id == campaign.id, jobs.c.customer != str(ERASED))
        .order_by(lines.c.job_number, lines.c.position)
    )
    with ledger.read() as connection:
        streamed = connection.execution_options(yield_per=_READ_AT_ONCE)
        for request_id, body in streamed.execute(query):
            yield request_id, bytes(body)
