"""Reports of closed campaigns: the same bytes from the same ledger, with nothing personal."""

import json
from dataclasses import replace

import pytest
from sqlalchemy import update

from issuance.states import State
from ledger.audit_effects import record_act, recorded
from ledger.audit_log import Operator, account_target, actions_on, campaign_target
from ledger.campaigns import CampaignError, pause_campaign, resume_campaign
from ledger.closing.closing import close_campaign
from ledger.closing.verification import Mode, begin_comparison
from ledger.limit_samples import Limits, keep_limits
from ledger.queries import call_series
from ledger.queries.call_series import Grid, read_series
from ledger.retention.pruning import prune
from ledger.store.schema import audit_log
from operations.access.roles import Role
from operations.access.subject import Grant, Subject
from operations.report import report as reports
from operations.report.report import Form, make_report, verify_report
from tests.contract.ledger.build import (
    BUSY_CODE,
    OPERATOR,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
)

READER = Subject(Operator("finance"), Grant(frozenset({Role.VIEWER}), "SOURCE", "REMEDY"))


def settle_again(desk, reply, *, at):
    held, claimed = desk.take_one()
    desk.record(held, replace(judge(claimed, reply(claimed)), started_at_ms=at))


def close(desk):
    comparison = begin_comparison(desk.ledger, desk.campaign.name, Mode.NONE, OPERATOR)
    close_campaign(desk.ledger, comparison, OPERATOR)


def started_at(desk, job):
    return desk.row(job.id).accepted_at


@pytest.fixture
def closed(desk):
    """A campaign with issued and refused lines, two acts on it and one on its account."""
    many = make_jobs(5, rewards=(1001, 1002))
    desk.accept(*many)
    begin = started_at(desk, many[0])
    held = desk.take()
    made = [replace(judge(job, issue(job)), started_at_ms=begin) for job in held.jobs]
    desk.record(held, *made)
    desk.settle(make_job(30), refuse())
    desk.discard()
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    target = account_target("default")
    with recorded(
        desk.ledger, OPERATOR, verb="set limit", target=target,
        before="6,000 calls a minute", after="2,400 calls a minute",
    ):  # fmt: skip
        pass
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    close(desk)
    return desk


def content(desk, form=Form.HTML):
    return make_report(READER, desk.ledger, "diwali", [form])[form].content


def said(desk):
    return json.loads(content(desk, Form.JSON))


@pytest.mark.parametrize("form", Form)
def test_two_reports_are_the_same_bytes_although_each_is_recorded(closed, form):
    first = content(closed, form)
    record_act(closed.ledger, OPERATOR, "set limit done", account_target("default"), after="x")
    assert content(closed, form) == first
    entries = actions_on(closed.ledger, campaign_target("diwali"))[-2:]
    assert [each.verb for each in entries] == ["report", "report"]
    digest = reports.digest(first)
    assert {each.after for each in entries} == {f"{form}, format 1, sha256 {digest}"}
    assert {each.subject for each in entries} == {"finance"}


def test_the_numbers_are_those_of_the_statement(closed):
    found = said(closed)
    by_class = [(each["state"], each["code"], each["lines"]) for each in found["outcomes"]]
    assert by_class == [("issued", None, 10), ("failed", 1014, 1)]
    assert found["statement"]["totals"]["units"] == 10
    assert found["outcomes"][1]["cause"] == "no such customer"


def test_pauses_and_limits_of_its_time_are_marked(closed):
    found = said(closed)
    marks = [each["what"] for each in found["marks"]]
    before, after = "6,000 calls a minute", "2,400 calls a minute"
    assert marks == [
        "discard 1 begun by asha (ticket 42)",
        "paused by asha (ticket 42)",
        f"asha set the limit of the account from {before} to {after} (ticket 42)",
    ]
    rates = [each["perMinute"] for each in found["rates"]["account"]]
    assert rates == [6_000, 2_400]
    assert not any("No operator set" in gap for gap in found["gaps"])


def test_recorded_limits_are_drawn_with_the_rate_of_the_settings(desk):
    job = make_job(1)
    keep_limits(desk.ledger, "default", Limits(1_200, 300))
    desk.settle(job, refuse())
    desk.discard()
    close(desk)
    found = said(desk)
    assert found["series"]["adaptiveLimit"][-1] == 300
    assert [each["perMinute"] for each in found["rates"]["account"]] == [1_200]
    assert not any("adaptive limit" in gap for gap in found["gaps"])
    assert ">adaptive limit</text>" in content(desk).decode()


def test_a_limit_that_was_not_recorded_is_said(closed):
    assert any("no adaptive limit of this time" in gap for gap in said(closed)["gaps"])
    assert ">adaptive limit</text>" not in content(closed).decode()


def test_nothing_personal_is_in_it(closed):
    for form in Form:
        text = content(closed, form).decode()
        assert "91980000" not in text
        for job in make_jobs(5, rewards=(1001, 1002)):
            for line in closed.lines(job):
                assert not [voucher for voucher in line.vouchers if voucher in text]


def test_a_campaign_that_is_not_closed_is_refused_with_the_remedy(desk):
    desk.settle(make_job(1), refuse())
    with pytest.raises(CampaignError, match="`issuance campaign close diwali`"):
        make_report(READER, desk.ledger, "diwali")
    assert [each.verb for each in actions_on(desk.ledger, campaign_target("diwali"))] == []


def test_calls_are_counted_by_time_result_and_duration(desk):
    first = make_job(1)
    desk.accept(first)
    begin = started_at(desk, first)
    held = desk.take()
    busy = replace(judge(held.jobs[0], refuse(BUSY_CODE)), started_at_ms=begin, took_ms=1_234)
    desk.record(held, busy)
    settle_again(desk, issue, at=begin + 61_000)
    held, claimed = desk.take_one(make_job(2))
    late = replace(judge(claimed, refuse()), started_at_ms=begin - 10_000, took_ms=25_000)
    desk.record(held, late)
    other = desk.another("holi")
    held, claimed = other.take_one(make_job(3, campaign="holi"))
    other.record(held, judge(claimed, issue(claimed)))
    with desk.ledger.read() as connection:
        found = read_series(
            connection, desk.campaign.id, Grid(begin, 30_000), list(State)[3:], begin + 10**9
        )
    assert found.calls == {(0, "transient"): 1, (2, "issued"): 1, (0, "failed"): 1}
    assert found.took == {(0, 1_239): 1, (2, 40): 1, (0, 25_999): 1}
    assert found.accepted.total() == found.settled.total() == 2


@pytest.mark.parametrize("at_once", [1, 2, 3, 1_000])
def test_pages_of_any_size_count_every_call_once(desk, monkeypatch, at_once):
    desk.accept(*make_jobs(4))
    desk.another("holi").accept(*make_jobs(3, campaign="holi"))
    desk.accept(*make_jobs(3, first=50))
    for chunk in desk.release():
        held = desk.claim(chunk)
        desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    monkeypatch.setattr(call_series, "_JOBS_AT_ONCE", at_once)
    with desk.ledger.read() as connection:
        found = read_series(connection, desk.campaign.id, Grid(0, 10**15), [State.ISSUED], 10**15)
    assert found.calls == {(0, "issued"): 7}
    assert found.accepted == {0: 7}


def test_a_file_of_this_ledger_is_known_with_its_maker(closed):
    for form in Form:
        found = verify_report(READER, closed.ledger, content(closed, form))
        assert (found.campaign, found.entry.subject) == ("diwali", "finance")
        assert (found.is_same, found.difference, found.log_problem) == (True, "", "")


def test_a_file_that_was_changed_is_unknown(closed):
    page = content(closed)
    found = verify_report(READER, closed.ledger, page.replace(b"10", b"11", 1))
    assert (found.entry, found.is_same) == (None, False)


def test_what_was_pruned_is_said_and_the_file_stays_known(closed):
    page = content(closed)
    # The newest job stays.
    assert sum(page.lines for page in prune(closed.ledger, older_than_seconds=-1)) == 10
    found = verify_report(READER, closed.ledger, page)
    assert (found.campaign, found.is_same) == ("diwali", False)
    assert "pruned" in found.difference
    now = said(closed)
    assert now["prunedLines"] == 10
    assert any("10 lines of the campaign were pruned" in gap for gap in now["gaps"])
    assert [each["lines"] for each in now["outcomes"]] == [10, 1]


def test_a_file_of_another_format_of_the_program_stays_known(closed, monkeypatch):
    page = content(closed)
    monkeypatch.setattr(reports, "FORMAT", 2)
    found = verify_report(READER, closed.ledger, page)
    assert (found.campaign, found.is_same) == ("diwali", False)
    assert "writes format 2" in found.difference


def test_a_broken_audit_log_is_said(closed):
    page = content(closed)
    with closed.ledger.write() as connection:
        if closed.ledger.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        else:
            connection.exec_driver_sql("DROP TRIGGER audit_log_no_update")
        connection.execute(update(audit_log).where(audit_log.c.id == 1).values(subject="eve"))
    assert "content was changed" in verify_report(READER, closed.ledger, page).log_problem
