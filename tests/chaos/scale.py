"""The size of a run: small in `make test-rest`, larger in `make chaos`."""

import os
from dataclasses import dataclass
from typing import Self

_PREFIX = "ISSUANCE_TEST_CHAOS_"


@dataclass(frozen=True)
class Scale:
    """The size of a run.

    Attributes:
        rounds: of each hazard.
        jobs: in each round's blast.
        concurrent: calls of each worker child.
        long: faults last as long as real ones (a minute), and tests that need this run.
        pairs: ledger and broker, as `sqlite+valkey`.
    """

    rounds: int
    jobs: int
    concurrent: int
    long: bool
    pairs: tuple[str, ...]

    @classmethod
    def read(cls) -> Self:
        """Read it from the environment."""

        def given(name: str, default: str) -> str:
            return os.environ.get(_PREFIX + name, default)

        return cls(
            rounds=int(given("ROUNDS", "1")),
            jobs=int(given("JOBS", "120")),
            concurrent=int(given("CONCURRENT", "10")),
            long=given("LONG", "") == "1",
            pairs=tuple(given("PAIRS", "sqlite+valkey").split(",")),
        )

    def environment(self) -> dict[str, str]:
        """The variables for another process."""
        values = {
            "ROUNDS": str(self.rounds),
            "JOBS": str(self.jobs),
            "CONCURRENT": str(self.concurrent),
            "LONG": "1" if self.long else "",
            "PAIRS": ",".join(self.pairs),
        }
        return {_PREFIX + name: value for name, value in values.items()}
