"""The situations that the limiter must handle, each with its goals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

from benchmarks.limiter import apis
from benchmarks.limiter.apis import Api, Reply
from benchmarks.limiter.fleet import PLACES, Record
from limiter.feedback_buffer import Verdict

ENDLESS = 1_000_000_000
RATE = 3_600
PER_SECOND = RATE / 60
CHILDREN = 2
_THROTTLED = Reply(0.02, Verdict.THROTTLED, settles=False, retry_after=1.0)
_THROUGHPUT_SECONDS = {RATE: 40.0, 100: 200.0, 0: 25.0}
_LOST = Reply(0.05, Verdict.FAILED, settles=False)


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on one measure, as the median over the seeds."""

    measure: str
    least: float | None = None
    most: float | None = None
    of_off: bool = False
    """The bound is a multiple of the value without adaptation."""

    def is_met(self, ours: float, off: float) -> bool:
        """Compare a measure with its bound."""
        scale = off if self.of_off else 1.0
        return (self.least is None or ours >= self.least * scale) and (
            self.most is None or ours <= self.most * scale
        )

    def __str__(self) -> str:
        bounds = [f"≥ {self.least:g}"] if self.least is not None else []
        bounds += [f"≤ {self.most:g}"] if self.most is not None else []
        return f"{self.measure} {' and '.join(bounds)}{' × off' if self.of_off else ''}"


@dataclass(frozen=True, slots=True)
class Scenario:
    """A model of an API, the jobs that are sent to it, and the measures."""

    name: str
    api: Callable[[Random], Api]
    seconds: float
    measure: Callable[[Record], dict[str, float]]
    goals: Sequence[Goal]
    rate: int = RATE
    jobs: Sequence[int] = (ENDLESS,)
    """Per campaign."""


def _count(times: Sequence[float], begin: float, end: float) -> int:
    return sum(begin <= at < end for at in times)


def _settled(record: Record, begin: float, end: float, campaign: int | None = None) -> float:
    """Settled jobs per second."""
    times = [at for at, of in record.settled if campaign in (None, of)]
    return _count(times, begin, end) / (end - begin)


def _accepted(record: Record, begin: float, end: float) -> float:
    return _count([at for at, refused in record.calls if not refused], begin, end) / (end - begin)


def _refused(record: Record, begin: float, end: float) -> float:
    calls = [refused for at, refused in record.calls if begin <= at < end]
    return sum(calls) / max(1, len(calls))


def _throughput(record: Record, *, seconds: float) -> dict[str, float]:
    return {"jobs/s": _settled(record, 0, seconds), "suspended": record.suspensions}


def _done(record: Record) -> dict[str, float]:
    return {"seconds": max(at for at, _ in record.settled), "exhausted": record.exhausted}


def _limited(record: Record, *, seconds: float) -> dict[str, float]:
    return {
        "used": _accepted(record, 10, seconds) / PER_SECOND,
        "refused": _refused(record, 10, seconds),
    }


def _changed(record: Record) -> dict[str, float]:
    return {"refused": _refused(record, 35, 60), "used": _accepted(record, 80, 90) / PER_SECOND}


def _queued(record: Record) -> dict[str, float]:
    """Measured from 15 s: the first second, at four times the capacity, builds a queue."""
    latencies = sorted(took for at, took in record.latencies if at >= 15)
    p95 = latencies[int(len(latencies) * 0.95)] if latencies else 0.0
    return {"used": _settled(record, 15, 60) / PER_SECOND, "p95 / unloaded": p95 / 0.05}


def _slow(record: Record) -> dict[str, float]:
    return {"used": _settled(record, 20, 120) / (CHILDREN * PLACES / 2.0)}


def _hung(record: Record, *, share: float, latency: float) -> dict[str, float]:
    mean = latency * (1 - share) + apis.Hanging.TIMEOUT * share
    ideal = CHILDREN * PLACES * (1 - share) / mean
    return {"used": _settled(record, 35, 65) / ideal}


def _out(record: Record) -> dict[str, float]:
    calls = [at for at, _ in record.calls]
    return {
        "calls/s": _count(calls, 32, 630) / 598,
        "used": _settled(record, 640, 650) / PER_SECOND,
        "exhausted": record.exhausted,
    }


def _shared(record: Record) -> dict[str, float]:
    return {"other's share": _settled(record, 10, 60, campaign=2) / (PER_SECOND / 2)}


def _fallen(seconds: float) -> float:
    return PER_SECOND / 4 if 30 <= seconds < 60 else PER_SECOND


def _steady(_: float) -> float:
    return PER_SECOND


def _by_campaign(rng: Random) -> Api:
    return apis.ByCampaign(rng, {1: apis.FailsAlways(rng, 1.0), 2: Api(rng)})


def _stray() -> list[Scenario]:
    of_off = [Goal("jobs/s", least=0.9, of_off=True)]
    rates = [(RATE, 0.01), (RATE, 0.03), (RATE, 0.05), (100, 0.05), (0, 0.05)]
    throttled = [
        Scenario(
            f"stray 429s, {share:.0%} of calls, {_rate(rate)}",
            partial(apis.Stray, share=share, reply=_THROTTLED, latency=0.05 if rate else 0.5),
            _THROUGHPUT_SECONDS[rate],
            partial(_throughput, seconds=_THROUGHPUT_SECONDS[rate]),
            of_off,
            rate,
        )
        for rate, share in rates
    ]
    failed = [
        Scenario(
            f"stray 5xx and lost replies, {share:.0%} of calls",
            partial(apis.Stray, share=share, reply=_LOST),
            40,
            partial(_throughput, seconds=40),
            of_off,
        )
        for share in (0.05, 0.20, 0.35)
    ]
    return throttled + failed


def _rate(rate: int) -> str:
    return f"{rate:,} calls/min" if rate else "rate unlimited"


def _limits() -> list[Scenario]:
    goals = [Goal("used", least=0.95), Goal("refused", most=0.02)]
    hard = [
        Scenario(
            f"hard limit R, {name}",
            partial(apis.HardLimit, rate=_steady),
            seconds,
            partial(_limited, seconds=seconds),
            goals,
            rate,
        )
        for name, rate, seconds in (("ours unset", 0, 25), ("ours 4 R", 4 * RATE, 60))
    ]
    falls = Scenario(
        "hard limit falls to R/4 at 30 s, rises at 60 s",
        partial(apis.HardLimit, rate=_fallen),
        90,
        _changed,
        [Goal("refused", most=0.05), Goal("used", least=0.9)],
        4 * RATE,
    )
    capacity = Scenario(
        "capacity C, a queue before it",
        partial(apis.Capacity, per_second=PER_SECOND),
        60,
        _queued,
        [Goal("used", least=0.9), Goal("p95 / unloaded", most=3)],
        4 * RATE,
    )
    slow = Scenario(
        "latency alone from 50 ms to 2 s",
        partial(apis.SlowFrom, at=20, latency=2.0),
        120,
        _slow,
        [Goal("used", least=0.9)],
        2 * RATE,
    )
    return [*hard, falls, capacity, slow]


def _places() -> list[Scenario]:
    return [
        Scenario(
            f"1 call in {round(1 / share):,} hangs for 30 s",
            partial(apis.Hanging, share=share, latency=1.0),
            65,
            partial(_hung, share=share, latency=1.0),
            [Goal("used", least=least)],
            rate=0,
        )
        for share, least in ((0.001, 0.9), (0.01, 0.8))
    ]


def _apart() -> list[Scenario]:
    return [
        Scenario(
            "faults of the measured run, 600 rows",
            partial(apis.Measured, latency=0.02),
            400,
            _done,
            [Goal("seconds", most=1 / 0.9, of_off=True)],
            rate=0,
            jobs=(600,),
        ),
        Scenario(
            "faults of the measured run, endless",
            partial(apis.Measured, latency=0.02),
            40,
            partial(_throughput, seconds=40),
            [Goal("jobs/s", least=0.9, of_off=True)],
        ),
        Scenario(
            "readable answers that need reconciliation, 10 % of calls",
            partial(apis.Reconciled, share=0.1),
            40,
            partial(_throughput, seconds=40),
            [Goal("jobs/s", least=0.95, of_off=True), Goal("suspended", most=0)],
        ),
        Scenario(
            "reads fail, issuing works",
            partial(apis.Reconciled, share=0.1, reads_fail=True),
            40,
            partial(_throughput, seconds=40),
            [Goal("jobs/s", least=0.95, of_off=True), Goal("suspended", most=0)],
        ),
        Scenario(
            "outage of 10 minutes",
            partial(apis.Outage, begins=30, ends=630),
            650,
            _out,
            [Goal("calls/s", most=1), Goal("used", least=0.9), Goal("exhausted", most=0)],
        ),
        Scenario(
            "all calls of one campaign fail, none of another",
            _by_campaign,
            60,
            _shared,
            [Goal("other's share", least=0.9)],
            jobs=(ENDLESS, ENDLESS),
        ),
        Scenario(
            "the tail: 30 of 600 jobs always fail",
            partial(apis.FailsAlways, share=0.05),
            3_000,
            _done,
            [Goal("seconds", most=1.2, of_off=True)],
            rate=0,
            jobs=(600,),
        ),
    ]


SCENARIOS: Sequence[Scenario] = [*_stray(), *_limits(), *_places(), *_apart()]
