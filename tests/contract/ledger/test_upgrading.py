"""Upgrading: a ledger of the first schema, with jobs in every state, works after migration."""

from contextlib import suppress

import pytest
from alembic import command
from sqlalchemy import inspect, select, text

from issuance.redrive.rules import Verb
from issuance.states import State
from ledger.audit_log import actions_on, migration_record
from ledger.campaigns import find_campaign
from ledger.dispatch.reaper import reap
from ledger.queries.audit_verification import verify_audit_log
from ledger.queries.balance import balance, recount
from ledger.queries.counters import Tally, reward_counts
from ledger.queries.org_balance import org_balances
from ledger.queries.outcomes import find_line
from ledger.store.database import Ledger
from ledger.store.errors import SchemaMismatchError
from ledger.store.migration import configuration
from ledger.store.schema import REVISION, dead_letters
from tests.contract.ledger.build import OPERATOR, Desk, issue, judge, make_job
from tests.postgres import postgres_database

_FIRST = "0001"
# One job for each state; the running one was claimed when everything was stopped.
_STATES = ("waiting", "queued", "running", "issued", "failed", "in_doubt")
_OPEN = ("waiting", "queued", "running")


@pytest.fixture(params=["sqlite", "postgresql"])
def old(request, tmp_path):
    """Make a ledger of the first schema in mid-campaign."""
    if request.param == "sqlite":
        with Ledger(f"sqlite:///{tmp_path / 'old.db'}") as ledger:
            yield _fill(ledger)
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url, Ledger(url) as ledger:
        yield _fill(ledger)


def _fill(ledger):
    """Write rows as the first version did: in SQL, because columns have changed since."""
    with ledger.write() as connection:
        command.upgrade(configuration(connection), _FIRST)
        connection.execute(
            text(
                "INSERT INTO campaigns "
                "(id, name, state, defers_limits, accepted_lines, created_at) "
                "VALUES (1, 'diwali', 'running', :no, :count, 1)"
            ),
            {"no": False, "count": len(_STATES)},
        )
        for number, state in enumerate(_STATES, start=1):
            _insert(connection, number, state)
        if ledger.dialect.name == "postgresql":
            connection.execute(text("SELECT setval('job_numbers', :last)"), {"last": len(_STATES)})
    return ledger


def _insert(connection, number, state):
    job = make_job(number)
    is_open = state in _OPEN
    values = {
        "number": number,
        "id": job.id,
        "customer": str(job.customer),
        "body": job.body,
        "state": state,
        "open_lines": int(is_open),
        "lease": 1 if state in ("queued", "running") else None,
        "line_state": "waiting" if is_open else state,
        "attempts": 0 if is_open else 1,
        "doubt": state == "in_doubt",
        "no": False,
        "settled_at": None if is_open else 5,
    }
    connection.execute(
        text(
            "INSERT INTO jobs "
            "(number, id, campaign_id, source_line, lane, customer, variant, body, occurrence, "
            "generation, state, open_lines, due_at, lease_until, claims, attempts, "
            "budget_attempts, may_have_reached, limit_deferrals, redrives, accepted_at, "
            "settled_at) "
            "VALUES (:number, :id, 1, 1, 'blast', :customer, 'bulk', :body, "
            "1, 1, :state, :open_lines, 1, :lease, 0, :attempts, :attempts, :doubt, 0, 0, 1, "
            ":settled_at)"
        ),
        values,
    )
    connection.execute(
        text(
            "INSERT INTO lines (job_number, position, request_id, campaign_id, reward_id, state, "
            "requested_quantity, "
            "settled_at) VALUES (:number, 0, :id, 1, 1001, :line_state, 1, :settled_at)"
        ),
        values,
    )
    if not is_open:
        connection.execute(
            text(
                "INSERT INTO attempts "
                "(job_number, number, started_at, took_ms, kind, decision, worker) "
                "VALUES (:number, 1, 2, 40, :state, 'settle', 'w-0')"
            ),
            values,
        )
    if state in ("failed", "in_doubt"):
        connection.execute(
            text(
                "INSERT INTO dead_letters "
                "(job_number, campaign_id, state, reason, message, openings, opened_at, "
                "changed_at) VALUES (:number, 1, 'open', :state, 'long ago', 1, 5, 5)"
            ),
            values,
        )


def test_before_the_migration_a_program_refuses_and_says_what_to_do(old):
    with pytest.raises(
        SchemaMismatchError, match=r"schema is 0001, .* make a backup, run `issuance migrate`"
    ):
        old.check_schema()


def test_every_row_of_the_first_schema_is_kept_and_the_balance_adds_up(old):
    old.migrate()
    old.check_schema()
    found = balance(old, "diwali")
    assert (found.balanced, found.open_dead_letters) == (True, 2)
    assert found.campaign.weight == 1
    assert found == recount(old, "diwali")
    assert found.counts == dict.fromkeys(State, 0) | {State(state): 1 for state in _STATES}


def test_old_jobs_continue_and_new_ones_are_accepted(old):
    old.migrate()
    desk = Desk(old, find_campaign(old, "diwali"))
    reap(old)  # what was queued and claimed, long ago
    desk.accept(make_job(7))
    assert len(desk.accept(make_job(1)).known) == 1
    desk.redrive(Verb.RESEND, reason="in_doubt")
    desk.redrive(Verb.REISSUE, reason="failed")
    held = desk.take()
    assert len(held.jobs) == 6
    desk.record(held, *(judge(job, issue(job)) for job in held.jobs))
    assert desk.counts() == {State.ISSUED: 7, State.REPLACED: 1}
    assert balance(old, "diwali") == recount(old, "diwali")
    assert {letter.state for letter in desk.letters()} == {"closed"}


def test_columns_that_are_renamed_keep_their_values(old):
    with old.write() as connection:
        command.upgrade(configuration(connection), "0009")
        connection.execute(
            text("UPDATE jobs SET look_up = 'in_doubt', empty_looks = 2 WHERE state = 'waiting'")
        )
        connection.execute(text("UPDATE dead_letters SET noticed_at = 7 WHERE reason = 'failed'"))
    old.migrate()
    held = Desk(old, find_campaign(old, "diwali")).take()
    assert [(job.fallback, job.empty_reads) for job in held.jobs] == [(State.IN_DOUBT, 2)]
    with old.read() as connection:
        published = select(dead_letters.c.reason).where(dead_letters.c.published_at == 7)
        assert connection.scalars(published).all() == ["failed"]


def test_sums_and_organisations_are_counted_for_lines_of_an_older_ledger(old):
    with old.write() as connection:
        command.upgrade(configuration(connection), "0011")
        connection.execute(
            text("UPDATE lines SET quantity = 3, org_id = 50000 WHERE state = 'issued'")
        )
        connection.execute(text("UPDATE campaigns SET accepted_lines = accepted_lines + 4"))
        connection.execute(
            text(
                "INSERT INTO pruned_lines (campaign_id, state, line_count) VALUES (1, 'issued', 4)"
            )
        )
    old.migrate()
    found = balance(old, "diwali")
    assert (found.balanced, found.units, found.points, found.pruned) == (True, 3, 0, 4)
    assert found == recount(old, "diwali")
    with old.read() as connection:
        counted = reward_counts(connection, 1)
    assert counted["1001", State.ISSUED] == Tally(lines=1, units=3)
    assert counted["", State.ISSUED] == Tally(lines=4)
    campaign = find_campaign(old, "diwali")
    orgs = org_balances(old, campaign)
    assert [(org.org_id, org.accepted, org.units, org.balanced) for org in orgs] == [
        (50_000, 1, 3, True),
        (None, 9, 0, True),
    ]
    with old.write() as connection:
        connection.execute(text("UPDATE lines SET points = 1500 WHERE state = 'issued'"))
    assert balance(old, "diwali").points == 1_500


def test_lines_that_were_revoked_before_leave_the_sums(old):
    issued, failed = make_job(4).id, make_job(5).id
    with old.write() as connection:
        command.upgrade(configuration(connection), "0013")
        connection.execute(text("UPDATE lines SET quantity = 3 WHERE state = 'issued'"))
        for number, (verb, target) in enumerate(
            [("revoke", issued), ("revoked", issued), ("revoked", failed)], start=1
        ):
            connection.execute(
                text(
                    "INSERT INTO actions (id, at, operator, verb, target, note) "
                    "VALUES (:number, 4000, 'asha', :verb, :target, 'wrong blast')"
                ),
                {"number": number, "verb": verb, "target": f"line:{target}"},
            )
    old.migrate()
    found = balance(old, "diwali")
    assert (found.units, found.balanced) == (0, True)
    assert (found.counts[State.REVOKED], found.counts[State.ISSUED]) == (1, 0)
    assert found.counts[State.FAILED] == 1
    assert found == recount(old, "diwali")
    line = find_line(old, issued)
    assert (line.state, line.quantity, line.revoked_at.timestamp()) == (State.REVOKED, 3, 4)


def test_an_interrupted_migration_changes_nothing(old):
    with suppress(KeyboardInterrupt), old.write() as connection:
        command.upgrade(configuration(connection), "head")
        raise KeyboardInterrupt
    with pytest.raises(SchemaMismatchError, match="schema is 0001"):
        old.check_schema()
    old.migrate()
    assert balance(old, "diwali").balanced


@pytest.mark.parametrize("revision", ["0012", "0013"])
def test_older_actions_are_chained_in_their_order_and_marked_as_migrated(old, revision):
    with old.write() as connection:
        command.upgrade(configuration(connection), revision)
        connection.execute(
            text(
                "INSERT INTO actions (id, at, operator, verb, target, note) VALUES "
                "(4, 4000, 'asha', 'pause', 'campaign:diwali', 'ticket 42'), "
                "(9, 9000, 'ravi', 'redrive', 'letter:1', 'for +91 98000 00001')"
            )
        )
    old.migrate(migration_record(OPERATOR))
    (paused,) = actions_on(old, "campaign:diwali")
    (redriven,) = actions_on(old, "letter:1")
    assert (paused.id, paused.subject, paused.verb, paused.reason) == (
        1,
        "asha",
        "pause",
        "ticket 42",
    )
    assert (paused.at.timestamp(), paused.way, paused.uid) == (4, "migrated", None)
    assert (redriven.id, redriven.reason) == (2, "for [number]")
    (migrated,) = actions_on(old, "ledger")
    assert (migrated.id, migrated.before, migrated.after) == (3, revision, REVISION)
    found = verify_audit_log(old)
    assert (found.entries, found.flaw) == (3, None)
    with old.read() as connection:
        assert "actions" not in inspect(connection).get_table_names()


def test_older_actions_are_chained_with_a_secret_that_moves_to_a_file(old):
    with old.write() as connection:
        command.upgrade(configuration(connection), "0013")
        own = bytes(connection.scalar(text("SELECT value FROM secrets")))
        connection.execute(
            text(
                "INSERT INTO actions (id, at, operator, verb, target, note) "
                "VALUES (1, 4000, 'asha', 'pause', 'campaign:diwali', '')"
            )
        )
    with Ledger(old.engine.url.set(drivername=old.dialect.name), secret=own) as opened:
        opened.migrate()
        opened.check_schema()
        found = verify_audit_log(opened)
        assert (found.entries, found.flaw) == (1, None)
        with opened.read() as connection:
            assert connection.scalar(text("SELECT value FROM secrets")) is None
