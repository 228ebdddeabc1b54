"""The codes of rewards-api §6, taken from the document and not from `issuance.replies.codes`."""

import json

import pytest

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind, Reason, Refusal
from issuance.replies.classification import classify
from issuance.replies.codes import CODES
from issuance.replies.reply import Answer

LINE = Line("r-a", 1001)

ISSUED = (Kind.ISSUED, None)
PARTIAL = (Kind.PARTIAL, Reason.PARTIAL)
TERMINAL = (Kind.FAILED, Reason.FAILED)
CONFIG = (Kind.FAILED, Reason.CONFIG)
DEFER = (Kind.FAILED, Reason.LIMIT)
UNKNOWN = (Kind.FAILED, Reason.UNKNOWN_CODE)
RETRY_SAME = (Kind.TRANSIENT, Reason.EXHAUSTED)
RECHECK = (Kind.IN_DOUBT, Reason.IN_DOUBT)
ACCOUNT = (Kind.DEFERRED, None)

# code, message, partner codes, expected outcome
ISSUE_CODES = [
    (200, "Reward issued successfully", [], ISSUED),
    (200, "Promotion issued successfully", [], ISSUED),
    (400, "Invalid payment mode passed.,Payment configuration id is mandatory", [], TERMINAL),
    (400, "Duplicate requestId", [], RECHECK),
    (400, "must not be null", [], TERMINAL),
    (1010, "Failed to redeem points", [], RECHECK),
    (1010, "Points redeem API failed: timeout", ["828"], RECHECK),
    (1014, "Customer not found", [], TERMINAL),
    (1018, "Failed to reverse points", [], RETRY_SAME),
    (1026, "Points vendor configuration not set for brand", [], CONFIG),
    (3004, "Brand not found", [], CONFIG),
    (6004, "Reward not found or disabled", [], TERMINAL),
    (6080, "rewardExternalId unknown", [], TERMINAL),
    (6082, "rewardExternalId does not match rewardId", [], TERMINAL),
    (8000, "unable to fetch user reward", [], RETRY_SAME),
    (8003, "fail to issue reward", [], TERMINAL),
    (8003, "fail to issue reward as Reward is expired", [], TERMINAL),
    (8003, "fail to issue reward as Voucher is not present", [], RECHECK),
    (8004, "fail to issue reward as  Coupon Series ID is invalid", [], TERMINAL),
    (8004, "fail to issue reward", ["828"], TERMINAL),
    (8004, "fail to issue reward", ["1620"], TERMINAL),
    (8004, "fail to issue reward", ["1632"], TERMINAL),
    (8004, "MAX_COUPON_ISSUAL_PER_USER_EXCEEDED", ["730"], TERMINAL),
    (8004, "fail to issue reward", ["100105"], TERMINAL),
    (8004, "fail to issue reward", ["100106"], TERMINAL),
    (8004, "fail to issue reward", ["990102"], TERMINAL),
    (8004, "fail to issue reward", ["77777"], RECHECK),
    (8004, "Issue failed", [], RECHECK),
    (8004, "issue failed", ["828"], TERMINAL),
    (8004, "Points API failed", [], RECHECK),
    (8004, "timeout of the vendor", [], RECHECK),
    (8004, "the vendor timed out", [], RECHECK),
    (8004, "Primary identifier missing", [], TERMINAL),
    (8005, "user reward disabled for brand", [], TERMINAL),
    (8009, "invalid page", [], TERMINAL),
    (8010, "Reward issued partially", [], PARTIAL),
    (10003, "Request payload is not matching for the passed requestId/s", [], RECHECK),
    (10004, "parallel calls are not allowed", [], RETRY_SAME),
    (10007, "transaction not found", [], TERMINAL),
    (10008, "user reward not found", [], TERMINAL),
    (12005, "Max limit for the DAYS is reached. Allowed limit is 1 For Level CUSTOMER", [], DEFER),
    (12016, "Invalid payment mode", [], TERMINAL),
    (12034, "user is not in the segment", [], TERMINAL),
    (12035, "payment mode must be passed", [], TERMINAL),
    (12050, "no valid card", [], TERMINAL),
    (13003, "wrong state", [], TERMINAL),
    (13005, "revoke is off", [], TERMINAL),
    (15006, "primary identifier missing", [], TERMINAL),
]
PLATFORM_CODES = [
    (201, "one or more items failed", [], PARTIAL),
    (403, "access denied", [], TERMINAL),
    (404, "not found", [], TERMINAL),
    (405, "method not allowed", [], TERMINAL),
    (408, "timeout", [], RETRY_SAME),
    (415, "media type", [], TERMINAL),
    (425, "too early", [], RETRY_SAME),
    (461, "search engine busy", [], RETRY_SAME),
    (500, "failed due to errors", [], RECHECK),
    (502, "gateway", [], RECHECK),
    (503, "authorization status unavailable", [], RETRY_SAME),
    (504, "gateway", [], RECHECK),
    (520, "edge", [], RECHECK),
    (521, "multiple actions are running for the same customer", [], RETRY_SAME),
    (522, "edge", [], RECHECK),
    (523, "edge", [], RECHECK),
    (524, "edge", [], RECHECK),
    (1060, "batch limit exceeded", [], TERMINAL),
]
UNDOCUMENTED = [
    (code, "?", [], UNKNOWN) for code in (-1, 0, 202, 300, 6999, 8011, 12999, 13999, 99999)
]
TABLE = ISSUE_CODES + PLATFORM_CODES + UNDOCUMENTED


def status_of(code, message, partners):
    status = {"success": code == 200, "code": code, "message": message}
    return status | ({"partnerError": {"codes": partners, "messages": ["no"]}} if partners else {})


def read(variant, body, http_status=200):
    # A resend: a duplicate may be our own earlier attempt.
    reply = Answer(http_status, json.dumps(body).encode())
    return classify((LINE,), variant, reply, resent=True)


@pytest.mark.parametrize("http_status", [200, 400, 500])
@pytest.mark.parametrize(("code", "message", "partners", "expected"), TABLE)
def test_a_code_means_the_same_in_every_format_and_under_every_http_status(
    code, message, partners, expected, http_status
):
    status = status_of(code, message, partners)
    bodies = [
        (Variant.SINGLE, {"status": status, "intouch": None, "promotion": None, "vendor": None}),
        (Variant.BULK, {"status": status, "rewards": None}),
        (Variant.BULK, {"status": status}),
        (Variant.BULK, {"status": status, "intouch": None, "promotion": None, "vendor": None}),
        (Variant.CONNECTED, {"status": status, "rewards": None}),
        (
            Variant.CONNECTED,
            {
                "status": status_of(8003, "all", []),
                "rewards": [{"status": status, "requestId": "r-a"}],
            },
        ),
    ]
    for variant, body in bodies:
        outcome = read(variant, body, http_status)
        assert (outcome.kind, outcome.reason) == expected
        assert (outcome.code, outcome.message) == (code, message)
        assert [(line.kind, line.reason, line.code) for line in outcome.lines] == [
            (*expected, code)
        ]


REFUSALS = {401: Refusal.UNAUTHORISED, 429: Refusal.THROTTLED}


@pytest.mark.parametrize(("code", "refusal"), REFUSALS.items())
def test_a_code_about_the_caller_is_a_refusal_and_does_not_fail_the_job(code, refusal):
    outcome = read(Variant.BULK, {"status": status_of(code, "later", []), "rewards": None})
    assert (outcome.kind, outcome.reason, outcome.code, outcome.refusal) == (
        *ACCOUNT,
        code,
        refusal,
    )


@pytest.mark.parametrize("code", REFUSALS)
def test_a_code_about_the_caller_with_a_refused_line_belongs_to_the_line(code):
    body = {
        "status": status_of(8003, "all", []),
        "rewards": [{"status": status_of(code, "x", []), "requestId": "r-a"}],
    }
    outcome = read(Variant.BULK, body)
    assert (outcome.kind, outcome.refusal) == (Kind.TRANSIENT, None)


def test_no_code_but_401_and_429_is_about_the_caller():
    for code, message, partners, _ in TABLE:
        assert read(Variant.BULK, {"status": status_of(code, message, partners)}).refusal is None


def test_duplicate_request_id_on_a_first_attempt_is_a_definite_refusal():
    body = {"status": status_of(400, "Duplicate requestId", [])}
    outcome = classify((LINE,), Variant.BULK, Answer(400, json.dumps(body).encode()), resent=False)
    assert (outcome.kind, outcome.reason) == TERMINAL
    assert outcome.lines[0].anomalies == ("duplicate_on_first_attempt",)


def test_only_codes_of_a_failing_server_are_resent_while_in_doubt():
    doubtful = {
        code: (message, partners)
        for code, message, partners, expected in TABLE
        if expected == RECHECK
    }
    resent = {
        code
        for code, (message, partners) in doubtful.items()
        if read(Variant.BULK, {"status": status_of(code, message, partners)}).retry_is_conclusive
    }
    assert resent == {500, 502, 504, 520, 522, 523, 524}


def test_the_table_has_exactly_the_documented_codes():
    documented = {code for code, *_ in ISSUE_CODES + PLATFORM_CODES} | {401, 429}
    assert {row.code for row in CODES} == documented


# HTTP statuses of answers without a readable body (§4.1, §6.2)
HTTP_CLASSES = {
    400: TERMINAL,
    401: ACCOUNT,
    403: (Kind.FAILED, Reason.UNPROCESSED),
    404: (Kind.FAILED, Reason.UNPROCESSED),
    405: (Kind.FAILED, Reason.UNPROCESSED),
    408: RETRY_SAME,
    409: UNKNOWN,
    413: (Kind.FAILED, Reason.UNPROCESSED),
    414: (Kind.FAILED, Reason.UNPROCESSED),
    415: (Kind.FAILED, Reason.UNPROCESSED),
    418: UNKNOWN,
    425: RETRY_SAME,
    429: ACCOUNT,
    461: RETRY_SAME,
    499: UNKNOWN,
    **dict.fromkeys(
        [300, 301, 302, 303, 307, 308, 407, 410, 411, 421, 423, 426, 431, 451, 505, 511],
        (Kind.FAILED, Reason.UNPROCESSED),
    ),
    **dict.fromkeys([200, 204, 500, 501, 502, 503, 504, 520, 521, 522, 523, 524, 599], RECHECK),
}


@pytest.mark.parametrize(
    "body", [b"<html>502 Bad Gateway</html>", b'{"errors": [{"code": 1}]}', b"no JSON"]
)
@pytest.mark.parametrize(("status", "expected"), HTTP_CLASSES.items())
def test_without_a_readable_body_the_http_class_decides(status, expected, body):
    lines = (LINE, Line("r-b", 1002, quantity=3))
    outcome = classify(lines, Variant.BULK, Answer(status, body, retry_after=7.0), resent=False)
    assert (outcome.kind, outcome.reason, outcome.code, outcome.retry_after) == (
        *expected,
        status,
        7.0,
    )
    assert outcome.refusal is REFUSALS.get(status)
    assert not outcome.readable
    assert outcome.retry_is_conclusive
    assert [(line.request_id, line.kind, line.requested_quantity) for line in outcome.lines] == [
        ("r-a", expected[0], 1),
        ("r-b", expected[0], 3),
    ]
    assert str(status) in outcome.message
    # An edge that refuses says nothing about the job until other calls are seen to be answered.
    assert outcome.by_edge is (expected[0] is Kind.FAILED)
