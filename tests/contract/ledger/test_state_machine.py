"""A small campaign under any order of messages, replies, losses and operators stays consistent."""

import os
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from issuance.redrive.rules import Verb
from issuance.replies.reply import Answer
from issuance.retry import RetryPolicy
from issuance.states import SETTLED, State, may_replace
from ledger.campaigns import ensure_campaign, find_campaign, pause_campaign, resume_campaign
from ledger.dispatch.cancellation import cancel_campaign, settle_cancelled
from ledger.dispatch.reaper import reap
from ledger.dispatch.release import unqueue
from ledger.queries.balance import balance, recount
from ledger.queries.outcomes import outcomes
from ledger.store.database import Ledger
from ledger.store.schema import campaigns, jobs, metadata
from tests.contract.ledger.build import (
    NOT_SENT,
    OPERATOR,
    TIMEOUT,
    TOO_MANY,
    Desk,
    answer,
    judge,
    make_job,
    refuse,
    say,
)

BATCH = [
    make_job(1, rewards=(1001, 1002)),
    make_job(2, quantity=2),
    make_job(3, rewards=(1001, 1002, 1003), quantity=2),
]
# More examples find more: 1,000 take minutes.
_KEPT = {"secrets", "audit_log", "audit_head", "dead_letter_groups"}
"""Tables that stay as they are: the audit log can only grow, with the deployment's secret, and
the process remembers the groups that it knows."""
MOST_EXAMPLES = int(os.environ.get("ISSUANCE_TEST_EXAMPLES", "40"))
IMPATIENT = RetryPolicy(max_attempts=2)
CODES = st.sampled_from([200, 200, 10004, 8010, 1014, 500])
WHOLE = st.sampled_from(
    [
        TIMEOUT,
        NOT_SENT,
        TOO_MANY,
        Answer(403, b""),
        *(refuse(code) for code in (1014, 10003, 10004, 12005, 98765)),
    ]
)


@st.composite
def replies(draw):
    """Make a function from a job to a reply: for the whole call, or line by line with vouchers."""
    if draw(st.integers(0, 3)) == 3:
        whole = draw(WHOLE)
        return lambda _: whole
    codes = draw(st.lists(CODES, min_size=3, max_size=3))
    units = draw(st.lists(st.sampled_from([None, 0, 1, 3]), min_size=3, max_size=3))
    vouchers = draw(
        st.lists(st.lists(st.sampled_from("ABCDE"), max_size=2), min_size=3, max_size=3)
    )

    def reply(job):
        parts = zip(job.lines, codes, units, vouchers, strict=False)
        return answer(
            *(say(line, code, units=count, vouchers=shown) for line, code, count, shown in parts)
        )

    return reply


WHICH = st.integers(0, 999)
_LATER = datetime.now(UTC) + timedelta(hours=10)
CLOSED = (f"{_LATER:%H:%M}-{_LATER + timedelta(hours=2):%H:%M}", "cannot be read")


class Campaign(RuleBasedStateMachine):
    """A desk whose chunks, claims and results can be used at any later time, even twice."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        with ledger.write() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name in _KEPT:
                    continue
                connection.execute(table.delete())
        self.desk = Desk(ledger, ensure_campaign(ledger, "diwali"))
        self.chunks, self.claims, self.results = [], [], []
        self.before, self.jobs_before = {}, {}
        self.redriven = set()
        self.window = None

    @initialize()
    def begin(self):
        self.desk.accept(*BATCH[:2])

    @rule(job=st.sampled_from(BATCH))
    def accept(self, job):
        if find_campaign(self.desk.ledger, "diwali").state != "cancelled":
            self.desk.accept(job)

    @rule(chunk_size=st.integers(1, 3))
    def release(self, chunk_size):
        self.desk.make_due()
        self.chunks += self.desk.release(chunk_size=chunk_size)

    @rule(which=WHICH, orphaned=st.booleans())
    def claim_an_old_or_new_message(self, which, orphaned):
        if self.chunks:
            self._claim(self.chunks[which % len(self.chunks)], orphaned=orphaned)

    @rule()
    def claim_all_there_is(self):
        self.release(2)
        for chunk in self.chunks[-3:]:
            self._claim(chunk)

    @rule(
        window=st.sampled_from([None, None, None, "mon-sun 00:00-24:00", *CLOSED]),
        rate=st.sampled_from([None, None, None, 1, 600]),
    )
    def bound(self, window, rate):
        """Change the campaign's window and rate."""
        self.window = window
        with self.desk.ledger.write() as connection:
            connection.execute(update(campaigns).values(window=window, rate_per_minute=rate))

    def _claim(self, chunk, *, orphaned=False):
        held = self.desk.claim(chunk, orphaned=orphaned)
        if self.window in CLOSED:
            # What a dead worker held is taken over, but may not be called.
            assert orphaned or not held.jobs
            assert not held.jobs or held.closes_at <= time.monotonic()
        if held.jobs:
            self.claims.append(held)

    @rule(reply=replies(), patient=st.booleans())
    def record_the_newest(self, reply, patient):
        self.claim_all_there_is()
        self._record(self.claims[-1:], reply, patient)

    @rule(which=WHICH, reply=replies(), patient=st.booleans())
    def record_late(self, which, reply, patient):
        self._record(
            self.claims[which % len(self.claims) :][:1] if self.claims else [], reply, patient
        )

    def _record(self, claims, reply, patient):
        for held in claims:
            group = [
                judge(job, reply(job), policy=None if patient else IMPATIENT) for job in held.jobs
            ]
            self.desk.record(held, *group)
            self.results.append((held, *group))

    @rule(which=WHICH)
    def record_again(self, which):
        if self.results:
            self.desk.record(*self.results[which % len(self.results)])

    @rule(which=WHICH)
    def give_back(self, which):
        if self.claims:
            self.desk.give_back(self.claims[which % len(self.claims)])

    @rule(which=WHICH)
    def fail_to_publish(self, which):
        if self.chunks:
            unqueue(self.desk.ledger, [self.chunks[which % len(self.chunks)]])

    @rule()
    def lose_messages_and_workers(self):
        self.desk.lapse()
        reap(self.desk.ledger)

    @rule(verb=st.sampled_from(Verb))
    def redrive(self, verb):
        known = {line.request_id: line for line in outcomes(self.desk.ledger, self.desk.campaign)}
        letters = {letter.id: letter.job_id for letter in self.desk.letters(state="open")}
        result = self.desk.redrive(verb)
        if find_campaign(self.desk.ledger, "diwali").state == "paused":
            assert not result.done  # its letters wait
        else:
            assert set(result.done) | set(result.refused) == set(letters)
        self.redriven = (
            {letters[letter_id] for letter_id in result.done} if verb is Verb.RESEND else set()
        )
        for letter_id in result.reissued:
            refused = [line for line in known.values() if line.job_id == letters[letter_id]]
            assert any(line.state is State.FAILED for line in refused)
            assert not any(
                line.vouchers or line.quantity for line in refused if line.state is State.FAILED
            )

    @rule(what=st.sampled_from(["discard", "pause", "cancel", *["resume"] * 17]))
    def interfere(self, what):
        """Choose an action; resuming is likelier, because after the others little else happens."""
        state = find_campaign(self.desk.ledger, "diwali").state
        if what == "discard":
            self.desk.discard()
        elif what == "cancel":
            cancel_campaign(self.desk.ledger, "diwali", OPERATOR)
        elif what == "pause" and state in ("running", "paused"):
            pause_campaign(self.desk.ledger, "diwali", OPERATOR)
        elif what == "resume" and state == "paused":
            resume_campaign(self.desk.ledger, "diwali", OPERATOR)
        settle_cancelled(self.desk.ledger)

    @invariant()
    def the_books_balance(self):
        before = balance(self.desk.ledger, "diwali")
        counted = recount(self.desk.ledger, "diwali")
        after = balance(self.desk.ledger, "diwali")
        assert before.balanced
        assert counted in (before, after)  # a job may become due between two reads

    @invariant()
    def states_go_forward_and_vouchers_only_grow(self):
        now = {line.request_id: line for line in outcomes(self.desk.ledger, self.desk.campaign)}
        for request_id, old in self.before.items():
            new = now[request_id]
            assert set(old.vouchers) <= set(new.vouchers)
            assert (new.quantity or 0) >= (old.quantity or 0)
            sent_again = old.job_id in self.redriven and old.state is not State.ISSUED
            replaced = (old.state, new.state) == (State.FAILED, State.REPLACED)
            goes_forward = replaced or may_replace(old.state, new.state)
            assert new.state is old.state or sent_again or goes_forward, (
                old,
                new,
            )
        self.before = now
        self._hold_jobs_against_earlier()

    def _hold_jobs_against_earlier(self):
        with self.desk.ledger.read() as connection:
            now = {
                row.id: State(row.state)
                for row in connection.execute(select(jobs.c.id, jobs.c.state))
            }
        for job_id, old in self.jobs_before.items():
            new = now[job_id]
            assert new is old or job_id in self.redriven or may_replace(old, new), (
                job_id,
                old,
                new,
            )
        self.jobs_before, self.redriven = now, set()

    @invariant()
    def a_job_is_settled_when_its_lines_are(self):
        states = Counter()
        for line in outcomes(self.desk.ledger, self.desk.campaign):
            states[line.job_id, line.state if line.state in SETTLED else State.WAITING] += 1
        with self.desk.ledger.read() as connection:
            for row in connection.execute(select(jobs)):
                of_job = {
                    state: count for (job_id, state), count in states.items() if job_id == row.id
                }
                assert row.open_lines == of_job.get(State.WAITING, 0)
                assert (row.state in SETTLED) == (row.open_lines == 0)
                assert (row.state == State.ISSUED) == (set(of_job) == {State.ISSUED})
                assert (row.lease_until is None) == (row.state not in (State.QUEUED, State.RUNNING))

    @invariant()
    def a_letter_is_open_only_for_a_settled_job_that_did_not_come_out_right(self):
        letters = self.desk.letters()
        assert len(letters) == len({letter.job_id for letter in letters})
        by_job = {letter.job_id: letter for letter in letters}
        with self.desk.ledger.read() as connection:
            for row in connection.execute(select(jobs.c.id, jobs.c.state)):
                letter = by_job.get(row.id)
                if letter is not None and letter.state == "open":
                    assert row.state in (State.PARTIAL, State.FAILED, State.IN_DOUBT)
                if row.state in (State.PARTIAL, State.FAILED, State.IN_DOUBT):
                    assert letter is not None
                    assert letter.state in ("open", "discarded") or letter.reissued_as is not None


@pytest.mark.rest
@pytest.mark.timeout(600)
def test_any_order_of_events_keeps_the_ledger_consistent(sqlite_template, tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(sqlite_template.read_bytes())
    with Ledger(f"sqlite:///{path}", durable=False) as ledger:
        run_state_machine_as_test(
            lambda: Campaign(ledger),
            settings=settings(
                max_examples=MOST_EXAMPLES,
                stateful_step_count=50,
                deadline=None,
                # Shrinking a failure would exceed the test's timeout; fifty steps are readable.
                phases=(Phase.reuse, Phase.generate),
                suppress_health_check=list(HealthCheck),
            ),
        )
