"""Rows grouped by customer: issued in part, run again, redriven; and a line revoked."""

from issuance.states import State
from ledger.dead_letters.browse import DeadLetterFilter, list_dead_letters
from ledger.queries.outcomes import LineRecord
from tests.e2e.processes import await_that
from tests.e2e.system import System

_CUSTOMERS = 3
# Free coupon; one a day for each customer; card holders only.
_REWARDS = ((1001, 1), (1006, 2), (1008, 1))


def _rows() -> list[dict[str, object]]:
    customers = [f"91986500{number:04d}" for number in range(_CUSTOMERS)]
    return [
        {"mobile": it, "rewardId": reward, "quantity": units}
        for it in customers
        for reward, units in _REWARDS
    ]


def _states(lines: list[LineRecord]) -> dict[int, set[tuple[State, int | None]]]:
    return {
        reward: {(line.state, line.quantity) for line in lines if line.reward_id == reward}
        for reward, _ in _REWARDS
    }


def test_grouped_rows_are_issued_in_part_line_by_line_and_never_twice(shared: System):
    path = shared.write_file("grouped", _rows())
    blast = ("blast", str(path), "--campaign", "grouped", "--group-by-customer")
    assert "9 accepted in 3 jobs" in shared.command(*blast).stdout
    assert shared.wait_settled("grouped").counts[State.PARTIAL] == _CUSTOMERS
    lines = shared.lines("grouped")
    assert len({line.job_id for line in lines}) == _CUSTOMERS
    assert _states(lines) == {
        1001: {(State.ISSUED, 1)},
        1006: {(State.PARTIAL, 1)},
        1008: {(State.FAILED, 0)},
    }
    truth = shared.truth()
    assert all(truth[line.request_id]["issued"] == (line.quantity or 0) for line in lines)
    assert all(line.vouchers for line in lines if line.quantity)
    letters = list(list_dead_letters(shared.ledger, DeadLetterFilter(campaign="grouped")))
    assert {(letter.reason.value, letter.code) for letter in letters} == {("partial", 8010)}

    for again in (blast, blast[:-1]):
        assert "0 accepted, 9 already known" in shared.command(*again).stdout

    calls = shared.calls()
    redriven = shared.command("dead-letters", "redrive", "--campaign", "grouped", "--yes")
    assert redriven.returncode == 0, redriven.stderr
    await_that("the groups were sent again", lambda: shared.calls() >= calls + _CUSTOMERS)
    shared.wait_settled("grouped")
    assert {line.request_id: line.quantity for line in shared.lines("grouped")} == {
        line.request_id: line.quantity for line in lines
    }


def test_an_issued_line_is_revoked_once_and_stays_visible_as_revoked(shared: System):
    rows = [{"mobile": "919865010001", "rewardId": 1001, "quantity": 1}]
    shared.accept("taken-back", rows)
    shared.wait_settled("taken-back")
    [line] = shared.lines("taken-back")
    with shared.switched(revoke_enable=True):
        revoked = shared.command("revoke", line.request_id, "--note", "wrong blast", "--yes")
    assert revoked.returncode == 0, revoked.stderr
    assert shared.truth()[line.request_id]["revoked"] == 1
    [after] = shared.lines("taken-back")
    assert (after.state, after.quantity, after.revoked_at is not None) == (State.REVOKED, 1, True)
