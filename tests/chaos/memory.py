"""The memory of a running system's processes, sample by sample."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median

import psutil

from tests.chaos.hazard import Chaos

WARM_SECONDS = 60.0
"""After this time a process has loaded what it needs."""
_FEW = 6
_MEGABYTE = 1_000_000
_FLAT_SHARE, _FLAT_MEGABYTES = 0.03, 3.0


@dataclass(frozen=True)
class Growth:
    """Megabytes a minute after the start, after a third of its life, at its end, and at most."""

    warm: float
    third: float
    end: float
    most: float

    @property
    def late(self) -> float:
        """The growth after the first third of its life, in which every fault occurs."""
        return self.end - self.third

    @property
    def is_flat(self) -> bool:
        """Whether the last two thirds of its life added at most 3 % or 3 MB."""
        return self.late <= max(self.third * _FLAT_SHARE, _FLAT_MEGABYTES)


@dataclass
class Life:
    """The memory of a process over its life.

    Attributes:
        name: as in the Procfile.
        samples: seconds since it was first seen, and resident bytes.
    """

    name: str
    samples: list[tuple[float, int]] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """The time since it was first seen."""
        return self.samples[-1][0] if self.samples else 0.0

    def growth(self) -> Growth | None:
        """Medians of a few samples each; None for a life of less than a minute."""
        warm = [size / _MEGABYTE for at, size in self.samples if at >= WARM_SECONDS]
        if not warm:
            return None
        later = [
            size / _MEGABYTE
            for at, size in self.samples
            if at >= max(WARM_SECONDS, self.seconds / 3)
        ]
        return Growth(median(warm[:_FEW]), median(later[:_FEW]), median(warm[-_FEW:]), max(warm))


class Memory:
    """Samples the memory of all processes of one ISSUANCE_HOME."""

    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos
        self._lives: dict[psutil.Process, Life] = {}
        self._born: dict[psutil.Process, float] = {}

    def sample(self) -> None:
        """Sample all running processes."""
        for name, process in self._chaos.processes.all_named():
            with suppress(psutil.Error):
                born = self._born.setdefault(process, time.monotonic())
                life = self._lives.setdefault(process, Life(name))
                life.samples.append((time.monotonic() - born, process.memory_info().rss))

    def longest(self) -> Iterator[Life]:
        """The longest life of each name."""
        for name in sorted({life.name for life in self._lives.values()}):
            yield max(
                (life for life in self._lives.values() if life.name == name),
                key=lambda life: life.seconds,
            )
