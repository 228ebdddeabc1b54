"""Heartbeats: what turns over by itself leaves the time of its last turn in the ledger, which needs no Redis."""

from enum import StrEnum

from sqlalchemy import select

from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import heartbeats


class Heartbeat(StrEnum):
    """What turns over by itself, about once a second."""

    RELEASE = "release"
    """A round of the release, whoever asked for it."""
    BEAT = "beat"
    """Beat's tick, when the release that it asks for comes through."""


def touch(ledger: Ledger, *which: Heartbeat) -> None:
    """Write down that these have turned over now, by the database's clock."""
    with ledger.write() as connection:
        # in one order, so that two releases at once do not wait for each other
        for heartbeat in sorted(which):
            values = {"name": heartbeat, "at": now_ms()}
            connection.execute(
                ledger.dialect.upsert(heartbeats, values, keys=["name"], changes={"at": now_ms()})
            )


def silent_seconds(ledger: Ledger) -> dict[Heartbeat, float]:
    """Seconds since each last turned over; one that never did is not among them."""
    with ledger.read() as connection:
        rows = connection.execute(select(heartbeats.c.name, now_ms() - heartbeats.c.at))
        return {Heartbeat(name): age / 1000 for name, age in rows}
