"""Reading lists, lookups and revokes: the documented shapes, and unexpected ones."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.replies.reply import Answer, NoAnswer
from rewards_api.reads import (
    FoundCustomer,
    IssualsPage,
    NoSuchCustomer,
    NotRevoked,
    Revoked,
    Unreadable,
    read_customer,
    read_issuals,
    read_revoke,
)

OK = {"success": True, "code": 200, "message": "ok"}
ENTRY = {"rewardTransactionId": "300101", "rewardIssueRefId": "job-1"}


def answer(body, status=200):
    return Answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def listed(*entries, size=50, **more):
    page = read_issuals(
        answer({"status": OK, "rewardIssueTransactions": list(entries), **more}), size
    )
    assert isinstance(page, IssualsPage)
    return page


def test_a_page_keeps_the_order_and_knows_whether_it_is_the_last():
    page = listed(
        ENTRY, ENTRY | {"rewardTransactionId": 300100}, pagingDto={"last": False, "size": 2}
    )
    assert [one.reward_transaction_id for one in page.issuals] == ["300101", "300100"]
    assert not page.is_last
    assert listed(ENTRY, pagingDto={"last": "true"}).is_last


@pytest.mark.parametrize("paging", [None, {}, "x", {"last": None}])
def test_without_paging_a_page_that_is_not_full_is_the_last(paging):
    assert listed(ENTRY, size=2, pagingDto=paging).is_last
    assert not listed(ENTRY, ENTRY, size=2, pagingDto=paging).is_last


def test_entries_of_wrong_types_are_skipped_but_count_for_the_page_size():
    page = listed(ENTRY, None, 7, size=3)
    assert (len(page.issuals), page.is_last) == (1, False)


def test_an_empty_page_is_the_last_whatever_it_says():
    assert listed(pagingDto={"last": False}).is_last


@pytest.mark.parametrize(
    "body", [{"status": OK}, {"status": [OK], "rewardIssueTransactions": None}]
)
def test_a_success_without_a_list_has_no_entries(body):
    page = read_issuals(answer(body), 50)
    assert (page.issuals, page.is_last) == ((), True)


def test_the_whole_answer_is_kept_with_its_unknown_fields():
    assert b"orgName" in listed(ENTRY | {"orgName": "x"}).answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"{}",
        {"status": {"code": 8009}},
        {"status": {"code": 8000}, "rewardIssueTransactions": []},
        {"status": OK, "rewardIssueTransactions": "x"},
        {"rewardIssueTransactions": {}},
        b'{"rewardIssueTransactions":' + b"[" * 100_000,
    ],
)
def test_an_answer_that_is_no_list_is_unreadable_and_keeps_the_reply(body):
    assert read_issuals(answer(body), 50) == Unreadable(answer(body))


@pytest.mark.parametrize("entity", [306, "306", 306.0])
def test_a_customer_is_found_by_a_positive_number(entity):
    assert read_customer(answer({"entity": entity, "warnings": []})) == FoundCustomer(306)


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"status": False, "code": 8015, "message": "gone"}], "warnings": []},
        {"errors": {"code": "8015", "message": "gone"}, "entity": None},
        {"status": {"code": 1014, "message": "gone"}},
    ],
)
def test_an_unknown_customer_is_reported(body):
    reply = read_customer(answer(body, 400))
    assert isinstance(reply, NoSuchCustomer)
    assert (reply.code in (8015, 1014), reply.message) == (True, "gone")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        {"entity": 0},
        {"entity": -1},
        {"entity": True},
        {"entity": {}},
        {"errors": [{"code": 8045}]},
    ],
)
def test_a_lookup_without_customer_and_code_is_unreadable(body):
    assert read_customer(answer(body)) == Unreadable(answer(body))


def test_a_revoked_transaction_has_the_number_of_revoked_units():
    body = {"status": OK, "txnId": 300101, "state": "CANCELLED", "userRewardCount": "2", "extra": 1}
    assert read_revoke(answer(body)) == Revoked("300101", 2, answer(body))
    assert read_revoke(answer({"status": [OK], "txnId": "1"})) == Revoked("1", None, answer(b""))


@pytest.mark.parametrize("code", [400, 1018, 10007, 10008, 13003, 13005, 77001])
def test_a_refused_revoke_has_its_code(code):
    body = {"status": {"success": False, "code": code, "message": "no"}, "txnId": 1}
    assert read_revoke(answer(body)) == NotRevoked(code, "no")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        {"txnId": 1, "state": "CANCELLED"},
        {"status": OK},
        {"status": OK, "txnId": 1, "state": "ISSUED"},
        {"status": OK | {"success": False}, "txnId": 1},
    ],
)
def test_a_revoke_without_a_confirmation_is_unreadable(body):
    assert read_revoke(answer(body)) == Unreadable(answer(body))


@pytest.mark.parametrize(
    "read", [lambda reply: read_issuals(reply, 50), read_customer, read_revoke]
)
def test_no_answer_is_unreadable(read):
    reply = NoAnswer("timeout", "TimeoutError", sent=True)
    assert read(reply) == Unreadable(reply)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = [
    "status",
    "rewardIssueTransactions",
    "pagingDto",
    "entity",
    "errors",
    "txnId",
    "state",
    "userRewardCount",
]


@given(st.dictionaries(st.sampled_from(names), anything))
def test_reading_never_raises_whatever_the_types(body):
    reply = answer(body)
    read_issuals(reply, 2)
    read_customer(reply)
    assert isinstance(read_revoke(reply), Revoked | NotRevoked | Unreadable)
