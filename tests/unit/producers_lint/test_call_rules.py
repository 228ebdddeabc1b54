"""The rules between the fields of a call, each with calls that break it and calls that do not."""

from datetime import UTC, datetime

import pytest

from issuance.endpoint import Variant
from producers.fields import call_values
from producers.fields.line import CallFields, OrgDetails, Reward, Tender
from producers.fields.reading import bare
from producers.fields.refusal import Refusal
from producers.lint import Lint, RewardTerms
from producers.lint.call_rules import check_call, check_orgs, find_undocumented
from producers.lint.payment_rules import check_reference
from tests.unit.producers_lint.build import row

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
CASH = Tender("CASH", amount=40)
CARD = Tender("CARD", amount=60)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"group_id": "124"},
        {"owner_type": "CAMPAIGNS", "owner_id": "abc7"},
        {"tender_total": 100, "tenders": (CARD, CASH)},
        {"tender_total": 100},
        {"tenders": (CARD,)},
        {"tender_total": 100, "tenders": (CARD, Tender("CASH"))},
        {"event_date_time": "2020-01-01T00:00:00Z"},
        {"event_date_time": "2026-01-03T12:00:00Z"},
        {"group_id": "124", "org_details": (OrgDetails(7, group_id="125"),)},
    ],
)
def test_a_correct_call_is_accepted(fields):
    check_call(CallFields(**fields), NOW)


@pytest.mark.parametrize(
    ("fields", "column", "problem"),
    [
        (
            {"group_id": "124", "group_external_id": "family"},
            "userGroup2Id",
            "several group ids: userGroup2ExternalId, userGroup2Id",
        ),
        (
            {"group_id": "124", "org_details": (OrgDetails(7, group_external_id="family"),)},
            "userGroup2Id",
            "several group ids",
        ),
        ({"owner_type": "CAMPAIGNS"}, "rewardOwnershipRO.ownerId", "without ownerId"),
        ({"owner_id": "abc7"}, "rewardOwnershipRO.ownerType", "without ownerType"),
        (
            {"tender_total": 101, "tenders": (CARD, CASH)},
            "tender.totalAmount",
            "100 in all, the total is 101",
        ),
        ({"event_date_time": "2026-01-03T12:00:01Z"}, "eventDateTime", "24 hours ahead"),
    ],
)
def test_a_wrong_call_is_refused_with_field_and_remedy(fields, column, problem):
    with pytest.raises(Refusal, match=problem) as refused:
        check_call(CallFields(**fields), NOW)
    assert refused.value.field == column
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        ((OrgDetails(8),), "organisation 8"),
        ((OrgDetails(7), OrgDetails(7)), "different organisations"),
        ((OrgDetails(7), OrgDetails(None)), "different organisations"),
    ],
)
def test_org_details_are_for_the_rewards_organisations(details, problem):
    check_orgs((OrgDetails(7),), [7, 9])
    check_orgs((OrgDetails(None),), [7])
    with pytest.raises(Refusal, match=problem) as refused:
        check_orgs(details, [7, 9])
    assert refused.value.field == "orgLevelDetails"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("CAMPAIGNS", "CAMPAIGNS"),
        ("journeys", "JOURNEYS"),
        ("Loyalty program", "LOYALTY"),
        (" LOYALTY ", "LOYALTY"),
        (" ", None),
    ],
)
def test_owner_types_are_read_in_any_case(text, value):
    assert call_values.owner_type(text) == value


def test_an_unknown_owner_type_is_refused_with_the_documented_ones():
    with pytest.raises(Refusal) as refused:
        call_values.owner_type("Wallet")
    assert refused.value.remedy == (
        "write one of LOYALTY, MILESTONES, CAMPAIGNS, JOURNEYS, GOODWILL"
    )


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-02 03:04:05",
        "2026-01-02T03:04:05",
        "2026-01-02T03:04:05+05:30",
        "2026-01-02T03:04:05.000Z",
        "2026-02-30T03:04:05Z",
        "2026-1-2T3:4:5Z",
        "tomorrow",
    ],
)
def test_a_time_in_another_form_is_refused(text):
    with pytest.raises(Refusal, match="no time in UTC"):
        call_values.event_date_time(text)


def test_scopes_are_read_in_any_case_and_all_is_for_reads():
    assert [call_values.data_scope(text) for text in ("self", "Other", " ")] == [
        *("SELF", "OTHER"),
        None,
    ]
    with pytest.raises(Refusal, match="no data scope for issuing"):
        call_values.data_scope("ALL")


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("100", 100), ("100.0", 100), (" ", None)])
def test_amounts_of_cash_are_whole(text, value):
    assert bare(call_values.whole_amount(text)) == value


def test_an_amount_of_cash_with_decimals_is_refused_because_the_api_cuts_them():
    with pytest.raises(Refusal, match="has decimals"):
        call_values.whole_amount("9.99")


@pytest.mark.parametrize("text", ["x" * 256, "a\nb", "a\x00b"])
def test_a_reference_is_short_and_printable(text):
    with pytest.raises(Refusal):
        call_values.reference(text)


@pytest.mark.parametrize(
    ("variant", "reward", "field"),
    [
        (Variant.BULK, Reward(), "rewardId"),
        (Variant.BULK, Reward(1001, reward_external_id="SKU-9"), "rewardExternalId"),
        (Variant.SINGLE, Reward(reward_external_id="SKU-9"), "rewardExternalId"),
    ],
)
def test_a_reward_is_named_once_and_by_its_id_where_that_is_in_the_path(variant, reward, field):
    check_reference(Reward(1001), variant)
    with pytest.raises(Refusal) as refused:
        check_reference(reward, variant)
    assert refused.value.field == field


def test_an_owner_is_a_warning_where_no_page_documents_it():
    call = CallFields(owner_type="CAMPAIGNS", owner_id="abc7")
    assert find_undocumented(call, Variant.SINGLE) is None
    for variant in (Variant.BULK, Variant.CONNECTED):
        finding = find_undocumented(call, variant)
        assert (finding.field, finding.refuses) == ("rewardOwnershipRO.ownerType", False)
    assert find_undocumented(CallFields(notes="x"), Variant.BULK) is None


def inspect(call, *, rewards=None, variant=Variant.SINGLE, reward=None):
    good = row()
    good.call = call
    if reward is not None:
        good.reward = reward
    return [
        (finding.field, finding.refuses) for finding in Lint(rewards=rewards).inspect(good, variant)
    ]


def test_the_lint_warns_of_an_owner_of_each_row_that_has_one():
    lint = Lint()
    owned, plain = row(), row()
    owned.call = CallFields(owner_type="CAMPAIGNS", owner_id="abc7")
    found = [len(lint.inspect(each, Variant.BULK)) for each in (plain, owned, owned, plain)]
    assert found == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("POINTS", True), ("FREE", True), ("CASH", False), ("POINTS_CASH", False)],
)
def test_cash_is_a_warning_for_a_reward_without_a_cash_price(mode, expected):
    config = {"id": 5, "mode": mode, "points": 10}
    terms = RewardTerms.model_validate({"rewardId": 1001, "paymentConfigs": [config]})
    found = inspect(CallFields(tender_total=100), rewards={1001: terms}, reward=Reward(1001))
    assert found == ([("tender.totalAmount", False)] if expected else [])
    assert inspect(CallFields(tender_total=100), reward=Reward(1001)) == []


def test_decimals_of_a_redemption_value_are_a_warning():
    for value, found in ((12.5, [("redemptionValue", False)]), (12.0, []), (12, [])):
        reward = Reward(1001, payment_config_id=5, redemption_value=value)
        assert inspect(CallFields(), reward=reward) == found
