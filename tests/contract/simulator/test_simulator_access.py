import base64

import httpx
import pytest

from simulator.access import basic_header

CORE = "/api_gateway/rewards/core"
CONNECTED = f"{CORE}/v1.1/user/rewards/issue?username=demo.till&skip_validation=true"
TOKEN = "/v3/oauth/token/generate"


def token_of(api, **body):
    return api.client.post(TOKEN, json={"key": "demo-key", "secret": "demo-secret"} | body)


def with_token(api, token):
    headers = {"X-CAP-API-OAUTH-TOKEN": token, "Authorization": ""}
    return api.bulk(api.line(), headers=headers).status_code


def test_the_basic_header_carries_the_lower_case_md5_of_the_password():
    decoded = base64.b64decode(basic_header("demo.till", "demo").removeprefix("Basic ")).decode()
    assert decoded == "demo.till:fe01ce2a7fbac8fafaed7c982a04e229"


@pytest.mark.parametrize(
    "header",
    [
        "",
        basic_header("demo.till", "wrong"),
        basic_header("stranger", "demo"),
        "Basic " + base64.b64encode(b"demo.till:demo").decode(),
        "Basic " + base64.b64encode(b"demo.till:FE01CE2A7FBAC8FAFAED7C982A04E229").decode(),
    ],
)
@pytest.mark.parametrize("mode", ["always_200", "openapi_400"])
def test_a_wrong_credential_is_refused_with_401_by_the_gateway(api, sim, header, mode):
    sim.switch(http_mode=mode)
    reply = api.bulk(api.line(1001, 1, "k"), headers={"Authorization": header})
    assert (reply.status_code, "status" in reply.json()) == (401, False)
    assert reply.headers["x-cap-requestid"]
    assert sim.truth("k") is None


def test_every_reply_has_its_own_tracking_id(api):
    ids = {api.bulk(api.line()).headers["x-cap-requestid"] for _ in range(5)}
    assert len(ids) == 5


def test_a_token_is_accepted_until_it_expires(api, sim, clock):
    body = token_of(api).json()
    token = body["data"]["accessToken"]
    assert (body["errors"], body["data"]["ttlSeconds"], token.count(".")) == (None, 300, 2)
    assert with_token(api, token) == 200
    clock.advance(299)
    assert with_token(api, token) == 200
    clock.advance(1)
    assert with_token(api, token) == 401
    assert with_token(api, token_of(api).json()["data"]["accessToken"]) == 200


def test_each_token_is_new_and_older_ones_still_work(api):
    first, second = (token_of(api).json()["data"]["accessToken"] for _ in range(2))
    assert first != second
    assert [with_token(api, first), with_token(api, second)] == [200, 200]


def test_a_switch_sets_the_lifetime_of_a_token(api, sim, clock):
    sim.switch(token_ttl_seconds=2)
    data = token_of(api).json()["data"]
    clock.advance(2)
    assert (data["ttlSeconds"], with_token(api, data["accessToken"])) == (2, 401)


@pytest.mark.parametrize("through", ["method", "admin"])
def test_tokens_can_be_revoked_in_the_middle_of_a_run(api, sim, through):
    token = token_of(api).json()["data"]["accessToken"]
    if through == "admin":
        api.client.delete("/_tokens")
    else:
        sim.revoke_tokens()
    assert with_token(api, token) == 401


@pytest.mark.parametrize(
    "wrong", [{"key": "stranger"}, {"secret": "x"}, {"key": None}, {"key": ["demo-key"]}]
)
def test_a_wrong_client_gets_no_token(api, sim, wrong):
    reply = token_of(api, **wrong)
    assert (reply.status_code, reply.json()["data"]) == (401, None)
    assert sim.summary()["tokenCalls"] == 1


@pytest.mark.parametrize("token", ["", "a.b.c"])
def test_an_unknown_token_is_refused_with_401(api, token):
    assert with_token(api, token) == 401


@pytest.mark.parametrize(
    ("query", "http_status"),
    [
        ("?skip_validation=true", 403),
        ("?username=child.till&skip_validation=true", 403),
        ("?username=stranger&skip_validation=true", 403),
        ("?username=demo.till&skip_validation=TRUE", 200),
    ],
)
def test_an_unauthorised_till_is_refused(api, query, http_status):
    assert (
        api.bulk(api.line(), path=f"{CORE}/v1/user/rewards/issue{query}").status_code == http_status
    )


def test_a_call_that_does_not_skip_validation_is_refused(api):
    reply = api.bulk(api.line(), path=f"{CORE}/v1/user/rewards/issue?username=demo.till")
    assert (
        reply.json()["status"]["message"]
        == "fail to issue reward as validation code is not present"
    )


def test_a_body_that_is_not_json_is_refused(api):
    path = f"{CORE}/v1/user/rewards/issue?username=demo.till&skip_validation=true"
    assert api.client.post(path, content=b"a=b").status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "http_status"),
    [("GET", f"{CORE}/v1/user/rewards/issue", 405), ("POST", f"{CORE}/v2/user/rewards/issue", 404)],
)
def test_other_routes_are_refused(api, method, path, http_status):
    assert api.client.request(method, path).status_code == http_status


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_connected_endpoint_works_with_and_without_a_slash(api, slash):
    path = CONNECTED.replace("/issue?", f"/issue{slash}?")
    reply = api.bulk(api.line(), path=path)
    assert reply.json()["rewards"][0]["orgId"] == 4000


def test_a_parent_may_write_to_a_connected_child(api):
    headers = {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001"}
    line = api.line(orgId=4001)
    reply = api.bulk(line, path=CONNECTED, headers=headers, orgLevelDetails=[{"orgId": 4001}])
    assert reply.json()["rewards"][0]["orgId"] == 4001
    assert api.details(reply.json()["rewards"][0]["transactionId"])["data"]["orgId"] == 4001


@pytest.mark.parametrize(
    "headers",
    [
        {"DATA-SCOPE": "ALL"},
        {"DATA-SCOPE": "EVERYTHING"},
        {"DATA-SCOPE": "OTHER"},
        {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "9999"},
        {"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001,x"},
    ],
)
def test_a_wrong_scope_is_refused(api, sim, headers):
    assert api.bulk(api.line(), path=CONNECTED, headers=headers).status_code == 403
    assert sim.summary()["unitsIssued"] == 0


def test_a_child_may_not_write_to_others(api):
    headers = {
        "DATA-SCOPE": "OTHER",
        "DATA-SCOPE-ORG": "4002",
        "Authorization": basic_header("child.till", "demo"),
    }
    path = CONNECTED.replace("demo.till", "child.till")
    assert api.bulk(api.line(), path=path, headers=headers).status_code == 403


@pytest.mark.parametrize(
    ("headers", "org"),
    [({}, 4001), ({"DATA-SCOPE": "OTHER", "DATA-SCOPE-ORG": "4001,4002"}, None)],
)
def test_a_reward_of_an_organisation_out_of_scope_is_refused(api, headers, org):
    reply = api.bulk(api.line(orgId=org), path=CONNECTED, headers=headers).json()
    assert (reply["status"]["code"], reply["rewards"]) == (400, None)
    assert "is not in the data scope" in reply["status"]["message"]


def test_the_unconnected_endpoints_ignore_the_scope(api):
    reply = api.bulk(api.line(), headers={"DATA-SCOPE": "ALL"}).json()
    assert "orgId" not in reply["rewards"][0]


def test_the_admin_interface_needs_no_credentials(sim):
    assert httpx.get(sim.url + "/_health").json() == {"ok": True}
