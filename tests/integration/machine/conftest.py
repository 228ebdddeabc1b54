"""An empty ledger in a file, migrated once."""

from collections.abc import Iterator

import pytest

from ledger.store.database import Ledger


@pytest.fixture(scope="session")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    path = tmp_path_factory.mktemp("machine") / "ledger.db"
    with Ledger(f"sqlite:///{path}", durable=False) as opened:
        opened.migrate()
        yield opened
