"""Beat's scheduler: a tick each interval, whatever the machine's clock does."""

import time
from collections.abc import Callable
from typing import Any

import structlog
from celery.beat import ScheduleEntry, Scheduler

from broker.publisher import BrokerAway, PublishRefused, publish

log = structlog.get_logger("issuance.beat")


class SteadyScheduler(Scheduler):  # type: ignore[misc]  # Celery is untyped
    """Counts the intervals of its entries on the monotonic clock, from its own start.

    Celery's scheduler compares the wall clock with the time of the last run, which it also stores
    in a file: when the clock was set back, it is silent until the clock has caught up. Nothing is
    stored here. After a delay (a frozen machine, a slow broker) one tick is sent, not each missed
    one.
    """

    clock: Callable[[], float] = staticmethod(time.monotonic)

    def setup_schedule(self) -> None:
        """Read the entries; each is due at once."""
        self.install_default_entries(self.data)
        self.merge_inplace(self.app.conf.beat_schedule)
        self._due_at = dict.fromkeys(self.schedule, self.clock())

    def tick(self, **_: Any) -> float:
        """Send what is due; return the seconds until the next entry is."""
        for name, entry in self.schedule.items():
            now, seconds = self.clock(), entry.schedule.run_every.total_seconds()
            if now >= self._due_at[name]:
                following = self._due_at[name] + seconds
                self._due_at[name] = following if following > now else now + seconds
                self.apply_entry(entry)
        until_next = min(self._due_at.values(), default=self.clock() + self.max_interval)
        return max(0.0, min(until_next - self.clock(), float(self.max_interval)))

    def apply_entry(self, entry: ScheduleEntry, producer: object = None) -> None:  # noqa: ARG002  # Celery's signature
        """Publish a tick once: Celery would wait without limit for a broker that falls silent."""
        try:
            publish(self.app, entry.task, kwargs=entry.kwargs, **entry.options)
        except (BrokerAway, PublishRefused) as error:
            log.warning("tick_unpublished", task=entry.task, error=str(error))
