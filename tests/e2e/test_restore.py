"""A ledger lost during a blast and restored from a backup: resending issues nothing twice."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg import connect

from issuance.states import State
from simulator.serve import Simulator
from tests.e2e.conftest import StartSystem
from tests.e2e.postgres_tools import run_tool
from tests.e2e.processes import await_that
from tests.e2e.system import System, plain_rows
from tests.postgres import postgres_database, postgres_server

_OURS = {
    "ISSUANCE_API_MAX_CONCURRENT": "4",
    "ISSUANCE_LEASE_SECONDS": "4",
    "ISSUANCE_API_RATE_PER_MINUTE": "1500",
}


@pytest.fixture
def api() -> Iterator[Simulator]:
    """An API that outlives the system, and refuses a repeated requestId as a duplicate."""
    with Simulator(completed_replay="duplicate_400") as simulator:
        yield simulator


def _lose_and_restore(
    system: System, back_up: Callable[[], None], restore: Callable[[], None]
) -> None:
    """Back up during a blast, accept another, lose and restore the ledger, run both again."""
    first, second = plain_rows(200, area=60), plain_rows(60, area=61)
    with system:
        system.accept("backed-up", first)
        await_that("the blast is under way", lambda: system.calls() > 40)
        back_up()
        at_backup = system.calls()
        system.accept("after", second)
        await_that("rewards are issued after the backup", lambda: system.calls() > at_backup + 60)
        system.processes.end_by_force()
    restore()
    at_once = system.environment | {"ISSUANCE_API_RATE_PER_MINUTE": "0"}
    again = System(system.home, at_once, "--no-flower", "--no-web")
    assert again.balance("backed-up").unsettled > 0
    with again:
        # The second blast is not in the backup: its file is run again. So is the first, to no
        # effect.
        again.accept("after", second)
        again.blast("backed-up", first)
        for campaign, rows in (("backed-up", 200), ("after", 60)):
            assert again.wait_settled(campaign, 60).counts[State.ISSUED] == rows
        assert again.summary()["overIssued"] == again.summary()["pairsWithSeveralRequestIds"] == 0


def test_a_sqlite_ledger_restored_from_a_backup_taken_mid_blast_issues_nothing_twice(
    start_system: StartSystem, api: Simulator, tmp_path: Path
):
    system = start_system("--no-flower", "--no-web", ISSUANCE_API_URL=api.url, **_OURS)

    def command(*arguments: str) -> None:
        done = system.command(*arguments)
        assert done.returncode == 0, done.stderr

    def lose_and_restore() -> None:
        (system.home / "ledger.db").write_bytes(b"")
        command("restore", str(tmp_path / "copy.db"), "--yes")

    _lose_and_restore(
        system, lambda: command("backup", str(tmp_path / "copy.db")), lose_and_restore
    )


def test_a_postgresql_ledger_restored_from_a_dump_taken_mid_blast_issues_nothing_twice(
    start_system: StartSystem, api: Simulator, tmp_path: Path
):
    dump = tmp_path / "ledger.dump"
    with postgres_server() as server, postgres_database(server) as url:
        system = start_system(
            "--no-flower", "--no-web", ISSUANCE_API_URL=api.url, ISSUANCE_LEDGER_URL=url, **_OURS
        )

        def restore_dump() -> None:
            with connect(url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA public CASCADE")
                connection.execute("CREATE SCHEMA public")
            run_tool(
                "pg_restore",
                "--exit-on-error",
                "--single-transaction",
                f"--dbname={url}",
                str(dump),
            )
            marked = system.command("mark-restored")
            assert marked.returncode == 0, marked.stderr

        _lose_and_restore(
            system,
            lambda: run_tool("pg_dump", "--format=custom", f"--file={dump}", url),
            restore_dump,
        )
