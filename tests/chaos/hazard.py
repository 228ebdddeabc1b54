"""One hazard on a running system: blasts, faults, recoveries and the final comparison."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import count

from sqlalchemy import func, select

from broker.wake_up import WakeUp
from console.local.simulator_audit import compare, read_truth
from issuance.states import State
from ledger.queries.balance import recount
from ledger.queries.outcomes import find_line
from ledger.store.schema import attempts, campaigns, jobs
from tests.chaos.brokers import Broker
from tests.chaos.ledgers import LedgerServer
from tests.chaos.record import Record
from tests.chaos.scale import Scale
from tests.e2e.processes import Processes, await_that
from tests.e2e.system import Rows, System, plain_rows

_AREA_ROWS = 8_000
_SOME_CALLS = 20
_areas = count(1)

Leases = dict[int, tuple[int, int | None]]
"""Jobs in one state: job number → claims and end of the lease."""


@dataclass
class Chaos:
    """A running system, and the servers that a test can fail."""

    pair: str
    scale: Scale
    system: System
    broker: Broker
    ledger: LedgerServer
    wake_up: WakeUp

    @property
    def processes(self) -> Processes:
        """The system's."""
        return self.system.processes

    def another(self, *names: str, **environment: str) -> AbstractContextManager[None]:
        """Run a second process of each name within the `with`."""
        return self.processes.also(
            *names, ISSUANCE_API_URL=self.system.running.api_url, **environment
        )


@dataclass
class Hazard:
    """One running hazard; the fixture `hazard` begins it."""

    chaos: Chaos
    record: Record
    settle_seconds: float
    campaigns: list[str] = field(default_factory=list)

    @property
    def rounds(self) -> range:
        """The rounds of this run."""
        return range(self.chaos.scale.rounds)

    def blast(
        self, jobs_wanted: int | None = None, first: Rows = (), *, by_command: bool = False
    ) -> str:
        """Accept a blast of the given and then of new customers; returns the campaign."""
        name = f"hazard-{self.record.number}-{next(_areas)}"
        left = self.chaos.scale.jobs if jobs_wanted is None else jobs_wanted
        rows: list[Mapping[str, object]] = list(first)
        while left > 0:
            rows += plain_rows(min(left, _AREA_ROWS), area=next(_areas) % 10_000)
            left -= _AREA_ROWS
        self.record.jobs += len(rows)
        (self.chaos.system.blast if by_command else self.chaos.system.accept)(name, rows)
        self.campaigns.append(name)
        return name

    def blast_under_way(self, jobs_wanted: int | None = None) -> str:
        """Accept a blast and wait until its calls arrive."""
        wanted = self.chaos.system.calls() + _SOME_CALLS
        name = self.blast(jobs_wanted)
        await_that("the blast is under way", lambda: self.chaos.system.calls() >= wanted, 40)
        return name

    def strike(self, times: int = 1) -> None:
        """Count faults."""
        self.record.faults += times

    def jobs_in(self, state: State = State.RUNNING) -> Leases:
        """The running jobs, or those of another state."""
        query = select(jobs.c.number, jobs.c.claims, jobs.c.lease_until).where(
            jobs.c.state == state
        )
        with self.chaos.system.ledger.read() as connection:
            return {number: (claims, lease) for number, claims, lease in connection.execute(query)}

    def chunks_running(self) -> int:
        """The number of chunks that workers have claimed."""
        query = select(func.count(jobs.c.chunk_id.distinct())).where(jobs.c.state == State.RUNNING)
        with self.chaos.system.ledger.read() as connection:
            return connection.scalar(query) or 0

    def settled(self) -> int:
        """The number of settled jobs of this hazard."""
        balances = map(self.chaos.system.balance, self.campaigns)
        return sum(one.campaign.accepted_lines - one.unsettled for one in balances)

    def longest_call(self) -> float:
        """Seconds of the longest call for this hazard's jobs."""
        query = (
            select(func.max(attempts.c.took_ms))
            .join(jobs, jobs.c.number == attempts.c.job_number)
            .join(campaigns, campaigns.c.id == jobs.c.campaign_id)
            .where(campaigns.c.name.in_(self.campaigns))
        )
        with self.chaos.system.ledger.read() as connection:
            return (connection.scalar(query) or 0) / 1000

    @contextmanager
    def recovery(
        self, what: str, watch: Callable[[], Callable[[], object]], seconds: float = 40
    ) -> Iterator[None]:
        """Measure the time from the end of the block until the system recovers.

        Args:
            what: has to happen.
            watch: called when the block, and so the fault, ends; returns a function that says
                whether it happened.
            seconds: the longest time to wait.
        """
        yield
        begun = time.monotonic()
        await_that(what, watch(), seconds)
        self.record.recovered.append(time.monotonic() - begun)

    def moves(self, state: State = State.RUNNING) -> Callable[[], bool]:
        """Return a check that every job now in this state has since changed state or owner."""
        before = self.jobs_in(state)

        def none_left() -> bool:
            now = self.jobs_in(state)
            return not any(now.get(number) == how for number, how in before.items())

        return none_left

    def progresses(self) -> Callable[[], bool]:
        """Return a check that another job has been settled, or that none is left."""
        before = self.settled()
        return lambda: self.settled() > before or self._is_over()

    def _is_over(self) -> bool:
        return all(map(self._is_settled, self.campaigns))

    def wait_settled(self) -> None:
        """Wait until all blasts of this hazard are settled."""
        for name in self.campaigns:
            await_that(
                f"{name} is settled", lambda name=name: self._is_settled(name), self.settle_seconds
            )

    def _is_settled(self, name: str) -> bool:
        return not self.chaos.system.balance(name).unsettled

    def close(self) -> None:
        """Wait until everything is settled; assert that ledger and API agree."""
        record, system = self.record, self.chaos.system
        self.wait_settled()
        truth = read_truth(system.running.api_url)
        wrong: list[str] = []
        for name in self.campaigns:
            # With this campaign's requestIds only: the comparison reads every campaign it meets.
            ours = {line.request_id for line in system.lines(name)}
            books = compare(
                system.ledger, name, {key: truth.pop(key) for key in ours & truth.keys()}
            )
            final = system.balance(name)
            record.doubled += len(books.double)
            record.lost += len(books.lost) + (0 if final.balanced else 1)
            assert recount(system.ledger, name).counts == final.counts
            record.in_doubt += final.counts[State.IN_DOUBT]
            wrong += books.wrong
        record.lost += len(
            strangers := [key for key in truth if find_line(system.ledger, key) is None]
        )
        wrong += strangers
        assert not wrong, (
            f"{record.doubled} doubled, {record.lost} lost, "
            f"{len(wrong)} requestIds differ, for example {wrong[0]}"
        )
        assert not record.lost, f"{record.lost} campaigns do not balance"
