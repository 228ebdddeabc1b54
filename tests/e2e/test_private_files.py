"""Only the owner can read what a whole system leaves on the disk, under the usual umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.store.database import Ledger
from tests.e2e.conftest import StartSystem
from tests.e2e.system import System, plain_rows

pytestmark = pytest.mark.smoke

_OF_THE_TEST = {"up.log", "private.csv"}
"""Files that the test itself writes."""


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def _open_to_others(home: Path) -> list[str]:
    return [
        f"{stat.S_IMODE(path.lstat().st_mode):o} {path.relative_to(home)}"
        for path in (home, *home.rglob("*"))
        if path.name not in _OF_THE_TEST and path.lstat().st_mode & 0o077
    ]


def _make_old(home: Path) -> None:
    """Leave what an earlier version would have left: everything open to others."""
    home.chmod(0o755)
    for folder in ("logs", "broker"):
        (home / folder).mkdir()
    for name in ("up.lock", "truth.jsonl", "logs/worker.log", "logs/broker.log.1"):
        (home / name).touch(0o644)
    with Ledger(f"sqlite:///{home / 'ledger.db'}") as ledger:
        ledger.migrate()
    (home / "ledger.db").chmod(0o644)


def test_no_file_of_a_system_is_open_to_others(start_system: StartSystem):
    system: System = start_system("--simulator")
    _make_old(system.home)
    with system:
        rows = [*plain_rows(20, area=70), {"mobile": "12", "rewardId": 1001}]
        path = system.write_file("private", rows)
        errors = system.home / "errors.csv"
        done = system.command("blast", str(path), "--campaign", "private", "--errors", str(errors))
        assert done.returncode == 3, done.stderr
        system.wait_settled("private")
        made = system.command("backup", str(system.home / "copy.db"))
        assert made.returncode == 0, made.stderr
        names = {path.name for path in system.home.rglob("*")}
        assert names >= {"ledger.db-wal", "ledger.db-shm", "running.json", "errors.csv", "copy.db"}
        assert any(name.endswith(".aof") for name in names)
        assert _open_to_others(system.home) == []
    assert _open_to_others(system.home) == []


def test_a_system_that_is_killed_leaves_nothing_open_to_others(start_system: StartSystem):
    with start_system() as system:
        system.blast("private", plain_rows(5, area=71))
        system.wait_settled("private")
        system.processes.end_by_force()
        assert _open_to_others(system.home) == []
