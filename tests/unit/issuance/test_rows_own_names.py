"""Rewards named by their external id, and transactionNumbers that a row gives."""

from dataclasses import replace

import pytest
from pydantic_core import from_json, to_json

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body
from issuance.reconciliation.conclusion import conclude
from issuance.reconciliation.transactions import TransactionDetail
from issuance.redrive.narrow import narrow, narrow_scope
from issuance.redrive.reissue import reissue_body
from issuance.replies.classification import classify
from issuance.replies.reply import Answer
from issuance.request_id import CampaignIds

MOBILE = Customer("mobile", "919800000001")
A = Line("r-a", 1001, org_id=7)
B = Line("r-b", 0, org_id=8, reward_external_id="SKU-9")


def freeze(*lines, number=None, variant=Variant.CONNECTED, orgs=None):
    return freeze_body(
        variant,
        MOBILE,
        lines,
        brand="DEMO",
        email_key="email",
        org_fields={"notes": "n"},
        orgs=orgs or {},
        transaction_number=number,
    )


def test_an_external_id_has_a_request_id_of_its_own_that_never_changes():
    assert (
        CampaignIds("spring-2026").derive(MOBILE, "SKU-9") == "a79758de-e562-5c53-a098-1514db83592d"
    )
    assert (
        CampaignIds("spring-2026").derive(MOBILE, "1001") == "611830aa-8930-5aa9-8d90-1627e439a491"
    )
    assert CampaignIds("c").derive(MOBILE, "1001") != CampaignIds("c").derive(MOBILE, 1001)


def test_the_body_names_a_reward_by_its_external_id_and_the_call_by_its_own_number():
    body = from_json(freeze(A, B, number="till-17"))
    assert body["transactionNumber"] == "till-17"
    assert [(each.get("rewardId"), each.get("rewardExternalId")) for each in body["rewards"]] == [
        (1001, None),
        (None, "SKU-9"),
    ]


def test_the_details_of_one_organisation_replace_those_of_all():
    body = from_json(freeze(A, B, orgs={8: {"notes": "of 8", "params": {"k": "v"}}}))
    assert body["orgLevelDetails"] == [
        {"orgId": 7, "notes": "n"},
        {"orgId": 8, "notes": "of 8", "params": {"k": "v"}},
    ]


def test_an_external_id_has_no_place_in_a_path():
    with pytest.raises(ValueError, match="in its path"):
        freeze(B, variant=Variant.SINGLE)


def make(*lines, number=None, scope="OTHER:7,8"):
    body = freeze(*lines, number=number)
    return Job(
        *(MOBILE, lines, Variant.CONNECTED, body, Lane.BLAST),
        scope=scope,
        transaction_number=number,
    )


@pytest.mark.parametrize("number", [None, "till-17"])
def test_a_narrowed_job_keeps_its_number_and_the_scope_of_its_lines(number):
    assert narrow(make(A, B, number=number), {"r-b"}) == make(B, number=number, scope="OTHER:8")
    assert narrow_scope("SELF", [B]) == "SELF"
    assert narrow_scope(None, [B]) is None


def test_a_reissued_job_gets_a_number_of_its_own():
    body, [line] = reissue_body(
        Variant.CONNECTED, freeze(A, B, number="till-17"), [A, B], {"r-b": "r-new"}
    )
    content = from_json(body)
    assert content["transactionNumber"] == "r-new"
    assert content["rewards"][0]["rewardExternalId"] == line.reward_external_id == "SKU-9"


def answer(*rewards):
    status = {"success": True, "code": 200, "message": "issued"}
    elements = [
        {"status": status, "rewardId": reward, "quantity": 1, "requestedQuantity": 1,
         "intouch": [{"couponCode": voucher}]}
        for reward, voucher in rewards
    ]  # fmt: skip
    return Answer(200, to_json({"status": status, "rewards": elements}))


def test_an_answer_without_request_ids_is_matched_by_what_is_left():
    lines = [B, replace(A, org_id=8)]
    outcome = classify(lines, Variant.CONNECTED, answer((1001, "V-1"), (4711, "V-2")), resent=False)
    assert [line.vouchers for line in outcome.lines] == [("V-2",), ("V-1",)]


def test_the_transaction_of_an_unknown_reward_belongs_to_the_line_with_an_external_id():
    entry = {
        "rewardTransactionId": 501,
        "rewardIssueRefId": "till-17",
        "status": {"success": True, "code": 200, "message": "issued"},
        "rewardDetails": {"rewardId": 4711},
        "quantity": 1,
        "requestedQuantity": 1,
        "vouchers": [{"code": "V-1"}],
    }
    detail = TransactionDetail.model_validate(entry)
    concluded = conclude([A, B], [detail], {"501": detail})
    assert [line.vouchers for line in concluded.outcome.lines] == [(), ("V-1",)]
    assert concluded.missing == ("r-a",)
