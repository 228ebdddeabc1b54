"""A customer's lines over all campaigns: found by the index, compared by the identifier."""

import pytest
from sqlalchemy import event, update

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body
from issuance.states import State
from ledger.queries.customers import customer_lines
from ledger.store.schema import jobs
from tests.contract.ledger.build import issue, judge, make_job, make_jobs, refuse


def _customer(number=1):
    return make_job(number).customer


def _with_email(address, request_id):
    customer, line = Customer("email", address), Line(request_id, 1001)
    body = freeze_body(Variant.BULK, customer, (line,), brand="DEMO", email_key="email")
    return Job(customer, (line,), Variant.BULK, body, Lane.BLAST)


def test_all_lines_of_all_campaigns_are_found_the_newest_job_first(desk):
    desk.settle(make_job(1, rewards=(7, 8)), refuse())
    desk.accept(*make_jobs(5, first=2))
    desk.another("holi").accept(make_job(1, campaign="holi"))
    found = customer_lines(desk.ledger, _customer(), limit=10)
    assert [(line.campaign, line.reward_id, line.state) for line in found.lines] == [
        ("holi", 1001, State.WAITING),
        ("diwali", 7, State.FAILED),
        ("diwali", 8, State.FAILED),
    ]
    assert found.total == 3


def test_pages_are_bounded_and_together_hold_every_line_once(desk):
    desk.accept(
        *(make_job(1, occurrence=each, rewards=(7, 8, 9), source_line=each) for each in range(1, 8))
    )
    pages = [
        customer_lines(desk.ledger, _customer(), limit=4, skipped=skipped)
        for skipped in range(0, 24, 4)
    ]
    assert [len(page.lines) for page in pages] == [4, 4, 4, 4, 4, 1]
    assert {page.total for page in pages} == {21}
    assert len({line.request_id for page in pages for line in page.lines}) == 21
    assert customer_lines(desk.ledger, _customer(), limit=4, skipped=24).lines == []


def test_spellings_of_an_address_are_one_customer(desk):
    ids = [make_job(number).id for number in range(3)]
    for address, request_id in zip(
        ("Asha@Example.com", "asha@example.com", "usha@example.com"), ids, strict=True
    ):
        desk.accept(_with_email(address, request_id))
    found = customer_lines(desk.ledger, Customer("email", "ASHA@example.COM"), limit=10)
    assert {line.request_id for line in found.lines} == set(ids[:2])


def test_another_customer_with_the_same_digest_is_not_shown(desk):
    desk.accept(*make_jobs(2))
    digest = desk.row(make_job(1).id).customer_digest
    with desk.ledger.write() as connection:
        connection.execute(update(jobs).values(customer_digest=digest))
    found = customer_lines(desk.ledger, _customer(), limit=10)
    assert [line.request_id for line in found.lines] == [make_job(1).id]
    assert found.total == 1


def test_an_unknown_customer_has_no_lines(desk):
    desk.accept(*make_jobs(2))
    found = customer_lines(desk.ledger, _customer(99), limit=10)
    assert (found.lines, found.total) == ([], 0)


@pytest.fixture
def plans(desk):
    """Collect the query plan of each statement on the ledger."""
    found = []
    prefix = "EXPLAIN QUERY PLAN" if desk.ledger.dialect.name == "sqlite" else "EXPLAIN"

    @event.listens_for(desk.ledger.engine, "before_cursor_execute")
    def explain(_connection, cursor, statement, parameters, _context, _many):
        if statement.startswith("SELECT") and "jobs" in statement:
            cursor.execute(f"{prefix} {statement}", parameters)
            found.append(" ".join(str(row[-1]) for row in cursor.fetchall()))

    yield found
    event.remove(desk.ledger.engine, "before_cursor_execute", explain)


def test_no_statement_reads_all_jobs_or_lines(desk, plans):
    batch = make_jobs(3_000)
    desk.accept(*batch)
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    if desk.ledger.dialect.name == "postgresql":
        with desk.ledger.write() as connection:
            connection.exec_driver_sql("ANALYZE jobs, lines")
    plans.clear()
    found = customer_lines(desk.ledger, _customer(77), limit=10)
    assert found.total == 1
    assert len(plans) == 4
    for plan in plans:
        assert "SCAN jobs" not in plan
        assert "SCAN lines" not in plan
        assert "Seq Scan on jobs" not in plan
        assert "Seq Scan on lines" not in plan
    assert all("ix_jobs_customer_digest" in plan for plan in plans[:3])
