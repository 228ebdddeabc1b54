"""Merging a reply into the facts of a line that earlier replies showed."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuance.details.details import Details, Unit, UnitKind
from issuance.details.stored import store_details
from issuance.merge import LineFacts, merge, settle_by
from issuance.outcome import Kind, LineOutcome, Reason
from issuance.retry import Reconcile, Settle, TryAgain
from issuance.states import SETTLED, State, may_replace

FRESH = LineFacts(State.WAITING, None, None, None, None, None, None, None)
ISSUED = LineOutcome("r-1", Kind.ISSUED, 200, "issued", requested_quantity=2, vouchers=("A", "B"))
REFUSED = LineOutcome(
    "r-1", Kind.FAILED, 1014, "no such customer", Reason.FAILED, requested_quantity=2
)
BUSY = LineOutcome("r-1", Kind.TRANSIENT, 10004, "busy", Reason.EXHAUSTED, requested_quantity=2)
DOUBT = LineOutcome("r-1", Kind.IN_DOUBT, None, "timeout", Reason.IN_DOUBT, requested_quantity=2)


AGAIN = TryAgain(2.0, counted=True, because="transient")


@pytest.mark.parametrize("line", [ISSUED, replace(ISSUED, vouchers=())])
def test_a_line_that_is_reconciled_for_its_vouchers_stays_open(line):
    assert merge(FRESH, line, Reconcile(30.0, State.ISSUED)).state is State.WAITING


def test_a_line_reported_as_issued_is_settled_as_issued_if_no_read_finds_it():
    shown = merge(FRESH, ISSUED, Reconcile(30.0, State.ISSUED)).line
    known = replace(FRESH, quantity=shown.quantity)
    merged = merge(
        known,
        replace(ISSUED, kind=Kind.IN_DOUBT, quantity=None),
        Settle(State.ISSUED, None, uses_fallback=True),
    )
    assert (merged.state, merged.line.quantity) == (State.ISSUED, shown.quantity)


def test_an_issued_line_is_settled_even_if_its_job_is_retried():
    assert merge(FRESH, ISSUED, AGAIN).state is State.ISSUED


@pytest.mark.parametrize("line", [REFUSED, BUSY, DOUBT])
def test_any_other_line_waits_while_its_job_is_retried(line):
    merged = merge(FRESH, line, AGAIN)
    assert merged.state is State.WAITING
    assert (merged.line.code, merged.line.message) == (line.code, line.message)


@pytest.mark.parametrize(
    ("line", "settled_as", "state"),
    [
        (REFUSED, State.FAILED, State.FAILED),
        (BUSY, State.FAILED, State.FAILED),
        (BUSY, State.IN_DOUBT, State.IN_DOUBT),
        (DOUBT, State.IN_DOUBT, State.IN_DOUBT),
        (REFUSED, State.IN_DOUBT, State.FAILED),
    ],
)
def test_a_line_is_settled_with_its_job_by_its_own_outcome(line, settled_as, state):
    assert merge(FRESH, line, Settle(settled_as, None)).state is state


def test_an_issued_line_without_a_count_has_the_requested_units():
    assert merge(FRESH, ISSUED, Settle(State.ISSUED, None)).line.quantity == 2


@pytest.mark.parametrize(
    ("known", "said", "kept"),
    [(None, 1, 1), (2, 1, 2), (1, 2, 2), (2, None, 2), (None, None, None)],
)
def test_the_larger_count_of_units_is_kept(known, said, kept):
    line = replace(REFUSED, quantity=said)
    assert (
        merge(replace(FRESH, quantity=known), line, Settle(State.PARTIAL, None)).line.quantity
        == kept
    )


def test_lists_are_merged_in_order_of_appearance():
    known = replace(FRESH, vouchers='["A","B"]', transaction_ids='["1"]')
    line = replace(
        ISSUED,
        vouchers=("B", "C"),
        transaction_ids=("1", "2"),
        points_references=("p",),
        anomalies=("x",),
    )
    union = merge(known, line, Settle(State.ISSUED, None)).line
    assert (union.vouchers, union.transaction_ids) == (("A", "B", "C"), ("1", "2"))
    assert (union.points_references, union.anomalies) == (("p",), ("x",))


@pytest.mark.parametrize("shown", [{"quantity": 1}, {"vouchers": '["A"]'}])
def test_a_refusal_after_units_were_shown_is_a_partial_issue(shown):
    assert (
        merge(replace(FRESH, **shown), REFUSED, Settle(State.FAILED, None)).state is State.PARTIAL
    )


@pytest.mark.parametrize("shown", [{"quantity": 1}, {"vouchers": ("A",)}])
@pytest.mark.parametrize(
    "decision", [AGAIN, Settle(State.IN_DOUBT, Reason.IN_DOUBT), Settle(State.FAILED, None)]
)
def test_units_shown_after_a_refusal_make_it_a_partial_issue(shown, decision):
    refused = replace(FRESH, state=State.FAILED, code=1014, message="no such customer")
    assert merge(refused, replace(DOUBT, **shown), decision).state is State.PARTIAL


def test_a_refusal_after_a_count_of_zero_units_is_a_refusal():
    assert (
        merge(replace(FRESH, quantity=0), REFUSED, Settle(State.FAILED, None)).state is State.FAILED
    )


def test_a_late_reply_without_news_is_not_written():
    known = LineFacts(State.ISSUED, 200, "issued", 2, None, '["A","B"]', None, None)
    assert merge(known, ISSUED, Settle(State.ISSUED, None)) is None
    assert merge(known, REFUSED, Settle(State.FAILED, None)) is None


def test_a_late_voucher_is_added_without_other_changes():
    known = LineFacts(State.ISSUED, 200, "issued", 2, None, '["A","B"]', None, None)
    merged = merge(known, replace(REFUSED, vouchers=("C",)), Settle(State.FAILED, None))
    assert merged.state is State.ISSUED
    assert (merged.line.code, merged.line.message, merged.line.vouchers) == (
        200,
        "issued",
        ("A", "B", "C"),
    )


TEXTS = st.lists(st.sampled_from("ABCD"), max_size=3, unique=True)
KNOWN = st.builds(
    LineFacts,
    state=st.sampled_from([State.WAITING, *SETTLED]),
    code=st.none() | st.integers(),
    message=st.none() | st.text(max_size=3),
    quantity=st.none() | st.integers(0, 3),
    transaction_ids=st.none(),
    vouchers=st.none()
    | TEXTS.map(lambda texts: "[" + ",".join(f'"{text}"' for text in texts) + "]"),
    points_references=st.none(),
    anomalies=st.none(),
)
LINES = st.builds(
    LineOutcome,
    request_id=st.just("r-1"),
    kind=st.sampled_from(Kind),
    code=st.none() | st.integers(),
    message=st.text(max_size=3),
    requested_quantity=st.integers(1, 3),
    quantity=st.none() | st.integers(0, 3),
    vouchers=TEXTS.map(tuple),
)


DECISIONS = st.just(AGAIN) | st.builds(Settle, st.sampled_from(SETTLED), st.none())


@given(KNOWN, LINES, DECISIONS)
def test_merging_only_moves_forward_and_loses_no_voucher_or_unit(known, line, decision):
    merged = merge(known, line, decision)
    if merged is None:
        return
    assert merged.state is known.state or may_replace(known.state, merged.state)
    assert {*(known.vouchers or "")} & {*"ABCD"} | {*line.vouchers} == {*merged.line.vouchers}
    assert (merged.line.quantity or 0) >= (known.quantity or 0)


@given(KNOWN, LINES, DECISIONS)
def test_merging_a_reply_twice_changes_no_state(known, line, decision):
    merged = merge(known, line, decision)
    if merged is None:
        return
    vouchers = (
        "[" + ",".join(f'"{text}"' for text in merged.line.vouchers) + "]"
        if merged.line.vouchers
        else None
    )
    facts = replace(known, state=merged.state, quantity=merged.line.quantity, vouchers=vouchers)
    again = merge(facts, line, decision)
    assert again is None or again.state is merged.state or merged.state is State.FAILED


SETTLE_FAILED = Settle(State.FAILED, Reason.LIMIT)


@pytest.mark.parametrize(
    ("states", "decision", "held"),
    [
        (
            [State.ISSUED, State.ISSUED],
            Settle(State.IN_DOUBT, Reason.IN_DOUBT),
            Settle(State.ISSUED, None),
        ),
        ([State.ISSUED], AGAIN, Settle(State.ISSUED, None)),
        ([State.ISSUED, State.WAITING], AGAIN, AGAIN),
        ([State.FAILED, State.FAILED], SETTLE_FAILED, SETTLE_FAILED),
        ([State.PARTIAL, State.FAILED], SETTLE_FAILED, Settle(State.PARTIAL, Reason.PARTIAL)),
        ([State.PARTIAL, State.FAILED], AGAIN, Settle(State.PARTIAL, Reason.PARTIAL)),
        ([State.PARTIAL, State.WAITING], AGAIN, AGAIN),
        ([State.ISSUED, State.FAILED], SETTLE_FAILED, Settle(State.PARTIAL, Reason.LIMIT)),
        (
            [State.ISSUED, State.IN_DOUBT],
            Settle(State.IN_DOUBT, Reason.IN_DOUBT),
            Settle(State.IN_DOUBT, Reason.IN_DOUBT),
        ),
    ],
)
def test_a_decision_on_one_reply_is_checked_against_all_known_facts(states, decision, held):
    assert settle_by(states, decision) == held


def test_a_later_reply_adds_to_the_details_that_are_known():
    coupon = Unit(UnitKind.COUPON, "A", {"pointsRedeemed": "5"})
    first = Details({"paymentConfig": {"id": 55}}, (coupon,), 5_000)
    stored, _ = store_details(first, ("A",))
    known = replace(
        FRESH, state=State.ISSUED, quantity=2, vouchers='["A"]', details=stored, points=5_000
    )
    assert known.known_details == first
    later = Details({"fulfillmentDetails": {"status": "SHIPPED"}})
    shown = replace(ISSUED, quantity=2, vouchers=("A",), details=later)
    merged = merge(known, shown, Settle(State.ISSUED, None))
    assert merged.line.details.fields == {**first.fields, **later.fields}
    assert merged.line.details.units == (coupon,)
    again = replace(known, details=store_details(merged.line.details, ("A",))[0])
    assert merge(again, shown, Settle(State.ISSUED, None)) is None


def test_an_outdated_answer_without_content_keeps_what_is_known_of_a_refused_line():
    refused = replace(FRESH, code=12035, message="Payment mode should be passed")
    page = replace(DOUBT, code=200, message="HTTP 200 without a readable body")
    kept = merge(refused, page, AGAIN, is_outdated=True)
    assert (kept.line.code, kept.line.message) == (12035, "Payment mode should be passed")
    assert merge(refused, page, AGAIN).line.code == 200


def test_a_page_with_status_200_issues_nothing_when_no_read_finds_the_job():
    page = replace(FRESH, code=200, message="HTTP 200 without a readable body")
    settled = merge(page, DOUBT, Settle(State.PARTIAL, Reason.PARTIAL, uses_fallback=True))
    assert settled.state is State.PARTIAL
