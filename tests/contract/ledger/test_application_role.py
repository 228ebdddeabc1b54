"""A role that does not own the ledger can do all work in it, and cannot change its schema."""

import pytest
from psycopg import errors
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from issuance.states import State
from ledger.audit_log import actions_on
from ledger.campaigns import ensure_campaign, pause_campaign
from ledger.queries.audit_verification import verify_audit_log
from ledger.retention.pruning import prune
from ledger.store.database import Ledger
from ledger.store.errors import LedgerError
from tests.contract.ledger.build import OPERATOR, Desk, issue, judge, make_job, make_jobs
from tests.postgres import postgres_database

ROLE = 'app "of" issuance'


@pytest.fixture
def owned(postgres_url):
    """A migrated ledger with a role that owns nothing; yields both users' URLs."""
    with postgres_database(postgres_url) as url:
        application = make_url(url).set(username=ROLE)
        with Ledger(url) as owner:
            owner.migrate()
            with owner.write() as connection:
                quoted = ROLE.replace('"', '""')
                connection.exec_driver_sql(f'CREATE ROLE "{quoted}" LOGIN')
                connection.exec_driver_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
            yield owner, application.render_as_string(hide_password=False)
            with owner.write() as connection:
                connection.exec_driver_sql(f'DROP OWNED BY "{quoted}"')
                connection.exec_driver_sql(f'DROP ROLE "{quoted}"')


@pytest.fixture
def application(owned):
    owner, url = owned
    owner.grant_rights(ROLE)
    owner.grant_rights(ROLE)  # after each migration again
    with Ledger(url) as ledger:
        yield ledger


def test_without_the_rights_it_is_refused_at_the_start(owned):
    _, url = owned
    with (
        Ledger(url) as ledger,
        pytest.raises(LedgerError, match=r"may not read and write|permission denied"),
    ):
        ledger.check_schema()


def test_it_accepts_claims_records_and_prunes(application):
    application.check_schema()
    application.migrate()  # nothing is pending
    desk = Desk(application, ensure_campaign(application, "diwali"))
    held, job = desk.take_one(make_job(1))
    desk.record(held, judge(job, issue(job)))
    assert desk.counts() == {State.ISSUED: 1}
    assert list(prune(application, older_than_seconds=0))
    with application.engine.begin() as connection:
        application.dialect.compact_counters(connection, 100)


def test_it_may_refresh_the_planners_statistics(application):
    with application.read() as connection:
        if connection.scalar(text("SELECT current_setting('server_version_num')::int")) < 170_000:
            pytest.skip("PostgreSQL has the right MAINTAIN since version 17")
    Desk(application, ensure_campaign(application, "diwali")).accept(*make_jobs(7))
    with application.write() as connection:
        application.dialect.analyse(connection)
    with application.read() as connection:
        assert application.dialect.analysed_jobs(connection) == 7
    application.dialect.compact(application.engine)


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE jobs",
        "ALTER TABLE jobs DISABLE TRIGGER ALL",
        "TRUNCATE jobs CASCADE",
        "CREATE TABLE mine (id int)",
        "UPDATE alembic_version SET version_num = '0001'",
        "ALTER SEQUENCE job_numbers RESTART",
    ],
)
def test_it_cannot_change_the_schema(application, statement):
    with pytest.raises(ProgrammingError) as caught, application.write() as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(caught.value.orig, errors.InsufficientPrivilege)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET subject = 'x'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "DELETE FROM audit_head",
        "DROP FUNCTION refuse_audit_change CASCADE",
    ],
)
def test_it_adds_to_the_audit_log_and_changes_nothing_in_it(owned, application, statement):
    owner, _ = owned
    with owner.write() as connection:
        # As rights on all tables, granted by hand, would do.
        quoted = ROLE.replace('"', '""')
        connection.exec_driver_sql(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{quoted}"')
    owner.grant_rights(ROLE)
    ensure_campaign(application, "diwali")
    pause_campaign(application, "diwali", OPERATOR)
    with pytest.raises(ProgrammingError) as caught, application.write() as connection:
        connection.exec_driver_sql(statement)
    assert isinstance(caught.value.orig, errors.InsufficientPrivilege)
    assert verify_audit_log(application).flaw is None
    assert len(actions_on(application, "campaign:diwali")) == 1


def test_a_role_that_does_not_exist_is_named_with_the_remedy(owned):
    owner, _ = owned
    with pytest.raises(LedgerError, match="no role 'absent' in PostgreSQL: CREATE ROLE"):
        owner.grant_rights("absent")


def test_sqlite_has_no_roles(tmp_path):
    with Ledger(f"sqlite:///{tmp_path / 'ledger.db'}") as ledger:
        ledger.migrate()
        with pytest.raises(LedgerError, match="SQLite has no roles: leave --grant-to out"):
            ledger.grant_rights(ROLE)
