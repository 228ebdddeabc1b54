"""For any answer: no exception, no garbage counted as issued, no detail lost."""

import json

from hypothesis import given
from hypothesis import strategies as st

from issuance.details.stored import read_details, store_details
from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, Reason
from issuance.replies.answer import read_issue_answer
from issuance.replies.classification import classify
from issuance.replies.reply import Answer

REQUEST_IDS = ["r-a", "r-b", "r-c"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)
codes = st.sampled_from(
    [
        200,
        201,
        400,
        401,
        429,
        500,
        1010,
        3004,
        8003,
        8004,
        8010,
        10003,
        10004,
        12005,
        77,
        "200",
        200.0,
    ]
)
messages = st.sampled_from(
    ["Reward issued successfully", "Duplicate requestId", "Voucher is not present", ""]
) | st.text(max_size=5)


def shaped(**fields):
    """An object with some of the fields, mostly as documented, sometimes arbitrary."""
    return st.fixed_dictionaries(
        {}, optional={name: usual | anything for name, usual in fields.items()}
    )


vouchers = st.lists(
    st.fixed_dictionaries(
        {},
        optional={"couponCode": st.from_regex(r"C[0-9]{3}", fullmatch=True), "voucher": anything},
    ),
    max_size=3,
)
statuses = shaped(
    code=codes, message=messages, success=st.booleans(), partnerError=shaped(codes=anything)
)
reward_fields = {
    "status": statuses,
    "requestId": st.sampled_from([*REQUEST_IDS, "r-x", None]),
    "rewardId": st.sampled_from([1, 2, 3, "1"]),
    "transactionId": st.integers(1, 3),
    "quantity": st.integers(-1, 4),
    "requestedQuantity": st.integers(0, 4),
    "pointsReferenceIds": st.lists(st.sampled_from(["p", "q"])),
    "intouch": vouchers,
    "vendor": vouchers,
    "promotions": vouchers,
    "paymentConfig": shaped(paymentMode=messages, id=st.integers(1, 99), points=st.floats(0, 99)),
    "redemptionDetails": shaped(redemptionType=messages, totalRedemptionValue=st.integers()),
    "fulfillmentDetails": shaped(status=messages),
    "customFields": shaped(size=messages),
    "orgId": st.integers(1, 3),
    "orgID": st.integers(1, 3),
    "eventDateTime": messages,
    "restrictions": shaped(customerLevel=anything),
}
answers = shaped(**reward_fields, rewards=st.lists(shaped(**reward_fields), max_size=4))
bodies = st.binary(max_size=60) | (answers | anything).map(lambda value: json.dumps(value).encode())
http_statuses = st.sampled_from([200, 201, 301, 400, 401, 403, 429, 500, 503]) | st.integers(
    100, 599
)
jobs = st.lists(
    st.builds(Line, st.sampled_from(REQUEST_IDS), st.integers(1, 3), st.integers(1, 3)),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line.request_id,
)
variants = st.sampled_from([Variant.BULK, Variant.CONNECTED])


@given(jobs, st.sampled_from(Variant), http_statuses, bodies, st.booleans())
def test_any_answer_gives_one_outcome_per_line_in_order(lines, variant, status, body, resent):
    lines = lines[:1] if variant is Variant.SINGLE else lines
    outcome = classify(lines, variant, Answer(status, body), resent=resent)
    assert [line.request_id for line in outcome.lines] == [line.request_id for line in lines]
    assert (outcome.reason is None) is (outcome.kind in (Kind.ISSUED, Kind.DEFERRED))
    assert all(
        (line.reason is None) is (line.kind in (Kind.ISSUED, Kind.DEFERRED))
        for line in outcome.lines
    )
    assert (outcome.kind is Kind.ISSUED) is all(line.kind is Kind.ISSUED for line in outcome.lines)
    json.dumps([line.message for line in outcome.lines]).encode()


@given(
    jobs,
    variants,
    http_statuses,
    st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()),
)
def test_garbage_is_never_counted_as_issued(lines, variant, status, body):
    outcome = classify(lines, variant, Answer(status, body), resent=False)
    assert {line.kind for line in outcome.lines} & {Kind.ISSUED, Kind.PARTIAL} == set()


@given(jobs, variants, answers, st.booleans())
def test_a_line_is_only_issued_if_it_or_the_whole_answer_has_code_200(
    lines, variant, answer, resent
):
    body = json.dumps(answer).encode()
    for line in classify(lines, variant, Answer(200, body), resent=resent).lines:
        if line.kind is Kind.ISSUED:
            assert line.code == 200
            assert line.quantity is None or line.quantity >= max(line.requested_quantity, 1)


@given(jobs, variants, answers, st.booleans())
def test_no_voucher_points_reference_or_transaction_is_dropped(lines, variant, answer, resent):
    body = json.dumps(answer).encode()
    outcome = classify(lines, variant, Answer(200, body), resent=resent)
    read = read_issue_answer(body)
    parts = [] if read is None else [read, *(read.elements or ())]
    kept_vouchers = {voucher for line in outcome.lines for voucher in line.vouchers}
    kept_references = {reference for line in outcome.lines for reference in line.points_references}
    kept_transactions = {
        transaction for line in outcome.lines for transaction in line.transaction_ids
    }
    for part in parts:
        assert set(part.vouchers) <= kept_vouchers
        assert set(part.points_references) <= kept_references
        assert part.transaction_id in {*kept_transactions, None, ""}


@given(jobs, variants, answers | anything)
def test_all_details_can_be_stored_and_name_only_vouchers_of_their_line(lines, variant, answer):
    outcome = classify(lines, variant, Answer(200, json.dumps(answer).encode()), resent=False)
    for line in outcome.lines:
        text, _ = store_details(line.details, line.vouchers)
        found = read_details(text, line.vouchers, None)
        if line.details is not None:
            assert {unit.voucher for unit in line.details.units} <= {*line.vouchers, None}
            kept = found.fields if found else {}
            assert kept.keys() == line.details.fields.keys()


@given(jobs, variants, answers, http_statuses, st.booleans())
def test_a_line_with_units_or_vouchers_never_gets_a_new_request_id(
    lines, variant, answer, status, resent
):
    outcome = classify(lines, variant, Answer(status, json.dumps(answer).encode()), resent=resent)
    burnt = {Reason.FAILED, Reason.LIMIT, Reason.CONFIG, Reason.UNKNOWN_CODE}
    for line in outcome.lines:
        if line.vouchers or (line.quantity or 0) > 0:
            assert line.reason not in burnt
    if any(line.vouchers or (line.quantity or 0) > 0 for line in outcome.lines):
        assert outcome.reason not in burnt
