"""Redrives as objects: planned, tried, paced, paused, followed and undone; never sent twice."""

from itertools import pairwise

import pytest
from sqlalchemy import event, func, select, update

from issuance.outcome import Reason
from issuance.redrive.bulk import Act, ActionKind, ActionState, ItemState
from issuance.redrive.forecast import Verdict
from issuance.redrive.rules import Verb
from issuance.retry import RetryPolicy
from issuance.states import State
from ledger.audit_log import Operator, actions_on
from ledger.campaigns import find_campaign, pause_campaign, resume_campaign
from ledger.dead_letters import rounds, sending
from ledger.dead_letters.actions import (
    ActionError,
    StalePlanError,
    begin,
    change_action,
    list_actions,
    set_rate,
)
from ledger.dead_letters.browse import DeadLetterFilter, list_dead_letters
from ledger.dead_letters.groups import open_groups
from ledger.dead_letters.plans import make_plan
from ledger.dead_letters.progress import read_progress
from ledger.dead_letters.rounds import advance_actions, carry_out
from ledger.dead_letters.undo import undo
from ledger.dispatch.cancellation import cancel_campaign
from ledger.retention.erasure import erase
from ledger.retention.letter_groups import prune_items
from ledger.store.clock import now_ms
from ledger.store.schema import (
    bulk_actions,
    bulk_items,
    bulk_pages,
    dead_letter_groups,
    dead_letters,
    jobs,
)
from tests.contract.ledger.build import (
    OPERATOR,
    TIMEOUT,
    answer,
    issue,
    judge,
    make_job,
    make_jobs,
    refuse,
    say,
)

_ONCE = RetryPolicy(max_attempts=1)
_ALL = DeadLetterFilter()


def fill(desk, count, reply=TIMEOUT, first=1):
    """Make open letters, all with the same answer."""
    desk.accept(*make_jobs(count, first=first, campaign=desk.campaign.name))
    held = desk.take()
    desk.record(held, *(judge(claimed, reply, policy=_ONCE) for claimed in held.jobs))


def plan(desk, kind=ActionKind.RESEND, chosen=_ALL):
    return make_plan(desk.ledger, chosen, kind, OPERATOR)


def start(desk, kind=ActionKind.RESEND, chosen=_ALL, **options):
    made = plan(desk, kind, chosen)
    begin(desk.ledger, made.id, OPERATOR, **options)
    carry_out(desk.ledger, made.id)
    return made.id


def progress(desk, action_id):
    return read_progress(desk.ledger, action_id)


def state(desk, action_id):
    return progress(desk, action_id).action.state


def settle_sent(desk, *, issued):
    """Answer every waiting job; the first `issued` of them get their reward."""
    held = desk.take()
    desk.record(
        held,
        *(
            judge(job, issue(job) if place < issued else refuse(), policy=_ONCE)
            for place, job in enumerate(held.jobs)
        ),
    )
    advance_actions(desk.ledger)


# Groups


def test_letters_are_grouped_by_reason_code_and_pattern(desk):
    for number in (1, 2):
        desk.settle(make_job(number), refuse(1014, f"no customer 91980000000{number}"))
    desk.settle(make_job(3), TIMEOUT)
    first, second = open_groups(desk.ledger)
    assert (first.letters, first.text.reason, first.text.code) == (2, Reason.FAILED, 1014)
    assert first.text.pattern == "no customer [id]"
    assert (first.campaigns, first.last_redrive) == (("diwali",), None)
    assert first.first_seen <= first.last_seen
    assert (second.letters, second.text.reason) == (1, Reason.IN_DOUBT)


def test_groups_of_one_campaign_are_counted_alone(desk):
    other = desk.another("holi")
    fill(desk, 2)
    fill(other, 3, first=10)
    (both,) = open_groups(desk.ledger)
    assert (both.letters, both.campaigns) == (5, ("holi", "diwali"))
    (one,) = open_groups(desk.ledger, [desk.campaign.id])
    assert (one.letters, one.campaigns) == (2, ("diwali",))


def test_a_known_group_is_not_read_again(desk):
    fill(desk, 1)
    desk.accept(make_job(2))
    held = desk.take()
    (job,) = held.jobs
    result = judge(job, TIMEOUT, policy=_ONCE)
    seen = []

    @event.listens_for(desk.ledger.engine, "before_cursor_execute")
    def note(_connection, _cursor, statement, *_):
        seen.append(statement)

    desk.record(held, result)
    event.remove(desk.ledger.engine, "before_cursor_execute", note)
    assert seen
    assert not [statement for statement in seen if "dead_letter_groups" in statement]


def test_a_letter_that_opens_with_another_cause_changes_its_group(desk):
    fill(desk, 1)
    desk.redrive(Verb.RESEND)
    settle_sent(desk, issued=0)
    (group,) = open_groups(desk.ledger)
    assert group.text.reason is Reason.FAILED


def test_an_erased_customer_leaves_its_group_and_nothing_of_the_message(desk):
    desk.settle(make_job(1), refuse(1014, "Ravi Kumar is not a member"))
    list(erase(desk.ledger, make_job(1).customer, OPERATOR))
    (group,) = open_groups(desk.ledger)
    assert (group.text.id, group.text.reason) == (0, None)
    with desk.ledger.read() as connection:
        patterns = connection.scalars(select(dead_letter_groups.c.pattern)).all()
    assert not any("Ravi" in pattern for pattern in patterns)


# Plans


def test_a_plan_counts_what_would_happen_to_each_group_and_sends_nothing(desk):
    fill(desk, 3)
    fill(desk, 2, refuse(), first=10)
    before = desk.counts()
    made = plan(desk)
    assert (made.letters, made.sendable) == (5, 3)
    assert {v: n for v, n in made.counts().items() if n} == {Verdict.RESEND: 3, Verdict.REFUSED: 2}
    (why,) = {group.why for group in made.groups if group.verdict is Verdict.REFUSED}
    assert "resend is not allowed" in why
    assert desk.counts() == before
    reissue = plan(desk, ActionKind.REISSUE)
    assert {v: n for v, n in reissue.counts().items() if n} == {
        Verdict.REISSUE: 2,
        Verdict.REFUSED: 3,
    }
    assert reissue.digest != made.digest


def test_a_group_that_failed_again_is_expected_to_fail_with_the_evidence(desk):
    fill(desk, 3)
    first = start(desk)
    held = desk.take()
    desk.record(held, *(judge(job, TIMEOUT, policy=_ONCE) for job in held.jobs))
    advance_actions(desk.ledger)
    (group,) = plan(desk).groups
    assert group.verdict is Verdict.FAILS
    assert group.why == f"redrive {first} sent this group again, and 3 of 3 were not issued"
    (listed,) = open_groups(desk.ledger)
    assert (listed.last_redrive.action_id, listed.last_redrive.failed) == (first, 3)


def test_filters_that_are_given_twice_mean_both(desk):
    other, third = desk.another("holi"), desk.another("pongal")
    for number, each in enumerate((desk, other, third)):
        fill(each, 1, first=10 * number + 1)
    both = DeadLetterFilter(campaign=("diwali", "pongal"), reason=(Reason.IN_DOUBT, Reason.LIMIT))
    assert {letter.campaign for letter in list_dead_letters(desk.ledger, both)} == {
        "diwali",
        "pongal",
    }
    assert plan(desk, chosen=both).letters == 2


def test_a_plan_of_a_group_has_its_letters_only(desk):
    fill(desk, 2)
    fill(desk, 3, refuse(), first=10)
    largest, _ = open_groups(desk.ledger)
    made = plan(desk, ActionKind.REISSUE, DeadLetterFilter(groups=(largest.text.id,)))
    assert (made.letters, made.sendable) == (3, 3)


@pytest.mark.parametrize("change", ["discard", "redrive", "open again"])
def test_a_plan_whose_letters_changed_is_refused(desk, change):
    fill(desk, 3)
    made = plan(desk)
    one = desk.letters()[0].id
    if change == "discard":
        desk.discard(ids=(one,))
    else:
        desk.redrive(Verb.RESEND, ids=(one,))
    if change == "open again":
        settle_sent(desk, issued=0)
    with pytest.raises(StalePlanError, match="1 of its 3 letters changed"):
        begin(desk.ledger, made.id, OPERATOR)


def test_letters_that_open_after_a_plan_are_not_in_it(desk):
    fill(desk, 2)
    made = plan(desk)
    fill(desk, 2, first=10)
    begin(desk.ledger, made.id, OPERATOR)
    carry_out(desk.ledger, made.id)
    assert [letter.state for letter in desk.letters()] == ["redriven"] * 2 + ["open"] * 2


def test_a_plan_of_a_campaign_that_was_cancelled_since_is_refused(desk):
    fill(desk, 2, refuse())
    made = plan(desk, ActionKind.REISSUE)
    cancel_campaign(desk.ledger, "diwali", OPERATOR)
    with pytest.raises(StalePlanError, match="diwali ended"):
        begin(desk.ledger, made.id, OPERATOR)


def test_a_plan_is_carried_out_once(desk):
    fill(desk, 2)
    made = plan(desk)
    begin(desk.ledger, made.id, OPERATOR)
    with pytest.raises(ActionError, match="was carried out already"):
        begin(desk.ledger, made.id, OPERATOR)


def test_a_plan_without_a_letter_to_send_cannot_begin(desk):
    fill(desk, 1, refuse())
    with pytest.raises(ActionError, match="no letter that may be sent"):
        begin(desk.ledger, plan(desk).id, OPERATOR)


def test_a_plan_that_is_not_begun_in_a_day_is_removed(desk):
    fill(desk, 1)
    old = plan(desk)
    with desk.ledger.write() as connection:
        connection.execute(update(bulk_actions).values(created_at=now_ms() - 86_400_001))
    plan(desk)
    with pytest.raises(ActionError, match=f"no redrive {old.id}"):
        begin(desk.ledger, old.id, OPERATOR)


# Execution


@pytest.mark.parametrize(
    ("reply", "kind"), [(TIMEOUT, ActionKind.RESEND), (refuse(), ActionKind.REISSUE)]
)
def test_rounds_at_the_same_time_send_each_letter_once(desk, at_once, monkeypatch, reply, kind):
    monkeypatch.setattr(sending, "BATCH", 3)
    fill(desk, 20, reply)
    made = plan(desk, kind)
    begin(desk.ledger, made.id, OPERATOR)
    at_once(*[lambda: carry_out(desk.ledger, made.id)] * 3)
    carry_out(desk.ledger, made.id)
    assert desk.counts()[State.WAITING] == 20
    assert progress(desk, made.id).items == {ItemState.SENT: 20}
    with desk.ledger.read() as connection:
        assert set(connection.scalars(select(jobs.c.redrives))) <= {0, 1}
    for letter in desk.letters():
        assert len(actions_on(desk.ledger, f"letter:{letter.id}")) == 1


def test_a_round_that_dies_leaves_its_letters_for_the_next_one(desk, monkeypatch):
    fill(desk, 4)
    made = plan(desk)
    begin(desk.ledger, made.id, OPERATOR)

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as dying:
        dying.setattr(sending, "record_actions", die)
        with pytest.raises(KeyboardInterrupt):
            advance_actions(desk.ledger)
    assert [letter.state for letter in desk.letters()] == ["open"] * 4
    assert advance_actions(desk.ledger) == 4
    assert desk.counts() == {State.WAITING: 4}


def test_results_are_counted_by_group_and_the_action_finishes(desk):
    fill(desk, 4)
    action_id = start(desk)
    assert state(desk, action_id) is ActionState.RUNNING
    settle_sent(desk, issued=3)
    found = progress(desk, action_id)
    assert (found.action.state, found.issued, found.failed) == (ActionState.FINISHED, 3, 1)
    (group,) = found.groups
    assert (group.sent, group.issued, group.failed) == (4, 3, 1)
    assert not found.action.is_live
    with desk.ledger.read() as connection:
        assert connection.scalar(select(func.count()).select_from(bulk_pages)) == 0


@pytest.mark.parametrize(
    ("reply", "kind"), [(TIMEOUT, ActionKind.RESEND), (refuse(), ActionKind.REISSUE)]
)
def test_the_failures_of_a_redrive_are_the_next_selection(desk, reply, kind):
    fill(desk, 3, reply)
    action_id = start(desk, kind)
    settle_sent(desk, issued=1)
    fill(desk, 2, refuse(), first=20)
    made = plan(desk, ActionKind.REISSUE, DeadLetterFilter(failed_of=action_id))
    assert (made.letters, made.sendable) == (2, 2)


def test_a_letter_that_a_late_answer_opens_again_before_its_turn_is_not_sent(desk, monkeypatch):
    monkeypatch.setattr(sending, "BATCH", 1)
    fill(desk, 2)
    made = plan(desk)
    begin(desk.ledger, made.id, OPERATOR)
    rounds.advance(desk.ledger, made.id)
    with desk.ledger.write() as connection:
        connection.execute(
            update(dead_letters)
            .where(dead_letters.c.state == "open")
            .values(changed_at=now_ms() + 1)
        )
    carry_out(desk.ledger, made.id)
    found = progress(desk, made.id)
    assert found.items == {ItemState.SENT: 1, ItemState.REFUSED: 1}
    assert list(found.refused) == ["it was opened again after the plan was made"]


def test_the_letters_of_a_paused_campaign_wait_and_the_pace_survives_the_pause(desk):
    fill(desk, 10)
    made = plan(desk)
    pause_campaign(desk.ledger, "diwali", OPERATOR)
    begin(desk.ledger, made.id, OPERATOR, per_second=2.0)
    carry_out(desk.ledger, made.id)
    assert progress(desk, made.id).items == {ItemState.PENDING: 10}
    assert progress(desk, made.id).halted == {"diwali": "paused"}
    with desk.ledger.write() as connection:  # as if the pause had lasted an hour
        connection.execute(update(bulk_actions).values(next_at=now_ms() - 3_600_000))
    resume_campaign(desk.ledger, "diwali", OPERATOR)
    advance_actions(desk.ledger)
    assert progress(desk, made.id).items[ItemState.SENT] == 2


def test_a_pace_spreads_the_due_times(desk):
    fill(desk, 5)
    action_id = start(desk, per_second=4.0)
    assert progress(desk, action_id).items == {ItemState.SENT: 4, ItemState.PENDING: 1}
    with desk.ledger.read() as connection:
        due = sorted(connection.scalars(select(jobs.c.due_at).where(jobs.c.state == "waiting")))
    assert [later - earlier for earlier, later in pairwise(due)] == [250] * 3


def test_a_new_rate_takes_effect_and_is_recorded(desk):
    fill(desk, 5)
    action_id = start(desk, per_second=0.001)
    assert progress(desk, action_id).items[ItemState.SENT] == 1
    set_rate(desk.ledger, action_id, 0, OPERATOR)
    carry_out(desk.ledger, action_id)
    assert progress(desk, action_id).items == {ItemState.SENT: 5}
    assert ("rate", "0.001/s", "no bound") in [
        (entry.verb, entry.before, entry.after)
        for entry in actions_on(desk.ledger, f"redrive:{action_id}")
    ]
    with pytest.raises(ActionError, match="give a number from 0"):
        set_rate(desk.ledger, action_id, 1e9, OPERATOR)


def test_a_paused_action_sends_nothing_until_it_is_resumed(desk):
    fill(desk, 5)
    action_id = start(desk, per_second=0.001)
    change_action(desk.ledger, action_id, Act.PAUSE, OPERATOR)
    set_rate(desk.ledger, action_id, 0, OPERATOR)
    assert advance_actions(desk.ledger) == 0
    change_action(desk.ledger, action_id, Act.RESUME, OPERATOR)
    assert advance_actions(desk.ledger) == 4


def test_an_aborted_action_leaves_the_rest_open(desk):
    fill(desk, 5)
    action_id = start(desk, per_second=0.001)
    change_action(desk.ledger, action_id, Act.ABORT, OPERATOR)
    assert advance_actions(desk.ledger) == 0
    assert [letter.state for letter in desk.letters()] == ["redriven"] + ["open"] * 4
    with pytest.raises(ActionError, match="is aborted: it cannot resume"):
        change_action(desk.ledger, action_id, Act.RESUME, OPERATOR)
    settle_sent(desk, issued=1)
    assert (progress(desk, action_id).issued, progress(desk, action_id).action.is_live) == (
        1,
        False,
    )


def test_each_action_and_each_letter_has_one_audit_entry(desk):
    fill(desk, 2)
    action_id = start(desk)
    (entry,) = actions_on(desk.ledger, f"redrive:{action_id}")
    assert (entry.verb, entry.before, entry.reason) == ("begin resend", "planned", "ticket 42")
    assert "2 letters, digest" in entry.after
    for letter in desk.letters():
        (own,) = actions_on(desk.ledger, f"letter:{letter.id}")
        assert (own.subject, own.verb, own.after) == ("asha", "resend", "redriven")


def test_a_note_is_stored_without_a_customer(desk):
    fill(desk, 1)
    made = plan(desk)
    action = begin(desk.ledger, made.id, Operator("asha", "919800000001 called"))
    assert action.note == "[number] called"


def test_actions_are_listed_newest_first_without_plans(desk):
    fill(desk, 2)
    first, second = (
        start(desk, chosen=DeadLetterFilter(ids=(letter.id,))) for letter in desk.letters()
    )
    plan(desk)
    found, count = list_actions(desk.ledger, 1)
    assert ([action.id for action in found], count) == ([second], 2)
    assert first < second


# Trials


def test_a_trial_is_sent_first_and_the_rest_follows_if_it_is_better(desk):
    fill(desk, 10)
    action_id = start(desk, trial=4)
    found = progress(desk, action_id)
    assert found.action.state is ActionState.TRIAL
    assert found.items == {ItemState.SENT: 4, ItemState.PENDING: 6}
    assert advance_actions(desk.ledger) == 0
    settle_sent(desk, issued=3)
    assert progress(desk, action_id).items == {ItemState.DONE: 4, ItemState.SENT: 6}
    settle_sent(desk, issued=6)
    assert (state(desk, action_id), progress(desk, action_id).issued) == (ActionState.FINISHED, 9)


def test_after_a_bad_trial_it_asks_and_continues_only_when_an_operator_says_so(desk):
    fill(desk, 10)
    action_id = start(desk, trial=4)
    settle_sent(desk, issued=0)
    advance_actions(desk.ledger)
    found = progress(desk, action_id)
    assert found.action.state is ActionState.ASKING
    assert found.items == {ItemState.DONE: 4, ItemState.PENDING: 6}
    assert advance_actions(desk.ledger) == 0
    change_action(desk.ledger, action_id, Act.GO_ON, OPERATOR)
    assert advance_actions(desk.ledger) == 6


def test_a_trial_is_spread_over_the_groups_and_each_is_judged_alone(desk):
    fill(desk, 6, TIMEOUT)
    fill(desk, 6, refuse(98765), first=20)
    action_id = start(desk, trial=4)
    by_reason = {group.text.reason: group.sent for group in progress(desk, action_id).groups}
    assert by_reason == {Reason.IN_DOUBT: 2, Reason.UNKNOWN_CODE: 2}
    settle_sent(desk, issued=2)  # those in doubt, which were accepted first
    found = progress(desk, action_id)
    assert found.action.state is ActionState.ASKING
    assert found.items == {ItemState.DONE: 4, ItemState.SENT: 4, ItemState.HELD: 4}
    assert [group.is_held for group in found.groups] == [False, True]
    change_action(desk.ledger, action_id, Act.GO_ON, OPERATOR)
    advance_actions(desk.ledger)
    assert progress(desk, action_id).items == {ItemState.DONE: 4, ItemState.SENT: 8}


def test_a_trial_worse_than_the_last_redrive_asks(desk):
    fill(desk, 4)
    start(desk)
    settle_sent(desk, issued=3)
    fill(desk, 10, first=20)
    action_id = start(desk, chosen=DeadLetterFilter(reason=Reason.IN_DOUBT), trial=4)
    settle_sent(desk, issued=2)
    assert state(desk, action_id) is ActionState.ASKING


def test_a_trial_of_everything_is_no_trial(desk):
    fill(desk, 2)
    assert state(desk, start(desk, trial=2)) is ActionState.RUNNING


# Undoing


@pytest.mark.parametrize(
    ("reply", "kind"), [(TIMEOUT, ActionKind.RESEND), (refuse(), ActionKind.REISSUE)]
)
def test_undoing_opens_letters_that_no_worker_has_claimed(desk, reply, kind):
    fill(desk, 4, reply)
    before = desk.counts()
    accepted = find_campaign(desk.ledger, "diwali").accepted_lines
    action_id = start(desk, kind)
    undone = undo(desk.ledger, action_id, OPERATOR)
    assert (undone.reopened, undone.dropped, undone.left) == (4, 0, 0)
    assert [letter.state for letter in desk.letters()] == ["open"] * 4
    assert {letter.reissued_as for letter in desk.letters()} == {None}
    assert desk.counts() == before
    assert find_campaign(desk.ledger, "diwali").accepted_lines == accepted
    assert desk.release() == []
    # The same letters can be sent again, with the same new requestIds.
    assert progress(desk, start(desk, kind)).items == {ItemState.SENT: 4}


def test_undoing_leaves_what_was_claimed_alone(desk):
    fill(desk, 4)
    action_id = start(desk)
    desk.make_due()
    (chunk,) = desk.release(window=2)
    held = desk.claim(chunk)
    desk.give_back(held)
    held = desk.claim(desk.release(window=1)[0])
    undone = undo(desk.ledger, action_id, OPERATOR)
    assert (undone.reopened, undone.left) == (3, 1)
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    advance_actions(desk.ledger)
    found = progress(desk, action_id)
    assert (found.action.state, found.issued) == (ActionState.UNDONE, 1)
    assert desk.counts() == {State.ISSUED: 1, State.IN_DOUBT: 3}


def test_a_job_that_was_called_since_is_not_undone(desk):
    fill(desk, 1)
    action_id = start(desk)
    held = desk.take()
    desk.record(held, *(judge(job, TIMEOUT) for job in held.jobs))
    assert desk.counts() == {State.WAITING: 1}
    assert undo(desk.ledger, action_id, OPERATOR).reopened == 0


def test_undoing_restores_each_lines_state(desk):
    job = make_job(rewards=(1001, 1002))
    desk.settle(job, answer(say(job.lines[0]), say(job.lines[1], 8010, units=1)))
    before = [line.state for line in desk.lines(job)]
    undo(desk.ledger, start(desk), OPERATOR)
    assert [line.state for line in desk.lines(job)] == before == [State.ISSUED, State.PARTIAL]
    assert desk.row(job.id).settled_at is not None


def test_undoing_a_paced_redrive_drops_what_was_not_sent(desk):
    fill(desk, 5)
    action_id = start(desk, per_second=0.001)
    undone = undo(desk.ledger, action_id, OPERATOR)
    assert (undone.reopened, undone.dropped, undone.left) == (1, 4, 0)
    assert advance_actions(desk.ledger) == 0
    assert [letter.state for letter in desk.letters()] == ["open"] * 5


def test_discards_are_undone(desk):
    fill(desk, 3)
    action_id = desk.discard().plan.id
    assert state(desk, action_id) is ActionState.FINISHED
    undone = undo(desk.ledger, action_id, OPERATOR)
    assert (undone.reopened, undone.left) == (3, 0)
    assert [letter.state for letter in desk.letters()] == ["open"] * 3
    assert [entry.verb for entry in actions_on(desk.ledger, "letter:1")] == ["discard", "reopen"]


def test_a_plan_cannot_be_undone(desk):
    fill(desk, 1)
    with pytest.raises(ActionError, match="has not begun"):
        undo(desk.ledger, plan(desk).id, OPERATOR)


# Retention


def test_old_items_are_pruned_and_the_results_stay(desk):
    fill(desk, 3)
    action_id = start(desk)
    settle_sent(desk, issued=3)
    with desk.ledger.read() as connection:
        now = connection.scalar(select(now_ms()))
    assert prune_items(desk.ledger, now - 60_000) == 0
    assert prune_items(desk.ledger, now + 60_000) == 3
    with desk.ledger.read() as connection:
        assert connection.scalar(select(func.count()).select_from(bulk_items)) == 0
    (group,) = progress(desk, action_id).groups
    assert group.issued == 3
