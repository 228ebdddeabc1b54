"""`issuance migrate`, settings that are wrong, and the version."""

import re
import shutil

import pytest

from config.home_lock import HomeLock
from ledger.store.database import Ledger


@pytest.fixture
def fresh_url(tmp_path, monkeypatch) -> str:
    """A configured ledger without a schema."""
    (tmp_path / "fresh.db").touch()
    url = f"sqlite:///{tmp_path / 'fresh.db'}"
    monkeypatch.setenv("ISSUANCE_LEDGER_URL", url)
    return url


def test_a_configured_ledger_can_be_migrated_twice(run, fresh_url):
    first, second = run("migrate"), run("migrate")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert fresh_url in first.stdout
    with Ledger(fresh_url) as ledger:
        ledger.check_schema()


def test_rights_for_a_role_need_postgresql(run, fresh_url):
    result = run("migrate", "--grant-to", "issuance_app")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "leave --grant-to out" in result.stderr


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
    result = run("issue", "--mobile", "919800000001", "--reward-id", "1001")
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


@pytest.fixture
def earlier(home, tmp_path, monkeypatch):
    """The state of an earlier version in the working folder; returns the default HOME of today."""
    monkeypatch.delenv("ISSUANCE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    home.rename(tmp_path / ".issuance")
    return tmp_path / "state" / "reward-issuance"


def test_the_state_of_an_earlier_version_is_moved_to_the_users_own_folder(run, earlier, tmp_path):
    refused = run("status")
    assert refused.exit_code == 2
    assert "run `issuance migrate` in this folder" in refused.stderr
    assert str(tmp_path / ".issuance") in refused.stderr
    moved = run("migrate")
    assert moved.exit_code == 0
    assert (earlier / "ledger.db").is_file()
    assert not (tmp_path / ".issuance").exists()
    assert run("status").exit_code == 0


def test_the_state_of_an_earlier_version_is_not_moved_under_a_running_system(
    run, earlier, tmp_path
):
    lock = HomeLock.acquire(tmp_path / ".issuance")
    assert lock is not None
    result = run("migrate")
    lock.release()
    assert result.exit_code == 2
    assert "stop it before" in result.stderr
    assert not earlier.exists()


def test_the_state_of_an_earlier_version_does_not_replace_todays(run, earlier, tmp_path):
    shutil.copytree(tmp_path / ".issuance", earlier)
    assert run("migrate").exit_code == 0
    assert (tmp_path / ".issuance" / "ledger.db").is_file()


@pytest.mark.parametrize(
    "command",
    [
        ("status",),
        ("prune", "--older-than", "90"),
        ("dead-letters", "list"),
        ("outcomes", "spring"),
        ("backup", "copy.db"),
        ("campaign", "pause", "spring"),
    ],
    ids=" ".join,
)
def test_only_commands_that_accept_make_a_ledger(run, tmp_path, monkeypatch, command):
    monkeypatch.setenv("ISSUANCE_HOME", str(tmp_path / "elsewhere"))
    result = run(*command)
    assert result.exit_code == 2
    assert f"no ledger at {tmp_path / 'elsewhere' / 'ledger.db'}" in " ".join(result.stderr.split())
    assert not (tmp_path / "elsewhere").exists()


def test_the_embedded_ledger_may_be_in_a_folder_with_any_name(run, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ISSUANCE_HOME", "~/what? 100% #1/state")
    issued = run("issue", "--mobile", "919800000001", "--reward-id", "1001")
    assert issued.exit_code == 0, issued.stderr
    folder = tmp_path / "what? 100% #1" / "state"
    assert (folder / "ledger.db").is_file()
    assert "background" in run("status").stdout
    assert run("backup", "copy.db").exit_code == 0
    restored = run("restore", "copy.db", "--yes")
    assert restored.exit_code == 0, restored.stderr
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("what")] == [
        "what? 100% #1"
    ]


def test_a_wrong_setting_is_named(run, monkeypatch):
    monkeypatch.setenv("ISSUANCE_WORKERS", "0")
    result = run("status")
    assert result.exit_code == 2
    assert "ISSUANCE_WORKERS" in result.stderr


def test_the_version_is_printed(run):
    assert re.fullmatch(r"issuance \d+\.\d+\.\d+\n", run("--version").stdout)
