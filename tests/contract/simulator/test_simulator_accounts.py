"""Several accounts in one simulator: each sees and changes only its own."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest

from simulator.access import basic_header
from simulator.catalogue import Till
from simulator.demo_catalogue import DEMO, DEMO_WITHOUT_MAGIC
from simulator.serve import Simulator
from simulator.switches import Switches
from simulator.world import World
from tests.contract.simulator.conftest import CORE

READS = f"{CORE}/v1/management/customer"


def _headers(name: str) -> dict[str, str]:
    return {"Authorization": basic_header(f"{name}.till", name)}


def test_each_account_issues_its_own_rewards(api):
    assert api.as_till("shop", reward=2001).json()["rewards"][0]["quantity"] == 1
    assert api.as_till("air", reward=3001).json()["rewards"][0]["quantity"] == 1


@pytest.mark.parametrize(
    ("brand", "reward", "code"), [("DEMO", 1001, 3004), ("SHOP", 1001, 8003), ("AIR", 3001, 3004)]
)
def test_an_account_knows_no_brand_and_no_reward_of_another(api, sim, brand, reward, code):
    reply = api.as_till("shop", reward=reward, brand=brand).json()
    assert reply["status"]["code"] == code
    assert sim.summary()["unitsIssued"] == 0


def test_a_till_with_the_password_of_another_account_is_refused(api):
    headers = {"Authorization": basic_header("shop.till", "air")}
    path = f"{CORE}/v1/user/rewards/issue?username=shop.till&skip_validation=true"
    assert api.bulk(api.line(2001), path=path, headers=headers).status_code == 401


def test_the_till_in_the_query_must_be_of_the_callers_account(api):
    path = f"{CORE}/v1/user/rewards/issue?username=air.till&skip_validation=true"
    assert api.bulk(api.line(2001), path=path, headers=_headers("shop")).status_code == 403


@pytest.mark.parametrize("name", ["demo", "shop", "air"])
def test_each_client_key_has_its_own_secret(api, name):
    post, path = api.client.post, "/v3/oauth/token/generate"
    right = post(path, json={"key": f"{name}-key", "secret": f"{name}-secret"})
    wrong = post(path, json={"key": f"{name}-key", "secret": "other-secret"})
    assert (right.status_code, wrong.status_code) == (200, 401)


def test_a_token_belongs_to_the_account_of_its_client(api):
    body = {"key": "air-key", "secret": "air-secret"}
    token = api.client.post("/v3/oauth/token/generate", json=body).json()["data"]["accessToken"]
    path = f"{CORE}/v1/user/rewards/issue?username=%s&skip_validation=true"
    headers = {"X-CAP-API-OAUTH-TOKEN": token}
    own = api.bulk(api.line(3001), path=path % "air.till", headers=headers, brand="AIR")
    other = api.bulk(api.line(2001), path=path % "shop.till", headers=headers, brand="SHOP")
    assert (own.json()["rewards"][0]["quantity"], other.status_code) == (1, 403)


def test_an_account_reads_only_its_own_transactions(api):
    issued = api.as_till("shop", reward=2001).json()["rewards"][0]["transactionId"]
    path = f"{CORE}/v1/reward-transactions/{issued}"
    own = api.client.get(path, headers=_headers("shop")).json()
    other = api.client.get(path, headers=_headers("air")).json()
    assert own["data"]["rewardTransactionId"] == str(issued)
    assert (other["status"][0]["code"], other["data"]) == (6004, None)


def test_the_same_mobile_is_another_customer_in_each_account(api):
    api.issue(mobile="919800000077")
    query = {"source": "INSTORE", "identifierName": "mobile", "identifierValue": "919800000077"}
    found = api.client.get("/v2/customers/lookup", params=query, headers=_headers("shop"))
    assert (found.status_code, found.json()["errors"][0]["code"]) == (400, 8015)


def test_an_account_cannot_revoke_a_transaction_of_another(api, sim):
    sim.switch(revoke_enable=True)
    issued = api.issue()["rewards"][0]["transactionId"]
    path = f"{CORE}/v1/user/reward/revoke?username=shop.till"
    reply = api.client.post(path, json={"txnId": issued}, headers=_headers("shop")).json()
    assert reply["status"]["code"] == 10007


def test_a_parent_writes_only_to_the_children_of_its_account(api):
    path = f"{CORE}/v1.1/user/rewards/issue?username=shop.till&skip_validation=true"
    for org, http_status in ((5001, 200), (4001, 403)):
        headers = _headers("shop") | {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": str(org)}
        assert api.bulk(api.line(2001), path=path, headers=headers).status_code == http_status


def test_a_customer_is_locked_in_one_account_only(api, sim):
    sim.switch(latency_seconds=0.3)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(api.as_till, "shop", reward=2001), pool.submit(api.issue)]
    assert calls[0].result().json()["status"]["code"] == 200
    assert (calls[1].result()["status"]["code"], sim.summary()["concurrentCalls"]) == (200, 0)


def test_a_reward_and_a_customer_are_changed_in_one_account(api, sim):
    sim.change_reward(2001, account="shop", enabled=False)
    assert api.as_till("shop", reward=2001).json()["status"]["code"] == 8003
    changed = api.client.post("/_rewards/2001", json={"enabled": True})
    assert changed.status_code == 404
    api.client.post("/_rewards/2001?account=shop", json={"enabled": True}).raise_for_status()
    assert api.as_till("shop", reward=2001).json()["status"]["code"] == 200
    assert api.client.post("/_customers?account=x", json={"customer_id": 1}).status_code == 404


def test_the_accounts_are_listed_with_their_organisations(api):
    listed = {found["name"]: found for found in api.client.get("/_accounts").json()}
    assert listed["air"]["organisations"] == [6000, 6001, 6002]
    assert listed["default"]["groups"] == [{"groupId": 601, "points": 500}]


def test_an_account_can_fail_while_the_others_work(api, sim):
    sim.faults(accounts={"shop": "503"})
    failed = [api.as_till("shop", reward=2001).status_code for _ in range(2)]
    assert (failed, api.as_till("air", reward=3001).status_code) == ([503, 503], 200)
    path = f"{READS}/1/issuals"
    assert api.client.get(path, headers=_headers("shop")).status_code == 503
    sim.clear_faults()
    assert api.as_till("shop", reward=2001).status_code == 200


def test_requests_of_every_account_are_restored_from_the_truth_file(tmp_path):
    path = tmp_path / "truth.jsonl"
    body = {"mobile": "919800000001", "brand": "SHOP", "transactionNumber": "t"}
    body |= {"rewards": [{"rewardId": 2002, "quantity": 1, "requestId": "k"}]}
    issue = f"{CORE}/v1/user/rewards/issue?username=shop.till&skip_validation=true"
    replies = []
    for _ in range(2):
        with Simulator(truth_file=path) as simulator:
            reply = httpx.post(simulator.url + issue, json=body, headers=_headers("shop"))
            replies.append(reply.json()["rewards"][0]["intouch"])
            assert simulator.summary()["pointsCharged"] == 10
    assert replies[0] == replies[1]


@pytest.mark.parametrize(
    ("account", "message"),
    [
        (replace(DEMO_WITHOUT_MAGIC, more_accounts=()), "same name"),
        (replace(DEMO, name="twin", more_accounts=()), "same credentials"),
    ],
)
def test_accounts_need_their_own_name_and_credentials(account, message):
    with pytest.raises(ValueError, match=message):
        World(replace(DEMO, more_accounts=(account,)), Switches())


def test_accounts_may_have_tills_of_the_same_name(api):
    first = replace(DEMO, more_accounts=(), tills=(Till("till", "one", 4000),))
    second = replace(first, name="second", clients=(), tills=(Till("till", "two", 4000),))
    with Simulator(replace(first, more_accounts=(second,))) as simulator:
        path = f"{simulator.url}{CORE}/v1/user/rewards/issue?username=till&skip_validation=true"
        for password, customers in (("one", 200), ("two", 400)):
            headers = {"Authorization": basic_header("till", password)}
            body = {"mobile": "919800000001", "brand": "DEMO", "transactionNumber": "t"}
            if password == "one":
                httpx.post(path, json=body | {"rewards": [api.line()]}, headers=headers)
            query = "source=INSTORE&identifierName=mobile&identifierValue=919800000001"
            found = httpx.get(f"{simulator.url}/v2/customers/lookup?{query}", headers=headers)
            assert found.status_code == customers
