"""Nothing of one account is sent with another's credentials, nor counted or locked as another's.

Real accounts file, acceptance, release, claim, issuer, client and limiter; only the transport
records instead of connecting, and Redis is a fake.
"""

import asyncio
import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from fakeredis import FakeServer
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import update

from config.account_registry import AccountRegistry
from config.accounts import Account
from issuance.campaign_life import Act, next_state
from issuance.customer import Customer
from issuance.job import Lane
from ledger.audit_log import Operator
from ledger.campaigns import ensure_campaign, find_campaign, pause_campaign, resume_campaign
from ledger.queries.balance import balances
from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import jobs
from producers.background import enqueue_job
from producers.fields.line import Identifiers, Reward
from producers.freezing import Freezer
from rewards_api.account import ApiAccount
from rewards_api.auth import TOKEN_HEADER, till_header
from rewards_api.client import RewardsClient
from rewards_api.token_store import RedisTokenStore
from tests.unit.worker.process import (
    MEMORY_URL,
    OneAccount,
    chunk_messages,
    end_services,
    make_services,
)
from worker import stopping
from worker.accounts import AccountServices
from worker.chunk.limits import Limits
from worker.chunk_handler import handle_chunk
from worker.dispatcher import run_release

NAMES = ("first", "second", "third", "oauth")
HOSTS = {"first": "a.test", "second": "a.test", "third": "b.test", "oauth": "a.test"}
MODES = ("ok", "429", "401", "502", "hangs up")
OPERATOR = Operator("tester", "")

step = st.one_of(
    st.tuples(st.just("accept"), st.sampled_from(NAMES), st.integers(1, 3)),
    st.tuples(st.just("mode"), st.sampled_from(NAMES), st.sampled_from(MODES)),
    st.tuples(st.just("rotate"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("remove"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("restore"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("pause"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("resume"), st.sampled_from(NAMES), st.none()),
    st.tuples(st.just("work"), st.none(), st.none()),
)


@dataclass
class World:
    """The installation, and what it was seen to do."""

    folder: Path
    services: "Installation"
    secrets: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    present: set[str] = field(default_factory=lambda: set(NAMES))
    modes: dict[str, str] = field(default_factory=dict)
    owner: dict[str, str] = field(default_factory=dict)
    """Account by requestId, by customer's identifier and by customer's fingerprint."""
    accepted: Counter[str] = field(default_factory=Counter)

    def write(self) -> None:
        """Write the accounts file and the secrets."""
        for name in NAMES:
            (self.folder / f"{name}.secret").write_text(self.secrets[name][-1])
        text = "".join(map(_entry, sorted(self.present)))
        (self.folder / "accounts.toml").write_text(text or "# none\n")

    def rotate(self, name: str) -> None:
        self.secrets[name].append(f"secret-{name}-{len(self.secrets[name])}")
        self.write()

    def accept(self, name: str, number: int) -> None:
        account = self.services.base.accounts.find(name)
        if account is None:
            return
        for _ in range(number):
            self.accepted[name] += 1
            mobile = f"9{NAMES.index(name)}{self.accepted[name]:010}"
            enqueued = enqueue_job(
                self.services.ledger,
                Freezer.of(account, max_lines=10, max_quantity=None),
                Identifiers(mobile=mobile),
                [Reward(1001)],
                campaign=name,
            )
            fingerprint = self.services.fingerprints.of(Customer("mobile", mobile))
            for known in (*enqueued.request_ids, mobile, fingerprint):
                self.owner[known] = name

    def work(self) -> None:
        """Make everything due, release it, and handle every chunk."""
        services = self.services
        with services.ledger.write() as connection:
            connection.execute(
                update(jobs).where(jobs.c.state == "waiting").values(due_at=now_ms())
            )
        run_release(services)
        for message in chunk_messages(services, Lane.BACKGROUND):
            handle_chunk(services, message, redelivered=False)

    def may(self, act: Act, name: str) -> bool:
        """Whether the campaign exists and its state allows this: a finished one has ended."""
        if not self.accepted[name]:
            return False
        return next_state(act, find_campaign(self.services.ledger, name).state) is not None

    def do(self, verb: str, name: Any, value: Any) -> None:
        match verb:
            case "accept":
                self.accept(name, value)
            case "mode":
                self.modes[name] = value
            case "rotate":
                self.rotate(name)
            case "remove" | "restore":
                (self.present.discard if verb == "remove" else self.present.add)(name)
                self.write()
            case "pause" if self.may(Act.PAUSE, name):
                pause_campaign(self.services.ledger, name, OPERATOR)
            case "resume" if self.may(Act.RESUME, name):
                resume_campaign(self.services.ledger, name, OPERATOR)
            case "work":
                self.work()


def _entry(name: str) -> str:
    secret = "client_secret_file" if name == "oauth" else "password_file"
    auth = 'auth = "oauth"\nclient_key = "oauth-key"\n' if name == "oauth" else ""
    return (
        f'[accounts.{name}]\nurl = "https://{HOSTS[name]}"\ntill = "{name}.till"\n{auth}'
        f'brand = "{name}-brand"\n{secret} = "{name}.secret"\nrate_per_minute = 0\n'
    )


class Installation(OneAccount):
    """Worker services whose clients record what they send."""

    world: World
    sent: list[httpx.Request]
    counted: list[tuple[str, int]]
    """API account and campaign of each reservation and each reported result."""
    locked: list[tuple[str, str]]
    """API account and fingerprint of each customer that was locked."""

    def make_account(self, account: Account) -> AccountServices:
        """Make the account's services with the recording transport."""
        made = super().make_account(account)
        api_account = ApiAccount.of(account, self.settings)
        store = RedisTokenStore(self.redis, f"issuance:{api_account.name}:")
        client = RewardsClient(api_account, Recording(self, account.name), store)
        return replace(made, client=client)

    def _make_limits(self, name: str, account: Account) -> Limits:
        limits = super()._make_limits(name, account)
        reserve, report, acquire = (
            limits.limiter.reserve,
            limits.limiter.report,
            limits.locks.acquire,
        )

        async def noted_reserve(*arguments: Any, scope: Any, **options: Any) -> Any:
            self.counted.append((name, scope.campaign_id))
            return await reserve(*arguments, scope=scope, **options)

        async def noted_report(reservation: Any, result: Any) -> Any:
            self.counted.append((name, reservation.grant.scope.campaign_id))
            return await report(reservation, result)

        async def noted_acquire(owner: str, fingerprints: Any, ttl_seconds: float) -> Any:
            self.locked.extend((name, fingerprint) for fingerprint in fingerprints)
            return await acquire(owner, fingerprints, ttl_seconds)

        limits.limiter.reserve = noted_reserve
        limits.limiter.report = noted_report
        limits.locks.acquire = noted_acquire
        return limits


class Recording(httpx.AsyncBaseTransport):
    """Records requests, and answers as the account's mode says."""

    def __init__(self, services: Installation, name: str) -> None:
        self.services = services
        self.name = name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        await asyncio.sleep(0)
        self.services.sent.append(request)
        mode = self.services.world.modes.get(self.name, "ok")
        if mode == "hangs up":
            raise httpx.ReadError("the connection was closed")
        if mode != "ok":
            return _response(int(mode), b"{}")
        if request.url.path.endswith("/token/generate"):
            key = json.loads(request.content)["key"]
            token = {"accessToken": f"token-of-{key}", "ttlSeconds": 300}
            return _response(200, json.dumps({"data": token}).encode())
        if request.method == "GET":
            return _response(200, b'{"status":{"code":200},"entity":7}')
        rewards = json.loads(request.content)["rewards"]
        status = {"success": True, "code": 200, "message": "ok"}
        elements = [
            {"status": status, "requestId": each["requestId"], "rewardId": each["rewardId"]}
            | {"requestedQuantity": 1, "quantity": 1, "intouch": [{"couponCode": "V"}]}
            for each in rewards
        ]
        return _response(200, json.dumps({"status": status, "rewards": elements}).encode())


def _response(status: int, body: bytes) -> httpx.Response:
    return httpx.Response(status, stream=httpx.ByteStream(body))


@contextmanager
def _installation(template: Path) -> Iterator[World]:
    with TemporaryDirectory() as name:
        folder = Path(name)
        copied = shutil.copy(template, folder / "ledger.db")
        with Ledger(f"sqlite:///{copied}", durable=False) as ledger:
            made = make_services(
                FakeServer(),
                ledger,
                broker_url=MEMORY_URL,
                kind=Installation,
                api_timeout_seconds=5,
            )
            world = made.world = World(folder, made)
            made.sent, made.counted, made.locked = [], [], []
            for each in NAMES:
                world.secrets[each].append(f"secret-{each}-0")
            world.write()
            ticks = count()
            # Every look at the registry is a second later than the one before.
            made.base.__dict__["accounts"] = AccountRegistry(
                folder / "accounts.toml", None, clock=lambda: float(next(ticks))
            )
            try:
                yield world
            finally:
                _stop(made)
                end_services(made)


def _stop(services: Installation) -> None:
    """Let no further call begin, as a worker does that stops."""
    stopping._flag[0] = 1
    try:
        if "recorder" in services.__dict__:
            assert services.recorder.await_all(10)
    finally:
        stopping._flag[0] = 0


def _check_sent(world: World) -> None:
    for request in world.services.sent:
        path, host = request.url.path, request.url.host
        if path.endswith("/token/generate"):
            body = json.loads(request.content)
            assert (host, body["key"]) == (HOSTS["oauth"], "oauth-key")
            assert body["secret"] in world.secrets["oauth"]
            continue
        if request.method == "GET":
            owner = world.owner[request.url.params.get("identifierValue", "")]
        else:
            body = json.loads(request.content)
            (owner,) = {world.owner[each["requestId"]] for each in body["rewards"]}
            assert body["brand"] == f"{owner}-brand"
            assert request.url.params["username"] == f"{owner}.till"
        assert host == HOSTS[owner]
        assert _is_authorised(request, owner, world.secrets[owner])


def _is_authorised(request: httpx.Request, owner: str, secrets: list[str]) -> bool:
    if owner == "oauth":
        return (
            request.headers[TOKEN_HEADER] == "token-of-oauth-key"
            and "authorization" not in request.headers
        )
    allowed = {till_header(f"{owner}.till", SecretStr(secret)) for secret in secrets}
    return request.headers["authorization"] in allowed and TOKEN_HEADER not in request.headers


def _check_counted(world: World, names: dict[str, str]) -> None:
    ledger = world.services.ledger
    campaigns = {ensure_campaign(ledger, name).id: name for name in NAMES if world.accepted[name]}
    assert {campaigns[number] for _, number in world.services.counted} <= set(names.values())
    assert all(names[api] == campaigns[number] for api, number in world.services.counted)
    assert all(names[api] == world.owner[mark] for api, mark in world.services.locked)


@given(st.lists(step, min_size=4, max_size=24))
@settings(max_examples=12, deadline=None)
def test_whatever_happens_each_account_keeps_to_itself(ledger_template, steps):
    with _installation(ledger_template) as world:
        registry, made = world.services.base.accounts, world.services
        names = {
            ApiAccount.of(account, made.settings).name: name
            for name, account in registry.all().items()
        }
        assert len(names) == len(NAMES)
        for verb, name, value in (*steps, ("work", None, None)):
            world.do(verb, name, value)
        _stop(made)
        _check_sent(world)
        _check_counted(world, names)
        for found in balances(made.ledger):
            assert found.balanced
            assert found.campaign.accepted_lines == world.accepted[found.campaign.name]


def test_a_rotated_secret_and_a_restored_account_are_used_without_a_restart(ledger_template):
    with _installation(ledger_template) as world:
        world.accept("first", 1)
        world.work()
        world.rotate("first")
        world.accept("first", 1)
        world.work()
        world.present.discard("third")
        world.accept("third", 1)  # accepted just before it goes
        world.write()
        world.work()
        assert not any(request.url.host == "b.test" for request in world.services.sent)
        world.present.add("third")
        world.write()
        world.work()
        _stop(world.services)
        issues = [each for each in world.services.sent if each.method == "POST"]
        headers = [each.headers["authorization"] for each in issues]
        first = [till_header("first.till", SecretStr(each)) for each in world.secrets["first"]]
        assert headers == [*first, till_header("third.till", SecretStr("secret-third-0"))]


@pytest.mark.parametrize("name", ["first", "oauth"])
def test_the_check_notices_a_call_with_anothers_credentials(ledger_template, name):
    with _installation(ledger_template) as world:
        world.accept(name, 1)
        world.work()
        _stop(world.services)
        _check_sent(world)
        world.owner = dict.fromkeys(world.owner, "second")
        with pytest.raises(AssertionError):
            _check_sent(world)
