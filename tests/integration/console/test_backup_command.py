"""`issuance backup` and `issuance restore`: a consistent copy during writes, and its restore."""

import json
import os
import signal
import sqlite3
import stat
import threading

import psutil
import pytest
from sqlalchemy import text

from config.endpoints import RunningSystem
from config.home_lock import HomeLock
from ledger.queries.heartbeats import Heartbeat, touch
from ledger.store.database import Ledger
from ledger.store.usage import Usage
from tests.contract.ledger.build import make_job, make_jobs


@pytest.fixture
def copy(tmp_path):
    return tmp_path / "copy.db"


def _waiting(run):
    (campaign,) = json.loads(run("status", "--json").stdout)["campaigns"]
    assert campaign["balanced"]
    return campaign["waiting"]


def test_a_restore_brings_back_the_backup_and_keeps_the_old_ledger_aside(run, desk, copy, home):
    desk.accept(*make_jobs(5, campaign="spring"))
    assert run("backup", copy).stdout.startswith(f"backed up to {copy}: ")
    desk.accept(*make_jobs(5, first=6, campaign="spring"))
    desk.ledger.close()
    result = run("restore", copy, "--yes")
    assert (result.exit_code, _waiting(run)) == (0, 5)
    (aside,) = [
        path for path in home.glob("ledger.db.before-restore-*") if path.suffix.endswith("Z")
    ]
    with Ledger(f"sqlite:///{aside}") as before, before.read() as connection:
        assert connection.scalar(text("SELECT count(*) FROM jobs")) == 10


def test_a_backup_is_one_complete_file_that_only_its_owner_can_read(run, desk, copy, tmp_path):
    desk.accept(make_job(1, campaign="spring"))
    run("backup", copy)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.glob("copy*")] == ["copy.db"]
    # As a reader that may write nothing opens it.
    found = sqlite3.connect(f"file:{copy}?mode=ro&immutable=1", uri=True)
    assert found.execute("SELECT count(*) FROM jobs").fetchone() == (1,)
    found.close()


def test_a_backup_during_writes_is_consistent_and_blocks_no_writer(run, desk, copy):
    stop, batches = threading.Event(), []

    def accept():
        while not stop.is_set():
            desk.accept(*make_jobs(10, first=1 + 10 * len(batches), campaign="spring"))
            batches.append(1)

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        for number in range(5):
            before = len(batches)
            assert run("backup", copy.with_name(f"{number}.db")).exit_code == 0
            with (
                Ledger(f"sqlite:///{copy.with_name(f'{number}.db')}") as found,
                found.read() as connection,
            ):
                jobs, lines = (
                    connection.scalar(text(f"SELECT count(*) FROM {name}"))
                    for name in ("jobs", "lines")
                )
                accepted = connection.scalar(text("SELECT accepted_lines FROM campaigns"))
            assert before * 10 <= jobs == lines == accepted
    finally:
        stop.set()
        thread.join()


def test_a_backup_never_overwrites_a_file(run, desk, copy):
    copy.write_text("precious")
    result = run("backup", copy)
    assert (result.exit_code, copy.read_text()) == (2, "precious")
    assert "give the backup another name" in result.stderr


@pytest.mark.parametrize("is_dangling", [True, False])
def test_symlinks_planted_for_a_backup_are_not_followed(run, desk, copy, tmp_path, is_dangling):
    target = tmp_path / "target"
    if not is_dangling:
        target.write_text("precious")
    copy.with_name("copy.db.draft").symlink_to(target)
    assert run("backup", copy).exit_code == 0
    copy.unlink()
    copy.symlink_to(target)
    result = run("backup", copy)
    assert result.exit_code == 2
    assert "give the backup another name" in result.stderr
    assert copy.is_symlink()
    assert target.exists() is not is_dangling
    assert is_dangling or target.read_text() == "precious"


def test_a_restored_ledger_and_the_old_one_are_private(run, desk, copy, home, tmp_path):
    desk.accept(make_job(1, campaign="spring"))
    assert run("backup", copy).exit_code == 0
    copy.chmod(0o644)
    target = tmp_path / "target"
    (home / "ledger.db.draft").symlink_to(target)
    desk.ledger.close()
    (home / "ledger.db").chmod(0o644)
    before = os.umask(0)
    try:
        assert run("restore", copy, "--yes").exit_code == 0
    finally:
        os.umask(before)
    (home / "ledger.db.draft").unlink()
    assert not target.exists()
    files = list(home.glob("ledger.db*"))
    assert len(files) > 2
    assert [path.name for path in files if stat.S_IMODE(path.stat().st_mode) & 0o077] == []


@pytest.mark.parametrize("damage", ["truncated", "not a database", "no ledger", "missing"])
def test_a_damaged_copy_changes_nothing(run, desk, copy, home, damage):
    desk.accept(make_job(1, campaign="spring"))
    if damage == "truncated":
        run("backup", copy)
        copy.write_bytes(copy.read_bytes()[:-8192])
    elif damage == "not a database":
        copy.write_bytes(b"customer,reward\n" * 500)
    elif damage == "no ledger":
        sqlite3.connect(copy).close()
    result = run("restore", copy, "--yes")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr
    assert str(copy) in result.stderr
    assert _waiting(run) == 1
    assert list(home.glob("*before-restore*")) + list(home.glob("*.draft*")) == []


def test_a_destroyed_ledger_can_be_restored(run, desk, copy, home):
    desk.accept(make_job(1, campaign="spring"))
    run("backup", copy)
    desk.ledger.close()
    (home / "ledger.db").write_bytes(b"\0" * 4096)
    assert run("restore", copy, "--yes").exit_code == 0
    assert _waiting(run) == 1


def test_a_copy_of_a_newer_program_is_refused_and_changes_nothing(run, desk, copy):
    desk.accept(make_job(1, campaign="spring"))
    run("backup", copy)
    connection = sqlite3.connect(copy)
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    result = run("restore", copy, "--yes")
    assert result.exit_code == 2
    assert "newer than this program" in result.stderr
    assert _waiting(run) == 1


def test_a_restore_needs_a_stopped_system_and_a_confirmation(run, desk, copy, home):
    run("backup", copy)
    assert "give --yes when there is no terminal" in run("restore", copy).stderr
    lock = HomeLock.acquire(home)
    RunningSystem(1, "", "", "", 0).announce(home)
    result = run("restore", copy, "--yes")
    lock.release()
    assert result.exit_code == 2
    assert "process 1): stop it" in result.stderr


def test_on_postgresql_the_error_names_its_own_tools(run, monkeypatch, copy):
    monkeypatch.setenv("ISSUANCE_LEDGER_URL", "postgresql://asha:secret@127.0.0.1:1/rewards")
    assert "pg_dump" in run("backup", copy).stderr
    restored = run("restore", copy, "--yes")
    assert "pg_restore" in restored.stderr
    assert "secret" not in restored.stderr


def test_mark_restored_is_refused_while_the_release_runs(run, desk):
    desk.accept(make_job(1, campaign="spring"))
    marked = run("mark-restored")
    assert (marked.exit_code, marked.stdout.splitlines()[0].endswith(": 1 job in doubt")) == (
        0,
        True,
    )
    stop = threading.Event()

    def release():
        while not stop.wait(0.2):
            touch(desk.ledger, Heartbeat.RELEASE)

    running = threading.Thread(target=release)
    running.start()
    refused = run("mark-restored")
    stop.set()
    running.join()
    assert refused.exit_code == 2
    assert "stop every process" in refused.stderr
    assert run("mark-restored").exit_code == 0


@pytest.mark.parametrize("ends", [signal.SIGKILL, signal.SIGTERM])
def test_a_restore_waits_for_the_end_of_every_process_that_uses_the_ledger(
    run, desk, copy, home, ends
):
    run("backup", copy)
    reader, writer = os.pipe()
    worker = os.fork()
    if worker == 0:
        usage = Usage.begin(f"sqlite:///{home / 'ledger.db'}")
        os.fork()  # its children use it, too
        os.write(writer, b"!")
        signal.pause()
        usage.end()
    os.read(reader, 1)
    before = (home / "ledger.db").stat().st_ino
    refused = run("restore", copy, "--yes")
    assert refused.exit_code == 2
    assert "A process uses" in refused.stderr
    assert (home / "ledger.db").stat().st_ino == before
    for process in (*psutil.Process(worker).children(), psutil.Process(worker)):
        process.send_signal(ends)
    os.waitpid(worker, 0)
    assert run("restore", copy, "--yes").exit_code == 0
