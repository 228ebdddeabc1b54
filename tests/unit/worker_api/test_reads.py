"""Reading the detail of a transaction: the documented shapes, and unexpected ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.replies.reply import Answer, NoAnswer
from rewards_api.reads import Found, NotFound, Unreadable, read_detail


def answer(**data):
    body = {"status": [{"success": True, "code": 200, "message": "ok"}], "data": data}
    return Answer(200, json.dumps(body).encode())


def detail(**data):
    found = read_detail(answer(**({"rewardTransactionId": "1"} | data)))
    assert isinstance(found, Found)
    return found.detail


def test_the_documented_fields_are_read():
    read = detail(
        rewardTransactionId="94044",
        customerId=423931087,
        orgId=4000036,
        rewardIssueRefId="blast42-000017",
        rewardTransactionDate=1743528316000,
        status={"success": True, "code": 200, "message": "Reward issued successfully"},
        quantity=5,
        requestedQuantity=6,
        pointsRedemption={
            "redeemedPoints": 5,
            "pointsRedemptionRefId": "a",
            "pointsRedemptionRefIds": ["a", "b"],
        },
    )
    assert (read.reward_transaction_id, read.customer_id, read.org_id) == (
        "94044",
        "423931087",
        4000036,
    )
    assert (read.reward_issue_ref_id, read.reward_transaction_date) == (
        "blast42-000017",
        1743528316000,
    )
    assert (read.status.code, read.status.message) == (200, "Reward issued successfully")
    assert (read.quantity, read.requested_quantity) == (5, 6)
    assert read.points_references == ("a", "b")
    assert read.points.redeemed_points == "5"


def test_coupons_and_a_vendors_packed_vouchers_are_each_read_once_in_order():
    packed = [
        {"json": '{"voucher": "V1", "pointsRedeemed": "5"}'},
        {"json": "{}"},
        {"json": '{"voucher": "C1"}'},
    ]
    read = detail(
        vouchers=[{"code": "C1"}, {"code": "C2"}, {"code": None}], vendorRewards={"rewards": packed}
    )
    assert read.vouchers == ("C1", "C2", "V1")


@pytest.mark.parametrize("packed", ["", "{", "[1]", "null", 7, None, ["x"], '{"voucher": {}}'])
def test_a_vendors_reward_that_cannot_be_unpacked_hides_nothing_else(packed):
    read = detail(
        vouchers=[{"code": "C1"}],
        vendorRewards={"rewards": [{"json": packed}, {"json": '{"voucher":"V1"}'}]},
    )
    assert read.vouchers == ("C1", "V1")


def test_an_older_answer_without_the_requested_quantity_is_read():
    assert detail(quantity=1).requested_quantity is None


@pytest.mark.parametrize(
    ("written", "read"), [(2, 2), ("2", 2), (2.0, 2), ("2.0", 2), (True, None), ([], None)]
)
def test_numbers_are_read_in_every_format(written, read):
    assert detail(quantity=written).quantity == read


@pytest.mark.parametrize("number", [2**63, -(2**70), 1e300, "9" * 5000])
def test_a_number_too_large_for_the_database_is_none(number):
    assert detail(quantity=number).quantity is None


def test_points_references_of_null_are_none():
    assert detail(pointsRedemption={"pointsRedemptionRefIds": [None]}).points_references == ()


def test_a_refused_issue_is_found_with_its_code():
    assert detail(status={"success": False, "code": 8004, "message": "no"}).status.code == 8004


@pytest.mark.parametrize(
    "status", [[{"code": 6004, "message": "none"}], {"code": "6004", "message": "none"}]
)
def test_code_6004_is_not_found_whether_the_status_is_a_list_or_an_object(status):
    body = json.dumps({"status": status}).encode()
    assert read_detail(Answer(400, body)) == NotFound(6004, "none")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b"{}",
        b'{"status":[],"data":null}',
        b'{"status":[{"code":500}]}',
        b'{"data":{}}',
    ],
)
def test_an_answer_without_data_and_code_is_unreadable_and_keeps_the_reply(body):
    assert read_detail(Answer(200, body)) == Unreadable(Answer(200, body))


def test_no_answer_is_unreadable():
    reply = NoAnswer("timeout", "TimeoutError", sent=True)
    assert read_detail(reply) == Unreadable(reply)


def test_deep_nesting_is_unreadable():
    body = b'{"data":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_001
    assert read_detail(Answer(200, body)) == Unreadable(Answer(200, body))


def test_nul_never_reaches_the_ledger():
    assert detail(vouchers=[{"code": "a\x00b"}]).vouchers == ("ab",)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
fields = [
    "rewardTransactionId",
    "quantity",
    "status",
    "vouchers",
    "vendorRewards",
    "pointsRedemption",
    "orgId",
]


@given(data=st.dictionaries(st.sampled_from(fields), anything, min_size=1), status=anything)
def test_reading_never_raises_whatever_the_types(data, status):
    read = read_detail(Answer(200, json.dumps({"status": status, "data": data}).encode()))
    if isinstance(read, Found):
        assert all(isinstance(voucher, str) for voucher in read.detail.vouchers)
