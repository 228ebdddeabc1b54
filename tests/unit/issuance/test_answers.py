"""The response samples and contradictions of rewards-api §4.2 and §4.3."""

import json

import pytest

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, Reason
from issuance.replies.classification import classify
from issuance.replies.reply import Answer, NoAnswer

A = Line("r-a", 1001, quantity=2)
B = Line("r-b", 1002, quantity=2)
OK = {"success": True, "code": 200, "message": "Reward issued successfully"}
PARTLY = {"success": False, "code": 8010, "message": "Reward issued partially"}
REFUSED = {
    "success": False,
    "code": 8004,
    "message": "fail to issue reward as  Coupon Series ID is invalid",
}
ALL_FAILED = {"success": False, "code": 8003, "message": "fail to issue reward"}
SEGMENT = {"success": False, "code": 12034, "message": "user not in segment"}


def element(request_id, status, **fields):
    return {
        "status": status,
        "requestId": request_id,
        "intouch": None,
        "promotions": [],
        "vendor": [],
    } | fields


def read(body, lines=(A, B), variant=Variant.BULK, *, resent=False):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return classify(lines, variant, Answer(200, raw), resent=resent)


def kinds(outcome):
    return [line.kind for line in outcome.lines]


def test_a_single_answer_is_one_issued_unit_with_its_coupon():
    body = {
        "status": OK,
        "intouch": {
            "pointsRedeemed": "10",
            "couponCode": "9000000001",
            "codeExpiry": "2027-01-01 00:00:00",
        },
        "transactionId": 300001,
        "promotion": None,
        "vendor": None,
        "paymentConfig": {"paymentMode": "POINTS", "id": 55, "points": 50.0},
        "eventLogId": "blast42",
        "requestId": "r-a",
    }
    outcome = read(body, (Line("r-a", 1001),), Variant.SINGLE)
    (line,) = outcome.lines
    assert (outcome.kind, outcome.reason, outcome.code) == (Kind.ISSUED, None, 200)
    assert (line.requested_quantity, line.quantity) == (1, 1)
    assert (line.vouchers, line.transaction_ids, line.anomalies) == (
        ("9000000001",),
        ("300001",),
        (),
    )


def test_a_single_refusal_keeps_its_transaction():
    body = {
        "status": {"success": False, "code": 12050, "message": "no card"},
        "transactionId": 300002,
    }
    outcome = read(body, (Line("r-a", 1001),), Variant.SINGLE)
    assert (outcome.kind, outcome.code) == (Kind.FAILED, 12050)
    assert (outcome.lines[0].transaction_ids, outcome.lines[0].quantity) == (("300002",), None)


def test_the_documented_partial_answer_is_read_line_by_line():
    body = {
        "status": PARTLY,
        "rewards": [
            element(
                "r-a",
                OK,
                transactionId=300101,
                rewardId=1001,
                requestedQuantity=2,
                quantity=2,
                pointsReferenceId=None,
                pointsReferenceIds=["aB3xY9"],
                intouch=[{"pointsRedeemed": "10", "couponCode": "C1"}, {"couponCode": "C2"}],
            ),
            element(
                "r-b", REFUSED, transactionId=300102, rewardId=1002, requestedQuantity=2, quantity=0
            ),
        ],
    }
    outcome = read(body)
    a, b = outcome.lines
    assert (outcome.kind, outcome.reason, outcome.code) == (Kind.PARTIAL, Reason.PARTIAL, 8010)
    assert (a.kind, a.quantity, a.vouchers, a.points_references) == (
        Kind.ISSUED,
        2,
        ("C1", "C2"),
        ("aB3xY9",),
    )
    assert (b.kind, b.reason, b.code, b.quantity) == (Kind.FAILED, Reason.FAILED, 8004, 0)
    assert (a.transaction_ids, b.transaction_ids) == (("300101",), ("300102",))
    assert (a.anomalies, b.anomalies) == ((), ())


def test_contradiction_a_top_8010_with_every_reward_issued_is_issued():
    top = PARTLY | {"message": "Reward issued successfully"}
    outcome = read(
        {"status": top, "rewards": [element("r-a", OK, quantity=2), element("r-b", OK, quantity=2)]}
    )
    assert (outcome.kind, outcome.reason, outcome.code) == (Kind.ISSUED, None, 200)
    assert [line.anomalies for line in outcome.lines] == [("top_level_disagrees",)] * 2


def test_contradiction_b_top_200_with_a_partial_and_a_refused_reward_is_partial():
    body = {
        "status": OK,
        "rewards": [
            element("r-a", PARTLY, quantity=1, requestedQuantity=2, intouch=[{"couponCode": "C1"}]),
            element("r-b", ALL_FAILED, quantity=0),
        ],
    }
    outcome = read(body)
    assert (outcome.kind, outcome.reason, outcome.code) == (Kind.PARTIAL, Reason.PARTIAL, 8010)
    assert kinds(outcome) == [Kind.PARTIAL, Kind.FAILED]
    assert outcome.lines[0].vouchers == ("C1",)
    assert [line.anomalies for line in outcome.lines] == [("top_level_disagrees",)] * 2


def test_contradiction_c_8010_with_more_units_than_requested_is_partial_and_flagged():
    body = {"status": PARTLY, "rewards": [element("r-a", PARTLY, requestedQuantity=1, quantity=2)]}
    outcome = read(body, (A,))
    assert outcome.kind is Kind.PARTIAL
    assert (outcome.lines[0].quantity, outcome.lines[0].requested_quantity) == (2, 1)
    assert outcome.lines[0].anomalies == ("more_units_than_requested",)


def test_contradiction_d_a_transaction_id_shared_by_two_rewards_is_flagged_on_both():
    rewards = [
        element(request_id, OK, quantity=2, transactionId=7) for request_id in ("r-a", "r-b")
    ]
    rewards.append(element("r-c", OK, transactionId=8))
    outcome = read({"status": OK, "rewards": rewards}, (A, B, Line("r-c", 1003)))
    assert outcome.kind is Kind.ISSUED
    assert [line.anomalies for line in outcome.lines] == [
        ("shared_transaction_id",),
        ("shared_transaction_id",),
        (),
    ]
    assert [line.transaction_ids for line in outcome.lines] == [("7",), ("7",), ("8",)]


@pytest.mark.parametrize("rewards", [{"rewards": None}, {}, {"rewards": []}])
def test_a_refusal_of_the_whole_call_applies_to_every_line(rewards):
    status = {
        "success": False,
        "code": 8004,
        "message": "x",
        "partnerError": {"codes": ["828"], "messages": []},
    }
    outcome = read({"status": status, **rewards})
    assert (outcome.kind, outcome.reason, outcome.code) == (Kind.FAILED, Reason.FAILED, 8004)
    assert kinds(outcome) == [Kind.FAILED, Kind.FAILED]


def test_a_bulk_failure_in_the_single_endpoints_format_applies_to_every_line():
    body = {
        "status": ALL_FAILED,
        "intouch": None,
        "promotion": None,
        "vendor": None,
        "transactionId": 9,
    }
    outcome = read(body)
    assert kinds(outcome) == [Kind.FAILED, Kind.FAILED]
    assert [line.anomalies for line in outcome.lines] == [(), ()]


def test_failed_elements_of_an_8010_without_request_id_are_matched_by_reward_id():
    bare = {
        "status": {"success": False, "code": 12035, "message": "payment mode must be passed"},
        "rewardId": 1001,
    }
    outcome = read({"status": PARTLY, "rewards": [element("r-b", OK, quantity=2), bare]})
    assert [(line.kind, line.code) for line in outcome.lines] == [
        (Kind.FAILED, 12035),
        (Kind.ISSUED, 200),
    ]
    assert outcome.lines[0].quantity is None
    assert outcome.lines[0].transaction_ids == ()


def test_reward_ids_take_precedence_over_positions():
    nameless = {"status": SEGMENT}
    named = {"status": OK, "rewardId": 1001, "quantity": 2}
    outcome = read({"status": PARTLY, "rewards": [nameless, named]})
    assert kinds(outcome) == [Kind.ISSUED, Kind.FAILED]


def test_elements_of_the_same_reward_are_matched_in_order():
    lines = (Line("r-a", 1001), Line("r-b", 1001))
    rewards = [
        {"status": OK, "rewardId": 1001, "quantity": 1},
        {"status": SEGMENT, "rewardId": 1001, "requestId": ""},
    ]
    assert kinds(read({"status": PARTLY, "rewards": rewards}, lines)) == [Kind.ISSUED, Kind.FAILED]


def test_elements_without_ids_are_matched_by_position_when_none_is_missing():
    outcome = read({"status": PARTLY, "rewards": [{"status": SEGMENT}, {"status": OK}]})
    assert kinds(outcome) == [Kind.FAILED, Kind.ISSUED]


def test_a_line_missing_from_the_list_is_in_doubt():
    outcome = read({"status": PARTLY, "rewards": [{"status": SEGMENT}]})
    assert kinds(outcome) == [Kind.IN_DOUBT, Kind.IN_DOUBT]
    assert (outcome.kind, outcome.reason, outcome.retry_is_conclusive) == (
        Kind.IN_DOUBT,
        Reason.IN_DOUBT,
        False,
    )
    assert "does not mention" in outcome.lines[0].message


@pytest.mark.parametrize("rewards", [[], "none", 7, [1, "x", None]])
def test_a_success_with_a_list_that_matches_no_line_is_in_doubt(rewards):
    assert kinds(read({"status": OK, "rewards": rewards})) == [Kind.IN_DOUBT, Kind.IN_DOUBT]


def test_an_element_for_another_request_id_decides_nothing_but_its_voucher_is_kept():
    stranger = element(
        "R-A", OK, quantity=2, transactionId=5, rewardId=1001, vendor=[{"voucher": "V"}]
    )
    outcome = read({"status": OK, "rewards": [stranger]}, (A,))
    (line,) = outcome.lines
    assert (line.kind, line.vouchers, line.transaction_ids) == (Kind.IN_DOUBT, ("V",), ("5",))
    assert line.anomalies == ("unmatched_element", "top_level_disagrees")


@pytest.mark.parametrize(
    "second",
    [{"status": OK, "pointsReferenceId": "p"}, {"status": SEGMENT, "vendor": [{"voucher": "V"}]}],
)
def test_a_refusal_with_a_second_element_that_shows_an_issue_is_in_doubt(second):
    outcome = read(
        {"status": PARTLY, "rewards": [element("r-a", SEGMENT), second | {"requestId": "r-a"}]},
        (A,),
    )
    (line,) = outcome.lines
    assert (line.kind, line.reason) == (Kind.IN_DOUBT, Reason.IN_DOUBT)
    assert line.anomalies == ("vouchers_with_refusal", "unmatched_element")


def test_a_refusal_stays_definite_when_its_second_element_shows_no_issue():
    rewards = [element("r-a", SEGMENT), element("r-a", SEGMENT, transactionId=6)]
    (line,) = read({"status": PARTLY, "rewards": rewards}, (A,)).lines
    assert (line.kind, line.transaction_ids) == (Kind.FAILED, ("6",))


def test_vouchers_at_the_top_level_of_a_bulk_answer_are_kept():
    body = {
        "status": OK,
        "intouch": {"couponCode": "T"},
        "rewards": [element("r-a", OK, quantity=2)],
    }
    assert read(body, (A,)).lines[0].vouchers == ("T",)


@pytest.mark.parametrize(
    ("quantity", "requested", "resent", "expected", "anomaly"),
    [
        (None, None, False, Kind.ISSUED, ()),
        (2, None, False, Kind.ISSUED, ()),
        # the answer's requestedQuantity counts, not the body's (CONV_RATIO)
        (1, 1, False, Kind.ISSUED, ()),
        (3, 2, False, Kind.ISSUED, ()),
        (1, 2, False, Kind.PARTIAL, ("success_with_fewer_units",)),
        (1, None, True, Kind.IN_DOUBT, ("success_with_fewer_units",)),
        (0, 2, False, Kind.FAILED, ("success_without_units",)),
        (0, 2, True, Kind.IN_DOUBT, ("success_without_units",)),
        (0, 0, False, Kind.FAILED, ("success_without_units",)),
        (-1, -1, False, Kind.FAILED, ("success_without_units",)),
    ],
)
def test_code_200_is_checked_against_the_units(quantity, requested, resent, expected, anomaly):
    rewards = [element("r-a", OK, quantity=quantity, requestedQuantity=requested)]
    (line,) = read({"status": OK, "rewards": rewards}, (A,), resent=resent).lines
    assert line.kind is expected
    assert line.anomalies[: len(anomaly)] == anomaly
    assert line.quantity == quantity


def test_code_200_without_success_is_in_doubt_unless_it_reports_units():
    denied = OK | {"success": False}
    (line,) = read({"status": denied, "rewards": [element("r-a", denied)]}, (A,)).lines
    assert (line.kind, line.anomalies[0]) == (Kind.IN_DOUBT, "code_200_without_success")
    assert (
        read({"status": denied, "rewards": [element("r-a", denied, quantity=2)]}, (A,)).kind
        is Kind.ISSUED
    )


@pytest.mark.parametrize(
    "status", [SEGMENT, REFUSED, {"code": 3004}, {"code": 12005}, {"code": 77}]
)
def test_a_refusal_that_reports_units_is_partial(status):
    (line,) = read({"status": PARTLY, "rewards": [element("r-a", status, quantity=1)]}, (A,)).lines
    assert (line.kind, line.reason, line.anomalies) == (
        Kind.PARTIAL,
        Reason.PARTIAL,
        ("units_with_refusal",),
    )


@pytest.mark.parametrize("status", [SEGMENT, {"code": 3004}, {"code": 12005}, {"code": 77}])
def test_a_refusal_that_shows_a_voucher_is_in_doubt_and_keeps_it(status):
    rewards = [element("r-a", status, quantity=0, intouch=[{"couponCode": "C"}])]
    (line,) = read({"status": PARTLY, "rewards": rewards}, (A,)).lines
    assert (line.kind, line.vouchers, line.anomalies) == (
        Kind.IN_DOUBT,
        ("C",),
        ("vouchers_with_refusal",),
    )


def test_an_answer_about_the_account_that_lists_rewards_is_read_line_by_line():
    late = {"success": False, "code": 429, "message": "slow down"}
    outcome = read(
        {"status": late, "rewards": [element("r-a", OK, quantity=2), element("r-b", late)]}
    )
    assert kinds(outcome) == [Kind.ISSUED, Kind.TRANSIENT]
    assert outcome.refusal is None


def test_a_voucher_in_an_answer_about_the_account_is_kept():
    body = {"status": {"code": 401}, "intouch": {"couponCode": "C"}}
    outcome = read(body, (Line("r-a", 1001),), Variant.SINGLE)
    assert (outcome.kind, outcome.lines[0].vouchers) == (Kind.TRANSIENT, ("C",))


def test_a_line_without_its_own_status_takes_the_answers():
    assert (
        kinds(read({"status": OK, "rewards": [{"requestId": "r-a"}, {"requestId": "r-b"}]}))
        == [Kind.ISSUED] * 2
    )


def test_a_readable_element_counts_when_the_top_level_has_no_code():
    body = {"rewards": [element("r-a", OK, quantity=2), {"requestId": "r-b", "quantity": 1}]}
    outcome = read(body)
    assert kinds(outcome) == [Kind.ISSUED, Kind.IN_DOUBT]
    assert outcome.lines[1].quantity == 1


def test_a_voucher_without_a_code_is_kept_and_its_line_is_in_doubt():
    outcome = read(
        {"status": {"success": True}, "intouch": {"couponCode": "C"}}, (A,), Variant.SINGLE
    )
    assert (outcome.kind, outcome.code, outcome.lines[0].vouchers) == (Kind.IN_DOUBT, None, ("C",))


@pytest.mark.parametrize(
    ("codes", "kind", "reason", "code"),
    [
        ((200, 10004), Kind.TRANSIENT, Reason.EXHAUSTED, 10004),
        ((10004, 500), Kind.IN_DOUBT, Reason.IN_DOUBT, 500),
        ((8003, 1010), Kind.IN_DOUBT, Reason.IN_DOUBT, 1010),
        ((200, 12005), Kind.PARTIAL, Reason.PARTIAL, 8003),
        ((12034, 12034), Kind.FAILED, Reason.FAILED, 12034),
        ((12005, 12034), Kind.FAILED, Reason.FAILED, 8003),
        ((12034, 3004), Kind.FAILED, Reason.CONFIG, 8003),
        ((3004, 99999), Kind.FAILED, Reason.UNKNOWN_CODE, 8003),
        ((12005, 12005), Kind.FAILED, Reason.LIMIT, 12005),
    ],
)
def test_the_jobs_outcome_follows_from_its_lines(codes, kind, reason, code):
    rewards = [
        element(name, {"code": each}) for name, each in zip(("r-a", "r-b"), codes, strict=True)
    ]
    outcome = read({"status": ALL_FAILED, "rewards": rewards})
    assert (outcome.kind, outcome.reason, outcome.code) == (kind, reason, code)


def test_a_doubt_is_only_resent_when_the_answer_would_settle_every_doubtful_line():
    def is_resent(*codes):
        rewards = [
            element(name, {"code": each}) for name, each in zip(("r-a", "r-b"), codes, strict=True)
        ]
        return read({"status": ALL_FAILED, "rewards": rewards}).retry_is_conclusive

    assert is_resent(500, 200)
    assert is_resent(500, 502)
    assert not is_resent(500, 1010)


@pytest.mark.parametrize(
    ("sent", "kind", "reason"),
    [(True, Kind.IN_DOUBT, Reason.IN_DOUBT), (False, Kind.TRANSIENT, Reason.EXHAUSTED)],
)
def test_a_call_without_an_answer_is_in_doubt_unless_it_was_never_sent(sent, kind, reason):
    outcome = classify((A, B), Variant.BULK, NoAnswer("timeout", "30 s", sent=sent), resent=False)
    assert (outcome.kind, outcome.reason, outcome.code) == (kind, reason, None)
    assert outcome.message == "timeout: 30 s"
    assert outcome.retry_is_conclusive
    assert [(line.request_id, line.kind) for line in outcome.lines] == [
        ("r-a", kind),
        ("r-b", kind),
    ]


def test_an_answer_keeps_the_retry_after_of_the_api():
    body = json.dumps({"status": {"code": 10004, "message": "busy"}}).encode()
    assert (
        classify((A,), Variant.BULK, Answer(200, body, retry_after=3.0), resent=False).retry_after
        == 3.0
    )
