"""Readable answers count as answers; an answer without the API's own body does not."""

import json

import pytest

from issuance.endpoint import Variant
from issuance.job import Line
from issuance.outcome import Kind
from issuance.replies.classification import classify
from issuance.replies.codes import CODES
from issuance.replies.reply import Answer, NoAnswer

LINE = Line("r-a", 1001)
HTTP_CODES = sorted(code for code in {row.code for row in CODES} if 200 <= code < 600)
HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"


def body_of(code):
    return json.dumps(
        {"status": {"success": code == 200, "code": code, "message": "says so"}, "rewards": None}
    ).encode()


def read(status, body):
    return classify((LINE,), Variant.BULK, Answer(status, body), resent=False)


def test_every_transient_code_that_is_an_http_status_is_covered():
    assert {401, 408, 425, 429, 461, 500, 502, 503, 504, 520, 521, 522, 523, 524} <= set(HTTP_CODES)


@pytest.mark.parametrize("code", HTTP_CODES)
def test_a_code_under_its_own_http_status_is_readable(code):
    assert read(code, body_of(code)).readable


@pytest.mark.parametrize("code", HTTP_CODES)
@pytest.mark.parametrize(
    "spoil",
    [lambda body: body[:-7], lambda _: HTML, lambda _: b""],
    ids=["cut", "a gateway's page", "empty"],
)
def test_the_same_answer_with_a_damaged_body_is_unreadable(code, spoil):
    outcome = read(code, spoil(body_of(code)))
    assert not outcome.readable
    assert outcome.code == code


@pytest.mark.parametrize("row", CODES, ids=lambda row: str(row.code))
@pytest.mark.parametrize("status", [200, 400, 500])
def test_every_documented_code_is_readable_under_any_http_status(row, status):
    assert read(status, body_of(row.code)).readable


@pytest.mark.parametrize("status", [408, 425, 461, 503, 521])
def test_a_transient_refusal_without_its_body_is_in_doubt_only_from_500(
    status,
):
    assert read(status, body_of(status)).kind is Kind.TRANSIENT
    assert read(status, HTML).kind is (Kind.IN_DOUBT if status >= 500 else Kind.TRANSIENT)


@pytest.mark.parametrize("sent", [True, False])
def test_a_missing_answer_is_unreadable(sent):
    assert not classify(
        (LINE,), Variant.BULK, NoAnswer("timeout", "too late", sent=sent), resent=False
    ).readable
