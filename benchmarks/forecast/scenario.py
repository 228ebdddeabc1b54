"""Random situations of a campaign: its size, the API's faults, other campaigns, windows."""

import math
from dataclasses import dataclass, field
from random import Random

from benchmarks.limiter.apis import Api, Job, Reply
from issuance.forecast.work import ALWAYS, Span
from limiter.feedback_buffer import Verdict

RATES = (1_200, 2_400, 3_600, 6_000)
_SHORTEST, _LONGEST = 90.0, 600.0
_OUTAGES_APART = 600.0
_WITH_OWN_RATE = _WITH_WINDOW = 0.15
_FROM_THE_START, _KNOWN = 0.6, 0.5
_ALWAYS_THROTTLED, _THROTTLED = 0.2, 0.35
_SLOW = 0.2
"""Shares of runs, or of other campaigns, in which this is so."""


@dataclass(frozen=True, slots=True)
class Entrant:
    """A campaign of a run."""

    id: int
    jobs: int
    weight: int = 1
    per_minute: int = 0
    begins: float = 0.0
    is_known: bool = True
    """Whether a forecast knows it before it begins."""
    spans: tuple[Span, ...] = ALWAYS


@dataclass(frozen=True, slots=True)
class Fault:
    """A time in which the API behaves otherwise."""

    begin: float
    end: float
    limit: float = math.inf
    """Calls a second above which it answers 429."""
    latency: float = 1.0
    """Factor."""
    is_out: bool = False


@dataclass(frozen=True, slots=True)
class Situation:
    """One run's parameters."""

    seed: int
    rate: int
    entrants: tuple[Entrant, ...]
    """The first one is forecast."""
    latency: float
    stray: float
    """Share of calls without an answer."""
    faults: tuple[Fault, ...] = field(default=())

    @property
    def kinds(self) -> set[str]:
        """Names of what happens in it."""
        own, *others = self.entrants
        found = {"others" for _ in others}
        found |= {"a window" for _ in own.spans[1:]}
        found |= {"own rate"} if own.per_minute else set()
        for fault in self.faults:
            if fault.is_out:
                found.add("suspensions")
            elif fault.latency > 1:
                found.add("latency")
            else:
                found.add("429s")
        return found


def draw(seed: int) -> Situation:
    """Draw a situation in which something happens."""
    rng = Random(f"forecast {seed}")
    while not (found := _draw(seed, rng)).kinds:
        pass
    return found


def _draw(seed: int, rng: Random) -> Situation:
    rate = rng.choice(RATES)
    seconds = math.exp(rng.uniform(math.log(_SHORTEST), math.log(_LONGEST)))
    jobs = round(rate / 60 * seconds)
    own = Entrant(
        1, jobs, rng.choice((1, 1, 1, 2, 4)), _own_rate(rng, rate), spans=_spans(rng, seconds)
    )
    others = tuple(
        _other(rng, number, jobs, seconds) for number in range(2, 2 + rng.choice((0, 0, 1, 2)))
    )
    faults = [*_throttling(rng, rate, seconds), *_outages(rng, seconds), *_slowness(rng, seconds)]
    return Situation(
        seed,
        rate,
        (own, *others),
        rng.uniform(0.03, 0.3),
        rng.choice((0.0, 0.005, 0.02)),
        tuple(faults),
    )


def _own_rate(rng: Random, rate: int) -> int:
    return round(rate * rng.uniform(0.3, 0.8)) if rng.random() < _WITH_OWN_RATE else 0


def _spans(rng: Random, seconds: float) -> tuple[Span, ...]:
    if rng.random() >= _WITH_WINDOW:
        return ALWAYS
    closes = rng.uniform(0.1, 0.8) * seconds
    return (Span(0.0, closes), Span(closes + rng.uniform(60, 1_200)))


def _other(rng: Random, number: int, jobs: int, seconds: float) -> Entrant:
    begins = 0.0 if rng.random() < _FROM_THE_START else rng.uniform(0.1, 0.9) * seconds
    return Entrant(
        number, round(jobs * rng.uniform(0.05, 0.5)), rng.choice((1, 1, 2, 4)), 0, begins,
        is_known=rng.random() < _KNOWN,
    )  # fmt: skip


def _throttling(rng: Random, rate: int, seconds: float) -> list[Fault]:
    chance = rng.random()
    if chance < _ALWAYS_THROTTLED:
        return [Fault(0.0, math.inf, limit=rate / 60 * rng.uniform(0.3, 0.9))]
    if chance < _THROTTLED:
        begin = rng.uniform(0.0, 0.9) * seconds
        end = begin + rng.uniform(0.1, 0.4) * seconds
        return [Fault(begin, end, limit=rate / 60 * rng.uniform(0.3, 0.9))]
    return []


def _outages(rng: Random, seconds: float) -> list[Fault]:
    faults, at = [], rng.expovariate(1 / _OUTAGES_APART)
    while at < seconds:
        faults.append(Fault(at, at + rng.uniform(5, 40), is_out=True))
        at += rng.expovariate(1 / _OUTAGES_APART)
    return faults


def _slowness(rng: Random, seconds: float) -> list[Fault]:
    if rng.random() >= _SLOW:
        return []
    begin = rng.uniform(0.0, 0.9) * seconds
    return [Fault(begin, begin + rng.uniform(0.1, 0.5) * seconds, latency=rng.uniform(2, 12))]


class Faulty(Api):
    """Behaves as a situation says, and keeps each call's time, campaign and number."""

    def __init__(self, situation: Situation, rng: Random) -> None:
        super().__init__(rng, situation.latency)
        self.calls: list[tuple[float, int, int]] = []
        self._situation = situation
        self._tokens, self._at = 0.0, 0.0

    def call(self, job: Job, now: float) -> Reply:
        """Answer as the faults of this time want."""
        self.calls.append((now, job.campaign, job.calls))
        current = [each for each in self._situation.faults if each.begin <= now < each.end]
        if any(each.is_out for each in current):
            return Reply(self.plain(), Verdict.FAILED, settles=False)
        if self._is_throttled(min((each.limit for each in current), default=math.inf), now):
            return Reply(0.05, Verdict.THROTTLED, settles=False, retry_after=1.0)
        if self.rng.random() < self._situation.stray:
            return Reply(self.plain(), Verdict.FAILED, settles=False)
        return Reply(self.plain() * math.prod(each.latency for each in current))

    def _is_throttled(self, limit: float, now: float) -> bool:
        passed, self._at = now - self._at, now
        if math.isinf(limit):
            return False
        self._tokens = min(limit / 2, self._tokens + passed * limit)
        if self._tokens < 1:
            return True
        self._tokens -= 1
        return False
