"""ISSUANCE_SECRET_FILE: every command and process works with this ledger's secret, or ends."""

import json
import os
import subprocess
import sys

import pytest
from sqlalchemy import text

from issuance.derived_keys import Purpose
from ledger.campaigns import ensure_campaign
from ledger.store.database import Ledger
from operations.metrics.scraper import Scraper
from operations.services import Services


@pytest.fixture
def secret_file(tmp_path, monkeypatch):
    """Name a file with a secret; returns it."""
    path = tmp_path / "secret"
    path.write_text("5a" * 32 + "\n")
    path.chmod(0o400)
    monkeypatch.setenv("ISSUANCE_SECRET_FILE", str(path))
    return path


def _change(path, content):
    path.chmod(0o600)
    path.write_text(content)
    path.chmod(0o400)


def _values(home):
    with Ledger(f"sqlite:///{home / 'ledger.db'}") as ledger, ledger.read() as connection:
        return connection.execute(text("SELECT value, fingerprint FROM secrets")).one()


def _use(home, secret=None):
    """Make a campaign whose requestIds depend on the secret."""
    with Ledger(f"sqlite:///{home / 'ledger.db'}", secret=secret) as ledger:
        ensure_campaign(ledger, "spring")
        with ledger.write() as connection:
            connection.execute(text("UPDATE campaigns SET id_scheme = 2"))


def _process(*arguments):
    """Run a command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_first_command_gives_a_new_ledger_the_files_secret(run, home, secret_file):
    assert run("status").exit_code == 0
    value, fingerprint = _values(home)
    assert (value, len(fingerprint)) == (None, 32)


def test_a_process_with_another_secret_ends_before_it_does_anything(run, home, secret_file):
    assert run("status").exit_code == 0
    _use(home, bytes.fromhex("5a" * 32))
    _change(secret_file, "5b" * 32)
    for arguments in (["status"], ["migrate"], ["up", "--simulator"]):
        done = _process(*arguments)
        assert done.returncode == 2, done.stderr
        assert "files that are read again would be issued twice" in " ".join(done.stderr.split())
        assert "5b5b" not in done.stdout + done.stderr
    _change(secret_file, "5a" * 32)
    assert _process("status").returncode == 0


@pytest.mark.parametrize("name", ["worker", "background-worker", "release", "dead-letters"])
def test_each_process_that_uses_the_ledger_refuses_another_secret(
    home, secret_file, monkeypatch, name
):
    _use(home)
    monkeypatch.setenv("ISSUANCE_BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("ISSUANCE_API_URL", "http://127.0.0.1:1")
    done = _process("run", name)
    assert done.returncode == 2, done.stderr
    assert "unset ISSUANCE_SECRET_FILE" in " ".join(done.stderr.split())


def test_the_python_call_refuses_another_secret(home, secret_file):
    _use(home)
    code = "import producers; producers.enqueue(mobile='919800000001', reward_id=1001, key='k')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "SecretError" in done.stderr
    assert "unset ISSUANCE_SECRET_FILE" in done.stderr


def test_the_health_check_names_the_cause(run, home, secret_file):
    _use(home)
    result = run("health", "--json")
    assert result.exit_code == 1
    assert "ISSUANCE_SECRET_FILE" in json.dumps(json.loads(result.stdout))


def test_the_metrics_read_a_ledger_whose_secret_is_in_a_file(run, home, secret_file):
    assert run("status").exit_code == 0
    scraper = Scraper(Services.read())
    try:
        assert scraper._ledger.get().key(Purpose.CHUNKS)
        scraper.start()
        assert scraper.await_attempts(30)
    finally:
        scraper.close()


def test_a_file_that_others_can_read_ends_every_command(run, secret_file):
    secret_file.chmod(0o644)
    result = run("status")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "chmod 400" in result.stderr
