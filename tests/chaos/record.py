"""The result of each hazard, recorded as soon as it ends."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self


@dataclass
class Record:
    """One hazard on one pair of ledger and broker.

    Attributes:
        number: as in the list of hazards.
        title: what goes wrong.
        pair: ledger and broker.
        faults: how often it went wrong.
        jobs: how many jobs were accepted.
        lost: jobs without an end, or with units that the ledger does not know.
        doubled: requestIds with more units than asked for.
        in_doubt: jobs that an operator has to look at.
        recovered: seconds of each recovery.
        failed: whether it has not come to its end as it should.
    """

    number: int
    title: str
    pair: str
    faults: int = 0
    jobs: int = 0
    lost: int = 0
    doubled: int = 0
    in_doubt: int = 0
    recovered: list[float] = field(default_factory=list)
    failed: bool = False

    def append_to(self, path: Path) -> None:
        """Write it down."""
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(self)) + "\n")

    @classmethod
    def read_all(cls, path: Path) -> list[Self]:
        """Read what was written down."""
        return [cls(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]
