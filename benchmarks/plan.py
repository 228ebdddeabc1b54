"""The measurements in their order: repeats run in rounds, so that noise affects all rows."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median

from redis import Redis

from benchmarks.acceptance import accept_in_subprocess
from benchmarks.contenders import BARE, CONTENDERS, ON_CORES, Contender, Place
from benchmarks.costs import measure_in_subprocess
from benchmarks.goals import LEDGERS
from benchmarks.history import settle_half
from benchmarks.load import IN_FLIGHT, Task, write_csv
from benchmarks.promises.plan import measures, take
from benchmarks.promises.sizes import FULL_LENGTH, QUICK_LENGTH, Length
from benchmarks.quota import NoQuotaError
from benchmarks.results import Results
from benchmarks.scale.demand import measure_demand
from benchmarks.scale.plan import measure_scale
from benchmarks.servers import new_database, url_of
from benchmarks.stub_speed import stub_speed
from issuance.endpoint import Variant

_FIRST_GUESS_PER_SECOND = 1_500.0
_SCALING_MS = 50


@dataclass(frozen=True)
class Sizes:
    """The size of each measurement."""

    run_seconds: float
    repeats: int
    races: tuple[tuple[int, Variant, bool], ...]
    """Milliseconds of an answer, endpoint, and whether every contender runs."""
    rows: int
    """Of the accepted file."""
    jobs: int
    """Run through the ledger's steps."""
    promises: Length
    scale: tuple[int, int]
    """Jobs in the small and in the large ledger."""
    demand_jobs: int
    """Issued to measure what one job needs of every component."""
    quick: bool = False


FULL = Sizes(
    run_seconds=4.0,
    repeats=3,
    races=(
        (50, Variant.BULK, True),
        (5, Variant.BULK, False),
        (200, Variant.BULK, False),
        (50, Variant.SINGLE, False),
    ),
    rows=200_000,
    jobs=4_000,
    promises=FULL_LENGTH,
    scale=(100_000, 1_000_000),
    demand_jobs=20_000,
)
QUICK = Sizes(
    run_seconds=0.4,
    repeats=1,
    races=((50, Variant.BULK, True),),
    rows=5_000,
    jobs=400,
    promises=QUICK_LENGTH,
    scale=(10_000, 20_000),
    demand_jobs=1_000,
    quick=True,
)


class Plan:
    """Runs every measurement that the results do not hold yet.

    Args:
        sizes: size of each measurement.
        results: receives the figures.
        place: stub, PostgreSQL and a folder.
        broker: emptied before each race.
        only: run only keys that contain this; "" for all.
    """

    def __init__(
        self, sizes: Sizes, results: Results, place: Place, broker: Redis, only: str = ""
    ) -> None:
        self._sizes = sizes
        self._results = results
        self._place = place
        self._broker = broker
        self._only = only
        self._order = Random(1)

    def run(self) -> None:
        """Measure."""
        for repeat in range(1, self._sizes.repeats + 1):
            self._measure_stub(repeat)
            for latency_ms, variant, whole in self._sizes.races:
                for contender in self._contenders(whole=whole):
                    key = f"race/{latency_ms}/{variant.value}/{contender.name}/{repeat}"
                    self._race(key, contender, latency_ms, variant, repeat)
            self._measure_scaling(repeat)
            for ledger in LEDGERS:
                self._measure_ledger(ledger, repeat)
        self._measure_promises()
        for ledger in LEDGERS:
            self._measure_scale(ledger)
        if self._wants("demand/PostgreSQL"):
            self._keep(
                "demand/PostgreSQL",
                measure_demand(self._place, self._broker, self._sizes.demand_jobs),
            )

    def _measure_promises(self) -> None:
        """Measure once: a promise holds for each call, so that one session has enough samples."""
        for measure in measures(quick=self._sizes.quick):
            key = f"promise/{measure.name}"
            if self._wants(key):
                figures = take(measure, self._sizes.promises, self._place, self._broker)
                self._keep(
                    key, {"figures": {name: list(values) for name, values in figures.items()}}
                )
                for name, values in figures.items():
                    print(
                        f"  {name}: worst {max(values, default=0.0):.3f} of {len(values)}",
                        flush=True,
                    )

    def _measure_scale(self, ledger: str) -> None:
        for count in self._sizes.scale:
            key = f"scale/{ledger}/{count}"
            if self._wants(key):
                url = self._new_ledger(ledger, "scale")
                self._keep(
                    key,
                    measure_scale(url, count, self._sizes.jobs, self._place.folder, self._broker),
                )

    def _wants(self, key: str) -> bool:
        return self._only in key and not self._results.has(key)

    def _measure_stub(self, repeat: int) -> None:
        key = f"stub/{repeat}"
        if self._wants(key):
            per_second = stub_speed(
                self._place.stub, self._task(5, Variant.BULK), min(2.0, self._sizes.run_seconds)
            )
            self._keep(key, {"per_second": per_second})

    def _contenders(self, *, whole: bool) -> Iterator[Contender]:
        wanted = [
            one
            for one in CONTENDERS
            if (whole or one.everywhere) and (one.quick or not self._sizes.quick)
        ]
        others = [one for one in wanted if one is not BARE]
        self._order.shuffle(others)
        yield from (BARE, *others)

    def _measure_scaling(self, repeat: int) -> None:
        """Compare this system on two cores with one core, with a share of each."""
        if self._sizes.quick:
            return
        for cores, contender in ON_CORES.items():
            try:
                self._race(f"cores/{cores}/{repeat}", contender, _SCALING_MS, Variant.BULK, repeat)
            except NoQuotaError as error:
                print(f"cores/{cores}/{repeat}: not measured. {error}", flush=True)

    def _race(
        self, key: str, contender: Contender, latency_ms: int, variant: Variant, repeat: int
    ) -> None:
        if not self._wants(key):
            return
        count = max(
            200,
            int(
                self._bare_per_second(latency_ms, variant)
                * contender.share
                * self._sizes.run_seconds
            ),
        )
        self._broker.flushall()
        self._place.stub.reset(latency_ms)
        made = contender.run(self._place, self._task(latency_ms, variant), count)
        about = {
            "latency_ms": latency_ms,
            "variant": variant.value,
            "contender": contender.name,
            "repeat": repeat,
        }
        self._keep(key, about | asdict(made))

    def _task(self, latency_ms: int, variant: Variant) -> Task:
        return Task(self._place.stub.url, url_of(self._broker), IN_FLIGHT[latency_ms], variant)

    def _bare_per_second(self, latency_ms: int, variant: Variant) -> float:
        runs = self._results.of(f"race/{latency_ms}/{variant.value}/{BARE.name}/")
        return median(row["per_second"] for row in runs) if runs else _FIRST_GUESS_PER_SECOND

    def _measure_ledger(self, ledger: str, repeat: int) -> None:
        """Accept a file twice, then run jobs through the steps of a small and a large ledger."""
        keys = [
            f"accept/{ledger}/new/{repeat}",
            f"accept/{ledger}/again/{repeat}",
            f"costs/{ledger}/{repeat}",
        ]
        if not any(self._wants(key) for key in keys):
            return
        url = self._new_ledger(ledger, f"accept-{repeat}")
        file = self._file("rows", self._sizes.rows)
        for key in keys[:2]:
            self._keep(key, {"ledger": ledger, **asdict(accept_in_subprocess(file, url, "bench"))})
        settle_half(url)
        many = measure_in_subprocess(url, self._sizes.jobs, "bench")
        url = self._new_ledger(ledger, f"few-{repeat}")
        accept_in_subprocess(self._file("few", self._sizes.jobs * 2), url, "bench")
        few = measure_in_subprocess(url, self._sizes.jobs, "bench")
        self._keep(keys[2], {"ledger": ledger, "many": many, "few": few})

    def _new_ledger(self, ledger: str, name: str) -> str:
        if ledger == "PostgreSQL":
            return new_database(self._place.postgres_url)
        path = self._place.folder / f"{name}.db"
        path.unlink(missing_ok=True)
        return f"sqlite:///{path}"

    def _file(self, name: str, rows: int) -> Path:
        path = self._place.folder / f"{name}.csv"
        if not path.exists():
            write_csv(path, rows)
        return path

    def _keep(self, key: str, values: dict[str, object]) -> None:
        self._results.add(key, **values)
        shown = {
            name: round(value, 1) for name, value in values.items() if isinstance(value, float)
        }
        print(f"{key}: {shown}", flush=True)
