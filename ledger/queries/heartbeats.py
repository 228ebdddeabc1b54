"""Heartbeats: when a periodic task last ran, kept in the ledger so that no Redis is needed."""

from enum import StrEnum

from sqlalchemy import select

from ledger.store.clock import now_ms
from ledger.store.database import Ledger
from ledger.store.schema import heartbeats


class Heartbeat(StrEnum):
    """A task that runs about once a second."""

    RELEASE = "release"
    """A round of the release, whatever started it."""
    BEAT = "beat"
    """A round of the release that Celery Beat started."""


def touch(ledger: Ledger, *which: Heartbeat) -> None:
    """Record that these run now, by the database's clock."""
    with ledger.write() as connection:
        # Sorted, so that two concurrent releases cannot deadlock.
        for heartbeat in sorted(which):
            values = {"name": heartbeat, "at": now_ms()}
            connection.execute(
                ledger.dialect.upsert(heartbeats, values, keys=["name"], changes={"at": now_ms()})
            )


def silent_seconds(ledger: Ledger) -> dict[Heartbeat, float]:
    """Return the seconds since each last ran; one that never ran is left out."""
    with ledger.read() as connection:
        rows = connection.execute(select(heartbeats.c.name, now_ms() - heartbeats.c.at))
        return {Heartbeat(name): age / 1000 for name, age in rows}
