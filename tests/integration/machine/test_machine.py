"""One job under replies, losses, redeliveries, late results, reads and redrives in any order."""

import os
from collections import Counter
from itertools import product

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from issuance.customer import Customer
from issuance.endpoint import Variant
from issuance.job import Job, Lane, Line, freeze_body
from issuance.redrive.rules import Verb
from issuance.states import OPEN, SETTLED, State, may_replace
from ledger.campaigns import ensure_campaign
from ledger.dispatch.reaper import reap
from ledger.queries.outcomes import outcomes
from ledger.store.database import Ledger
from ledger.store.schema import metadata
from simulator.switches import Switches
from tests.contract.ledger.build import Desk
from tests.integration.machine.api import LAG_SECONDS, MOBILE, ORG, POLICY, Api

# 2,000 examples take minutes and find more.
MOST_EXAMPLES = int(os.environ.get("ISSUANCE_TEST_EXAMPLES", "60"))
CUSTOMER = Customer("mobile", MOBILE)
POINTS = 15  # enough for one unit of 1002 and not for two
# The demo catalogue's rules that can refuse or reduce; rewards that issue come more often.
REWARDS = st.sampled_from([1001, 1001, 1002, 1003, 1004, 1005, 1006, 1006, 1007, 1010, 1013, 1017])

LOSSES = (
    {"kind": "timeout_after_commit", "hold_seconds": 0},
    *(
        {"kind": kind}
        for kind in (
            "reset_after_commit",
            "504_html_after_commit",
            "truncated_json_after_commit",
            "empty_200_after_commit",
            "array_after_commit",
            "not_utf8_after_commit",
            "duplicate_keys_after_commit",
        )
    ),
)
NEVER_PROCESSED = (
    *(
        {"kind": kind}
        for kind in ("reset_before", "502_html", "503", "empty_200", "521", "429", "401")
    ),
    *({"kind": "code", "code": code} for code in (10004, 10003, 400, 3004, 77001, 500)),
    {"kind": "code", "code": 400, "message": "Duplicate requestId"},
    {"kind": "code", "code": 8004, "message": "issue failed"},
)
OUTCOMES = (
    {"kind": "outcome", "code": 8010, "units": 1},
    *({"kind": "outcome", "code": code} for code in (8003, 8004, 12005, 1010, 77001)),
    {"kind": "outcome", "code": 8003, "message": "fail to issue reward as voucher is not present"},
)
FAULTS = st.one_of(
    st.none(), st.sampled_from(LOSSES), st.sampled_from(NEVER_PROCESSED), st.sampled_from(OUTCOMES)
)
READ_PATHS = ("/lookup", "/issuals", "/reward-transactions")
READ_FAULTS = st.sampled_from([*product(READ_PATHS, ("503", "502_html", "empty_200"))])

SWITCHES = st.builds(
    Switches,
    http_mode=st.sampled_from(["always_200", "openapi_400"]),
    completed_replay=st.sampled_from(["original", "duplicate_400", "original_without_vouchers"]),
    failed_replay=st.sampled_from(["duplicate_400", "stored_failure", "reprocess"]),
    replay_quantity=st.sampled_from(["cumulative", "delta"]),
    toplevel_anomaly=st.sampled_from(
        [
            "off",
            "off",
            "issued_as_partial",
            "partial_as_issued",
            "quantity_overstated",
            "transaction_shared",
        ]
    ),
    reversed_voucher=st.sampled_from(["hidden", "shown"]),
    read_lag_seconds=st.sampled_from([0.0, LAG_SECONDS]),
    untidiness=st.sampled_from([0.0, 0.2]),
    untidiness_seed=st.integers(0, 3),
)


@st.composite
def jobs(draw):
    variant = draw(st.sampled_from(Variant))
    rewards = (
        [draw(REWARDS)]
        if variant.endpoint.max_lines == 1
        else draw(st.lists(REWARDS, min_size=1, max_size=3, unique=True))
    )
    lines = tuple(
        Line(
            request_id=f"0000000{place}-0000-4000-8000-000000000000",
            reward_id=reward,
            quantity=variant.endpoint.units(draw(st.integers(1, 3))),
            org_id=ORG,
        )
        for place, reward in enumerate(rewards)
    )
    body = freeze_body(variant, CUSTOMER, lines, brand="DEMO", email_key="email")
    return Job(CUSTOMER, lines, variant, body, Lane.BLAST, source_line=1)


_KEPT = {"secrets", "audit_log", "audit_head", "dead_letter_groups"}
"""What no ledger loses."""


class OneJob(RuleBasedStateMachine):
    """What a worker, an operator and a marketer can do to one job and its reissues."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        with ledger.write() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in _KEPT:
                    connection.execute(table.delete())
        self.desk = Desk(ledger, ensure_campaign(ledger, "diwali"))
        self.made = []
        self.before, self.resent, self.reissues = {}, set(), {}

    @initialize(switches=SWITCHES, job=jobs())
    def begin(self, switches, job):
        self.job = job
        self.api = Api(switches)
        self.api.world.put_customer({"customer_id": 9, "mobile": MOBILE, "points": POINTS})
        self.desk.accept(job)

    # The worker

    def _attempt(self, *, record=True):
        """Release and claim the waiting jobs and make one attempt for each."""
        self.desk.make_due()
        for chunk in self.desk.release(chunk_size=1):
            self._work(chunk, orphaned=False, record=record)

    def _work(self, chunk, *, orphaned, record):
        held = self.desk.claim(chunk, orphaned=orphaned)
        for job in held.jobs:
            if job.empty_reads + 1 == len(POLICY.reconcile_delays_seconds):
                # The last read relies on delays that are longer than the API's lag.
                self.api.let_reads_catch_up()
            attempt = self.api.attempt(held, job)
            self.made.append((chunk, held, attempt))
            if record:
                self.desk.record(held, attempt)

    @rule(fault=FAULTS, record=st.sampled_from([True, True, True, False]))
    def call(self, fault, record):
        """Make one attempt; if it is not recorded, its worker is slow or dead."""
        if fault is not None:
            self.api.plan(fault)
        self._attempt(record=record)
        self.api.world.faults.clear()

    @rule(fault=READ_FAULTS)
    def read_in_vain(self, fault):
        path, kind = fault
        self.api.plan(kind, path=path)
        self._attempt()
        self.api.world.faults.clear()

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 20))
    def record_late(self, which):
        """Record a result late or a second time."""
        _, held, attempt = self.made[which % len(self.made)]
        self.desk.record(held, attempt)

    @precondition(lambda self: self.made)
    @rule(which=st.integers(0, 20))
    def deliver_again(self, which):
        self._work(self.made[which % len(self.made)][0], orphaned=True, record=True)

    @rule()
    def lose_the_worker(self):
        self.desk.lapse()
        reap(self.desk.ledger)

    @rule()
    def let_reads_catch_up(self):
        self.api.let_reads_catch_up()

    # People

    @rule(reward=st.sampled_from([1005, 1006, 1007, 1013, "points"]))
    def mend(self, reward):
        world = self.api.world
        if reward == "points":
            world.account().directory.find(("mobile", MOBILE)).points += 100
        else:
            changes = {
                1005: {"enabled": True},
                1006: {"customer_limit": None},
                1007: {"segments": []},
            }
            world.change_reward(reward, changes.get(reward, {"vendor_gives_voucher": True}))

    @rule()
    def resend(self):
        letters = {letter.id: letter.job_id for letter in self.desk.letters(state="open")}
        self.resent = {letters[done] for done in self.desk.redrive(Verb.RESEND).done}

    @rule()
    def reissue(self):
        known = self._known()
        letters = {letter.id: letter.job_id for letter in self.desk.letters(state="open")}
        done = self.desk.redrive(Verb.REISSUE).reissued
        for letter_id in done:
            of_job = [line for line in known.values() if line.job_id == letters[letter_id]]
            refused = [line for line in of_job if line.state is State.FAILED]
            assert refused
            # A new requestId needs a definite refusal: the old one must never issue anything.
            for line in refused:
                self.reissues[line.request_id] = line
                assert self._issued(line.request_id) == 0

    # Invariants

    def _known(self):
        return {line.request_id: line for line in outcomes(self.desk.ledger, self.desk.campaign)}

    def _issued(self, request_id):
        return self.api.truth.get(request_id, {"issued": 0})["issued"]

    @invariant()
    def nothing_is_issued_twice(self):
        known, units = self._known(), Counter()
        for request_id, entry in self.api.truth.items():
            assert entry["issued"] <= known[request_id].requested_quantity
            assert entry["pointsCharged"] == entry["issued"] * {1002: 10, 1017: 10}.get(
                known[request_id].reward_id, 0
            )
            units[known[request_id].reward_id] += entry["issued"]
        wanted = Counter()
        for line in self.job.lines:
            wanted[line.reward_id] += line.quantity
        assert units <= wanted
        assert [request_id for request_id in self.reissues if self._issued(request_id)] == []

    @invariant()
    def only_operators_create_request_ids(self):
        jobs = {line.job_id for line in self._known().values()}
        assert len(jobs) == 1 + len({letter.reissued_as for letter in self.desk.letters()} - {None})

    @invariant()
    def states_only_advance_and_known_facts_stay(self):
        now = self._known()
        for request_id, old in self.before.items():
            new = now[request_id]
            for field in ("vouchers", "transaction_ids", "points_references"):
                assert set(getattr(old, field)) <= set(getattr(new, field))
            assert (new.quantity or 0) >= (old.quantity or 0)
            again = old.job_id in self.resent and old.state is not State.ISSUED
            assert (
                new.state is old.state
                or again
                or may_replace(old.state, new.state)
                or self._is_reissue(old, new)
            ), (old, new)
        self.before, self.resent = now, set()

    def _is_reissue(self, old, new):
        """Whether a refused line became a replaced one because it was reissued."""
        states = (old.state, new.state)
        return states == (State.FAILED, State.REPLACED) and old.request_id in self.reissues

    @invariant()
    def a_settled_line_states_the_truth(self):
        """A settled line never reports fewer or more units than were issued."""
        for line in self._known().values():
            self._check_truth(line)

    def _check_truth(self, line):
        if line.state is State.ISSUED:
            assert self._issued(line.request_id) == line.requested_quantity, line
        if line.state in (State.FAILED, State.REPLACED):
            assert self._issued(line.request_id) == 0, line

    # The end

    def teardown(self):
        if hasattr(self, "api"):
            try:
                self._end()
            finally:
                self.api.close()

    def _end(self):
        """After all faults end and all allowed resends and reads are made, the ledger is true."""
        self.api.end_all_faults()
        self.lose_the_worker()
        self._settle()
        self.resend()
        self._settle()
        self._compare()

    def _settle(self):
        for _ in range(20):
            if all(line.state in SETTLED for line in self._known().values()):
                return
            self._attempt()
        raise AssertionError([line for line in self._known().values() if line.state in OPEN])

    def _compare(self):
        for line in self._known().values():
            entry = self.api.truth.get(line.request_id)
            issued = entry["issued"] if entry else 0
            if line.state is State.IN_DOUBT:
                assert not self._can_be_read(line), line
                continue
            states = {line.requested_quantity: State.ISSUED, 0: State.FAILED}
            state = State.FAILED if line.state is State.REPLACED else line.state
            assert state is states.get(issued, State.PARTIAL), (line, entry)
            if entry:
                taken_back = set(entry["reversedVouchers"]) - set(entry["vouchers"])
                assert set(line.vouchers) - taken_back == set(entry["vouchers"]), (line, entry)
                assert (line.quantity or 0) == issued, (line, entry)

    def _can_be_read(self, line):
        """Whether the API has a transaction with the outcome of the line."""
        found = self.api.world.account().directory.find(("mobile", MOBILE))
        own = self.api.world.account().journal.of_customer(found.customer_id)
        return any(
            entry.reference == line.job_id and entry.reward_id == line.reward_id for entry in own
        )


@pytest.mark.rest
def test_one_job_ends_in_its_true_state_in_any_order_of_events(ledger):
    run_state_machine_as_test(
        lambda: OneJob(ledger),
        settings=settings(
            max_examples=MOST_EXAMPLES,
            stateful_step_count=15,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
