"""A restored ledger derives the requestIds that the lost one derived, or the restore is refused."""

import shutil
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import insert, select, text, update

from issuance.derived_keys import Purpose
from ledger.campaigns import ensure_campaign
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.store.database import Ledger
from ledger.store.migration import configuration
from ledger.store.schema import heartbeats, secrets
from tests.contract.ledger.build import make_job

_TWICE = "would be issued again when they are run again"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "copy.db"


@pytest.fixture
def old_copy(tmp_path: Path) -> Path:
    """A backup of the version before the secret, in mid-campaign."""
    path = tmp_path / "old.db"
    with Ledger(f"sqlite:///{path}") as ledger, ledger.write() as connection:
        command.upgrade(configuration(connection), "0012")
        connection.execute(
            text(
                "INSERT INTO campaigns (name, state, created_at, accepted_lines, defers_limits) "
                "VALUES ('old', 'running', 1, 0, false)"
            )
        )
    return path


def _open(home: Path, secret: bytes | None = None) -> Ledger:
    return Ledger(f"sqlite:///{home / 'ledger.db'}", secret=secret)


def _key(home: Path, secret: bytes | None = None) -> bytes:
    with _open(home, secret) as ledger:
        return ledger.key(Purpose.REQUEST_IDS)


def _explained(result) -> str:
    assert result.exit_code == 2
    return " ".join(result.stderr.split())


def _make_campaign(home: Path, secret: bytes | None = None) -> None:
    with _open(home, secret) as ledger:
        ensure_campaign(ledger, "spring")


def test_a_backup_keeps_the_secret(run, home, copy):
    key = _key(home)
    assert run("backup", copy).exit_code == 0
    (home / "ledger.db").unlink()
    assert run("restore", copy, "--yes").exit_code == 0
    assert _key(home) == key


def test_the_same_file_read_again_after_a_restore_has_the_same_request_ids(
    run, home, copy, tmp_path
):
    file = tmp_path / "spring.csv"
    file.write_text("mobile,rewardId\n919800000001,1001\n919800000002,1001\n")
    _make_campaign(home)
    assert run("backup", copy).exit_code == 0
    shown = []
    for _ in range(2):
        assert run("blast", file, "--campaign", "summer").exit_code == 0
        with _open(home) as ledger, ledger.read() as connection:
            shown.append(connection.scalars(text("SELECT request_id FROM lines ORDER BY 1")).all())
        assert run("restore", copy, "--yes").exit_code == 0
    assert len(shown[0]) == 2
    assert shown[0] == shown[1]


def test_a_backup_from_before_the_secret_gets_that_of_the_present_ledger(run, home, old_copy):
    _make_campaign(home)
    key = _key(home)
    assert run("restore", old_copy, "--yes").exit_code == 0
    assert _key(home) == key
    assert "old" in run("status").stdout


@pytest.mark.parametrize("damage", ["missing", "damaged", "without its secret"])
def test_it_is_refused_if_the_present_ledgers_secret_cannot_be_read(run, home, old_copy, damage):
    file = home / "ledger.db"
    if damage == "missing":
        file.unlink()
    elif damage == "damaged":
        file.write_bytes(b"no database" * 1_000)
    else:
        with _open(home) as ledger, ledger.write() as connection:
            connection.execute(secrets.delete())
    before = file.read_bytes() if file.exists() else None
    assert _TWICE in _explained(run("restore", old_copy, "--yes"))
    assert (file.read_bytes() if file.exists() else None) == before
    assert run("restore", old_copy, "--yes", "--other-secret").exit_code == 0
    assert "old" in run("status").stdout


def test_a_ledger_of_before_the_secret_is_restored_without_a_question(run, home, old_copy):
    shutil.copy(old_copy, home / "ledger.db")
    assert run("restore", old_copy, "--yes").exit_code == 0


def test_a_backup_with_another_secret_is_refused_once_requestids_were_derived(
    run, home, copy, migrated
):
    with _open(home) as ledger, ledger.write() as connection:  # as another deployment's
        connection.execute(update(secrets).values(value=b"o" * 32, fingerprint=None))
    with _open(home) as ledger:
        ledger.migrate()
    assert run("backup", copy).exit_code == 0
    shutil.copy(migrated, home / "ledger.db")
    key = _key(home)
    _make_campaign(home)
    assert _TWICE in _explained(run("restore", copy, "--yes"))
    assert _key(home) == key
    assert run("restore", copy, "--yes", "--other-secret").exit_code == 0
    assert _key(home) != key


def test_it_is_not_refused_if_nothing_was_derived(run, home, copy, migrated):
    assert run("backup", copy).exit_code == 0
    with _open(home) as ledger, ledger.write() as connection:
        connection.execute(update(secrets).values(value=b"o" * 32, fingerprint=None))
    assert run("restore", copy, "--yes").exit_code == 0


@pytest.fixture
def secret_file(tmp_path, monkeypatch):
    path = tmp_path / "secret"
    path.write_text("5a" * 32)
    path.chmod(0o400)
    monkeypatch.setenv("ISSUANCE_SECRET_FILE", str(path))
    return path


def test_a_file_with_the_secret_serves_every_backup(run, home, copy, old_copy, secret_file):
    secret = bytes.fromhex("5a" * 32)
    assert run("status").exit_code == 0
    _make_campaign(home, secret)
    key = _key(home, secret)
    assert run("backup", copy).exit_code == 0
    assert secret not in copy.read_bytes()
    for path in (old_copy, copy):
        (home / "ledger.db").unlink()
        assert run("restore", path, "--yes").exit_code == 0
        assert _key(home, secret) == key


def test_a_backup_whose_secret_is_in_a_file_is_refused_without_it(
    run, home, copy, secret_file, monkeypatch
):
    assert run("status").exit_code == 0
    _make_campaign(home, bytes.fromhex("5a" * 32))
    assert run("backup", copy).exit_code == 0
    monkeypatch.delenv("ISSUANCE_SECRET_FILE")
    assert "set ISSUANCE_SECRET_FILE" in _explained(run("restore", copy, "--yes"))
    secret_file.chmod(0o600)
    secret_file.write_text("5b" * 32)
    secret_file.chmod(0o400)
    monkeypatch.setenv("ISSUANCE_SECRET_FILE", str(secret_file))
    assert "restore that file" in _explained(run("restore", copy, "--yes"))


def test_an_old_ledger_with_jobs_takes_the_files_secret_with_its_migration(
    run, home, old_copy, secret_file
):
    job = make_job()
    with Ledger(f"sqlite:///{old_copy}") as ledger, ledger.write() as connection:
        connection.execute(
            text(
                "INSERT INTO jobs (number, id, campaign_id, source_line, lane, customer, variant, "
                "body, occurrence, generation, state, open_lines, due_at, claims, attempts, "
                "budget_attempts, may_have_reached, limit_deferrals, redrives, accepted_at) "
                "VALUES (1, :id, 1, 1, 'blast', :customer, 'bulk', :body, 1, 1, 'issued', 0, 1, 0, "
                "0, 0, false, 0, 0, 1)"
            ),
            {"id": job.id, "customer": str(job.customer), "body": job.body},
        )
    shutil.copy(old_copy, home / "ledger.db")
    assert run("migrate").exit_code == 0
    with _open(home, bytes.fromhex("5a" * 32)) as ledger, ledger.read() as connection:
        assert connection.execute(select(secrets.c.value)).scalar_one() is None


def test_mark_restored_refuses_a_secret_that_was_made_after_the_backup(run, home):
    with _open(home) as ledger:
        touch(ledger, Heartbeat.RELEASE)
        with ledger.write() as connection:  # the dump's last heartbeat, and a later migration
            connection.execute(update(heartbeats).values(at=heartbeats.c.at - 86_400_000))
    assert _TWICE in _explained(run("mark-restored"))
    assert run("mark-restored", "--other-secret").exit_code == 0


def test_mark_restored_takes_a_secret_that_is_older_than_the_backup(run, home):
    with _open(home) as ledger, ledger.write() as connection:
        connection.execute(update(secrets).values(created_at=1))
        connection.execute(insert(heartbeats).values(name=Heartbeat.RELEASE, at=2))
    assert run("mark-restored").exit_code == 0
