"""The account's page: its last hour, its limits to set, and what is said without Redis."""

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fakeredis import FakeRedis, FakeServer
from sqlalchemy import update

from broker.restarts import Restart
from config.endpoints import Servers
from config.settings import Settings
from console.local.addresses import free_port
from ledger.store.clock import now_ms
from ledger.store.schema import REVISION, attempts
from limiter.sync_limiter import SyncLimiter
from operations.services import Services
from tests.integration.web.conftest import Console, served
from web.site import Site

_API = "https://api.test"


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


_TWO = """
[accounts.north]
url = "https://north.test"
till = "till"
brand = "DEMO"
password_env = "NORTH_PASSWORD"
rate_per_minute = 600
[accounts.south]
url = "https://south.test"
till = "till"
brand = "DEMO"
password_env = "NORTH_PASSWORD"
rate_per_minute = 1200
"""


@pytest.fixture
def limited(console: Console, server: FakeServer) -> Iterator[Console]:
    """The console with an API account, whose limits are in Redis."""
    url = console.site.services.servers.ledger_url
    services = Services(
        Settings(
            _env_file=None,
            home=console.site.services.settings.home,
            ledger_url=url,
            api_url=_API,
            api_username="till",
            api_password="secret",
            api_rate_per_minute=600,
        ),
        replace(Servers(url, "", "", _API, 600), redis_url="redis://localhost:9"),
        connect_redis=lambda _: FakeRedis(server=server, decode_responses=True),
    )
    with console.site.ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms()))
    site = Site(services, console.site.ledger, f"http://127.0.0.1:{free_port()}")
    with served(site), closing(Console(site, console.desk)) as made:
        yield made
    services.close()


def _limits(console: Console) -> SyncLimiter:
    return console.site.services.make_limits()


def test_the_page_has_the_rate_and_what_the_api_answered(limited):
    page = limited.browser("viewer").get("/account").text
    assert "600 calls a minute" in page
    assert "Calls may start" in page
    assert re.search(r"<td>issued</td><td>200</td>", page)
    assert "issuance limits show --account default" in page


def test_a_sample_becomes_a_point_of_the_chart(limited):
    limits = _limits(limited)
    assert "Nothing was recorded in the last hour" in limited.browser("viewer").get("/account").text
    limits.history.keep(limits.state())
    limited.site.shared.forget()
    page = limited.browser("viewer").get("/account").text
    assert "Recorded each 10 s since" in page
    assert ">rate</text>" in page


def test_a_suspension_says_since_when_how_often_and_why(limited, server):
    redis = FakeRedis(server=server, decode_responses=True)
    name = _limits(limited)._account
    seconds, _ = redis.time()
    key = f"issuance:{name}:limits"
    micro = 1_000_000
    redis.hset(
        key,
        mapping={
            "suspended_since": (seconds - 90) * micro,
            "suspended_until": (seconds + 30) * micro,
            "reason": "HTTP 429",
            "row_times": 5,
            "row_at": (seconds - 300) * micro,
        },
    )
    for change, ago, reason in (
        ("suspended", 300, "HTTP 503"),
        ("available", 290, ""),
        ("suspended", 280, "HTTP 429"),
        ("available", 200, ""),
        ("suspended", 90, "HTTP 429"),
    ):
        redis.xadd(
            f"{key}:changes",
            {"scope": "account", "change": change, "reason": reason, "campaign": "1"},
            id=f"{(seconds - ago) * 1000}-0",
        )
    _limits(limited).history.keep(_limits(limited).state())
    page = limited.browser("viewer").get("/account").text
    assert "Calls are suspended since" in page
    assert "Suspended 5 times in 5 min. Last answer: HTTP 429." in page
    # The first two follow each other within a minute.
    rows = re.findall(r'<td class="number">(\d)</td><td>HTTP (\d+)</td>', page)
    assert rows == [("1", "429"), ("2", "429")]
    assert "it lasts" in page
    overview = limited.browser("viewer").get("/").text
    assert "suspended for another" in overview
    assert "all calls suspended" in overview


def test_the_rate_is_set_with_a_note_and_the_entry_of_the_command(limited):
    operator = limited.browser("operator")
    form = {"per_minute": "1,200", "note": "agreed with the API's people"}
    assert operator.post("/account/default/rate", data=form).status_code == 303
    assert _limits(limited).state().rate_per_minute == 1_200
    page = operator.get("/account").text
    assert "agreed with the API" in page
    assert "set at run time" in page
    assert operator.post("/account/default/rate", data={"per_minute": "default"}).is_redirect
    assert _limits(limited).state().rate_per_minute == 600


@pytest.mark.parametrize("text", ["fast", "-1", "", "1e9"])
def test_what_is_no_rate_is_refused(limited, text):
    answer = limited.browser("operator").post("/account/default/rate", data={"per_minute": text})
    assert answer.status_code == 409
    assert "is not a rate" in answer.text
    assert _limits(limited).state().rate_per_minute == 600


def test_suspensions_are_ended_with_a_note(limited, server):
    redis = FakeRedis(server=server, decode_responses=True)
    seconds, _ = redis.time()
    key = f"issuance:{_limits(limited)._account}:limits"
    redis.hset(key, mapping={"suspended_since": (seconds - 9) * 1_000_000})
    operator = limited.browser("operator")
    assert "End the suspensions" in operator.get("/account").text
    answer = operator.post("/account/default/resume", data={"note": "the password is changed"})
    assert answer.status_code == 303
    assert _limits(limited).state().account.is_available
    assert "the password is changed" in operator.get("/account").text


def test_without_redis_it_is_said_and_no_number_is_made_up(limited, server):
    server.connected = False
    for path in ("/account", "/"):
        page = limited.browser("viewer").get(path).text
        assert "The limits cannot be read" in page
        assert "calls a minute (" not in page
    # What the ledger knows is there.
    page = limited.browser("viewer").get("/account").text
    assert re.search(r"<td>issued</td><td>200</td>", page)


def test_an_unknown_account_is_not_found(limited):
    assert limited.browser("viewer").get("/account/elsewhere").status_code == 404


def test_the_system_page_has_restarts_processes_queues_and_versions(limited):
    services = limited.site.services
    now = datetime.now(UTC).timestamp()
    services.restarts.keep(Restart("worker", "vm", now, "killed by SIGKILL", now))
    services.nodes.note("worker@vm", '{"version": "0.1.0", "settings": {}}')
    page = limited.browser("viewer").get("/system").text
    assert "<td>killed by SIGKILL</td>" in page
    assert "<td>worker@vm</td>" in page
    assert f"schema {REVISION}" in page
    # Its broker is not configured: no number is made up.
    assert "Unknown: the broker is out of reach or not configured" in page
    assert "Set ISSUANCE_FLOWER_URL" in page


def test_without_redis_restarts_and_processes_are_unknown(limited, server):
    server.connected = False
    page = limited.browser("viewer").get("/system").text
    assert "Unknown: Redis, which has them, is out of reach" in page
    assert "Unknown: Redis, where they report, is out of reach" in page


def test_several_accounts_are_listed_and_each_has_a_page(console, server, tmp_path, monkeypatch):
    monkeypatch.setenv("NORTH_PASSWORD", "secret")
    file = tmp_path / "accounts.toml"
    file.write_text(_TWO, encoding="utf-8")
    url = console.site.services.servers.ledger_url
    services = Services(
        Settings(_env_file=None, home=tmp_path, ledger_url=url, accounts_file=file),
        replace(Servers(url, "", "", "", 0), redis_url="redis://localhost:9"),
        connect_redis=lambda _: FakeRedis(server=server, decode_responses=True),
    )
    site = Site(services, console.site.ledger, f"http://127.0.0.1:{free_port()}")
    with served(site), closing(Console(site, console.desk)) as two:
        viewer = two.browser("viewer")
        page = viewer.get("/account").text
        assert '<a href="/account/north">north</a>' in page
        assert '<a href="/account/south">south</a>' in page
        assert "1,200 calls a minute" in viewer.get("/account/south").text
        overview = viewer.get("/").text
        assert "Calls a minute of the account north" in overview
        assert "Calls a minute of the account south" in overview
    services.close()
