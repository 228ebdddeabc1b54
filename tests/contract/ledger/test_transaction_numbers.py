"""A transactionNumber that a row gives belongs to one job, on every database."""

from dataclasses import replace

from ledger.campaigns import ensure_campaign
from ledger.intake.acceptance import accept, open_intake
from tests.contract.ledger.build import make_job


def numbered(number, transaction_number, **options):
    return replace(make_job(number, **options), transaction_number=transaction_number)


def test_a_repeated_number_is_a_conflict_that_names_the_row_and_costs_no_other(desk):
    first, repeat, other = numbered(1, "t-1"), numbered(2, "t-1"), numbered(3, "t-2")
    acceptance = desk.accept(first, repeat, other)
    assert acceptance.accepted == [first, other]
    [conflict] = acceptance.conflicts
    assert (conflict.job, conflict.kind, conflict.first_line) == (repeat, "number", 2)


def test_a_number_of_an_earlier_batch_or_campaign_is_taken(desk):
    desk.accept(numbered(1, "t-1"))
    elsewhere = ensure_campaign(desk.ledger, "other")
    job = numbered(2, "t-1", campaign="other")
    [conflict] = accept(desk.ledger, elsewhere, [job]).conflicts
    assert conflict.kind == "number"


def test_the_id_of_another_job_is_taken_because_that_job_sends_it(desk):
    other = make_job(1)
    desk.accept(other)
    [conflict] = desk.accept(numbered(2, other.id)).conflicts
    assert conflict.kind == "number"


def test_a_second_run_of_the_file_knows_its_own_numbers(desk):
    batch = [numbered(1, "t-1"), numbered(2, "t-2")]
    for expected in ((2, 0), (0, 2)):
        intake = open_intake(desk.ledger, desk.campaign, "a.csv")
        found = desk.accept(*batch, intake_id=intake)
        assert (len(found.accepted), len(found.known), found.conflicts) == (*expected, [])


def test_a_claim_has_the_number_that_its_job_gave(desk):
    _, claimed = desk.take_one(numbered(1, "t-1"))
    assert claimed.transaction_number == "t-1"
