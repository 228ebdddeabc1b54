"""What a look that says nothing, or that counts no unit, does to what is known of a line."""

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
def test_what_the_api_said_outlives_a_look_that_finds_nothing(decision):
    merged = merge(REFUSED, NOT_FOUND, decision, looked=True)
    assert (merged.line.code, merged.line.message) == (12005, "Max limit")


@pytest.mark.parametrize(
    ("code", "state"), [(200, State.ISSUED), (8010, State.PARTIAL), (12035, State.FAILED)]
)
def test_each_line_of_a_job_that_is_not_found_stands_by_itself(code, state):
    known = replace(FRESH, code=code, message="")
    assert (
        merge(
            known, NOT_FOUND, Settle(State.PARTIAL, Reason.PARTIAL, uses_fallback=True), looked=True
        ).state
        is state
    )


def test_a_line_that_stands_as_refused_is_partial_when_units_of_it_were_shown():
    known = replace(REFUSED, quantity=1)
    merged = merge(
        known, NOT_FOUND, Settle(State.FAILED, Reason.FAILED, uses_fallback=True), looked=True
    )
    assert merged.state is State.PARTIAL


def test_a_count_of_more_units_than_requested_is_not_kept_before_it_is_confirmed():
    said = LineOutcome("r-1", Kind.PARTIAL, 8010, "", Reason.PARTIAL, 1, 2, anomalies=(MORE_UNITS,))
    assert merge(FRESH, said, Reconcile(30.0, State.PARTIAL)).line.quantity is None
    assert merge(FRESH, said, Settle(State.PARTIAL, Reason.PARTIAL)).line.quantity == 2


def test_vouchers_that_were_taken_back_leave_a_line_refused_and_are_kept():
    known = replace(FRESH, code=1010, message="", quantity=0, vouchers=VOUCHER)
    merged = merge(known, NO_UNIT, Settle(State.FAILED, Reason.FAILED), looked=True)
    assert (merged.state, merged.line.vouchers) == (State.FAILED, ("V-1",))


def test_a_late_reply_with_the_vouchers_that_were_taken_back_changes_nothing():
    known = replace(FRESH, state=State.FAILED, code=1010, message="", quantity=0, vouchers=VOUCHER)
    late = replace(NO_UNIT, kind=Kind.IN_DOUBT, vouchers=("V-1",))
    assert merge(known, late, Reconcile(30.0, State.IN_DOUBT)) is None
