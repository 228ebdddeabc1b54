"""What the reads show of a job: its transactions, when to stop, and each line's outcome."""

from datetime import UTC, datetime, timedelta

import pytest

from issuance.job import Line
from issuance.outcome import Kind, Reason
from issuance.reconciliation.conclusion import conclude, may_stop, pick_own
from issuance.reconciliation.transactions import Issual, TransactionDetail

SENT = datetime(2026, 11, 1, tzinfo=UTC)
SENT_MS = int(SENT.timestamp() * 1000)
ISSUED = {"success": True, "code": 200, "message": "Promotion issued successfully"}
PARTIAL = {"success": False, "code": 8010, "message": "Reward issued partially"}


def refused(code, message="no"):
    return {"success": False, "code": code, "message": message}


def entry(number=1, status=ISSUED, reward=1001, reference="job-1", date=SENT_MS):
    return Issual.model_validate(
        {
            "rewardTransactionId": str(number),
            "rewardIssueRefId": reference,
            "rewardTransactionDate": date + number,
            "status": status,
            "rewardDetails": {"rewardId": reward},
        }
    )


def detail(number=1, status=ISSUED, quantity=1, requested=1, codes=("A",), **more):
    return TransactionDetail.model_validate(
        {
            "rewardTransactionId": number,
            "rewardIssueRefId": "job-1",
            "rewardTransactionDate": SENT_MS + number,
            "status": status,
            "rewardDetails": {"rewardId": more.pop("reward", 1001)},
            "quantity": quantity,
            "requestedQuantity": requested,
            "vouchers": [{"code": code} for code in codes],
            **more,
        }
    )


def concluded(*details, lines):
    return conclude(lines, details, {one.reward_transaction_id: one for one in details})


def only_line(*details, quantity=1):
    [line] = concluded(*details, lines=[Line("r-a", 1001, quantity)]).outcome.lines
    return line


def test_a_jobs_transactions_are_unique_and_sorted_from_the_oldest():
    mine, other = entry(3), entry(2, reference="job-10")
    own = pick_own("job-1", [[mine, other, entry(10)], [mine, entry(1, date=SENT_MS)]])
    assert [one.reward_transaction_id for one in own] == ["1", "3", "10"]


@pytest.mark.parametrize(
    ("minutes", "stops"),
    [
        ([1, 0], False),
        ([1, -4], False),
        ([1, -6], True),
        ([-6], True),
        ([], False),
        ([-9, -6], False),
        ([-6, 1], False),
    ],
)
def test_reading_stops_after_a_page_that_is_older_than_the_first_attempt(minutes, stops):
    page = [entry(0, date=SENT_MS + one * 60_000) for one in minutes]
    assert may_stop(page, SENT) is stops


def test_entries_without_a_date_are_ignored_when_deciding_to_stop():
    undated = Issual()
    assert not may_stop([undated], SENT)
    assert may_stop([undated, entry(date=SENT_MS - 600_000), undated], SENT)


def test_the_clock_skew_is_a_parameter():
    page = [entry(0, date=SENT_MS - 600_000)]
    assert may_stop(page, SENT, timedelta(minutes=9))
    assert not may_stop(page, SENT, timedelta(minutes=11))


def test_a_success_found_is_issued_with_all_its_details():
    line = only_line(
        detail(
            7,
            pointsRedemption={"pointsRedemptionRefId": "p", "pointsRedemptionRefIds": ["q", None]},
        )
    )
    assert (line.kind, line.code, line.reason, line.quantity) == (Kind.ISSUED, 200, None, 1)
    assert (line.transaction_ids, line.vouchers, line.points_references) == (
        ("7",),
        ("A",),
        ("p", "q"),
    )


def test_a_partial_issue_found_is_partial_with_its_quantity():
    line = only_line(detail(status=PARTIAL, quantity=1, requested=2), quantity=2)
    assert (line.kind, line.code, line.reason) == (Kind.PARTIAL, 8010, Reason.PARTIAL)
    assert (line.quantity, line.requested_quantity) == (1, 2)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (8003, Reason.FAILED),
        (1010, Reason.FAILED),
        (12005, Reason.LIMIT),
        (3004, Reason.CONFIG),
        (77001, Reason.UNKNOWN_CODE),
    ],
)
def test_a_refusal_found_is_failed_with_its_code(code, reason):
    line = only_line(detail(status=refused(code), quantity=0, codes=()))
    assert (line.kind, line.code, line.message, line.reason) == (Kind.FAILED, code, "no", reason)
    assert line.quantity == 0


def test_a_refusal_in_the_list_needs_no_detail():
    conclusion = conclude([Line("r-a", 1001)], [entry(status=refused(8003))], {})
    assert (conclusion.outcome.kind, conclusion.outcome.code, conclusion.missing) == (
        Kind.FAILED,
        8003,
        (),
    )


@pytest.mark.parametrize("status", [ISSUED, PARTIAL])
def test_a_success_without_readable_details_is_in_doubt_and_named(status):
    conclusion = conclude([Line("r-a", 1001)], [entry(7, status)], {})
    [line] = conclusion.outcome.lines
    assert (line.kind, line.reason, line.transaction_ids) == (
        Kind.IN_DOUBT,
        Reason.IN_DOUBT,
        ("7",),
    )
    assert (line.quantity, conclusion.missing) == (None, ())


def test_no_transaction_at_all_is_in_doubt_and_missing():
    conclusion = conclude([Line("r-a", 1001), Line("r-b", 1002)], [], {})
    assert (conclusion.outcome.kind, conclusion.missing) == (Kind.IN_DOUBT, ("r-a", "r-b"))
    assert (
        conclusion.outcome.lines[0].message == "no transaction carries this job's transactionNumber"
    )


def test_each_line_of_a_call_has_its_own_transaction():
    lines = [Line("r-a", 1001), Line("r-b", 1002), Line("r-c", 1003)]
    refusal = detail(2, refused(12034), 0, 1, (), reward=1002)
    conclusion = concluded(detail(1), refusal, lines=lines)
    assert [line.kind for line in conclusion.outcome.lines] == [
        Kind.ISSUED,
        Kind.FAILED,
        Kind.IN_DOUBT,
    ]
    assert (conclusion.outcome.kind, conclusion.missing) == (Kind.IN_DOUBT, ("r-c",))
    assert concluded(detail(1), refusal, lines=lines[:2]).outcome.kind is Kind.PARTIAL


def test_two_lines_with_the_same_reward_share_its_transactions():
    lines = [Line("r-a", 1001, 2), Line("r-b", 1001, 1)]
    first, second = (
        detail(1, quantity=1, requested=1, codes=["B"]),
        detail(2, quantity=2, requested=2, codes="CD"),
    )
    outcome = concluded(first, second, lines=lines).outcome
    assert [line.vouchers for line in outcome.lines] == [("C", "D"), ("B",)]
    assert outcome.kind is Kind.ISSUED


def test_with_one_transaction_the_second_of_two_equal_lines_is_missing():
    conclusion = concluded(detail(1), lines=[Line("r-a", 1001), Line("r-b", 1001)])
    assert [line.kind for line in conclusion.outcome.lines] == [Kind.ISSUED, Kind.IN_DOUBT]
    assert conclusion.missing == ("r-b",)


def test_a_transaction_of_the_job_with_another_reward_is_kept_with_a_line():
    assert only_line(detail(7, reward=5)).kind is Kind.ISSUED


def test_a_later_refusal_does_not_undo_what_was_issued():
    line = only_line(detail(1), detail(2, refused(400), 0, 1, ()))
    assert (line.kind, line.code, line.transaction_ids) == (Kind.ISSUED, 200, ("1", "2"))


def test_units_reported_only_by_a_refusal_are_never_a_success():
    line = only_line(detail(status=refused(8004)))
    assert (line.kind, line.anomalies) == (Kind.PARTIAL, ("units_with_refusal",))


def test_more_units_than_requested_are_flagged():
    assert only_line(detail(quantity=2, codes="AB")).anomalies == ("more_units_than_requested",)
    assert only_line(detail(status=PARTIAL, quantity=2, codes="AB")).kind is Kind.PARTIAL


def test_a_success_without_a_unit_stays_in_doubt():
    line = only_line(detail(quantity=0, codes=()))
    assert (line.kind, line.anomalies) == (Kind.IN_DOUBT, ("success_without_units",))


def test_a_transaction_without_a_status_stays_in_doubt():
    assert only_line(detail(status=None, quantity=0, codes=())).kind is Kind.IN_DOUBT


def test_a_reversed_voucher_is_kept_with_its_refusal_without_units():
    line = only_line(detail(status=refused(1010), quantity=0))
    assert (line.kind, line.vouchers, line.anomalies) == (
        Kind.FAILED,
        ("A",),
        ("vouchers_with_refusal",),
    )


def test_a_voucher_with_a_refusal_that_reports_no_quantity_is_in_doubt():
    assert only_line(detail(status=refused(1010), quantity=None)).kind is Kind.IN_DOUBT


def test_a_partial_transaction_without_a_unit_is_partial():
    line = only_line(detail(status=PARTIAL, quantity=0, requested=2, codes=()), quantity=2)
    assert (line.kind, line.quantity) == (Kind.PARTIAL, 0)


def test_an_older_answer_without_a_quantity_is_judged_by_its_status():
    assert only_line(detail(quantity=None, requested=None), quantity=2).quantity == 2
    assert only_line(detail(status=PARTIAL, quantity=None, requested=2), quantity=2).quantity == 1
    assert (
        only_line(detail(quantity=None, status=ISSUED | {"success": False}, codes=())).kind
        is Kind.IN_DOUBT
    )


def test_a_redemption_value_is_not_a_number_of_units():
    # The API takes the 40 of the request as the value of one unit (rewards-api §7).
    line = only_line(detail(quantity=1, requested=1), quantity=40)
    assert (line.kind, line.requested_quantity) == (Kind.ISSUED, 1)
