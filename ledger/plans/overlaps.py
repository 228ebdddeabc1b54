"""Overlaps: customers of a campaign who have the same reward in another one, or will get it."""

from typing import NamedTuple

from sqlalchemy import Connection, text

from ledger.plans.digest import JobRange
from ledger.store.dialects.dialect import dialect_of


class Overlap(NamedTuple):
    """Another campaign, and how many customers are in both with the same reward."""

    campaign: str
    customers: int


def find_overlaps(connection: Connection, found: JobRange) -> list[Overlap]:
    """Find the campaigns that give a reward to the same customers, most customers first.

    Customers are compared by their digests, so the spellings of an identifier do not matter. An
    erased customer has none.
    """
    query = text(_OVERLAPS.replace("~", dialect_of(connection).off_index))
    return [Overlap(name, count) for name, count in connection.execute(query, found._asdict())]


# The order of the joins is SQLite's: along the index of digests, so that a pair is found without
# reading a row. PostgreSQL hashes.
_OVERLAPS = """
SELECT campaigns.name, counted.customers FROM (
    SELECT theirs.campaign_id AS campaign_id, count(DISTINCT mine.customer_digest) AS customers
    FROM jobs AS mine
    CROSS JOIN jobs AS other
    CROSS JOIN lines AS my_lines
    CROSS JOIN lines AS theirs
    WHERE mine.customer_digest IS NOT NULL
      AND ~mine.number BETWEEN :first AND :last
      AND other.customer_digest = mine.customer_digest
      AND ~other.number <> mine.number
      AND my_lines.job_number = mine.number
      AND my_lines.campaign_id = :campaign_id
      AND my_lines.state NOT IN ('cancelled', 'replaced')
      AND theirs.job_number = other.number
      AND theirs.campaign_id <> :campaign_id
      AND theirs.reward_id = my_lines.reward_id
      AND coalesce(theirs.reward_external_id, '') = coalesce(my_lines.reward_external_id, '')
      AND theirs.state IN ('waiting', 'issued', 'partial', 'in_doubt')
    GROUP BY theirs.campaign_id
) AS counted JOIN campaigns ON campaigns.id = counted.campaign_id
ORDER BY counted.customers DESC, campaigns.id
"""
