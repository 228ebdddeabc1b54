"""A producer in another program creates private files, and leaves that program's umask alone."""

import os
import stat

import pytest

from config.endpoints import Servers
from config.settings import Settings
from producers.producer import Producer


@pytest.mark.parametrize("umask", [0, 0o022])
def test_the_embedded_state_is_private_and_the_umask_of_the_program_unchanged(tmp_path, umask):
    before = os.umask(umask)
    try:
        settings = Settings(_env_file=None, home=tmp_path / "state" / "home")
        with Producer(settings, Servers.of(settings)) as producer:
            producer.enqueue(mobile="919800000001", reward_id=1001)
            found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    finally:
        after = os.umask(before)
    assert after == umask
    assert found == {
        "state": 0o700,
        "home": 0o700,
        "ledger.db": 0o600,
        "ledger.db-wal": 0o600,
        "ledger.db-shm": 0o600,
        "ledger.db.in-use": 0o600,
    }
