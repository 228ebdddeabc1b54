"""Runs a situation in virtual time, and forecasts its end on the way."""

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from heapq import heappop
from random import Random
from typing import Any, TypeVar

from benchmarks.forecast.scenario import Entrant, Faulty, Situation, draw
from benchmarks.limiter.apis import Job
from benchmarks.limiter.controllers import Ours, finish
from benchmarks.limiter.fleet import Child, Supply
from benchmarks.limiter.simulation import Simulation
from issuance.forecast.forecast import Forecast, forecast
from issuance.forecast.history import repeats_of
from issuance.forecast.speed import Calls, Limits
from issuance.forecast.work import Campaign, Later, Span
from issuance.retry import RetryPolicy
from limiter.state import LimitState

T = TypeVar("T", bound=tuple[Any, ...])
CHECKS = (0.05, 0.25, 0.5, 0.75)
CHILDREN, POLL_SECONDS, WATCH_SECONDS, BUCKETS = 2, 0.5, 300.0, 150
SHARED_CHUNK, LONGEST_RUN = 25, 20_000.0


@dataclass(frozen=True, slots=True)
class Check:
    """What a forecast is made from at one moment of a run, and what came true."""

    seed: int
    share: float
    """Of the lines that were settled."""
    kinds: tuple[str, ...]
    campaign: Campaign
    others: tuple[Campaign, ...]
    calls: Calls
    limits: Limits
    at: float
    truth: float = math.nan
    """Seconds from then to the end."""

    def forecast(self) -> Forecast:
        """Forecast the end.

        Raises:
            LookupError: it is unknown.
        """
        found = forecast(self.campaign, self.others, self.calls, self.limits)
        if found is None:
            raise LookupError(f"no forecast for seed {self.seed} at {self.share:.0%}")
        return found


class Turns(Supply):
    """Due jobs by campaign, shared by weight, each from its start on and within its spans."""

    def __init__(self, simulation: Simulation, entrants: Sequence[Entrant], rng: Random) -> None:
        super().__init__(simulation, {each.id: each.jobs for each in entrants}, rng)
        self.entrants = {each.id: each for each in entrants}
        self.repeated: list[tuple[float, int, int, float]] = []
        """Time, campaign, calls made and wait of each job that is called again."""
        self._virtual = dict.fromkeys(self.entrants, 0.0)
        self._slots = dict.fromkeys(self.entrants, 0.0)

    def put_back(self, job: Job, due: float) -> None:
        """Return a job that is due later."""
        now = self._simulation.now
        self.repeated.append((now, job.campaign, job.calls, due - now))
        super().put_back(job, due)

    def later(self, campaign: int) -> list[float]:
        """The times until its waiting jobs are due."""
        now = self._simulation.now
        return sorted(due - now for due, *_ in self._retries[campaign] if due > now)

    def take(self, most: int, suspended: Callable[[], list[int]]) -> deque[Job]:
        """Take a chunk of the campaign whose turn it is."""
        held = suspended() if len(self._taken) > 1 else []
        due = [key for key in self._taken if self._may_call(key) and self._is_due(key, held)]
        if not due:
            return deque()
        chosen = min(due, key=lambda key: self._virtual[key])
        if chosen in held:
            most, self._probed[chosen] = 1, self._simulation.now
        elif len(due) > 1:
            most = min(most, SHARED_CHUNK)
        chunk = self._cut(chosen, min(most, self._room(chosen)))
        behind = min(self._virtual[key] for key in due)
        self._virtual[chosen] = max(self._virtual[chosen], behind)
        self._virtual[chosen] += len(chunk) / self.entrants[chosen].weight
        for key in self._virtual.keys() - set(due):
            self._virtual[key] = max(self._virtual[key], behind)
        self._slots[chosen] += len(chunk) * 60 / (self.entrants[chosen].per_minute or math.inf)
        return chunk

    def _cut(self, campaign: int, most: int) -> deque[Job]:
        chunk: deque[Job] = deque()
        retries = self._retries[campaign]
        while len(chunk) < most and retries and retries[0][0] <= self._simulation.now:
            chunk.append(heappop(retries)[2])
        while len(chunk) < most and self._left[campaign] > 0:
            self._left[campaign] -= 1
            self._number += 1
            chunk.append(Job(self._number, campaign, draw=self._rng.random()))
        self._taken[campaign] += len(chunk)
        return chunk

    def _room(self, campaign: int) -> int:
        per_minute, now = self.entrants[campaign].per_minute, self._simulation.now
        if not per_minute:
            return SHARED_CHUNK * 100
        self._slots[campaign] = max(self._slots[campaign], now - 1)
        return int((now - self._slots[campaign]) * per_minute / 60)

    def _may_call(self, campaign: int) -> bool:
        own, now = self.entrants[campaign], self._simulation.now
        opened = any(span.begin <= now < span.end for span in own.spans)
        return now >= own.begins and opened and self._room(campaign) > 0


class Run:
    """One situation in virtual time."""

    def __init__(self, situation: Situation) -> None:
        seed = situation.seed
        self.situation = situation
        self.simulation = Simulation()
        self.api = Faulty(situation, Random(f"api {seed}"))
        self.controller = Ours(self.simulation, Random(f"controller {seed}"), situation.rate)
        self.turns = Turns(self.simulation, situation.entrants, Random(f"turns {seed}"))
        self.policy = RetryPolicy()
        self._asked: list[Check] = []
        self._settled: Counter[int] = Counter()
        self._seen = 0
        self._checks = deque(CHECKS)
        for child in range(CHILDREN):
            rng = Random(f"child {seed} {child}")
            Child(self.simulation, self.api, self.controller, self.turns, rng)
        self.simulation.at(POLL_SECONDS, self._poll)

    def checks(self) -> list[Check]:
        """Run to the end of the first campaign, and return its forecasts."""
        own = self.situation.entrants[0]
        while self._settled[own.id] < own.jobs and self.simulation.now < LONGEST_RUN:
            self.simulation.run(self.simulation.now + 5)
            self._count()
        ended = max(at for at, key in self.turns.record.settled if key == own.id)
        return [replace(each, truth=ended - each.at) for each in self._asked]

    def _count(self) -> None:
        settled = self.turns.record.settled
        self._settled.update(key for _, key in settled[self._seen :])
        self._seen = len(settled)

    def _poll(self) -> None:
        self._count()
        own = self.situation.entrants[0]
        while self._checks and self._settled[own.id] >= self._checks[0] * own.jobs:
            self._ask(self._checks.popleft())
        if self._checks:
            self.simulation.at(self.simulation.now + POLL_SECONDS, self._poll)

    def _ask(self, share: float) -> None:
        own, *others = (self._campaign(each) for each in self.situation.entrants)
        if own is None:
            return
        state = finish(self.controller._limiter.state())  # noqa: SLF001 - as the release reads it
        self._asked.append(
            Check(
                self.situation.seed,
                share,
                tuple(sorted(self.situation.kinds)),
                own,
                tuple(each for each in others if each),
                self._calls(),
                limits_of(state),
                self.simulation.now,
            )
        )

    def _calls(self) -> Calls:
        now = self.simulation.now
        size = max(1.0, min(now, WATCH_SECONDS) / BUCKETS)
        counted = Counter(
            int((now - at) / size) for at, *_ in self._recent(self.api.calls, WATCH_SECONDS)
        )
        whole = int(min(now, WATCH_SECONDS) / size)
        return Calls(size, [counted[place] for place in reversed(range(whole))])

    def _recent(self, events: list[T], seconds: float) -> list[T]:
        since = self.simulation.now - seconds
        return events[bisect_left(events, since, key=lambda each: each[0]) :]

    def _campaign(self, entrant: Entrant) -> Campaign | None:
        now, key = self.simulation.now, entrant.id
        if (now < entrant.begins and not entrant.is_known) or self._settled[key] >= entrant.jobs:
            return None
        later = self.turns.later(key)
        made = [call for _, of, call in self._recent(self.api.calls, WATCH_SECONDS) if of == key]
        again = [
            (call, wait)
            for _, of, call, wait in self._recent(self.turns.repeated, WATCH_SECONDS)
            if of == key
        ]
        return Campaign(
            key,
            entrant.jobs - self._settled[key] - len(later),
            entrant.weight,
            entrant.per_minute,
            [Later(each, 1) for each in later],
            repeats_of(made, again, longest_seconds=300.0, calls_most=self.policy.max_attempts),
            _from_now(entrant, now),
        )


def _from_now(entrant: Entrant, now: float) -> tuple[Span, ...]:
    spans = (
        Span(max(0.0, max(span.begin, entrant.begins) - now), span.end - now)
        for span in entrant.spans
    )
    return tuple(span for span in spans if span.end > span.begin)


def limits_of(state: LimitState) -> Limits:
    """Read an account's limits as the product does."""
    return Limits(
        state.rate_per_minute, state.adaptive_limit_per_minute, state.adaptive_limit_seconds,
        state.adaptive_limit_reason == "recovery", not state.account.is_available,
        state.account.until_seconds, state.account.for_seconds,
    )  # fmt: skip


def run(seed: int) -> list[Check]:
    """Run a situation and return its forecasts."""
    return Run(draw(seed)).checks()
