"""The audit log: entries are only added, each is chained, and any change of them is found."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.audit_chain import GENESIS, Content, entry_mac, head_seal
from ledger.audit_log import (
    CHAIN_BROKEN,
    Operator,
    actions_on,
    migration_record,
    record_action,
    record_actions,
)
from ledger.campaigns import CampaignError, ensure_campaign, pause_campaign, weigh_campaign
from ledger.intake.acceptance import close_intake, open_intake
from ledger.queries.audit_entries import AuditFilter, read_audit_page
from ledger.queries.audit_verification import Flaw, NotedHead, verify_audit_log
from ledger.store.database import Ledger
from ledger.store.secret import SecretError
from tests.contract.ledger.build import OPERATOR, make_jobs

ASHA = Operator("asha", "ticket 42", uid=1001, host="desk-1", way="web", claimed="Asha K.")


@pytest.fixture
def log(ledger):
    """A log with five entries."""
    for number in range(1, 6):
        _record(ledger, f"campaign:c{number}", verb="pause", before="running", after="paused")
    return ledger


def _record(ledger, target="campaign:c", *, operator=ASHA, verb="pause", **change):
    with ledger.write() as connection:
        record_action(connection, operator, verb=verb, target=target, **change)


def _tamper(ledger, *statements):
    """Change the log as the owner of the database can, without the key."""
    with ledger.write() as connection:
        if ledger.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            for change in ("update", "delete", "replace"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS audit_log_no_{change}"))
        for statement in statements:
            connection.execute(text(statement))


def _broken(ledger, noted=None):
    found = verify_audit_log(ledger, noted)
    return found.broken_id, found.flaw


def test_an_entry_says_who_did_what_from_where_and_how(ledger):
    _record(ledger, before="running", after="paused")
    (entry,) = actions_on(ledger, "campaign:c")
    assert (entry.id, entry.subject, entry.uid, entry.host) == (1, "asha", 1001, "desk-1")
    assert (entry.way, entry.claimed, entry.verb) == ("web", "Asha K.", "pause")
    assert (entry.before, entry.after, entry.reason) == ("running", "paused", "ticket 42")


def test_identifiers_in_a_reason_are_masked_and_tickets_stay(ledger):
    note = "INC-4711: asked by asha@example.com and +91 98000 00001\x1b[2J"
    _record(ledger, operator=Operator("asha", note))
    (entry,) = actions_on(ledger, "campaign:c")
    assert entry.reason == r"INC-4711: asked by [email] and [number]\u001b[2J"
    assert verify_audit_log(ledger).flaw is None


def test_an_unbroken_log_is_verified_with_its_head(log):
    found = verify_audit_log(log)
    assert (found.entries, found.broken_id, found.flaw) == (5, None, None)
    assert NotedHead.parse(str(found.head)) == found.head
    assert _broken(log, found.head) == (None, None)


def test_an_empty_log_is_unbroken(ledger):
    found = verify_audit_log(ledger)
    assert (found.entries, found.flaw) == (0, None)


@pytest.mark.parametrize(
    "column", ["at", "subject", "host", "way", "claimed", "verb", "target", "before", "after"]
)
def test_a_changed_entry_is_found(log, column):
    value = "7" if column == "at" else "'x'"
    _tamper(log, f'UPDATE audit_log SET "{column}" = {value} WHERE id = 3')
    assert _broken(log) == (3, Flaw.CHANGED)
    assert verify_audit_log(log).entries == 2


def test_text_that_moves_from_one_column_to_the_next_is_found(log):
    _tamper(log, "UPDATE audit_log SET before = 'runningpau', after = 'sed' WHERE id = 3")
    assert _broken(log) == (3, Flaw.CHANGED)


def test_a_changed_mac_is_found(log):
    _tamper(log, "UPDATE audit_log SET mac = (SELECT mac FROM audit_log WHERE id = 1) WHERE id = 3")
    assert _broken(log) == (3, Flaw.CHANGED)


def test_a_removed_entry_is_found(log):
    _tamper(log, "DELETE FROM audit_log WHERE id = 3")
    assert _broken(log) == (3, Flaw.MISSING)
    _tamper(log, "UPDATE audit_log SET id = id - 1 WHERE id > 3")
    assert _broken(log) == (3, Flaw.CHANGED)


def test_a_removed_beginning_is_found(log):
    _tamper(log, "DELETE FROM audit_log WHERE id < 3")
    assert _broken(log) == (1, Flaw.MISSING)


def test_an_inserted_entry_is_found(log):
    copied = 'at, subject, uid, host, way, claimed, verb, target, "before", "after", reason, mac'
    _tamper(
        log,
        "UPDATE audit_log SET id = id + 100 WHERE id > 3",
        f"INSERT INTO audit_log (id, {copied}) SELECT 4, {copied} FROM audit_log WHERE id = 2",
        "UPDATE audit_log SET id = id - 99 WHERE id > 100",
    )
    assert _broken(log) == (4, Flaw.MISPLACED)


def test_an_entry_appended_without_the_key_is_found(log):
    copied = 'at, subject, uid, host, way, claimed, verb, target, "before", "after", reason, mac'
    _tamper(
        log,
        f"INSERT INTO audit_log (id, {copied}) SELECT 6, {copied} FROM audit_log WHERE id = 5",
        "UPDATE audit_head SET entries = 6",
    )
    assert _broken(log) == (6, Flaw.MISPLACED)


def test_swapped_entries_are_found(log):
    _tamper(
        log,
        "UPDATE audit_log SET id = 100 WHERE id = 2",
        "UPDATE audit_log SET id = 2 WHERE id = 4",
        "UPDATE audit_log SET id = 4 WHERE id = 100",
    )
    found = verify_audit_log(log)
    assert (found.broken_id, found.flaw) == (2, Flaw.MISPLACED)
    assert found.problem == "it is entry 4 in the place of entry 2"


def test_a_log_under_another_secret_is_broken_from_the_start(log):
    other = bytes(32)
    with log.read() as connection:
        rows = connection.execute(text("SELECT * FROM audit_log ORDER BY id")).all()
    forged = entry_mac(other, GENESIS, tuple(rows[0])[: len(Content._fields)])
    assert forged != bytes(rows[0].mac)
    _tamper(log, f"UPDATE audit_log SET mac = {_hex(log, forged)} WHERE id = 1")
    assert _broken(log) == (1, Flaw.CHANGED)


def _hex(ledger, value):
    literal = f"'{value.hex()}'"
    return f"decode({literal}, 'hex')" if ledger.dialect.name == "postgresql" else f"x{literal}"


def test_removed_last_entries_are_found(log):
    _tamper(log, "DELETE FROM audit_log WHERE id > 3")
    found = verify_audit_log(log)
    assert (found.broken_id, found.flaw, found.entries) == (4, Flaw.MISSING, 3)
    assert found.problem == "entries 4 to 5 are missing"


def test_removed_last_entries_with_a_forged_head_are_found(log):
    _tamper(
        log,
        "DELETE FROM audit_log WHERE id > 3",
        "UPDATE audit_head SET entries = 3, mac = (SELECT mac FROM audit_log WHERE id = 3)",
    )
    assert _broken(log) == (4, Flaw.HEAD)


def test_a_removed_head_is_found(log):
    _tamper(log, "DELETE FROM audit_log WHERE id > 3", "DELETE FROM audit_head")
    assert _broken(log) == (4, Flaw.HEAD)


def test_an_older_head_with_its_log_is_found_by_a_noted_head(log):
    with log.read() as connection:
        head = connection.execute(text("SELECT * FROM audit_head")).one()
    for number in (6, 7):
        _record(log, f"campaign:c{number}")
    noted = verify_audit_log(log).head
    _tamper(
        log,
        "DELETE FROM audit_log WHERE id > 5",
        f"UPDATE audit_head SET entries = 5, mac = {_hex(log, bytes(head.mac))}, "
        f"seal = {_hex(log, bytes(head.seal))}",
    )
    # This is a whole, older log: only what was kept elsewhere shows that it is older.
    assert _broken(log) == (None, None)
    assert _broken(log, noted) == (6, Flaw.MISSING)


def test_another_log_of_the_same_length_is_found_by_a_noted_head(log):
    noted = NotedHead(3, bytes(range(32)))
    assert _broken(log, noted) == (3, Flaw.NOTED)
    assert _broken(log, NotedHead(0, GENESIS)) == (None, None)
    assert _broken(log, NotedHead(0, bytes(range(32)))) == (0, Flaw.NOTED)


@pytest.mark.parametrize(
    ("tampering", "says"),
    [
        ("DELETE FROM audit_log WHERE id > 3", "entries 4 to 5 are missing"),
        ("DELETE FROM audit_head", "the head is missing, the log has 5 entries"),
        ("UPDATE audit_head SET entries = 4", "the head was changed, or sealed"),
    ],
)
def test_acts_still_work_after_tampering_and_the_log_says_so_for_good(log, tampering, says):
    _tamper(log, tampering)
    for _ in range(2):
        _record(log, "campaign:after")
    assert len(actions_on(log, "campaign:after")) == 2
    (said,) = [each for each in actions_on(log, "audit log") if each.verb == CHAIN_BROKEN]
    assert says in said.reason
    found = verify_audit_log(log)
    # With entries 4 and 5 gone, the first broken one comes before the entry that says so.
    assert found.broken_id == (4 if "audit_log" in tampering else said.id)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET subject = 'x' WHERE id = 3",
        "UPDATE audit_log SET subject = subject",
        "DELETE FROM audit_log WHERE id = 3",
        "DELETE FROM audit_log",
    ],
)
def test_the_database_refuses_to_change_or_remove_entries(log, statement):
    with pytest.raises(DBAPIError, match="only ever added to"), log.write() as connection:
        connection.execute(text(statement))
    assert _broken(log) == (None, None)


def test_sqlite_refuses_to_replace_an_entry(log):
    if log.dialect.name != "sqlite":
        pytest.skip("INSERT OR REPLACE is SQLite's")
    columns = ", ".join(f'"{name}"' for name in (*Content._fields, "mac"))
    statement = f"INSERT OR REPLACE INTO audit_log SELECT {columns} FROM audit_log WHERE id = 3"
    with pytest.raises(DBAPIError, match="only ever added to"), log.write() as connection:
        connection.execute(text(statement))


def test_postgresql_refuses_to_empty_the_log(log):
    if log.dialect.name != "postgresql":
        pytest.skip("TRUNCATE is PostgreSQL's")
    with pytest.raises(DBAPIError, match="only ever added to"), log.write() as connection:
        connection.execute(text("TRUNCATE audit_log"))


def test_an_act_that_is_rolled_back_leaves_no_entry(ledger):
    ensure_campaign(ledger, "diwali")

    def crash():
        with ledger.write() as connection:
            record_action(connection, ASHA, verb="pause", target="campaign:diwali")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        crash()
    with pytest.raises(CampaignError):
        weigh_campaign(ledger, "absent", 5, ASHA)
    assert verify_audit_log(ledger).entries == 0
    _record(ledger)
    assert [entry.id for entry in actions_on(ledger, "campaign:c")] == [1]


def test_many_writers_make_one_unbroken_chain(ledger):
    writers, each = 8, 12
    gate = threading.Barrier(writers)
    url = ledger.engine.url.set(drivername=ledger.dialect.name)

    def write(writer):
        with Ledger(url, durable=False) as own:
            gate.wait(30)
            for number in range(each):
                targets = [f"letter:{writer}-{number}-{place}" for place in range(3)]
                with own.write() as connection:
                    record_actions(connection, ASHA, verb="discard", targets=targets)

    with ThreadPoolExecutor(writers) as threads:
        list(threads.map(write, range(writers)))
    found = verify_audit_log(ledger)
    assert (found.entries, found.flaw) == (writers * each * 3, None)


def test_acts_on_one_campaign_by_many_operators_do_not_deadlock(desk, at_once):
    """Each locks its campaign first and the chain last."""
    names = ["diwali", "holi", "onam", "pongal"]
    for name in names:
        ensure_campaign(desk.ledger, name)

    def act(offset):
        for turn in range(6):
            name = names[(turn + offset) % len(names)]
            pause_campaign(desk.ledger, name, OPERATOR)
            weigh_campaign(desk.ledger, name, offset * 10 + turn + 2, OPERATOR)

    at_once(*(lambda offset=offset: act(offset) for offset in range(4)))
    assert verify_audit_log(desk.ledger).flaw is None


def test_a_files_acceptance_has_its_beginning_and_its_end(desk):
    intake = open_intake(desk.ledger, desk.campaign, "spring.csv", ASHA)
    desk.accept(*make_jobs(3), intake_id=intake)
    close_intake(desk.ledger, intake, operator=ASHA, accepted=3, known=1, refused=2)
    begun, ended = actions_on(desk.ledger, "campaign:diwali")
    assert (begun.verb, begun.after, begun.subject) == ("accept", "file spring.csv", "asha")
    assert (ended.verb, ended.before) == ("accepted", "file spring.csv")
    assert ended.after == "3 accepted, 1 known, 2 refused"


def test_pages_go_from_the_newest_entry_to_the_oldest(log):
    first = read_audit_page(log, AuditFilter(), limit=2)
    assert ([entry.id for entry in first.entries], first.total, first.has_more) == ([5, 4], 5, True)
    last = read_audit_page(log, AuditFilter(), limit=3, before=4)
    assert ([entry.id for entry in last.entries], last.total, last.has_more) == (
        [3, 2, 1],
        5,
        False,
    )


def test_a_filter_finds_entries_by_each_of_their_fields(log):
    _record(log, operator=Operator("ravi"), verb="cancel", target="campaign:c1")
    at = {entry.id: round(entry.at.timestamp() * 1000) for entry in actions_on(log, "campaign:c1")}

    def ids(**wanted):
        page = read_audit_page(log, AuditFilter(**wanted), limit=9)
        assert page.total == len(page.entries)
        return [entry.id for entry in page.entries]

    assert ids(target="campaign:c1") == [6, 1]
    assert ids(verb="cancel") == [6]
    assert ids(subject="ravi") == [6]
    assert ids(subject="Asha K.") == [5, 4, 3, 2, 1]
    assert ids(since_ms=at[6] + 1) == []
    assert 6 not in ids(until_ms=at[6])
    assert ids(since_ms=0, until_ms=at[6] + 1, subject="ravi", verb="pause") == []


def test_an_upgrade_is_recorded_by_its_operator(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.migrate(migration_record(ASHA))
        ledger.migrate(migration_record(ASHA))  # nothing is pending
        (entry,) = actions_on(ledger, "ledger")
        assert (entry.subject, entry.verb, entry.before) == ("asha", "migrate", "")
        assert verify_audit_log(ledger).entries == 1


def test_the_secret_of_a_log_with_entries_cannot_be_replaced(tmp_path):
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    with Ledger(url, secret=b"f" * 32) as ledger:
        ledger.migrate()
    with Ledger(url, secret=b"g" * 32) as ledger:
        ledger.migrate()  # nothing was made with the first one
        assert verify_audit_log(ledger).flaw is None
        _record(ledger)
        assert verify_audit_log(ledger).flaw is None
    with Ledger(url, secret=b"h" * 32) as ledger, pytest.raises(SecretError, match="could not be"):
        ledger.migrate()


def test_the_format_of_macs_never_changes():
    """Logs that exist must stay verifiable."""
    content = Content(2, 3, "s", None, "h", "w", "c", "v", "t", "b", "a", "ü")
    mac = entry_mac(bytes(range(32)), GENESIS, content)
    assert mac.hex() == "f9fd433524e2215c150e2eac2f22b86573fc2d262dd0285a6fdb610350d8323b"
    assert (
        head_seal(bytes(range(32)), 2, mac).hex()
        == "14cc44beba3191e5cb7d2413cc127260d87df856416e5b1ed888f10a2eb838ae"
    )
