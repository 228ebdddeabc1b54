"""What a read that finds nothing or no units changes in the known facts of a line."""

from dataclasses import replace

import pytest

from issuance.merge import LineFacts, merge
from issuance.outcome import MORE_UNITS, Kind, LineOutcome, Reason
from issuance.retry import Reconcile, Settle
from issuance.states import State

FRESH = LineFacts(State.WAITING, None, None, None, None, None, None, None)
REFUSED = replace(FRESH, code=12005, message="Max limit", quantity=0)
NOT_FOUND = LineOutcome(
    "r-1", Kind.IN_DOUBT, None, "no transaction", Reason.IN_DOUBT, requested_quantity=2
)
NO_UNIT = LineOutcome(
    "r-1", Kind.FAILED, 1010, "Failed to redeem points", Reason.FAILED, quantity=0
)
VOUCHER = '["V-1"]'


@pytest.mark.parametrize(
    "decision",
    [
        Reconcile(30.0, State.FAILED, found_nothing=True),
        Settle(State.FAILED, Reason.FAILED, uses_fallback=True),
    ],
)
def test_a_read_that_finds_nothing_keeps_what_the_reply_said(decision):
    merged = merge(REFUSED, NOT_FOUND, decision, looked=True)
    assert (merged.line.code, merged.line.message) == (12005, "Max limit")


@pytest.mark.parametrize(
    ("code", "state"), [(200, State.ISSUED), (8010, State.PARTIAL), (12035, State.FAILED)]
)
def test_each_line_of_a_job_that_is_not_found_keeps_its_own_state(code, state):
    known = replace(FRESH, code=code, message="", quantity=2 if code == 200 else None)
    assert (
        merge(
            known, NOT_FOUND, Settle(State.PARTIAL, Reason.PARTIAL, uses_fallback=True), looked=True
        ).state
        is state
    )


def test_a_refused_line_that_is_not_found_is_partial_if_units_were_shown():
    known = replace(REFUSED, quantity=1)
    merged = merge(
        known, NOT_FOUND, Settle(State.FAILED, Reason.FAILED, uses_fallback=True), looked=True
    )
    assert merged.state is State.PARTIAL


def test_more_units_than_requested_are_not_recorded_before_reconciliation():
    said = LineOutcome("r-1", Kind.PARTIAL, 8010, "", Reason.PARTIAL, 1, 2, anomalies=(MORE_UNITS,))
    assert merge(FRESH, said, Reconcile(30.0, State.PARTIAL)).line.quantity is None
    assert merge(FRESH, said, Settle(State.PARTIAL, Reason.PARTIAL)).line.quantity == 2


def test_reversed_vouchers_are_kept_and_leave_their_line_refused():
    known = replace(FRESH, code=1010, message="", quantity=0, vouchers=VOUCHER)
    merged = merge(known, NO_UNIT, Settle(State.FAILED, Reason.FAILED), looked=True)
    assert (merged.state, merged.line.vouchers) == (State.FAILED, ("V-1",))


def test_a_late_reply_with_reversed_vouchers_changes_nothing():
    known = replace(FRESH, state=State.FAILED, code=1010, message="", quantity=0, vouchers=VOUCHER)
    late = replace(NO_UNIT, kind=Kind.IN_DOUBT, vouchers=("V-1",))
    assert merge(known, late, Reconcile(30.0, State.IN_DOUBT)) is None
