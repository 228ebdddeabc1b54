"""`issuance status`: counts for programs and for people, once or every second."""

import json
import re
import signal
import socket
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from broker.restarts import Restart
from issuance.states import State
from ledger.campaigns import ensure_campaign, pause_campaign
from ledger.revocations import Verb, begin_revocations, end_revocations
from ledger.store.clock import now_ms
from ledger.store.schema import jobs
from operations.process_reports import write_report
from operations.services import Services
from tests.contract.ledger.build import OPERATOR, TIMEOUT, issue, judge, make_job, make_jobs, refuse
from tests.valkey import valkey_server


def one_of_each(desk) -> None:
    """Make issued, failed, in-doubt and waiting lines."""
    held, job = desk.take_one(make_job(1, campaign="spring"))
    desk.record(held, judge(job, issue(job)))
    desk.settle(make_job(2, campaign="spring"), refuse())
    desk.settle(make_job(3, campaign="spring"), TIMEOUT)
    desk.accept(*make_jobs(2, first=4, campaign="spring"))


def test_a_campaigns_json_is_one_object_with_every_count(run, desk):
    one_of_each(desk)
    result = run("status", "spring", "--json")
    output = json.loads(result.stdout)
    expected = {
        "campaign": "spring",
        "state": "running",
        "weight": 1,
        "accepted": 5,
        "balanced": True,
        "openDeadLetters": 2,
    }
    expected |= dict.fromkeys(State, 0) | {"waiting": 2, "issued": 1, "failed": 1, "in_doubt": 1}
    assert {key: output[key] for key in expected} == expected
    assert output["oldestDueAt"].endswith("Z")
    assert output["attemptsPerSecond"] == 0.0
    assert output["systemRunning"] is False
    assert output["limits"] is None
    assert result.stdout.count("\n") == 1


def test_a_recount_shows_lines_that_the_counters_miss(run, desk):
    one_of_each(desk)
    asked = ("status", "spring", "--json")
    assert json.loads(run(*asked, "--recount").stdout) == json.loads(run(*asked).stdout)
    with desk.ledger.write() as connection:
        connection.exec_driver_sql(
            "UPDATE tallies SET line_count = line_count + 1 WHERE state = 'issued'"
        )
    balanced = [
        json.loads(run(*asked, *options).stdout)["balanced"] for options in ((), ("--recount",))
    ]
    assert balanced == [False, True]


def test_without_a_campaign_json_lists_all(run, desk):
    desk.accept(make_job(1, campaign="spring"))
    ensure_campaign(desk.ledger, "summer")
    campaigns = json.loads(run("status", "--json").stdout)["campaigns"]
    assert [(found["campaign"], found["waiting"]) for found in campaigns] == [
        ("spring", 1),
        ("summer", 0),
    ]


def test_an_unknown_campaign_is_unusable(run, desk):
    for options in ([], ["--json"]):
        result = run("status", "sprnig", *options)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "There is no campaign 'sprnig'" in result.stderr


def test_each_campaign_has_a_row_and_its_counts_within_80_columns(run, desk):
    one_of_each(desk)
    long = "a campaign with a name that is rather long for a table"
    ensure_campaign(desk.ledger, long)
    pause_campaign(desk.ledger, "spring", OPERATOR)
    lines = run("status").stdout.splitlines()
    assert lines[0].split() == [
        "campaign",
        "state",
        "accepted",
        "dead",
        "letters",
        "end",
    ]
    assert re.fullmatch(r"spring +paused +5 +2", lines[1])
    assert lines[2] == "  waiting 2 · issued 1 · failed 1 · in doubt 1"
    assert lines[3] == "  1 unit issued"
    assert re.fullmatch(r"  paused since 2\d{3}-\d\d-\d\d \d\d:\d\d:\d\dZ, for \d+ s", lines[4])
    assert lines[5] == long
    assert lines[6].split() == ["running", "0", "0"]
    assert lines[7] == "  no lines yet"
    assert max(map(len, lines)) <= 80


def test_a_table_says_so_when_the_books_differ(run, desk):
    one_of_each(desk)
    assert "BOOKS DIFFER" not in run("status").stdout
    with desk.ledger.write() as connection:
        connection.exec_driver_sql(
            "UPDATE tallies SET line_count = line_count + 1 WHERE state = 'issued'"
        )
    for asked in (["status"], ["status", "spring"]):
        assert re.search(r"BOOKS DIFFER:? +accepted 5, found 6", run(*asked).stdout)


def test_a_campaigns_page_says_what_is_to_go_and_why_no_end_is_known(run, desk):
    one_of_each(desk)
    page = run("status", "spring").stdout.splitlines()
    assert re.fullmatch(r"spring: running, started \d\d:\d\d:\d\dZ", page[0])
    assert page[1:6] == [
        "  5 lines       1 issued · 0 partial · 1 failed · 1 in doubt · 2 to go  60 %",
        "                1 unit issued",
        "  to go         2 not sent yet",
        "  will be done  unknown: no worker answers",
        "  dead letters  2 open: issuance dead-letters list --campaign spring",
    ]


def test_a_page_says_which_lines_are_tried_again_and_which_are_looked_up(run, desk):
    desk.accept(*make_jobs(4, campaign="spring"))
    with desk.ledger.write() as connection:
        later = (("mobile:919800000001", None), ("mobile:919800000002", "in_doubt"))
        for customer, fallback in later:
            connection.execute(
                update(jobs)
                .where(jobs.c.customer == customer)
                .values(due_at=now_ms() + 60_000, fallback=fallback)
            )
    page = run("status", "spring").stdout.splitlines()
    (to_go,) = (line for line in page if line.startswith("  to go"))
    assert re.fullmatch(
        r"  to go         2 not sent yet · 1 tried again by \S+Z · 1 looked up by \S+Z", to_go
    )
    output = json.loads(run("status", "spring", "--json").stdout)
    assert output["toGo"]["triedAgainBy"] > output["startedAt"]
    assert (output["toGo"]["notSent"], output["toGo"]["triedAgain"]) == (2, 1)


def test_a_finished_campaigns_page_says_when_and_how_long_it_took(run, desk):
    job = make_job(1, campaign="spring")
    held, claimed = desk.take_one(job)
    desk.record(held, judge(claimed, issue(claimed)))
    desk.release()
    page = run("status", "spring").stdout
    assert re.search(r"\n  finished      \d\d:\d\d:\d\dZ, took \d+ s\n", page)
    output = json.loads(run("status", "spring", "--json").stdout)
    assert output["finishedAt"] >= output["startedAt"]
    assert output["eta"] == {"p10": None, "p50": None, "p90": None, "because": ""}
    assert re.search(r"spring +finished +1 +0 +\d\d:\d\d:\d\dZ\n", run("status").stdout)


def test_the_page_of_a_paused_campaign_says_who_paused_it_and_why(run, desk):
    desk.accept(make_job(1, campaign="spring"))
    pause_campaign(desk.ledger, "spring", OPERATOR)
    assert re.search(
        r"will be done +unknown: paused by asha \d s ago: ticket 42", run("status", "spring").stdout
    )
    assert json.loads(run("status", "spring", "--json").stdout)["eta"]["because"].startswith(
        "paused by asha"
    )


def test_the_json_says_since_when_a_campaign_is_stopped(run, desk):
    ensure_campaign(desk.ledger, "summer")
    pause_campaign(desk.ledger, "spring", OPERATOR)
    campaigns = json.loads(run("status", "--json").stdout)["campaigns"]
    spring, summer = (found["stateSince"] for found in campaigns)
    assert datetime.now(UTC) - datetime.fromisoformat(spring) < timedelta(minutes=1)
    assert summer is None


@pytest.fixture
def report(tmp_path, monkeypatch):
    """Report as a worker process does that was started with these settings."""
    with valkey_server(tmp_path) as server:
        url = f"{server.connection_url}/0"

        def note(node, **settings):
            with monkeypatch.context() as theirs:
                theirs.setenv("ISSUANCE_BROKER_URL", url)
                for name, value in settings.items():
                    theirs.setenv(f"ISSUANCE_{name.upper()}", value)
                services = Services.read()
                services.nodes.note(node, write_report(services))

        monkeypatch.setenv("ISSUANCE_BROKER_URL", url)
        monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
        yield note


def test_the_status_shows_the_settings_of_the_running_processes_not_the_readers(run, report):
    report("worker@h", api_url="http://localhost:9", api_rate_per_minute="6000", workers="4")
    report("release@h", api_url="http://localhost:9", api_rate_per_minute="6000")
    lines = run("status").stdout.splitlines()
    assert "version  0.1.0, as 2 processes report" in lines
    assert "in use   ISSUANCE_API_RATE_PER_MINUTE=6000, here 100" in lines
    assert "in use   ISSUANCE_WORKERS=2 (release@h) and 4 (worker@h), here 2" in lines
    assert "in use   api_host=localhost, here 127.0.0.1" in lines
    processes = json.loads(run("status", "--json").stdout)["processes"]
    assert [(each["node"], each["process"], each["version"]) for each in processes] == [
        ("release@h", "release", "0.1.0"),
        ("worker@h", "worker", "0.1.0"),
    ]
    assert processes[1]["settings"]["workers"] == 4


def test_a_report_holds_no_text_setting(report, monkeypatch, run):
    texts = {
        "api_till": "marker.till",
        "api_password": "marker-1",
        "api_brand": "MARKER",
        "api_client_key": "marker-2",
        "api_client_secret": "marker-3",
        "flower_basic_auth": "marker:of-flower-1",
        "dead_letter_webhook_url": "https://user:marker-4@127.0.0.1/hook",
        "api_url": "http://user:marker-5@localhost:9",
    }
    report("worker@h", **texts)
    output = run("status", "--json").stdout
    assert "worker@h" in output
    assert "marker" not in output.lower()


def test_a_process_of_an_older_program_and_an_unreadable_report_are_shown(run, report):
    report("worker@h")
    services = Services.read()
    services.nodes.note("worker-2@h")
    services.nodes.note("release@h", '{"settings": 5')
    lines = run("status").stdout.splitlines()
    assert "version  0.1.0 and an older one, as 3 processes report" in lines


def test_the_status_says_how_to_start_the_system(run):
    lines = run("status").stdout.splitlines()
    assert lines[0] == "No campaigns yet."
    assert lines[-1] == "system   not running: start it with `issuance up`"


def test_the_status_reports_a_broker_that_does_not_answer(run, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    result = run("status")
    assert result.exit_code == 0
    assert "the broker is out of reach" in result.stdout
    assert "limits   unknown" in result.stdout


def test_a_watch_in_a_pipe_prints_a_block_every_second_until_sigint(start, desk):
    desk.accept(make_job(1, campaign="spring"))
    process = start("status", "spring", "--json", "--watch")
    assert process.stdout is not None
    blocks = [
        json.loads(line) for line in (process.stdout.readline() for _ in range(4)) if line.strip()
    ]
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert [block["waiting"] for block in blocks] == [1, 1]
    assert (process.returncode, stderr) == (0, "")


def test_no_command_waits_long_for_a_redis_that_hangs(run, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}/0?socket_timeout=1"
        monkeypatch.setenv("ISSUANCE_BROKER_URL", url)
        monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
        for command, status in ((("status",), 0), (("limits", "show"), 69), (("health",), 1)):
            began = time.monotonic()
            assert run(*command).exit_code == status
            assert time.monotonic() - began < 10


def test_an_unknown_option_of_a_url_is_refused_before_a_row_is_accepted(run, monkeypatch, tmp_path):
    (tmp_path / "a.csv").write_text("mobile,rewardId\n919800000001,1\n")
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0?nonsense=1")
    result = run("blast", tmp_path / "a.csv", "--campaign", "spring")
    assert result.exit_code == 2
    assert "ISSUANCE_BROKER_URL: has the unknown option nonsense" in result.stderr
    monkeypatch.delenv("ISSUANCE_BROKER_URL")
    assert json.loads(run("status", "--json").stdout)["campaigns"] == []


def test_a_budget_is_shown_with_what_is_used_and_reserved_of_it(run, desk):
    desk.accept(*make_jobs(4, campaign="spring"))
    assert run("campaign", "set", "spring", "--budget-units", "4").exit_code == 0
    (chunk,) = desk.release(window=3)
    held = desk.claim(chunk)
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs[:2]))
    shown = run("status", "spring").stdout
    assert "budget: 2 of 4 units, 1 more reserved (50 % used)" in shown
    assert json.loads(run("status", "spring", "--json").stdout)["budget"] == {
        "units": 4,
        "points": None,
        "issued": {"units": 2, "points": 0},
        "reserved": {"units": 1, "points": 0},
        "percent": 50,
    }


def test_revoked_lines_are_named_in_an_organisations_row(run, desk):
    held, job = desk.take_one(make_job(1, campaign="spring"))
    desk.record(held, judge(job, issue(job)))
    begun, _ = begin_revocations(desk.ledger, [job.id], OPERATOR)
    end_revocations(desk.ledger, [(begun[0], Verb.REVOKED, "done")], OPERATOR)
    assert "yes, 1 revoked" in run("status", "spring", "--by", "org").stdout
    assert "1 revoked" in run("status", "spring").stdout


def test_a_restart_is_shown_with_its_cause_and_what_waits_for_the_dead_workers_leases(
    run, report, ledger, desk
):
    desk.take_one(make_job(1))
    report("worker@h")
    now = datetime.now(UTC).timestamp()
    restarts = Services.read().restarts
    restarts.keep(Restart("broker", "h", now - 300, "killed by SIGKILL", now - 301))
    restarts.keep(Restart("worker", "h", now, "killed by SIGKILL", now))
    lines = run("status").stdout.splitlines()
    place = next(place for place, line in enumerate(lines) if line.startswith("restart"))
    assert re.fullmatch(r"restart  worker on h restarted at \S+Z: killed by SIGKILL", lines[place])
    assert re.fullmatch(r" +up to 1 job that it had claimed continue by \S+Z", lines[place + 1])
    assert "broker on h restarted" in lines[place + 2]
    newest, older = json.loads(run("status", "--json").stdout)["restarts"]
    assert (newest["process"], newest["cause"], newest["claimedJobs"]) == (
        "worker",
        "killed by SIGKILL",
        1,
    )
    assert (older["process"], older["claimedJobs"]) == ("broker", 0)


def test_restarts_are_unknown_while_redis_is_away(run, ledger, monkeypatch):
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    assert "restarts unknown: Redis, which has them, is out of reach" in run("status").stdout
    assert json.loads(run("status", "--json").stdout)["restarts"] is None
