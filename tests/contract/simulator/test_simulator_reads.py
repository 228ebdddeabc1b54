import json

import pytest

from simulator.access import basic_header

CORE = "/api_gateway/rewards/core"


def connected(api, path="", headers=None, **query):
    return api.client.get(f"{CORE}/v1.1/reward-transactions{path}", params=query, headers=headers)


def test_a_transaction_is_found_by_the_callers_transaction_number(api):
    issued = api.issue(api.line(1002), transactionNumber="job-17")["rewards"][0]
    [entry] = api.issuals()
    assert entry["rewardIssueRefId"] == "job-17"
    assert entry["rewardTransactionId"] == str(issued["transactionId"])
    assert entry["rewardTransactionDate"] == 1_800_000_000_000
    assert (entry["rewardDetails"]["rewardId"], entry["redemptionType"]) == (1002, "INTOUCH_REWARD")


def test_no_read_ever_shows_a_request_id(api):
    transaction = api.issue(api.line(1001, 1, "secret-key"))["rewards"][0]["transactionId"]
    shown = [
        api.issuals(),
        api.details(transaction),
        connected(api, customerId=api.customer_id()).json(),
    ]
    assert "secret-key" not in json.dumps(shown)
    assert "requestId" not in json.dumps(shown)


def test_the_list_has_successful_and_failed_transactions_newest_first(api, clock):
    api.issue(api.line(1001))
    clock.advance(1)
    api.issue(api.line(1005))
    assert [entry["status"]["code"] for entry in api.issuals()] == [8003, 200]
    assert [entry["status"]["code"] for entry in api.issuals(status="true")] == [200]
    assert [entry["status"]["code"] for entry in api.issuals(status="false")] == [8003]


def test_the_list_can_be_filtered(api):
    api.issue(api.line(1001), api.line(1002), api.line(1003))
    assert [entry["rewardDetails"]["rewardId"] for entry in api.issuals(rewardId=1002)] == [1002]
    assert [
        entry["rewardDetails"]["rewardId"] for entry in api.issuals(redemptionType="VOUCHER")
    ] == [1003]


def test_points_references_are_returned_only_on_request(api):
    references = api.issue(api.line(1001), api.line(1002))["rewards"][1]["pointsReferenceIds"]
    assert [entry["pointsRedemptionRefIds"] for entry in api.issuals()] == [None, None]
    [found] = api.issuals(pointsRefIds=",".join([*references, "other"]))
    assert found["pointsRedemptionRefIds"] == references


@pytest.mark.parametrize(("names", "shown"), [(("page", "size"), 1), (("Page", "Size"), 1)])
def test_pages_of_the_list_count_from_zero(api, names, shown):
    for _ in range(3):
        api.issue()
    page, size = names
    path = f"{CORE}/v1/management/customer/{api.customer_id()}/issuals"
    reply = api.client.get(path, params={page: 1, size: 2}).json()
    assert len(reply["rewardIssueTransactions"]) == shown
    assert reply["pagingDto"] == {
        "last": True,
        "totalElements": 3,
        "totalPages": 2,
        "numberOfElements": 1,
        "first": False,
        "size": 2,
        "number": 1,
    }


def test_pages_of_the_connected_list_count_from_one_and_zero_means_all(api):
    for _ in range(12):
        api.issue()
    customer = api.customer_id()
    sizes = [
        len(connected(api, customerId=customer, page=page).json()["rewardIssueTransactions"])
        for page in (1, 2, 0)
    ]
    assert sizes == [10, 2, 12]


@pytest.mark.parametrize("query", [{"size": 0}, {"size": "x"}, {"page": -1}])
def test_a_wrong_page_is_8009(api, query):
    api.issue()
    path = f"{CORE}/v1/management/customer/{api.customer_id()}/issuals"
    assert api.client.get(path, params=query).json()["status"]["code"] == 8009


def test_the_details_have_a_list_as_status_and_an_inner_status(api):
    issued = api.issue(api.line(1002, 2), transactionNumber="job-1")["rewards"][0]
    reply = api.details(issued["transactionId"])
    data = reply["data"]
    assert [status["code"] for status in reply["status"]] == [200]
    assert (data["rewardTransactionId"], data["customerId"]) == (
        str(issued["transactionId"]),
        api.customer_id(),
    )
    assert (data["rewardIssueRefId"], data["status"]["code"]) == ("job-1", 200)
    assert (data["quantity"], data["requestedQuantity"], data["orgId"]) == (2, 2, 4000)
    assert data["pointsRedemption"]["redeemedPoints"] == 20
    assert data["pointsRedemption"]["pointsRedemptionRefIds"] == issued["pointsReferenceIds"]


@pytest.mark.parametrize(
    ("query", "change"),
    [
        ({}, str.upper),
        ({"coupon_code_case": "UPPER"}, str.upper),
        ({"coupon_code_case": "LOWER"}, str.lower),
        ({"coupon_code_case": "AS_IT_IS"}, str),
        ({"couponCodeCase": "as_it_is"}, str),
    ],
)
def test_codes_are_returned_in_upper_case_by_default(api, query, change):
    entry = api.issue()["rewards"][0]
    code = entry["intouch"][0]["couponCode"]
    assert code not in {code.upper(), code.lower()}
    assert api.details(entry["transactionId"], **query)["data"]["vouchers"] == [
        {"code": change(code)}
    ]


def test_vendor_vouchers_are_json_strings(api):
    entry = api.issue(api.line(1003, 2))["rewards"][0]
    data = api.details(entry["transactionId"], coupon_code_case="AS_IT_IS")["data"]
    vouchers = [
        json.loads(reward["json"])["voucher"] for reward in data["vendorRewards"]["rewards"]
    ]
    assert vouchers == [voucher["voucher"] for voucher in entry["vendor"]]
    assert data["vouchers"] == []


def test_promotions_have_their_own_field(api):
    data = api.details(api.issue(api.line(1004))["rewards"][0]["transactionId"])["data"]
    assert (len(data["promotions"]), data["vouchers"]) == (1, [])


def test_miles_have_a_value(api):
    line = api.line(1009, paymentConfig={"redemptionValue": 100})
    data = api.details(api.issue(line)["rewards"][0]["transactionId"])["data"]
    assert data["redemptionDetails"] == {"redemptionType": "MILES", "totalRedemptionValue": 100.0}


@pytest.mark.parametrize("unknown", [1, "x"])
def test_an_unknown_transaction_is_refused(api, unknown):
    api.issue()
    reply = api.details(unknown)
    code = (
        reply["status"][0]["code"] if isinstance(reply["status"], list) else reply["status"]["code"]
    )
    assert code == (6004 if unknown == 1 else 8009)


def test_another_customers_transaction_is_not_shown(api):
    transaction = api.issue(mobile="1")["rewards"][0]["transactionId"]
    api.issue(mobile="2")
    assert api.details(transaction, mobile="2")["status"][0]["code"] == 6004
    assert api.details(transaction, mobile="1")["status"][0]["code"] == 200


@pytest.mark.parametrize("version", ["v1", "v1.1"])
def test_a_transaction_is_found_by_its_id_alone(api, version):
    transaction = api.issue()["rewards"][0]["transactionId"]
    reply = api.client.get(f"{CORE}/{version}/reward-transactions/{transaction}").json()
    assert reply["data"]["rewardTransactionId"] == str(transaction)


def test_connected_reads_see_only_the_organisations_in_scope(api):
    path = f"{CORE}/v1.1/user/rewards/issue?username=demo.till&skip_validation=true"
    scope = {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001"}
    line, details = api.line(orgId=4001), [{"orgId": 4001}]
    reply = api.bulk(line, path=path, headers=scope, orgLevelDetails=details).json()
    transaction = reply["rewards"][0]["transactionId"]

    def seen(headers):
        listed = connected(api, headers=headers, customerId=api.customer_id()).json()[
            "rewardIssueTransactions"
        ]
        shown = connected(api, f"/{transaction}", headers).json()["data"]
        return len(listed), shown is not None

    assert seen({}) == (0, False)
    assert seen(scope) == (1, True)
    assert seen({"DATA-SCOPE": "ALL"}) == (1, True)


def test_a_wrong_scope_of_a_read_is_refused(api):
    assert connected(api, headers={"DATA-SCOPE": "UNKNOWN"}, customerId=1).status_code == 403
    child = {"DATA-SCOPE": "ALL", "Authorization": basic_header("child.till", "demo")}
    assert connected(api, headers=child, customerId=1).status_code == 403


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("mobile", "919700000501", 501),
        ("email", "gold@example.test", 501),
        ("externalId", "EXT-502", 502),
    ],
)
def test_a_customer_is_looked_up_by_each_identifier(api, name, value, found):
    query = {"source": "INSTORE", "identifierName": name, "identifierValue": value}
    assert api.client.get("/v2/customers/lookup", params=query).json() == {
        "entity": found,
        "warnings": [],
    }


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"identifierName": "mobile", "identifierValue": "0"}, 8015),
        ({"identifierName": "shoe", "identifierValue": "0"}, 8045),
        ({}, 8045),
    ],
)
def test_a_failed_lookup_has_the_customer_apis_error_format(api, query, code):
    reply = api.client.get("/v2/customers/lookup", params=query)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, code)


def test_reads_need_credentials(api, sim):
    reply = api.client.get(f"{CORE}/v1/reward-transactions/1", headers={"Authorization": ""})
    assert (reply.status_code, sim.summary()["readCalls"]) == (401, 1)
