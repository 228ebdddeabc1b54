"""What answers show reaches `outcomes`, `status`, `status --by org`, `show` and dead letters."""

import csv
import io
import json

import pytest

from issuance.endpoint import Variant
from tests.contract.ledger.build import answer, judge, make_job, refuse, say

PRIVATE = ("919800000001", "GOLD-11112222", "VENDOR-77778888", "customer@example.com")
COUPON = {
    "couponCode": "GOLD-11112222",
    "pointsRedeemed": "12",
    "pointsRedeemedInDecimal": "12.375",
    "codeExpiry": "2027-01-01 00:00:00",
}
VENDOR = {
    "voucher": "VENDOR-77778888",
    "sent_to": "customer@example.com",
    "valid_till": "2027-11-01",
}


@pytest.fixture
def issued(desk):
    """An issued line for organisation 50000, a partial one for 50001, a refused one for neither."""
    job = make_job(
        1, campaign="spring", rewards=(1001, 1002), variant=Variant.CONNECTED, quantity=2
    )
    held, claimed = desk.take_one(job)
    first, second = claimed.lines
    payment = {"paymentMode": "POINTS", "id": 55, "points": 12.0}
    reply = answer(
        say(first) | {"intouch": [COUPON], "vendor": [VENDOR], "paymentConfig": payment},
        say(second, 8010, units=1, vouchers=["HALF-55556666"]),
    )
    desk.record(held, judge(claimed, reply))
    desk.settle(make_job(2, campaign="spring"), refuse())
    return claimed


def test_jsonl_has_the_details_whole(run, issued):
    [first, *_] = run("outcomes", "spring", "--format", "jsonl", "--reveal").stdout.splitlines()
    found = json.loads(first)
    assert (found["orgId"], found["pointsRedeemed"]) == (50_000, "12.375")
    coupon, vendor = found["units"]
    assert coupon["codeExpiryDateTime"] == "2027-01-01T00:00:00.000Z"
    assert vendor["fields"] == {"sent_to": "customer@example.com", "valid_till": "2027-11-01"}
    assert found["paymentConfig"] == {"paymentMode": "POINTS", "id": 55, "points": 12.0}


def test_local_times_are_read_in_the_accounts_time_zone(run, issued, monkeypatch):
    monkeypatch.setenv("ISSUANCE_API_TIME_ZONE", "Asia/Kolkata")
    text = run("outcomes", "spring", "--format", "csv").stdout
    [first, *_] = csv.DictReader(io.StringIO(text))
    assert first["codeExpiryDateTime"] == "2026-12-31T18:30:00.000Z;2027-11-01T18:29:59.000Z"
    assert (first["paymentConfigId"], first["unitKinds"]) == ("55", "coupon;vendor")


def test_status_sums_units_and_points(run, issued):
    output = json.loads(run("status", "spring", "--json").stdout)
    assert (output["units"], output["pointsRedeemed"], output["balanced"]) == (3, 12.375, True)
    assert "  3 units issued, 12.375 points redeemed" in run("status").stdout.splitlines()
    recounted = json.loads(run("status", "spring", "--json", "--recount").stdout)
    assert (recounted["units"], recounted["pointsRedeemed"]) == (3, 12.375)


def test_status_by_org_balances_each_organisation(run, issued):
    output = json.loads(run("status", "spring", "--by", "org", "--json").stdout)
    keys = (
        "orgId",
        "accepted",
        "issued",
        "partial",
        "failed",
        "units",
        "pointsRedeemed",
        "balanced",
    )
    assert [tuple(org[key] for key in keys) for org in output["organisations"]] == [
        (50_000, 1, 1, 0, 0, 2, 12.375, True),
        (50_001, 1, 0, 1, 0, 1, 0, True),
        (None, 1, 0, 0, 1, 0, 0, True),
    ]
    lines = run("status", "--by", "org").stdout.splitlines()
    [row] = [line.split() for line in lines if line.startswith("50000")]
    assert row == ["50000", "1", "0", "1", "0", "0", "0", "2", "12.375", "yes"]
    assert any(line.startswith("none") for line in lines)
    assert "organisations" not in json.loads(run("status", "spring", "--json").stdout)


def test_an_unknown_grouping_is_refused(run, issued):
    assert run("status", "--by", "till").exit_code == 2


def test_show_has_one_reward_with_its_details_and_story(run, issued):
    output = run("show", issued.id).stdout
    for text in (
        "issued, code 200",
        "points redeemed: 12.375",
        "expires 2027-01-01 00:00:00 (2027-01-01 00:00:00Z)",
        '"paymentMode":"POINTS","id":55',
        "organisation: 50000",
        "Story",
        "What may be done",
    ):
        assert text in output
    assert json.loads(run("show", issued.id, "--json").stdout)["pointsRedeemed"] == "12.375"
    assert "GOLD-11112222" in run("show", issued.id, "--reveal").stdout


def test_show_of_an_unknown_reward_is_unusable(run, issued):
    result = run("show", "5e0c1111-2222-4333-8444-555566667777")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no line" in result.stderr


def test_a_dead_letter_shows_its_lines_details(run, issued):
    assert "points redeemed: 12.375" in run("dead-letters", "show", "1").stdout


@pytest.mark.parametrize("private", PRIVATE)
@pytest.mark.parametrize(
    "command",
    [
        ("outcomes", "spring"),
        ("outcomes", "spring", "--format", "jsonl"),
        ("outcomes", "spring", "--format", "csv"),
        ("dead-letters", "show", "1"),
    ],
)
def test_nothing_private_is_shown_without_reveal(run, issued, command, private):
    output = run(*command).stdout
    assert output
    assert private not in output


def test_show_masks_too(run, issued):
    for options in ((), ("--json",)):
        output = run("show", issued.id, *options).stdout
        assert [private for private in PRIVATE if private in output] == []
