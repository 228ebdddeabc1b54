"""Whether an answer is readable does not depend on its HTTP status or code."""

import json

import pytest
from pydantic import SecretStr

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Line, freeze_body
from issuance.outcome import Refusal
from issuance.replies.classification import classify
from simulator.serve import Simulator

LINE = Line("r-a", 1001)
BODY = freeze_body(
    Variant.BULK, Customer("mobile", "919800000001"), (LINE,), brand="DEMO", email_key="email"
)
PASSING = (408, 425, 461, 500, 502, 503, 504, 520, 521, 522, 523, 524)
UNREADABLE = (
    "timeout_after_commit",
    "reset_before",
    "reset_after_commit",
    "429",
    "401",
    "500_html",
    "502_html",
    "503",
    "504_html_after_commit",
    "truncated_json_after_commit",
    "empty_200",
    "array_after_commit",
    "not_utf8_after_commit",
)


@pytest.fixture(scope="module")
def simulator():
    with Simulator() as running:
        yield running


@pytest.fixture(autouse=True)
def _fresh(simulator):
    simulator.reset()


@pytest.fixture
def issue(connect):
    async def call(url):
        client = connect(url, password=SecretStr("demo"), timeout_seconds=2.0)
        return classify((LINE,), Variant.BULK, await client.issue(Variant.BULK, BODY), resent=False)

    return call


@pytest.mark.parametrize("code", [*PASSING, 401, 429])
async def test_a_readable_body_is_readable_under_its_own_http_status(serve, answer, issue, code):
    body = json.dumps(
        {"status": {"success": False, "code": code, "message": "try later"}, "rewards": None}
    ).encode()
    outcome = await issue((await serve(answer(f"{code} Some Reason", body))).url)
    assert (outcome.readable, outcome.code) == (True, code)


@pytest.mark.parametrize("code", [*PASSING, 401, 429])
async def test_a_page_is_unreadable_under_the_same_http_status(serve, answer, issue, code):
    outcome = await issue(
        (await serve(answer(f"{code} Some Reason", b"<html>try later</html>"))).url
    )
    assert not outcome.readable


@pytest.mark.parametrize("http_mode", ["always_200", "openapi_400"])
@pytest.mark.parametrize("code", [*PASSING, 8000, 10004])
async def test_every_passing_code_of_the_simulator_is_readable(simulator, issue, http_mode, code):
    simulator.switch(http_mode=http_mode)
    simulator.faults(next=[{"fault": {"kind": "code", "code": code}}])
    outcome = await issue(simulator.url)
    assert (outcome.readable, outcome.refusal) == (True, None)


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_every_answer_of_the_simulator_without_a_body_is_unreadable(simulator, issue, kind):
    simulator.switch(hold_seconds=0.1)
    simulator.faults(next=[{"fault": kind}])
    outcome = await issue(simulator.url)
    assert not outcome.readable
    assert outcome.refusal is {"429": Refusal.THROTTLED, "401": Refusal.UNAUTHORISED}.get(kind)
