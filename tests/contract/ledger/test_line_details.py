"""What replies show of lines is stored, merged, counted and pruned on each database."""

import json

import pytest
from sqlalchemy import select, text, update

from issuance.details.details import Unit, UnitKind
from issuance.details.stored import with_long_names
from issuance.endpoint import Variant
from issuance.redrive.rules import Verb
from issuance.states import State
from ledger.queries.balance import balance, recount
from ledger.queries.counters import compact_counters
from ledger.queries.org_balance import org_balances
from ledger.retention.pruning import prune
from ledger.store.schema import lines, pruned_lines
from tests.contract.ledger.build import TIMEOUT, answer, issue, judge, make_job, refuse, say

EXPIRY = "2027-01-01 00:00:00"
PAYMENT = {"paymentMode": "POINTS", "id": 55, "points": 5.0}


def coupons(*codes, points="5"):
    return [{"couponCode": code, "pointsRedeemed": points, "codeExpiry": EXPIRY} for code in codes]


def shown(line, *codes, **more):
    return say(line, vouchers=(), intouch=coupons(*codes)) | more


def test_a_plain_success_keeps_all_that_it_shows(desk):
    held, job = desk.take_one(make_job(1, quantity=2))
    [line] = job.lines
    vendor = [{"voucher": "V-1", "valid_till": "2027-11-01", "any": {"k": [1]}}]
    element = shown(line, "A-1", paymentConfig=PAYMENT, vendor=vendor, customFields={"size": "L"})
    desk.record(held, judge(job, answer(element)))
    found = desk.line(job)
    assert found.vouchers == ("A-1", "V-1")
    assert found.details.fields == {"paymentConfig": PAYMENT, "customFields": {"size": "L"}}
    assert found.details.units == (
        Unit(UnitKind.COUPON, "A-1", {"pointsRedeemed": "5", "codeExpiry": EXPIRY}),
        Unit(UnitKind.VENDOR, "V-1", {"valid_till": "2027-11-01", "any": {"k": [1]}}),
    )
    assert found.details.points == 5_000


def test_a_voucher_is_stored_once(desk):
    held, job = desk.take_one(make_job(1, quantity=2))
    desk.record(held, judge(job, answer(shown(job.lines[0], "CODE-1", "CODE-2"))))
    with desk.ledger.read() as connection:
        row = connection.execute(select(lines)).one()
    stored = "".join(str(value) for value in row)
    assert (stored.count("CODE-1"), stored.count("CODE-2"), stored.count(EXPIRY)) == (1, 1, 1)


def test_a_resend_adds_units_points_and_fields(desk):
    held, job = desk.take_one(make_job(1, quantity=2))
    [line] = job.lines
    first = answer(shown(line, "A", status={"code": 8010}, quantity=1, paymentConfig=PAYMENT))
    desk.record(held, judge(job, first))
    assert (desk.line(job).state, desk.line(job).details.points) == (State.PARTIAL, 5_000)
    desk.record(
        held, judge(job, answer(shown(line, "B", fulfillmentDetails={"status": "SHIPPED"})))
    )
    found = desk.line(job)
    assert (found.details.points, found.vouchers) == (10_000, ("A", "B"))
    assert found.details.fields.keys() == {"paymentConfig", "fulfillmentDetails"}
    assert [unit.voucher for unit in found.details.units] == ["A", "B"]
    assert balance(desk.ledger, "diwali").points == 10_000


def test_a_late_reply_adds_its_details_to_an_issued_line(desk):
    held, job = desk.take_one(make_job(1))
    [line] = job.lines
    desk.record(held, judge(job, answer(shown(line, "A"))))
    desk.record(held, judge(job, answer(shown(line, "A", restrictions={"limit": 3}))))
    assert desk.line(job).details.fields == {"restrictions": {"limit": 3}}
    assert desk.line(job).details.points == 5_000


def test_a_timeout_after_a_success_takes_nothing_away(desk):
    held, job = desk.take_one(make_job(1))
    desk.record(held, judge(job, answer(shown(job.lines[0], "A"))))
    before = desk.line(job)
    desk.record(held, judge(job, TIMEOUT))
    assert desk.line(job).details == before.details


def test_details_that_are_too_large_are_cut_and_marked(desk):
    held, job = desk.take_one(make_job(1))
    [line] = job.lines
    element = shown(line, "A", customFields={"terms": "x" * 50_000}, paymentConfig=PAYMENT)
    desk.record(held, judge(job, answer(element)))
    found = desk.line(job)
    assert found.anomalies == ("details_cut",)
    assert (found.details.fields, found.vouchers) == ({"paymentConfig": PAYMENT}, ("A",))


@pytest.mark.parametrize("odd", [None, [], "x", 7, {"a": None}, [[{}]], {"k": "\x00"}, "é" * 9])
@pytest.mark.parametrize("field", ["intouch", "vendor", "paymentConfig", "customFields", "orgId"])
def test_any_value_of_a_field_can_be_stored_and_read(desk, field, odd):
    held, job = desk.take_one(make_job(1))
    [line] = job.lines
    element = say(line, vouchers=["A"]) | {"promotions": [{"code": "P"}], field: odd}
    desk.record(held, judge(job, answer(element)))
    assert (desk.line(job).state, "P" in desk.line(job).vouchers) == (State.ISSUED, True)


def test_a_count_of_units_that_no_one_asks_for_is_not_summed(desk):
    held, job = desk.take_one(make_job(1))
    desk.record(held, judge(job, answer(say(job.lines[0], units=2**62, requestedQuantity=1))))
    assert balance(desk.ledger, "diwali").units == recount(desk.ledger, "diwali").units == 0


def two_orgs(desk):
    """Two customers with a line for 50000 and one for 50001 each; the second line is refused."""
    for number in (1, 2):
        job = make_job(number, rewards=(1001, 1002), variant=Variant.CONNECTED)
        held, claimed = desk.take_one(job)
        first, second = claimed.lines
        refused = say(second, 12050, intouch=None)
        desk.record(held, judge(claimed, answer(shown(first, f"A-{number}"), refused)))
    desk.settle(make_job(3), refuse())
    desk.accept(make_job(4))


@pytest.mark.parametrize("recounted", [False, True])
@pytest.mark.parametrize("compacted", [False, True])
def test_each_organisation_has_a_balance(desk, recounted, compacted):
    two_orgs(desk)
    if compacted:
        compact_counters(desk.ledger)
    found = org_balances(desk.ledger, desk.campaign, recounted=recounted)
    shown = [(org.org_id, org.accepted, org.counts, org.units, org.points) for org in found]
    assert shown == [
        (50_000, 2, {State.ISSUED: 2}, 2, 10_000),
        (50_001, 2, {State.FAILED: 2}, 0, 0),
        (None, 2, {State.FAILED: 1, State.WAITING: 1}, 0, 0),
    ]
    assert all(org.balanced for org in found)
    whole = balance(desk.ledger, "diwali")
    assert (whole.units, whole.points) == (2, 10_000)


def test_a_lost_line_is_seen_in_its_organisation_only(desk):
    two_orgs(desk)
    with desk.ledger.write() as connection:
        connection.execute(text("DELETE FROM lines WHERE org_id = 50001"))
    assert [org.balanced for org in org_balances(desk.ledger, desk.campaign)] == [True, False, True]


def test_pruned_lines_stay_in_every_sum(desk):
    two_orgs(desk)
    desk.discard()
    before = balance(desk.ledger, "diwali"), org_balances(desk.ledger, desk.campaign)
    archived = []
    pages = list(prune(desk.ledger, older_than_seconds=-60, archive=archived.extend))
    assert sum(page.lines for page in pages) > 0
    after = balance(desk.ledger, "diwali"), org_balances(desk.ledger, desk.campaign)
    assert [(org.units, org.points, org.counts, org.balanced) for org in after[1]] == [
        (org.units, org.points, org.counts, org.balanced) for org in before[1]
    ]
    assert (after[0].units, after[0].points) == (before[0].units, before[0].points)
    kept = [
        json.loads(with_long_names(line["details"]))
        for job in archived
        for line in job.lines
        if line["details"]
    ]
    assert {"pointsRedeemed": "5", "codeExpiry": EXPIRY} in [found["each"] for found in kept]


def test_sums_follow_lines_that_are_changed_by_hand(desk):
    two_orgs(desk)
    with desk.ledger.write() as connection:
        connection.execute(
            update(lines).where(lines.c.org_id == 50_000).values(points=7, quantity=3)
        )
    found = balance(desk.ledger, "diwali")
    assert (found.units, found.points) == (6, 14)
    assert found == recount(desk.ledger, "diwali")


def test_a_reissue_counts_for_its_organisation(desk):
    desk.settle(make_job(1, variant=Variant.CONNECTED), refuse())
    assert desk.redrive(Verb.REISSUE).done
    held, job = desk.take_one()
    desk.record(held, judge(job, issue(job)))
    [org] = org_balances(desk.ledger, desk.campaign)
    assert (org.org_id, org.accepted, org.units, org.balanced) == (50_000, 2, 1, True)
    assert org.counts == {State.REPLACED: 1, State.ISSUED: 1}


def test_pruned_rows_have_an_organisation(desk):
    two_orgs(desk)
    desk.discard()
    list(prune(desk.ledger, older_than_seconds=-60))
    with desk.ledger.read() as connection:
        assert 50_000 in connection.scalars(select(pruned_lines.c.org_id)).all()
