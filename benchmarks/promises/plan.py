"""The promises to measure, each on its own system."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from redis import Redis

from benchmarks.contenders import Place
from benchmarks.promises import fairness, intake, pauses, priority, rate
from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Options, Samples, System, prepared, start
from benchmarks.servers import new_database

LATENCY_MS = priority.LATENCY_MS
_CAMPAIGN, _REWARD = "blast", 1001
_ROOM = Options(rate_per_minute=60_000, max_concurrent=10, background=True)
"""Far below the rate: only the few concurrent calls limit the blast."""
_NO_ROOM = Options(rate_per_minute=6_000, background=True)
"""The blast uses up the account's rate."""


@dataclass(frozen=True)
class Measure:
    """One session with a system."""

    name: str
    options: Options
    accept: Callable[[System, Length], None]
    """Called before the processes start."""
    measure: Callable[[System, Length], Samples]
    in_postgres: bool = False


def measures(*, quick: bool) -> Iterator[Measure]:
    """All of them in order, or only some for a quick run."""
    return (measure for measure in _all() if measure.name in _QUICK or not quick)


_QUICK = ("pause", "idle/SQLite")


def _all() -> Iterator[Measure]:
    several = Options(rate_per_minute=rate.FAST, workers=2)
    yield Measure("rate", several, _blast_of_seconds(rate.FAST), rate.measure_rate)
    both = Options(rate_per_minute=fairness.RATE, workers=2)
    yield Measure("fair/equal", both, _both, fairness.measure_equal)
    yield Measure("fair/weighted", both, _both, fairness.measure_weighted)
    for name, options in (("room", _ROOM), ("no room", _NO_ROOM)):
        yield Measure(f"background/{name}", options, _large_blast, _behind_a_blast(name))
    paused = Options(rate_per_minute=pauses.RATE)
    yield Measure("pause", paused, _paused, pauses.measure_pauses)
    yield Measure("cancel", paused, _nothing, pauses.measure_cancels)
    for ledger in ("SQLite", "PostgreSQL"):
        idle = Options(background=True)
        yield Measure(
            f"idle/{ledger}", idle, _nothing, _idle(ledger), in_postgres=ledger == "PostgreSQL"
        )
    yield Measure("intake", Options(rate_per_minute=intake.RATE), _nothing, intake.measure_intake)


def take(measure: Measure, length: Length, place: Place, broker: Redis) -> Samples:
    """Take one measurement."""
    url = new_database(place.postgres_url) if measure.in_postgres else ""
    with (
        prepared(place.folder, place.stub, broker, measure.options, ledger_url=url) as system,
        ExitStack() as stack,
    ):
        measure.accept(system, length)
        place.stub.watch(LATENCY_MS)
        start(system, measure.options, stack)
        return measure.measure(system, length)


def _nothing(_: System, __: Length) -> None:
    pass


def _blast_of_seconds(per_minute: int) -> Callable[[System, Length], None]:
    def accept(system: System, length: Length) -> None:
        seconds = 2 * length.steady_seconds + 30
        system.accept(_CAMPAIGN, int(per_minute / 60 * seconds), reward_id=_REWARD)

    return accept


def _both(system: System, length: Length) -> None:
    fairness.accept_both(system, int(fairness.RATE / 60 * (length.shared_seconds + 40)))


def _large_blast(system: System, length: Length) -> None:
    system.accept(_CAMPAIGN, length.blast_rows, reward_id=_REWARD)


def _paused(system: System, length: Length) -> None:
    system.accept("paused", pauses.rows(length), reward_id=_REWARD)


def _behind_a_blast(name: str) -> Callable[[System, Length], Samples]:
    return lambda system, length: priority.measure_behind_a_blast(system, length, name=name)


def _idle(ledger: str) -> Callable[[System, Length], Samples]:
    return lambda system, length: priority.measure_idle(system, length, name=ledger)
