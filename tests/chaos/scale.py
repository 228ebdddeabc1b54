"""How much chaos: a little by default, as a part of all tests; `python -m tests.chaos` asks for more."""

import os
from dataclasses import dataclass
from typing import Self

_PREFIX = "ISSUANCE_TEST_CHAOS_"


@dataclass(frozen=True)
class Scale:
    """The size of a run.

    Attributes:
        rounds: how often each hazard comes.
        jobs: jobs of each round's blast.
        concurrent: calls at once in each worker child.
        long: whether faults take as long as they may in life (a minute), and what needs that runs
            at all.
        pairs: ledger and broker of each run, as `sqlite+valkey`.
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
        """The same for another process."""
        values = {
            "ROUNDS": str(self.rounds),
            "JOBS": str(self.jobs),
            "CONCURRENT": str(self.concurrent),
            "LONG": "1" if self.long else "",
            "PAIRS": ",".join(self.pairs),
        }
        return {_PREFIX + name: value for name, value in values.items()}
