"""Whose fault a refusal is, and the sequential test on a reward's faults."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.replies.classification import classify
from issuance.replies.codes import CODES, Verdict
from issuance.replies.reply import Answer, NoAnswer
from issuance.stop_loss.cusum import (
    FAULTS_IN_A_ROW,
    STOP_AT,
    add_fault,
    add_others,
    must_stop,
)
from issuance.stop_loss.faults import (
    FAULTS,
    Fault,
    find_fault,
    find_recorded_fault,
    is_campaign_fault,
)

_PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "stop-loss.md"
_CAMPAIGN, _CUSTOMER, _ACCOUNT, _NONE = Fault
LINE = Line("r-a", 1001)

# code, message, partner code, whose fault
REFUSALS = [
    (400, "must not be null", None, _CAMPAIGN),
    (400, "Invalid payment mode passed.,Payment configuration id is mandatory", None, _CAMPAIGN),
    (400, "Duplicate requestId", None, _CAMPAIGN),
    (403, "access denied", None, _ACCOUNT),
    (404, "no such reward", None, _CAMPAIGN),
    (1014, "Customer not found", None, _CUSTOMER),
    (1026, "Points vendor configuration not set for brand", None, _CAMPAIGN),
    (3004, "Brand not found", None, _CAMPAIGN),
    (6004, "Reward not found or disabled", None, _CAMPAIGN),
    (6080, "Reward external id is not valid", None, _CAMPAIGN),
    (6082, "Reward external id does not match the reward id", None, _CAMPAIGN),
    (8003, "fail to issue reward as Reward is not found", None, _CAMPAIGN),
    (8003, "fail to issue reward as Voucher is not present", None, _CAMPAIGN),
    (8004, "fail to issue reward as  points are not redeemable", "828", _CUSTOMER),
    (8004, "fail to issue reward as customer lookup failed", None, _CUSTOMER),
    (8004, "fail to issue reward as  Coupon Series ID is invalid", None, _CAMPAIGN),
    (8004, "issue failed", None, _CAMPAIGN),
    (8004, "fail to issue reward", "77777", _CAMPAIGN),
    (8005, "switched off", None, _CAMPAIGN),
    (8015, "customer not found", None, _CUSTOMER),
    (12005, "Max limit for the DAYS is reached. … 1 For Level CUSTOMER", None, _CUSTOMER),
    (12005, "Max limit for the DAYS is reached. … 9 For Level REWARD", None, _CAMPAIGN),
    (12005, "Reward constraint evaluation failed", None, _CUSTOMER),
    (12016, "Invalid payment mode passed.", None, _CAMPAIGN),
    (12034, "User Doesn't Belong To Segment Partition", None, _CUSTOMER),
    (12035, "Payment mode should be passed", None, _CAMPAIGN),
    (12050, "User has no valid cards", None, _CUSTOMER),
    (13999, "never documented", None, _CAMPAIGN),
    (15006, "Primary identifier missing", None, _CUSTOMER),
    (200, "Reward issued successfully", None, _NONE),
    (8010, "Reward issued partially", None, _NONE),
    (429, "too many requests", None, _ACCOUNT),
    (401, "authentication failed", None, _ACCOUNT),
    (1010, "Failed to redeem points", None, _NONE),
    (10004, "Parallel calls", None, _NONE),
    (500, "failed due to errors", None, _NONE),
    (503, "authorization status unavailable", None, _NONE),
]


def answer(code, message, partner=None):
    return Answer(200, _body(code, message, partner))


def _body(code, message, partner):
    content = {"success": code == 200, "code": code, "message": message}
    if partner is not None:
        content["partnerError"] = {"codes": [partner], "messages": ["x"]}
    return json.dumps({"status": content}).encode()


def judge(reply, lines=(LINE,)):
    outcome = classify(lines, Variant.BULK, reply, resent=False)
    return outcome, outcome.lines[0]


@pytest.mark.parametrize(("code", "message", "partner", "fault"), REFUSALS)
def test_a_refusal_is_the_fault_of_campaign_customer_or_account(code, message, partner, fault):
    outcome, line = judge(answer(code, message, partner))
    assert find_fault(outcome, line).fault is fault
    assert is_campaign_fault(outcome, line) is (fault is _CAMPAIGN)


@pytest.mark.parametrize("status", [403, 404, 405, 302])
def test_a_page_of_the_edge_is_the_accounts_fault(status):
    outcome, line = judge(Answer(status, b"<html>blocked</html>"))
    assert find_fault(outcome, line).fault is _ACCOUNT


@pytest.mark.parametrize("reply", [NoAnswer("timeout", "", sent=True), Answer(502, b"")])
def test_a_call_without_a_readable_answer_is_no_fault(reply):
    outcome, line = judge(reply)
    assert find_fault(outcome, line).fault is _NONE


@pytest.mark.parametrize("status", [302, 403, 404, 502])
def test_the_record_of_a_page_says_the_same(status):
    outcome, line = judge(Answer(status, b"<html>blocked</html>"))
    recorded = find_recorded_fault(line.kind, line.code, line.message)
    assert recorded.fault is find_fault(outcome, line).fault


def test_a_success_without_units_is_the_campaigns_fault():
    body = (
        b'{"status":{"success":true,"code":200},"rewards":[{"status":{"success":true,"code":200},'
    )
    body += b'"requestId":"r-a","rewardId":1001,"quantity":0}]}'
    outcome, line = judge(Answer(200, body))
    assert find_fault(outcome, line).fault is _CAMPAIGN


def test_each_line_of_a_call_has_its_own_fault():
    body = (
        b'{"status":{"success":false,"code":8010},"rewards":['
        b'{"status":{"success":true,"code":200},"requestId":"r-a","rewardId":1001,"quantity":1},'
        b'{"status":{"success":false,"code":8003},"requestId":"r-b","rewardId":1002,"quantity":0}]}'
    )
    lines = (LINE, Line("r-b", 1002))
    outcome = classify(lines, Variant.BULK, Answer(200, body), resent=False)
    assert [find_fault(outcome, line).fault for line in outcome.lines] == [_NONE, _CAMPAIGN]


def test_every_code_that_refuses_has_a_row_or_belongs_to_another_call():
    other_calls = {8009, 10007, 10008, 13003, 13005}
    refused = {
        row.code for row in CODES if row.verdict in (Verdict.REFUSED, Verdict.LIMIT, Verdict.CONFIG)
    }
    assert refused - {row.code for row in FAULTS} == other_calls


def test_the_page_shows_the_table():
    shown = [line for line in _PAGE.read_text(encoding="utf-8").splitlines() if "| §" in line]
    assert shown == [
        f"| {row.code}{''.join(f', “{part}”' for part in row.text[:1])} | {row.fault} | {row.why}"
        f" | {row.source} |"
        for row in FAULTS
    ]


def run(answers):
    statistic = 0
    for is_fault in answers:
        statistic = add_fault(statistic) if is_fault else add_others(statistic, 1)
    return statistic


def test_twenty_faults_in_a_row_stop_a_reward_and_nineteen_do_not():
    assert not must_stop(run([True] * (FAULTS_IN_A_ROW - 1)))
    assert must_stop(run([True] * FAULTS_IN_A_ROW))


def test_good_answers_give_no_credit_for_later_faults():
    assert must_stop(run([False] * 1_000_000 + [True] * FAULTS_IN_A_ROW))


@given(st.integers(0, 2 * STOP_AT), st.integers(0, 500))
def test_answers_added_together_count_as_one_by_one(statistic, count):
    one_by_one = statistic
    for _ in range(count):
        one_by_one = add_others(one_by_one, 1)
    assert add_others(statistic, count) == one_by_one


@given(st.lists(st.booleans(), max_size=200))
def test_one_more_fault_never_lowers_the_statistic(answers):
    assert run([*answers, True]) >= run(answers)
