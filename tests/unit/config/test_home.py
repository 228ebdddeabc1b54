"""HOME is its owner's alone: a new one, one of an earlier version, and one that is refused."""

import os
import stat

import pytest

from config.home import HomeError, prepare_home, tighten_state
from config.home_lock import HomeLock


@pytest.fixture(autouse=True)
def _usual_umask():
    before = os.umask(0o022)
    yield
    os.umask(before)


def open_to_others(folder):
    paths = [folder, *folder.rglob("*")]
    return [path.name for path in paths if stat.S_IMODE(path.lstat().st_mode) & 0o077]


def make_old_home(home, ledger="ledger.db"):
    """The state of an earlier version, as the usual umask made it."""
    for folder in ("logs", "broker/appendonlydir", "demo"):
        (home / folder).mkdir(parents=True)
    for name in (
        ledger,
        f"{ledger}-wal",
        f"{ledger}-shm",
        f"{ledger}.in-use",
        f"{ledger}.before-restore-20261101T000000Z",
        "up.lock",
        "running.json",
        "truth.jsonl",
        "logs/worker.log",
        "logs/worker.log.4",
        "broker/appendonlydir/appendonly.aof.1.incr.aof",
    ):
        (home / name).write_text("x")
    assert {*open_to_others(home)} >= {ledger, "logs", "up.lock", "appendonlydir"}


def test_a_new_home_and_its_missing_parents_are_private(tmp_path):
    prepare_home(tmp_path / "state" / "home")
    assert open_to_others(tmp_path) == []


def test_a_home_of_an_earlier_version_is_closed_with_all_that_is_in_it(tmp_path):
    make_old_home(tmp_path / "home")
    prepare_home(tmp_path / "home")
    assert open_to_others(tmp_path) == []


def test_files_in_a_home_that_is_private_already_are_tightened_at_a_start(tmp_path):
    make_old_home(tmp_path)
    tmp_path.chmod(0o700)
    tighten_state(tmp_path)
    assert open_to_others(tmp_path) == []


@pytest.mark.parametrize(("mode", "content"), [(0o755, "project.py"), (0o1777, "ledger.db")])
def test_a_folder_that_serves_others_too_is_refused_and_unchanged(tmp_path, mode, content):
    (tmp_path / content).touch()
    tmp_path.chmod(mode)
    with pytest.raises(HomeError, match="a folder of its own"):
        prepare_home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == mode


def test_a_folder_with_only_hidden_files_becomes_home(tmp_path):
    (tmp_path / ".bashrc").touch()
    tmp_path.chmod(0o755)
    prepare_home(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_home_behind_a_symlink_is_closed(tmp_path):
    make_old_home(tmp_path / "home")
    (tmp_path / "link").symlink_to("home")
    prepare_home(tmp_path / "link")
    assert open_to_others(tmp_path / "home") == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_home_of_another_user_is_refused(tmp_path):
    home = tmp_path / "home"
    home.mkdir(0o700)
    os.chown(home, 12345, -1)
    with pytest.raises(HomeError, match="belongs to user 12345, and this is user 0: run this as"):
        prepare_home(home)
    with pytest.raises(HomeError):
        HomeLock.acquire(home)


def test_a_planted_lock_is_not_followed(tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "up.lock").symlink_to(tmp_path / "target")
    with pytest.raises(OSError, match="symbolic links"):
        HomeLock.acquire(tmp_path)
    assert not (tmp_path / "target").exists()
