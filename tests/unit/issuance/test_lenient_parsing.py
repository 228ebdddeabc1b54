"""Numbers, ids and lists are read in every spelling; one invalid field affects no other."""

import json

import pytest

from issuance.replies.answer import read_issue_answer


def read(**fields):
    return read_issue_answer(json.dumps({"status": {"code": 200}, **fields}).encode())


@pytest.mark.parametrize("written", [2, "2", 2.0, "2.0"])
def test_a_number_is_read_in_every_spelling(written):
    answer = read(
        status={"code": written}, quantity=written, requestedQuantity=written, rewardId=written
    )
    assert (answer.status.code, answer.quantity, answer.requested_quantity, answer.reward_id) == (
        2,
        2,
        2,
        2,
    )


@pytest.mark.parametrize("odd", ["two", [2], {"n": 2}, None, 10**400, "1e999", ""])
def test_an_invalid_number_is_none_and_affects_nothing_else(odd):
    answer = read(quantity=odd, rewardId=odd, requestedQuantity=odd, transactionId="t")
    assert (answer.quantity, answer.reward_id, answer.requested_quantity) == (None, None, None)
    assert answer.transaction_id == "t"


@pytest.mark.parametrize("code", [200.5, "200.5", "ok", None, [200], 10**30])
def test_a_code_that_is_not_a_whole_number_is_ignored(code):
    assert read(status={"code": code, "message": "m"}) is None


@pytest.mark.parametrize(
    ("written", "text"), [("t", "t"), (300001, "300001"), (None, None), ([1], None), ({}, None)]
)
def test_an_id_becomes_text_in_every_spelling(written, text):
    answer = read(transactionId=written, requestId=written, pointsReferenceId=written)
    assert (answer.transaction_id, answer.request_id, answer.points_reference_id) == (
        text,
        text,
        text,
    )


@pytest.mark.parametrize("place", ["intouch", "vendor", "promotion", "promotions"])
def test_vouchers_are_read_from_one_object_or_a_list(place):
    assert read(**{place: {"couponCode": "C"}}).vouchers == ("C",)
    assert read(
        **{place: [{"couponCode": 17}, None, "x", {"voucher": "V"}, {"couponCode": ""}]}
    ).vouchers == (
        "17",
        "V",
    )
    assert (
        read(**{place: None}).vouchers
        == read(**{place: []}).vouchers
        == read(**{place: "x"}).vouchers
        == ()
    )


def test_a_repeated_voucher_counts_once():
    assert read(
        intouch=[{"couponCode": "C"}], vendor=[{"voucher": "C"}, {"voucher": "V"}]
    ).vouchers == ("C", "V")


@pytest.mark.parametrize(
    ("one", "many", "expected"),
    [
        ("p", None, ("p",)),
        (None, ["q", "r"], ("q", "r")),
        ("p", ["p", "q"], ("p", "q")),
        (None, "q", ("q",)),
        (None, [7, None, {}], ("7",)),
        (None, [], ()),
    ],
)
def test_both_spellings_of_the_points_references_are_kept(one, many, expected):
    assert read(pointsReferenceId=one, pointsReferenceIds=many).points_references == expected


@pytest.mark.parametrize(
    ("partner_error", "codes"),
    [
        (None, ()),
        ("x", ()),
        ({"codes": None}, ()),
        ({"codes": [828, "1620"]}, ("828", "1620")),
        ({"codes": 828}, ("828",)),
    ],
)
def test_partner_codes_are_text(partner_error, codes):
    assert read(status={"code": 8004, "partnerError": partner_error}).status.partner_codes == codes


def test_rewards_are_read_from_one_object_or_a_list_and_absent_when_null():
    assert [element.reward_id for element in read(rewards={"rewardId": 1}).elements] == [1]
    assert [
        element.reward_id
        for element in read(rewards=[{"rewardId": 1}, 7, {"rewardId": 2}]).elements
    ] == [1, 2]
    assert read(rewards=None).elements is None
    assert read().elements is None
    assert read(rewards="x").elements == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"200",
        b"{}",
        b"\xff\xfe",
        b'{"status":null}',
        b'{"status":{"success":true}}',
        b'{"status":{"code":200}',
        b'{"rewards":[{}]}',
        b'{"status":{"code":200},"x":"\\ud800"}',
        b"[" * 200_000,
        b'{"status":' * 100_000,
    ],
)
def test_a_body_without_anything_to_decide_on_is_unreadable(body):
    assert read_issue_answer(body) is None


@pytest.mark.parametrize("status", [[{"code": 200}], "200", 200, True])
def test_a_status_that_is_not_an_object_is_ignored(status):
    assert read(status=status) is None


def test_nul_becomes_a_space_because_databases_cannot_store_it():
    answer = read(
        status={"code": 8003, "message": "a\x00b"},
        transactionId="t\x00",
        intouch={"couponCode": "C\x001"},
    )
    assert (answer.status.message, answer.transaction_id, answer.vouchers) == (
        "a b",
        "t ",
        ("C 1",),
    )


def test_unknown_fields_are_ignored():
    assert read(pointsRedeemedInDecimal="1.234", orgID=7).status.code == 200
