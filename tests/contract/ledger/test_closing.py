"""Closing: when a campaign can be closed, how its comparison continues, and what is stated."""

import json
from hashlib import sha256

import pytest
from sqlalchemy import insert, select

from issuance.closing.canonical import canonical
from issuance.closing.comparison import Difference, Finding
from issuance.closing.sampling import sample_size
from issuance.customer import Customer
from issuance.redrive.rules import Verb
from issuance.states import CampaignState, State
from ledger.audit_log import actions_on, campaign_target
from ledger.campaigns import (
    CampaignError,
    find_campaign,
    pause_campaign,
    resume_campaign,
    weigh_campaign,
)
from ledger.closing.closing import close_campaign, read_closing
from ledger.closing.statement import build_statement
from ledger.closing.verification import (
    Mode,
    StaleComparisonError,
    begin_comparison,
    finish_comparison,
    jobs_after,
    jobs_numbered,
    jobs_with_findings,
    record_compared,
    record_read_again,
    sampled_jobs,
)
from ledger.dead_letters.rounds import advance_actions
from ledger.dead_letters.undo import undo
from ledger.dispatch.cancellation import cancel_campaign
from ledger.retention.erasure import erase
from ledger.retention.pruning import prune
from ledger.store.database import Ledger
from ledger.store.schema import bulk_actions, campaigns, findings
from tests.contract.ledger.build import OPERATOR, Desk, issue, judge, make_job, make_jobs, refuse

SIGNED = OPERATOR


def settled(desk: Desk, count: int = 6, **options) -> list[str]:
    """Issue jobs; returns the requestIds in the order of the jobs' numbers."""
    made = make_jobs(count, **options)
    desk.accept(*made)
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    return [job.id for job in made]


def compared(desk: Desk, mode: Mode = Mode.ALL, found=()):
    """Compare the campaign; `found` are the findings of its first page."""
    comparison = begin_comparison(desk.ledger, desk.campaign.name, mode, SIGNED)
    if mode is not Mode.NONE and (page := jobs_after(desk.ledger, comparison, -1, 1_000)):
        comparison = record_compared(desk.ledger, comparison, page, found)
    return finish_comparison(desk.ledger, comparison, SIGNED)


def closed(desk: Desk, mode: Mode = Mode.NONE, found=()):
    return close_campaign(desk.ledger, compared(desk, mode, found), SIGNED)


def stated(desk: Desk) -> dict:
    closing, _ = read_closing(desk.ledger, desk.campaign.name)
    return json.loads(closing.statement)


def missing(request_id: str) -> Finding:
    return Finding(request_id, Difference.MISSING, 1, 0, ("7",))


def test_an_unsettled_line_prevents_it(desk):
    desk.accept(make_job())
    with pytest.raises(CampaignError, match="not settled: 1"):
        begin_comparison(desk.ledger, "diwali", Mode.NONE, SIGNED)


def test_an_open_dead_letter_prevents_it_until_it_is_discarded(desk):
    desk.settle(make_job(), refuse())
    with pytest.raises(CampaignError, match="dead letters that are open: 1"):
        begin_comparison(desk.ledger, "diwali", Mode.NONE, SIGNED)
    desk.discard()
    assert closed(desk).campaign == "diwali"


@pytest.mark.parametrize(
    ("kind", "state", "words"),
    [
        ("resend", "running", "redrive 1 is under way"),
        ("resend", "asking", "`issuance redrives abort 1`"),
        ("revoke", "running", "`issuance campaign revoke diwali` finish"),
        ("resend", "planned", None),
        ("discard", "finished", None),
    ],
)
def test_a_mass_action_that_is_under_way_prevents_it(desk, kind, state, words):
    settled(desk)
    with desk.ledger.write() as connection:
        fixed = dict.fromkeys(("filters", "digest", "counts", "created_by"), "{}")
        connection.execute(
            insert(bulk_actions).values(
                kind=kind,
                state=state,
                campaign_id=desk.campaign.id,
                created_at=1,
                changed_at=1,
                **fixed,
            )
        )
    if words is None:
        assert closed(desk).campaign == "diwali"
        return
    with pytest.raises(CampaignError, match=words):
        begin_comparison(desk.ledger, "diwali", Mode.NONE, SIGNED)


def test_a_paused_campaign_without_lines_cannot_be_closed(desk):
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    with pytest.raises(CampaignError, match="it is paused"):
        begin_comparison(desk.ledger, "diwali", Mode.NONE, SIGNED)


def test_a_cancelled_campaign_can_be_closed(desk):
    desk.accept(*make_jobs(3))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    closed(desk, Mode.ALL)
    found = stated(desk)
    assert (found["campaign"]["endedAs"], found["verification"]["lines"]) == ("cancelled", 0)
    assert found["verification"]["leftOut"] == {"neverSent": 3, "pruned": 0, "erased": 0}


def test_it_is_closed_only_once(desk):
    settled(desk)
    closed(desk)
    with pytest.raises(CampaignError, match="closed already"):
        begin_comparison(desk.ledger, "diwali", Mode.NONE, SIGNED)


def test_a_campaign_that_is_not_closed_has_no_statement(desk):
    with pytest.raises(CampaignError, match="no statement yet"):
        read_closing(desk.ledger, "diwali")


def test_it_continues_where_it_was(desk):
    settled(desk, 6)
    first = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    page = jobs_after(desk.ledger, first, first.next_position, 4)
    record_compared(desk.ledger, first, page, [])
    again = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    assert (again.id, again.checked, again.total) == (first.id, 4, 6)
    rest = jobs_after(desk.ledger, again, again.next_position, 4)
    assert len(rest) == 2
    assert {job.number for job in rest}.isdisjoint(job.number for job in page)


def test_another_mode_is_another_comparison(desk):
    settled(desk)
    first = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    assert begin_comparison(desk.ledger, "diwali", Mode.SAMPLE, SIGNED).id != first.id


def test_two_processes_do_not_compare_the_same_page(desk):
    settled(desk)
    one = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    page = jobs_after(desk.ledger, one, -1, 3)
    record_compared(desk.ledger, one, page, [])
    with pytest.raises(StaleComparisonError, match="Another process"):
        record_compared(desk.ledger, one, page, [missing(page[0].lines[0].request_id)])
    assert jobs_with_findings(desk.ledger, one) == []


def test_a_campaign_that_had_work_meanwhile_is_compared_again(desk):
    settled(desk)
    comparison = compared(desk)
    settled(desk, 2, first=100)
    with pytest.raises(StaleComparisonError, match="changed while it was compared"):
        close_campaign(desk.ledger, comparison, SIGNED)
    with pytest.raises(StaleComparisonError, match="changed while it was compared"):
        finish_comparison(desk.ledger, comparison, SIGNED)
    again = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    assert (again.id != comparison.id, again.total) == (True, 8)


def test_findings_that_are_gone_are_resolved(desk):
    names = settled(desk)
    comparison = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    page = jobs_after(desk.ledger, comparison, -1, 100)
    found = [missing(names[0]), missing(names[3])]
    comparison = record_compared(desk.ledger, comparison, page, found)
    assert comparison.differing == 2
    numbers = jobs_with_findings(desk.ledger, comparison)
    again = jobs_numbered(desk.ledger, numbers)
    assert [job.lines[0].request_id for job in again] == [names[0], names[3]]
    comparison = record_read_again(desk.ledger, comparison, again, [missing(names[3])])
    assert comparison.differing == 1
    assert len(jobs_with_findings(desk.ledger, comparison)) == 1
    with desk.ledger.read() as connection:
        kept = list(connection.scalars(select(findings.c.resolved_at)))
    assert [at is None for at in kept].count(False) == 2


def test_what_was_recorded_of_a_line_is_what_is_compared(desk):
    desk.settle(make_job(1, rewards=(1001, 1002), quantity=2), refuse())
    settled(desk, 1, first=2, quantity=3)
    desk.discard()
    comparison = begin_comparison(desk.ledger, "diwali", Mode.ALL, SIGNED)
    refused, issued = jobs_after(desk.ledger, comparison, -1, 10)
    assert [(line.state, line.units, line.reward_id) for line in refused.lines] == [
        (State.FAILED, 0, 1001),
        (State.FAILED, 0, 1002),
    ]
    (line,) = issued.lines
    assert (line.state, line.units, line.requested, line.claimed) == (State.ISSUED, 3, 3, 3)
    assert (len(line.transaction_ids), issued.transaction_number) == (1, line.request_id)
    assert issued.first_claimed_at is not None


def test_erased_customers_and_unsent_lines_are_left_out(desk):
    settled(desk, 3)
    desk.accept(*make_jobs(2, first=50))
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    list(erase(desk.ledger, Customer("mobile", "919800000001"), OPERATOR))
    comparison = compared(desk)
    assert (comparison.population, comparison.checked) == (2, 2)
    close_campaign(desk.ledger, comparison, SIGNED)
    left_out = stated(desk)["verification"]["leftOut"]
    assert left_out == {"neverSent": 2, "pruned": 0, "erased": 1}


def test_it_is_drawn_the_same_way_again_and_with_the_exact_size(desk):
    settled(desk, 40)
    comparison = begin_comparison(desk.ledger, "diwali", Mode.SAMPLE, SIGNED)
    drawn = sampled_jobs(desk.ledger, comparison)
    assert len(drawn) == comparison.total == sample_size(40) == 38
    assert drawn == sorted(drawn) == sampled_jobs(desk.ledger, comparison)


def test_anybody_with_the_seed_draws_the_same(desk):
    names = settled(desk, 30)
    comparison = begin_comparison(desk.ledger, "diwali", Mode.SAMPLE, SIGNED)
    by_digest = sorted(names, key=lambda name: sha256((comparison.seed + name).encode()).digest())
    jobs = jobs_numbered(desk.ledger, sampled_jobs(desk.ledger, comparison))
    assert {job.lines[0].request_id for job in jobs} == set(by_digest[: comparison.total])


def test_it_counts_by_state_and_reward(desk):
    settled(desk, 4, quantity=2)
    settled(desk, 3, first=20, rewards=(1002,))
    desk.settle(make_job(30, rewards=(1002,)), refuse())
    desk.discard()
    closed(desk)
    found = stated(desk)
    assert found["totals"] == {"lines": 8, "units": 11, "points": "0"}
    assert [(each["state"], each["lines"], each["units"]) for each in found["states"]] == [
        ("issued", 7, 11),
        ("failed", 1, 0),
    ]
    assert [(each["reward"], each["lines"], each["units"]) for each in found["rewards"]] == [
        ("1001", 4, 8),
        ("1002", 4, 3),
    ]


def test_it_says_what_operators_did_and_why(desk):
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    weigh_campaign(desk.ledger, "diwali", 7, OPERATOR)
    settled(desk, 1)
    desk.settle(make_job(5), refuse())
    desk.redrive(Verb.REISSUE)
    held = desk.take()
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    advance_actions(desk.ledger)
    desk.settle(make_job(6), refuse())
    desk.discard()
    closed(desk, Mode.ALL)
    found = stated(desk)
    acts = [(act["verb"], act["by"], act["reason"]) for act in found["acts"]]
    assert acts == [
        (verb, "asha", "ticket 42") for verb in ("pause", "resume", "weight", "verify", "verified")
    ]
    (pause,) = found["pauses"]
    assert (pause["by"], pause["endedBy"], pause["until"] >= pause["since"]) == (
        "asha",
        "asha",
        True,
    )
    letters = {act["verb"]: act["count"] for act in found["letterActs"]}
    assert letters == {"reissue": 1, "discard": 1}
    assert {act["reason"] for act in found["letterActs"]} == {"ticket 42"}
    assert found["closing"] == {
        "at": found["ledger"]["at"],
        "by": {"subject": "asha", "host": "", "claimed": ""},
        "note": "ticket 42",
    }


def test_it_is_stored_with_its_digest_in_the_audit_log(desk):
    settled(desk)
    closing = closed(desk)
    assert sha256(closing.statement).hexdigest() == closing.sha256
    entry = actions_on(desk.ledger, campaign_target("diwali"))[-1]
    assert (entry.verb, entry.before) == ("close", "finished")
    assert closing.sha256 in entry.after
    kept, changed = read_closing(desk.ledger, "diwali")
    assert (kept.statement, changed) == (closing.statement, False)
    head = json.loads(closing.statement)["ledger"]
    assert head["auditEntries"] == entry.id - 1


def test_a_comparison_is_stated_with_what_it_found(desk):
    names = settled(desk)
    closed(desk, Mode.ALL, [missing(names[2])])
    found = stated(desk)["verification"]
    assert (found["mode"], found["compared"], found["differing"]) == ("all", 6, 1)
    assert found["findingsByKind"] == {"missing": 1}
    assert found["findings"] == [
        {
            "requestId": names[2],
            "kind": "missing",
            "ledgerUnits": 1,
            "apiUnits": 0,
            "transactions": ["7"],
        }
    ]


def test_it_holds_nothing_personal(desk):
    settled(desk)
    closing = closed(desk, Mode.ALL)
    assert b"9198000" not in closing.statement


def test_a_late_change_is_noticed(desk):
    settled(desk)
    closed(desk)
    with desk.ledger.write() as connection:
        connection.exec_driver_sql("UPDATE lines SET quantity = 5 WHERE position = 0")
    assert read_closing(desk.ledger, "diwali")[1] is True


@pytest.fixture
def ended(desk):
    settled(desk)
    closed(desk)
    return desk


def test_it_takes_no_rows(ended):
    with pytest.raises(CampaignError, match="was closed"):
        ended.accept(make_job(99))


@pytest.mark.parametrize(
    "act",
    [
        lambda ledger: pause_campaign(ledger, "diwali", OPERATOR),
        lambda ledger: resume_campaign(ledger, "diwali", OPERATOR),
        lambda ledger: cancel_campaign(ledger, "diwali", OPERATOR),
        lambda ledger: weigh_campaign(ledger, "diwali", 3, OPERATOR),
    ],
)
def test_its_state_and_settings_stay(ended, act):
    with pytest.raises(CampaignError, match="is closed"):
        act(ended.ledger)
    assert find_campaign(ended.ledger, "diwali").state is CampaignState.CLOSED


def test_nothing_of_it_is_redriven(ended):
    assert ended.redrive(Verb.RESEND).done == []
    assert ended.counts() == {State.ISSUED: 6}


def test_a_discard_of_it_is_not_undone(desk):
    desk.settle(make_job(1), refuse())
    action_id = desk.discard().plan.id
    closed(desk)
    undone = undo(desk.ledger, action_id, OPERATOR)
    assert (undone.reopened, undone.left) == (0, 1)
    assert desk.letter().state == "discarded"


def test_releases_leave_it_closed(ended):
    assert ended.release() == []
    with ended.ledger.read() as connection:
        state, at = connection.execute(select(campaigns.c.state, campaigns.c.closed_at)).one()
    assert (state, at is not None) == ("closed", True)


def test_pruning_and_erasure_change_no_statement(ended):
    before, _ = read_closing(ended.ledger, "diwali")
    list(erase(ended.ledger, Customer("mobile", "919800000001"), OPERATOR))
    assert sum(page.lines for page in prune(ended.ledger, older_than_seconds=-1)) == 5
    assert read_closing(ended.ledger, "diwali") == (before, False)


def test_the_same_ledger_gives_the_same_bytes(desk):
    """Building it twice from one state reads everything in the same order."""
    names = settled(desk, 20)
    for number in (40, 41, 42):
        desk.settle(make_job(number, rewards=(1000 + number,)), refuse())
    desk.discard()
    comparison = compared(desk, Mode.ALL, [missing(name) for name in reversed(names)])
    built = [_build(desk.ledger, comparison) for _ in range(3)]
    assert len(set(built)) == 1
    assert b"1042" in built[0]


def _build(ledger: Ledger, comparison) -> bytes:
    with ledger.read() as connection:
        return canonical(
            build_statement(
                connection,
                find_campaign(ledger, "diwali"),
                comparison,
                closed_at=1_800_000_000_123,
                closed_by={"subject": "asha"},
                note="",
            )
        )
