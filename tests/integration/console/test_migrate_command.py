"""`issuance migrate`, settings that are wrong, and the version."""

import re

import pytest

from ledger.store.database import Ledger


@pytest.fixture
def fresh_url(tmp_path, monkeypatch) -> str:
    """A configured ledger without a schema."""
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    monkeypatch.setenv("ISSUANCE_LEDGER_URL", url)
    return url


def test_a_configured_ledger_can_be_migrated_twice(run, fresh_url):
    first, second = run("migrate"), run("migrate")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert fresh_url in first.stdout
    with Ledger(fresh_url) as ledger:
        ledger.check_schema()


def test_no_other_command_migrates_a_configured_ledger(run, fresh_url):
    result = run("status")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Run `issuance migrate`" in result.stderr


def test_an_unreachable_ledger_is_an_error_of_one_line_without_the_password(run, monkeypatch):
    monkeypatch.setenv("ISSUANCE_LEDGER_URL", "postgresql://asha:secret@127.0.0.1:1/rewards")
    result = run("migrate")
    assert result.exit_code == 69
    assert "Check ISSUANCE_LEDGER_URL" in result.stderr
    assert "secret" not in result.stderr


def test_a_home_that_cannot_be_made_is_named(run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ISSUANCE_HOME", str(tmp_path / "file" / "home"))
    result = run("status")
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


def test_a_wrong_setting_is_named(run, monkeypatch):
    monkeypatch.setenv("ISSUANCE_WORKERS", "0")
    result = run("status")
    assert result.exit_code == 2
    assert "ISSUANCE_WORKERS" in result.stderr


def test_the_version_is_printed(run):
    assert re.fullmatch(r"issuance \d+\.\d+\.\d+\n", run("--version").stdout)
