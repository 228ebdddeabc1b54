import pytest

from issuance.closing.comparison import Difference, Finding, RecordedLine, compare
from issuance.reconciliation.transactions import Issual, TransactionDetail
from issuance.states import State

REFUSED = {"code": 8003, "success": False}


def line(name="r", state=State.ISSUED, *, units=1, ids=("1",), reward=1001, external=None):
    return RecordedLine(name, state, reward, max(units, 1), units, ids, external)


def detail(name="1", units=1, *, reward=1001, requested=None, status=None, **more):
    return TransactionDetail.model_validate(
        {
            "rewardTransactionId": name,
            "rewardTransactionDate": int(name),
            "status": status or {"code": 200, "success": True},
            "quantity": units,
            "requestedQuantity": max(units, 1) if requested is None else requested,
            "rewardDetails": {"rewardId": reward},
            **more,
        }
    )


def listed(name="1", code=200):
    return Issual.model_validate(
        {"rewardTransactionId": name, "status": {"code": code}, "rewardDetails": {"rewardId": 1001}}
    )


def shown(*entries):
    return {entry.reward_transaction_id: entry for entry in entries}


def kinds(found):
    return [(each.request_id, each.kind, each.ledger_units, each.api_units) for each in found]


@pytest.mark.parametrize(
    ("lines", "entries"),
    [
        ([line()], [detail()]),
        ([line(units=3)], [detail(units=3)]),
        ([line(state=State.PARTIAL)], [detail(requested=2, status={"code": 8010})]),
        # A partial call that was resent: the second transaction has the rest, or all.
        ([line(units=3, ids=("1", "2"))], [detail(units=1, requested=3), detail("2", 2)]),
        ([line(units=3, ids=("1", "2"))], [detail(units=1, requested=3), detail("2", 3)]),
        # Refused at first, issued by a reissue under another transaction.
        ([line(ids=("1", "2"))], [detail(units=0, status=REFUSED), detail("2")]),
        ([line(state=State.FAILED, units=0)], [detail(units=0, status=REFUSED)]),
        ([line(state=State.FAILED, units=0, ids=())], []),
        ([line(state=State.IN_DOUBT, units=0, ids=())], []),
        # No reply named its transaction.
        ([line(ids=())], [detail()]),
        ([line(ids=(), reward=0, external="SKU")], [detail()]),
        # The documents' samples show two rewards of one answer with the same id.
        ([line("a"), line("b", reward=1002)], [detail(), detail("2", reward=1002)]),
        # What a revocation leaves is not documented.
        ([line(state=State.REVOKED)], [detail()]),
        ([line(state=State.REVOKED)], [detail(state="CANCELLED")]),
        ([line(state=State.REVOKED)], []),
        ([line(state=State.REPLACED, units=0, ids=())], []),
    ],
)
def test_what_agrees_is_no_finding(lines, entries):
    assert compare(lines, shown(*entries)) == []


@pytest.mark.parametrize(
    ("of_ledger", "entries", "kind", "units"),
    [
        (line(), [], Difference.MISSING, 0),
        (line(ids=()), [], Difference.MISSING, 0),
        (line(), [detail(units=0, status=REFUSED)], Difference.MISSING, 0),
        # Listed as issued, but its detail is not there.
        (line(), [listed()], Difference.MISSING, 0),
        (line(units=2), [detail(units=1)], Difference.OTHER_UNITS, 1),
        (line(), [detail(units=2)], Difference.OTHER_UNITS, 2),
        (line(state=State.PARTIAL), [detail(units=2)], Difference.OTHER_UNITS, 2),
        (line(state=State.FAILED, units=0), [detail()], Difference.OTHER_UNITS, 1),
        (line(), [detail(state="CANCELLED")], Difference.REVOKED_ELSEWHERE, 0),
        (
            line(units=3, ids=("1", "2")),
            [detail(units=1, requested=3), detail("2", 2, state="CANCELLED")],
            Difference.REVOKED_ELSEWHERE,
            1,
        ),
    ],
)
def test_a_line_that_differs_is_found(of_ledger, entries, kind, units):
    found = compare([of_ledger], shown(*entries))
    assert kinds(found) == [("r", kind, of_ledger.claimed, units)]


@pytest.mark.parametrize(
    "of_ledger",
    [
        line(),
        line(state=State.FAILED, units=0, ids=()),
        line(state=State.IN_DOUBT, units=0, ids=()),
        line(state=State.REVOKED),
    ],
)
def test_a_transaction_that_no_line_names_is_found(of_ledger):
    found = compare([of_ledger], shown(detail(), detail("2")))
    unknown = [each for each in found if each.transaction_ids == ("2",)]
    assert kinds(unknown) == [("r", Difference.UNKNOWN_TRANSACTION, 0, 1)]


def test_an_unknown_transaction_without_units_is_no_finding():
    entries = (detail(), detail("2", 0, status=REFUSED), detail("3", state="CANCELLED"))
    assert compare([line()], shown(*entries)) == []


def test_an_unknown_transaction_belongs_to_the_line_of_its_reward():
    lines = [line("a", ids=("1",)), line("b", reward=1002, ids=("2",))]
    entries = shown(detail(), detail("2", reward=1002), detail("3", reward=1002))
    assert [each.request_id for each in compare(lines, entries)] == ["b"]
    entries = shown(detail(), detail("2", reward=1002), detail("3", reward=7))
    assert [each.request_id for each in compare(lines, entries)] == ["a"]


def test_lines_without_ids_take_only_the_transactions_that_they_need():
    lines = [line("a", ids=()), line("b", ids=())]
    assert compare(lines, shown(detail(), detail("2"))) == []
    assert kinds(compare(lines, shown(detail()))) == [("b", Difference.MISSING, 1, 0)]
    extra = compare(lines, shown(detail(), detail("2"), detail("3")))
    assert kinds(extra) == [("a", Difference.UNKNOWN_TRANSACTION, 0, 1)]


def test_a_finding_names_the_transactions_that_the_line_has():
    assert compare([line(ids=("7",))], {}) == [Finding("r", Difference.MISSING, 1, 0, ("7",))]
