"""Every sample of the API's pages is answered by the simulator as documented."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from simulator.access import basic_header
from simulator.serve import Simulator
from tests.contract.simulator.conftest import CORE
from tests.contract.simulator.detail_samples import DETAILS, FOUND, Detail
from tests.contract.simulator.issue_samples import ISSUES, Sample
from tests.contract.simulator.sample_catalogue import CATALOGUE, NUMBERED

TILL = "?username=tea.till&skip_validation=true"
# Documented outside the samples: rewards-api §4.2, §4.3.
ALSO_DOCUMENTED = {"eventDateTime", "redemptionDetails", "eventLogId", "requestId"}
ALSO_IN_VOUCHERS = {"codeExpiryDateTime", "pointsRedeemedInDecimal"}


@pytest.fixture(scope="module")
def tea() -> Iterator[httpx.Client]:
    with Simulator(CATALOGUE) as simulator:
        headers = {"Authorization": basic_header("tea.till", "tea")}
        with httpx.Client(base_url=simulator.url, headers=headers) as client:
            yield client


@pytest.fixture(autouse=True)
def _fresh(tea: httpx.Client) -> None:
    tea.post("/_reset").raise_for_status()
    tea.post("/_switches", json={"transaction_number": "optional", "detail_format": "current"})


def differences(documented: Any, got: Any, path: str = "") -> list[str]:
    """Where an answer lacks or contradicts what is documented; more fields do not count."""
    if isinstance(documented, Mapping):
        if not isinstance(got, dict):
            return [f"{path} is {got!r}"]
        return [
            difference
            for name, value in documented.items()
            for difference in (
                differences(value, got[name], f"{path}.{name}")
                if name in got
                else [f"{path}.{name} is missing"]
            )
        ]
    if isinstance(documented, list) and isinstance(got, list) and len(documented) == len(got):
        pairs = enumerate(zip(documented, got, strict=True))
        return [
            found for n, (one, other) in pairs for found in differences(one, other, f"{path}[{n}]")
        ]
    return [] if documented == got else [f"{path} is {got!r}, not {documented!r}"]


def send(client: httpx.Client, sample: Sample) -> Any:
    if sample.reward is not None:
        path = f"{CORE}/v1/user/reward/{sample.reward}/issue{TILL}"
    else:
        path = f"{CORE}/v1.1/user/rewards/issue{TILL}"
    return client.post(path, json=dict(sample.body), headers=dict(sample.scope)).json()


@pytest.mark.parametrize("sample", ISSUES, ids=lambda sample: sample.name)
def test_an_issue_sample_is_answered_as_documented(tea: httpx.Client, sample: Sample):
    answer = send(tea, sample)
    assert differences(sample.answer, answer) == []
    if "intouch" in sample.answer or "rewards" in sample.answer:
        assert answer.keys() <= sample.answer.keys() | ALSO_DOCUMENTED
    for wanted, entry in zip(
        sample.answer.get("rewards", []), answer.get("rewards", []), strict=True
    ):
        assert entry.keys() <= wanted.keys() | ALSO_DOCUMENTED
        assert entry["vendor"][0].keys() <= wanted["vendor"][0].keys() | ALSO_IN_VOUCHERS


@pytest.mark.parametrize("detail", DETAILS, ids=lambda detail: detail.name)
def test_a_detail_sample_is_answered_as_documented(tea: httpx.Client, detail: Detail):
    tea.post("/_switches", json={"detail_format": detail.form})
    reward = {"rewardId": detail.reward, "quantity": detail.quantity}
    issue = f"{CORE}/v1/user/rewards/issue{TILL}"
    issued = tea.post(issue, json=NUMBERED | {"rewards": [reward]}).json()["rewards"][0]
    path = f"{CORE}/v1/management/customer/371/issuals/{issued['transactionId']}"
    answer = tea.get(path, params={"coupon_code_case": "AS_IT_IS"}).json()
    for entry in answer["data"].get("vendorRewards", {}).get("rewards", []):
        entry["json"] = json.loads(entry["json"])
    assert differences({"status": [FOUND], "data": detail.data}, answer) == []


def test_the_older_form_has_no_fields_of_the_current_one(tea: httpx.Client):
    current, older = DETAILS[0], DETAILS[1]
    tea.post("/_switches", json={"detail_format": "older"})
    reward = {"rewardId": 41, "quantity": 1}
    issue = f"{CORE}/v1/user/rewards/issue{TILL}"
    issued = tea.post(issue, json=NUMBERED | {"rewards": [reward]}).json()["rewards"][0]
    shown = tea.get(f"{CORE}/v1/reward-transactions/{issued['transactionId']}").json()["data"]
    assert shown.keys() - {"richContentRO", "languageSpecificInfo"} == older.data.keys()
    assert current.data.keys() - older.data.keys() - shown.keys()


def test_an_unknown_transaction_is_answered_as_documented(tea: httpx.Client):
    answer = tea.get(f"{CORE}/v1/management/customer/371/issuals/1").json()
    assert answer["status"][0]["code"] == 6004


@pytest.mark.parametrize(
    ("reward", "config", "points"),
    # rewards-api §7: value / ratio, rounded half up.
    [(37, {"redemptionValue": 1000}, 2273), (37, None, 2)],
)
def test_the_quantity_samples_cost_the_documented_points(
    tea: httpx.Client, reward: int, config: Any, points: int
):
    body = NUMBERED | {"requestId": "k"} | ({"paymentConfig": config} if config else {})
    send(tea, Sample("", body, {}, reward))
    assert tea.get("/_truth/k").json()["pointsCharged"] == points


@pytest.mark.parametrize(
    ("segments", "issued"),
    # rewards-api §6.1, 12034: a reward of segments goes to members of one of them.
    [
        ({"s2:p1", "s3:p2"}, [False, True, False, True]),
        ({"s1:p1"}, [True, False, True, True]),
        (set(), [False, False, False, True]),
    ],
)
def test_the_segment_sample_issues_the_documented_rewards(
    tea: httpx.Client, segments: set[str], issued: list[bool]
):
    tea.post("/_customers", json={"customer_id": 9, "mobile": "9", "segments": sorted(segments)})
    rules = {35: ["s1:p1", "s2:p2"], 36: ["s1:p2", "s2:p1"], 42: ["s1:p1", "s3:p1"], 40: []}
    codes = []
    for reward, needed in rules.items():
        free = {"segments": needed, "payment_configs": [], "points": 0}
        tea.post(f"/_rewards/{reward}", json=free).raise_for_status()
        answer = send(tea, Sample("", NUMBERED | {"mobile": "9"}, {}, reward))
        codes.append(answer["status"]["code"])
    assert codes == [200 if given else 12034 for given in issued]
