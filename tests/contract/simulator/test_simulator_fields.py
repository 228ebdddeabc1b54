"""Every optional field of a request: accepted, checked, kept and shown (rewards-api §3)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from simulator.access import basic_header
from simulator.demo_catalogue import DEMO
from simulator.serve import Simulator
from tests.contract.simulator.conftest import CONNECTED, CORE, START

GOLD = {"mobile": "919700000501"}
CHILD = {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001"}
BOTH = {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001,4002"}
CARD = {"methodOfPayment": "card", "methodOfPaymentId": "4-1", "tenderId": 7, "amount": 5}
PAID = {"totalAmount": 5, "tenders": [CARD]}
OWNER = {"ownerType": "CAMPAIGNS", "ownerId": "SPRING"}


def later(hours: float) -> str:
    return datetime.fromtimestamp(START + hours * 3_600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_orgs(api, *lines: Mapping[str, Any], headers=BOTH, **top: Any) -> Any:
    """The parsed reply to a call for connected organisations."""
    return api.bulk(*lines, path=CONNECTED, headers=headers, **top).json()


def status(reply: Any) -> tuple[int, str]:
    return reply["status"]["code"], reply["status"]["message"]


# -- tenders


def tender(*amounts: object, total: object) -> dict[str, Any]:
    return {"totalAmount": total, "tenders": [CARD | {"amount": amount} for amount in amounts]}


def test_cash_and_points_are_both_charged(api, sim):
    reply = api.issue(api.line(1018, 2, "k"), tender=tender(3, 7, total=10), **GOLD)
    assert reply["rewards"][0]["paymentConfig"] == {
        "paymentMode": "POINTS_CASH",
        "id": 181,
        "points": 20.0,
    }
    assert (sim.truth("k")["pointsCharged"], sim.truth("k")["cashCharged"]) == (40, 10)


def test_a_single_issue_is_paid_with_its_tender(api, sim):
    reply = api.single(1018, requestId="k", tender=PAID, **GOLD).json()
    assert (status(reply)[0], sim.truth("k")["cashCharged"]) == (200, 5)


def test_each_reward_may_have_a_tender_of_its_own(api, sim):
    own = api.line(1019, 1, "a", tender=tender(10, total=10))
    reply = api.issue(own, api.line(1018, 1, "b"), tender=PAID, **GOLD)
    assert [sim.truth(key)["cashCharged"] for key in "ab"] == [10, 5]
    assert reply["status"]["code"] == 200


@pytest.mark.parametrize(
    ("reward", "given", "text"),
    [
        (1018, None, "tender must not be null for a payment mode with cash"),
        (1018, "5", "tender must be an object with a list of tenders"),
        (1018, {"totalAmount": 5, "tenders": []}, "tender must be an object with a list"),
        (1018, tender(2, 2, total=5), "add up to 4 and not to the totalAmount 5"),
        (1018, tender(6, total=6), "totalAmount 6 does not match the price 5"),
        (1018, tender("x", total=5), "tender.amount must be a number"),
        (1018, {"totalAmount": 5, "tenders": [{"amount": 5}]}, "methodOfPayment must not be null"),
        (1018, {"totalAmount": 5, "tenders": [CARD | {"tenderId": "x"}]}, "tenderId must be a"),
        (1001, tender(5, total=5), "totalAmount 5 does not match the price 0"),
    ],
)
@pytest.mark.parametrize("single", [True, False])
def test_a_tender_that_does_not_pay_the_price_is_refused(api, reward, given, text, single):
    call = {"tender": given} | GOLD
    reply = api.single(reward, **call).json() if single else api.issue(api.line(reward), **call)
    assert status(reply)[0] == 400
    assert text in status(reply)[1]


def test_decimals_of_amounts_are_cut(api):
    assert api.issue(api.line(1018), tender=tender(5.9, total=5.2), **GOLD)["status"]["code"] == 200


# -- owners


@pytest.mark.parametrize("spelling", ["CAMPAIGNS", "Campaigns", "campaigns"])
def test_a_reward_with_an_owner_is_issued_to_its_owner(api, spelling):
    reply = api.single(1020, rewardOwnershipRO=OWNER | {"ownerType": spelling}).json()
    data = api.details(reply["transactionId"])["data"]
    assert (data["ownerType"], data["ownerId"]) == ("CAMPAIGNS", "SPRING")


@pytest.mark.parametrize("place", ["call", "reward"])
def test_a_bulk_call_names_the_owner_once_or_in_the_reward(api, place):
    line = api.line(1020, **({"rewardOwnershipRO": OWNER} if place == "reward" else {}))
    top = {"rewardOwnershipRO": OWNER} if place == "call" else {}
    assert api.issue(line, **top)["status"]["code"] == 200


@pytest.mark.parametrize(
    ("reward", "owner", "code", "text"),
    [
        (1020, None, 8003, "owner is mandatory"),
        (1020, OWNER | {"ownerId": "AUTUMN"}, 8003, "owner is not valid"),
        (1001, OWNER, 8003, "owner is not valid"),
        (1020, OWNER | {"ownerType": "SHOPS"}, 400, "ownerType is not valid"),
        (1020, {"ownerType": "CAMPAIGNS"}, 400, "ownerId must not be null"),
        (1020, "SPRING", 400, "must be an object"),
    ],
)
def test_a_wrong_owner_is_refused(api, reward, owner, code, text):
    found = status(api.single(reward, rewardOwnershipRO=owner).json())
    assert found[0] == code
    assert text in found[1]


def test_a_loyalty_program_is_an_owner_in_the_pages_words(api, sim):
    sim.change_reward(1001, owner_type="LOYALTY", owner_id="9")
    owner = {"ownerType": "Loyalty program", "ownerId": 9}
    assert status(api.single(1001, rewardOwnershipRO=owner).json())[0] == 200


# -- fulfilment, custom fields, params, programme, event


def test_fulfilment_and_custom_fields_are_echoed_and_shown_by_the_detail_read(api):
    sent = {"fulfillmentDetails": {"status": "SHIPPED"}, "customFields": {"size": "L"}}
    entry = api.issue(api.line(**sent), eventLogId="log-7")["rewards"][0]
    assert {name: entry[name] for name in sent} == sent
    assert entry["eventLogId"] == "log-7"
    data = api.details(entry["transactionId"])["data"]
    assert (data["fulfillmentDetails"], data["transactionCustomFields"]) == tuple(sent.values())
    assert [step["status"] for step in data["fulfillmentDetailsAuditLog"]] == ["SHIPPED"]
    assert (data["eventLogId"], data["customFields"]) == ("log-7", None)
    assert api.issuals()[0]["fulfillmentStatus"] == "SHIPPED"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"fulfillmentDetails": {"status": "EATEN"}}, "status EATEN is not a status of the brand"),
        ({"fulfillmentDetails": "SHIPPED"}, "fulfillmentDetails must be an object"),
        ({"customFields": {"weight": "1"}}, "customFields weight is not a custom field"),
        ({"customFields": ["size"]}, "customFields must be an object"),
        ({"params": 7}, "params must be an object"),
    ],
)
def test_unknown_names_and_wrong_types_in_a_reward_are_refused(api, fields, text):
    for reply in (api.issue(api.line(**fields)), api.single(**fields).json()):
        assert status(reply)[0] == 400
        assert text in status(reply)[1]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"params": {"k": "v"}}, 200),
        ({"params": '{"k": "v"}'}, 200),
        ({"params": []}, 400),
        ({"programId": 626}, 200),
        ({"programId": "626"}, 200),
        ({"programId": "x"}, 400),
        ({"programId": True}, 400),
        ({"eventDateTime": later(23.9)}, 200),
        ({"eventDateTime": later(24.1)}, 400),
        ({"eventDateTime": "2027-01-01T00:00:00+05:30"}, 400),
    ],
)
def test_the_fields_of_a_call_are_checked(api, fields, code):
    assert api.issue(**fields)["status"]["code"] == code


def test_the_event_time_is_echoed_and_read(api):
    entry = api.issue(eventDateTime=later(1))["rewards"][0]
    assert entry["eventDateTime"] == later(1)
    assert api.details(entry["transactionId"])["data"]["eventDateTime"] == later(1)


# -- organisations


def test_each_reward_is_issued_in_its_own_organisation(api, sim):
    lines = [api.line(1021, 1, "a", orgId=4001), api.line(1022, 1, "b", orgId=4002)]
    reply = in_orgs(api, *lines, orgLevelDetails=[{"orgId": 4001}, {"orgId": "4002"}])
    assert [entry["orgId"] for entry in reply["rewards"]] == [4001, 4002]
    books = [
        (entry["account"], entry["orgId"], entry["units"], entry["pointsCharged"])
        for entry in sim.summary()["organisations"]
    ]
    assert books == [("default", 4001, 1, 10), ("default", 4002, 1, 0)]


@pytest.mark.parametrize(
    ("org", "details", "code", "text"),
    [
        (4002, [4002], 8003, "Reward is not found"),
        (4001, [], 400, "orgLevelDetails must contain orgId 4001"),
        (4001, [4002], 400, "orgLevelDetails must contain orgId 4001"),
        (4001, [4001, 4000], 400, "orgLevelDetails orgId 4000 is not in the data scope"),
        (4001, [4001, 4001], 400, "orgId 4001 more than once"),
        (4000, [4001], 400, "orgId 4000 is not in the data scope"),
    ],
)
def test_a_reward_and_its_organisation_must_be_in_scope(api, org, details, code, text):
    entries = [{"orgId": entry} for entry in details]
    found = status(in_orgs(api, api.line(1021, orgId=org), orgLevelDetails=entries))
    assert found[0] == code
    assert text in found[1]


@pytest.mark.parametrize("details", ["4001", [4001], {"orgId": 4001}])
def test_organisation_details_of_another_type_are_refused(api, details):
    found = in_orgs(api, api.line(1021, orgId=4001), headers=CHILD, orgLevelDetails=details)
    assert status(found) == (400, "orgLevelDetails must be a list of objects")


def test_the_unconnected_endpoints_do_not_find_a_childs_reward(api):
    assert api.issue(api.line(1021))["status"]["code"] == 8003


def test_a_read_of_others_takes_at_most_two_organisations(api):
    catalogue = replace(DEMO, children=(4001, 4002, 4003), more_accounts=())
    path = f"{CORE}/v1.1/reward-transactions?customerId=1"
    till = {"Authorization": basic_header("demo.till", "demo"), "DATA-SCOPE": "OTHER"}
    with Simulator(catalogue) as simulator:
        for orgs, http_status in (("4001,4003", 200), ("4001,4002,4003", 403)):
            headers = till | {"DATA-SCOPE-ORG": orgs}
            assert httpx.get(simulator.url + path, headers=headers).status_code == http_status


def test_an_organisations_group_pays_for_its_rewards_only(api, sim):
    lines = [api.line(1002, 1, "a", orgId=4001), api.line(1002, 1, "b", orgId=4002)]
    details = [{"orgId": 4001, "userGroup2PrimaryUserId": 501}, {"orgId": 4002, "notes": "n"}]
    reply = in_orgs(api, *lines, orgLevelDetails=details, **GOLD)
    assert reply["status"]["code"] == 200
    assert [sim.truth(key)["groupId"] for key in "ab"] == [601, None]
    assert sim.group_points(601) == 490
    assert sim.truth("a")["sent"]["organisation"] == {"userGroup2PrimaryUserId": 501}


@pytest.mark.parametrize(
    ("groups", "code"),
    [
        ({"userGroup2Id": 601, "user_group2_external_id": "FAM-601"}, 200),
        ({"userGroup2Id": 601, "userGroup2ExternalId": "FAM-602"}, 8004),
    ],
)
def test_several_names_of_a_group_must_name_the_same_group(api, groups, code):
    assert api.issue(api.line(1002), **GOLD, **groups)["status"]["code"] == code


# -- ids


def test_a_reward_is_named_by_its_external_id(api, sim):
    line = {"rewardExternalId": "SKU-1018", "quantity": 1, "requestId": "k"}
    assert api.issue(line, tender=PAID, **GOLD)["rewards"][0]["rewardId"] == 1018
    assert sim.truth("k")["rewardId"] == 1018


def test_the_truth_has_what_was_sent_and_under_which_number(api, sim):
    top = {"programId": 626, "notes": "n", "params": {"a": 1}, "transactionNumber": "t-9"}
    api.issue(api.line(1001, 1, "k", params={"b": 2}, customFields={"size": "L"}), **top)
    entry = sim.truth("k")
    assert entry["transactionNumber"] == "t-9"
    assert entry["sent"] == {
        "call": {"programId": 626, "notes": "n", "params": {"a": 1}},
        "reward": {"params": {"b": 2}, "customFields": {"size": "L"}},
        "organisation": {},
    }


def test_a_call_with_other_bytes_under_the_same_request_id_is_counted(api, sim):
    for notes in ("n", "n", "other"):
        api.issue(api.line(1001, 1, "k"), notes=notes)
    assert (sim.truth("k")["calls"], sim.truth("k")["differingCalls"]) == (3, 1)
    assert sim.summary()["differingCalls"] == 1


# -- filters of the list


@pytest.mark.parametrize(
    ("query", "rewards"),
    [
        ({"ownerType": "Campaigns"}, [1020]),
        ({"ownerType": "CAMPAIGNS", "ownerId": "SPRING"}, [1020]),
        ({"ownerType": "Journeys"}, []),
        ({"ownerId": "AUTUMN"}, []),
        ({"groupName": "Travel"}, [1024, 1023]),
        ({"redemptionType": "MILES"}, [1023]),
        ({"redemptionType": "INTOUCH_REWARD"}, [1024, 1020]),
    ],
)
def test_the_list_is_filtered_by_owner_group_and_redemption_type(api, query, rewards):
    api.single(1020, **GOLD, rewardOwnershipRO=OWNER)
    api.issue(api.line(1023), **GOLD)
    api.issue(api.line(1024), **GOLD)
    listed = api.issuals(GOLD["mobile"], **query)
    assert [entry["rewardDetails"]["rewardId"] for entry in listed] == rewards


def test_a_limited_reward_shows_its_restrictions(api):
    shown = api.issue(api.line(1006))["rewards"][0]["restrictions"]
    limit = {"kpi": "QUANTITY", "limit": 1, "repeatFrequencyType": "DAYS", "interval": 1}
    assert shown == {"customerLevel": [limit], "rewardLevel": []}
