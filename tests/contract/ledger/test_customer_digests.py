"""Every job has its customer's digest: accepted, reissued, and from before the migration."""

import pytest
from alembic import command
from sqlalchemy import select, text

from issuance.customer import Customer
from issuance.customer_digest import customer_digest
from issuance.derived_keys import Purpose
from issuance.redrive.rules import Verb
from ledger.store.database import Ledger
from ledger.store.migration import configuration
from ledger.store.schema import jobs
from tests.contract.ledger.build import make_job, make_jobs, refuse
from tests.postgres import postgres_database


def _digests(ledger):
    """Return each job's digest with the one that its customer has."""
    key = ledger.key(Purpose.CUSTOMERS)
    with ledger.read() as connection:
        rows = connection.execute(select(jobs.c.customer, jobs.c.customer_digest)).all()
    return [(digest, customer_digest(Customer.parse(customer), key)) for customer, digest in rows]


def test_accepted_jobs_have_their_customers_digests(desk):
    desk.accept(*make_jobs(20), make_job(1, rewards=(7, 8)))
    found = _digests(desk.ledger)
    assert all(stored == expected for stored, expected in found)
    assert len({stored for stored, _ in found}) == 20


def test_a_reissued_job_has_the_digest_of_the_job_that_it_replaces(desk):
    desk.settle(make_job(1), refuse())
    assert desk.redrive(Verb.REISSUE).done
    (old, _), (new, expected) = _digests(desk.ledger)
    assert old == new == expected


@pytest.fixture(params=["sqlite", "postgresql"])
def earlier(request, tmp_path):
    """Make a ledger of the schema before digests, with 12,001 jobs, some numbers missing."""
    if request.param == "sqlite":
        with Ledger(f"sqlite:///{tmp_path / 'earlier.db'}") as ledger:
            yield _fill(ledger)
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url, Ledger(url) as ledger:
        yield _fill(ledger)


def _fill(ledger):
    columns = (
        "number, id, campaign_id, source_line, lane, customer, variant, body, occurrence, "
        "generation, state, open_lines, due_at, claims, attempts, budget_attempts, "
        "may_have_reached, limit_deferrals, redrives, accepted_at"
    )
    rows = (
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 12000) "
        f"INSERT INTO jobs ({columns}) SELECT i * 3, 'id-' || i, 1, i, 'blast', "
        "'mobile:' || (919800000000 + i), 'bulk', CAST('{}' AS "
        f"{'BYTEA' if ledger.dialect.name == 'postgresql' else 'BLOB'}), 1, 1, 'issued', 0, 1, 0, "
        "1, 1, FALSE, 0, 0, 1 FROM n"
    )
    with ledger.write() as connection:
        command.upgrade(configuration(connection), "0012")
        connection.execute(text(rows))
    return ledger


def test_the_migration_gives_every_earlier_job_its_digest(earlier):
    earlier.migrate()
    found = _digests(earlier)
    assert len(found) == 12_001
    assert all(stored == expected for stored, expected in found)
