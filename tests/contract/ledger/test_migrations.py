"""The schema: migrations build the code's tables, and a program refuses any other version."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from ledger.store.database import Ledger
from ledger.store.errors import LedgerError, SchemaMismatchError
from ledger.store.migration import configuration
from ledger.store.schema import REVISION, metadata
from tests.postgres import postgres_database


@pytest.fixture(params=["sqlite", "postgresql"])
def blank(request, tmp_path):
    """Make a ledger on an empty database."""
    if request.param == "sqlite":
        with Ledger(f"sqlite:///{tmp_path / 'sub' / 'blank.db'}") as ledger:
            yield ledger
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url, Ledger(url) as ledger:
        yield ledger


def test_the_migrations_build_exactly_the_schema_of_the_code(blank):
    blank.migrate()
    with blank.read() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _is_enforced})
        assert compare_metadata(context, metadata) == []


def _is_enforced(_thing, _name, kind, _reflected, _compared):
    """Ignore foreign keys: SQLite's tables still declare them, but do not enforce them."""
    return kind != "foreign_key_constraint"


def test_no_database_enforces_foreign_keys(ledger):
    query = (
        "PRAGMA foreign_keys"
        if ledger.dialect.name == "sqlite"
        else "SELECT count(*) FROM pg_constraint WHERE contype = 'f'"
    )
    with ledger.read() as connection:
        assert connection.scalar(text(query)) == 0


def test_the_migrations_build_the_partial_indexes_of_the_code(ledger, tmp_path):
    assert _indexes(ledger) == {
        "ix_jobs_waiting": "waiting",
        "ix_jobs_leased": "queued running",
        "ix_jobs_open": "waiting queued running",
        "ix_lines_settled": "waiting",
        "ix_dead_letters_unpublished": "published_at",
        "ix_jobs_transaction_number": "transaction_number",
        "ix_jobs_customer_digest": "customer_digest",
        "ix_campaign_notices_unpublished": "published_at",
        "ix_dead_letters_reissued": "reissued_as",
        "ix_bulk_actions_live": "is_live",
    }


def _indexes(ledger):
    """Return the partial indexes by name, with the states or column of their conditions."""
    query = (
        "SELECT name, sql FROM sqlite_master WHERE type = 'index'"
        if ledger.dialect.name == "sqlite"
        else "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    )
    columns = ("published_at", "transaction_number", "customer_digest", "reissued_as", "is_live")
    words = ("waiting", "queued", "running", *columns)
    with ledger.read() as connection:
        conditions = {
            name: (sql or "").partition(" WHERE ")[2]
            for name, sql in connection.execute(text(query))
        }
    return {
        name: " ".join(word for word in words if word in found)
        for name, found in conditions.items()
        if found
    }


def test_a_newer_schema_is_not_migrated_but_refused(blank):
    blank.migrate()
    with blank.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatchError, match="newer than this program"):
        blank.migrate()


def test_the_code_needs_the_newest_migration():
    assert ScriptDirectory.from_config(configuration(None)).get_current_head() == REVISION


def test_migrating_again_changes_nothing(blank):
    blank.migrate()
    blank.migrate()
    blank.check_schema()


_OPEN_AT_A_SIGN = """
import sys
from ledger.store import migration
from ledger.store.database import Ledger
print("here", flush=True)
sys.stdin.readline()
with Ledger(sys.argv[1]) as ledger:
    ledger.migrate()
    ledger.check_schema()
"""


def test_processes_that_migrate_a_new_ledger_concurrently_all_succeed(blank):
    url = blank.engine.url.set(drivername=blank.dialect.name).render_as_string(hide_password=False)
    command = [sys.executable, "-W", "ignore", "-c", _OPEN_AT_A_SIGN, url]
    pipes = {
        "stdin": subprocess.PIPE,
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in processes:
        process.stdout.readline()
    for process in processes:
        process.stdin.write("now\n")
        process.stdin.flush()
    assert [process.communicate(timeout=60)[1] for process in processes if process.wait(60)] == []
    for process in processes:
        process.communicate()
    blank.check_schema()


def test_a_missing_schema_is_refused_with_the_remedy(blank):
    with pytest.raises(
        SchemaMismatchError, match=r"is missing, this program needs \d+. Run `issuance migrate`"
    ):
        blank.check_schema()


@pytest.mark.parametrize("revision", ["0000", "9999"])
def test_an_older_or_newer_schema_is_refused_with_the_remedy(blank, revision):
    blank.migrate()
    with blank.write() as connection:
        connection.execute(
            text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision}
        )
    with pytest.raises(
        SchemaMismatchError,
        match=f"is {revision}, this program needs .*the program version that fits",
    ):
        blank.check_schema()


@pytest.mark.parametrize(
    "url", ["not a url", "mysql://host/db", "mongodb://host/db", "postgres://host/db"]
)
def test_an_unusable_url_is_refused_with_the_setting_and_an_example(url):
    with pytest.raises(
        LedgerError, match=r"ISSUANCE_LEDGER_URL .* sqlite:///ledger.db or postgresql://"
    ):
        Ledger(url)


def test_a_file_that_is_no_database_is_refused_with_the_setting(tmp_path):
    path = tmp_path / "ledger.db"
    path.write_bytes(b"customer,reward\n" * 200)
    with (
        Ledger(f"sqlite:///{path}") as ledger,
        pytest.raises(LedgerError, match="Check ISSUANCE_LEDGER_URL"),
    ):
        ledger.check_schema()


def test_an_unreachable_server_is_reported_without_its_password():
    with (
        Ledger("postgresql://till:hunter2@127.0.0.1:1/ledger") as ledger,
        pytest.raises(LedgerError, match="Check ISSUANCE_LEDGER_URL") as caught,
    ):
        ledger.check_schema()
    assert "hunter2" not in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_reported_with_the_setting(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerError, match="Check ISSUANCE_LEDGER_URL"):
        Ledger(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")
