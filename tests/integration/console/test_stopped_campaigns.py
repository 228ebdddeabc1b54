"""What the commands say of a campaign that its stop-loss stopped, and what they do about it."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select, update

from issuance.states import CampaignState
from ledger.audit_log import actions_on
from ledger.campaigns import find_campaign
from ledger.queries.balance import balance
from ledger.store.schema import campaigns
from tests.contract.ledger.build import issue, judge, make_jobs, refuse

GOOD, DEAD = 1001, 9999
UNKNOWN = refuse(8003, "fail to issue reward as Reward is not found")


def answer_all(desk):
    while chunks := desk.release(window=5, chunk_size=5):
        for chunk in chunks:
            held = desk.claim(chunk)
            desk.record(
                held,
                *(
                    judge(job, UNKNOWN if job.lines[0].reward_id == DEAD else issue(job))
                    for job in held.jobs
                ),
            )


@pytest.fixture
def stopped(desk):
    """A desk whose campaign was stopped: 40 lines of a dead reward, ten of a good one."""
    with desk.ledger.write() as connection:
        connection.execute(update(campaigns).values(stop_loss="default"))
    desk.accept(
        *make_jobs(10, first=101, campaign="spring"),
        *make_jobs(40, campaign="spring", rewards=(DEAD,)),
    )
    answer_all(desk)
    assert find_campaign(desk.ledger, "spring").state is CampaignState.STOPPED
    return desk


def test_the_status_says_why_and_what_can_be_done(run, stopped):
    shown = run("status").stdout
    assert "20 of its last 20 answers are the campaign's fault" in " ".join(shown.split())
    for command in (
        "issuance campaign resume spring --go-on",
        "issuance campaign resume spring --without-reward 9999",
        "issuance campaign cancel spring",
    ):
        assert command in shown


def test_the_status_for_programs_has_the_evidence(run, stopped):
    found = json.loads(run("status", "spring", "--json").stdout)
    (stop,) = found["stops"]
    assert (stop["cause"], stop["reward"]) == ("stop_loss", "9999")
    assert stop["evidence"]["counts"] == {"8003": 20}
    assert "issuance campaign resume spring --go-on" in stop["commands"]


def test_a_resume_without_an_option_is_refused_with_the_options(run, stopped):
    result = run("campaign", "resume", "spring")
    assert result.exit_code == 2
    assert "--go-on" in result.stderr
    assert "--without-reward 9999" in result.stderr


def test_both_options_together_are_refused(run, stopped):
    result = run("campaign", "resume", "spring", "--go-on", "--without-reward", "9999")
    assert (result.exit_code, "give one of them" in result.stderr) == (2, True)


def test_a_resume_without_the_reward_cancels_its_unsent_lines(run, stopped):
    result = run("campaign", "resume", "spring", "--without-reward", "9999")
    assert result.exit_code == 0
    assert "issued 10 · failed 20 · cancelled 20" in result.stdout
    assert "is stopped" not in run("status").stdout
    verbs = [entry.verb for entry in actions_on(stopped.ledger, "campaign:spring")]
    assert verbs == ["stop", "remove reward", "resume"]


def test_a_resume_that_continues_sends_the_lines(run, stopped):
    assert run("campaign", "resume", "spring", "--go-on").exit_code == 0
    assert find_campaign(stopped.ledger, "spring").state is CampaignState.RUNNING
    (chunk,) = stopped.release()
    assert len(stopped.claim(chunk).jobs) == 20
    assert balance(stopped.ledger, "spring").balanced


def rows(path: Path) -> Path:
    path.write_text("mobile,rewardId\n919810000001,1001\n", encoding="utf-8")
    return path


def stop_loss(desk, name):
    with desk.ledger.read() as connection:
        return connection.scalar(select(campaigns.c.stop_loss).where(campaigns.c.name == name))


def test_a_blast_is_watched_unless_it_says_otherwise(run, desk, tmp_path):
    file = rows(tmp_path / "rows.csv")
    assert run("blast", str(file), "--campaign", "watched").exit_code == 0
    assert run("blast", str(file), "--campaign", "free", "--stop-loss", "off").exit_code == 0
    assert (stop_loss(desk, "watched"), stop_loss(desk, "free")) == ("default", "off")


def test_a_running_campaign_is_watched_or_not_from_now_on(run, desk, tmp_path):
    file = rows(tmp_path / "rows.csv")
    run("blast", str(file), "--campaign", "first")
    assert run("campaign", "set", "first", "--stop-loss", "off").exit_code == 0
    assert stop_loss(desk, "first") == "off"
    run("blast", str(file), "--campaign", "first", "--stop-loss", "default")
    assert stop_loss(desk, "first") == "default"


def test_a_wrong_value_is_refused_before_anything_is_made(run, tmp_path):
    result = run(
        "blast", str(rows(tmp_path / "rows.csv")), "--campaign", "x", "--stop-loss", "maybe"
    )
    assert (result.exit_code, "stop-loss" in result.stderr) == (2, True)
    assert "x" not in json.loads(run("status", "--json").stdout)["campaigns"]


def test_the_history_says_who_stopped_and_who_continued_it(run, stopped):
    run("campaign", "resume", "spring", "--without-reward", "9999")
    shown = run("history", "--campaign", "spring").stdout
    for sentence in ("system stopped spring", "took reward 9999 out of spring"):
        assert sentence in " ".join(shown.split())


def test_a_blast_does_not_wait_for_a_stopped_campaign(run, stopped, tmp_path):
    result = run("blast", str(rows(tmp_path / "rows.csv")), "--campaign", "spring", "--wait")
    assert result.exit_code == 0
    assert "campaign spring is stopped" in " ".join(result.stderr.split())
