"""The page of the response's fields names every documented field, kept column and existing test."""

import re

import pytest

from issuance.details.details import LINE_FIELDS
from ledger.store.schema import metadata
from operations.outcome_export import CSV_FIELDS, JSON_FIELDS
from tests.unit.project.markdown import ROOT

_PAGE = (ROOT / "docs/reference/fields.md").read_text(encoding="utf-8")
_SECTION = _PAGE.partition("\n## Response fields")[2]
_ISSUE, _, _READ = _SECTION.partition("\n### The detail read")
_ROWS = [line for line in _SECTION.splitlines() if line.startswith("| `")]
_DOCUMENTED = {
    "issue": """
        status success code message partnerError rewards orgID orgId transactionId rewardId
        requestedQuantity quantity pointsReferenceId pointsReferenceIds eventLogId requestId
        intouch pointsRedeemed pointsRedeemedInDecimal couponCode codeExpiry codeExpiryDateTime
        promotion promotions vendor voucher valid_till restrictions paymentConfig paymentMode id
        points conversionRatio fulfillmentDetails customFields redemptionDetails redemptionType
        redemptionValue totalRedemptionValue eventDateTime
    """,
    "read": """
        status success code message data rewardTransactionId customerId orgId rewardIssueRefId
        rewardTransactionDate quantity requestedQuantity groupRedemption rewardDetails rewardId
        languageCode name description rewardRank groups imageId imageUrl intouchPoints images
        altText id url isExternal videos pointsRedemption redeemedPoints pointsRedemptionRefId
        pointsRedemptionRefIds redemptionDetails redemptionType totalRedemptionValue vouchers
        vendorRewards rewards json customFields transactionCustomFields fulfillmentDetails
        fulfillmentDetailsAuditLog ownerId ownerType eventLogId languageSpecificInfo
        richContentRO content isEnabled defaultValue vendorName vendorId vendorRedemptionId
        vendorRedemptionName eventDateTime issueDateTime promotions revenueDetails referenceId
        stageReferenceId requestBody responseBody headers pointsRedemptionCheck issueReward
        revokeReward constraintsCheck catalogPromotions appliedPromotions groupName groupRank
        intouchSeriesId codeExpiry codeExpiryDateTime
    """,
}
"""The names in the tables and samples of the API's pages."""


def _words(text: str) -> set[str]:
    return {
        word for quoted in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+", quoted)
    }


@pytest.mark.parametrize(("page", "section"), [("issue", _ISSUE), ("read", _READ)])
def test_every_documented_field_has_a_row(page, section):
    fields = _words("\n".join(row.split("|")[1] for row in section.splitlines() if "|" in row))
    # Vendors' own fields share a row.
    assert set(_DOCUMENTED[page].split()) - fields - {"voucher"} == set()


def test_every_row_names_a_test_that_exists():
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = [re.findall(r"`(test_\w+)`", row) for row in _ROWS]
    assert {len(names) for names in named} == {1}
    assert [name for [name] in named if f"def {name}(" not in tests] == []


@pytest.mark.parametrize("row", _ROWS)
def test_every_row_names_columns_that_exist_or_says_why_it_is_not_kept(row):
    *_, kept, shown, _, _ = row.split("|")
    for table, column in re.findall(r"`(\w+)\.(\w+)`", kept):
        assert column in metadata.tables[table].columns
    assert "not kept: " in kept or "`outcomes`" in shown or "show`" in shown or shown.strip() == "-"
    columns = set(re.findall(r"`(\w+)`", shown.partition("`outcomes`: ")[2].partition(";")[0]))
    assert columns <= {*CSV_FIELDS, *JSON_FIELDS}


def test_every_kept_field_has_a_row_and_is_shown():
    assert set(LINE_FIELDS) - {"rewardId"} <= set(JSON_FIELDS)
    assert set(LINE_FIELDS) <= _words(_SECTION)
