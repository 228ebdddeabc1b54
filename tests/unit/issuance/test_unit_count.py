"""Units of a line with several transactions: exact with vouchers, never too many without."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from issuance.job import Line
from issuance.outcome import Kind
from issuance.reconciliation.conclusion import conclude, may_stop, pick_own
from issuance.reconciliation.transactions import Issual, TransactionDetail

ISSUED, PARTIAL, REFUSED = (
    {"code": 200, "success": True},
    {"code": 8010, "success": False},
    {"code": 8003, "success": False},
)


def make(number, status, quantity, requested, codes):
    return TransactionDetail.model_validate(
        {
            "rewardTransactionId": str(number),
            "rewardIssueRefId": "job-1",
            "rewardTransactionDate": 1_000 + number,
            "status": status,
            "rewardDetails": {"rewardId": 1001},
            "quantity": quantity,
            "requestedQuantity": requested,
            "vouchers": [{"code": code} for code in codes],
        }
    )


@st.composite
def histories(draw):
    """A line's calls as the API may record them, in one of the allowed readings."""
    wanted = draw(st.integers(1, 6))
    reading = draw(st.sampled_from(["grown", "delta_of_rest", "delta_of_all", "everything_again"]))
    case = draw(st.sampled_from([str.upper, str.lower]))
    transactions, codes = [], []
    for number, fits in enumerate(draw(st.lists(st.integers(0, 3), min_size=1, max_size=5)), 1):
        rest = wanted - len(codes)
        added = min(fits, rest)
        new = [f"Code-{len(codes) + place}" for place in range(added)]
        codes += new
        status = ISSUED if len(codes) == wanted else PARTIAL if codes else REFUSED
        if reading == "grown":
            transactions = [make(1, status, len(codes), wanted, codes)]
        elif reading == "everything_again":
            transactions.append(make(number, status, len(codes), wanted, map(case, codes)))
        else:
            requested = rest if reading == "delta_of_rest" else wanted
            transactions.append(make(number, status if added else REFUSED, added, requested, new))
        if len(codes) == wanted:
            break
    return wanted, len(codes), transactions


def strip(transaction):
    return transaction.model_copy(update={"coupons": []})


def conclude_line(wanted, transactions):
    details = {one.reward_transaction_id: one for one in transactions}
    return conclude([Line("r-a", 1001, wanted)], transactions, details).outcome.lines[0]


@given(histories())
def test_with_vouchers_every_reading_gives_the_true_number(history):
    wanted, issued, transactions = history
    line = conclude_line(wanted, transactions)
    assert (line.quantity, len({voucher.casefold() for voucher in line.vouchers})) == (
        issued,
        issued,
    )
    kinds = {True: Kind.ISSUED, False: Kind.PARTIAL if issued else Kind.FAILED}
    assert line.kind is kinds[issued == wanted]


@given(histories())
def test_without_vouchers_no_reading_gives_too_many_units(history):
    wanted, issued, transactions = history
    line = conclude_line(wanted, [strip(one) for one in transactions])
    assert line.quantity <= issued
    assert line.kind is not Kind.ISSUED or issued == wanted


@given(histories(), st.data())
def test_with_some_vouchers_hidden_no_reading_gives_too_many_units(history, data):
    wanted, issued, transactions = history
    shown = [strip(one) if data.draw(st.booleans()) else one for one in transactions]
    assert conclude_line(wanted, shown).quantity <= issued


@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_transactions_does_not_matter(history, rng):
    wanted, _, transactions = history
    shuffled = rng.sample(transactions, len(transactions))
    assert conclude_line(wanted, shuffled) == conclude_line(wanted, transactions)


@given(histories())
def test_every_voucher_and_reference_is_kept(history):
    wanted, _, transactions = history
    line = conclude_line(wanted, transactions)
    assert set(line.transaction_ids) == {one.reward_transaction_id for one in transactions}
    assert {voucher for one in transactions for voucher in one.vouchers} == set(line.vouchers)


entries = st.builds(
    lambda number, age, mine: Issual.model_validate(
        {
            "rewardTransactionId": number,
            "rewardIssueRefId": "job-1" if mine else "job-2",
            "rewardTransactionDate": 1_800_000_000_000 - age * 60_000,
        }
    ),
    st.integers(1, 1_000),
    st.integers(-30, 60),
    st.booleans(),
)


@given(
    st.lists(entries, max_size=30, unique_by=lambda one: one.reward_transaction_id),
    st.integers(1, 7),
)
def test_stopping_early_misses_no_transaction_of_the_job(shown, size):
    sent = 1_800_000_000_000
    newest_first = sorted(shown, key=lambda one: -one.reward_transaction_date)
    possible = [
        one
        for one in newest_first
        if one.reward_issue_ref_id == "job-2" or one.reward_transaction_date >= sent - 300_000
    ]
    pages = [possible[start : start + size] for start in range(0, len(possible), size)]
    read = []
    for page in pages:
        read.append(page)
        if may_stop(page, datetime.fromtimestamp(sent / 1000, UTC)):
            break
    assert pick_own("job-1", read) == pick_own("job-1", pages)
