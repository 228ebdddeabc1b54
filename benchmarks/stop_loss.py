"""`make stop-loss`: simulates campaigns under the stop-loss and writes the page of figures."""

import argparse
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

from issuance.stop_loss.cusum import (
    BACKGROUND_RATE,
    DEAD_RATE,
    FAULT_STEP,
    FAULTS_IN_A_ROW,
    OTHER_STEP,
    add_fault,
    add_others,
    must_stop,
)

PAGE = Path(__file__).parents[1] / "docs" / "evidence" / "stop-loss.md"
CAMPAIGNS = 10_000
ANSWERS = 100_000
BACKGROUND_RATES = (0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06)
CUSTOMER_SHARES = (0.0, 0.05, 0.10, 0.20)
FAULT_RATES = (0.15, 0.20, 0.30, 0.50, 0.80)
INELIGIBLE = 1_000


@dataclass(frozen=True, slots=True)
class Phase:
    """A number of answers of one reward with the same share of campaign faults."""

    answers: int
    fault_rate: float


def faults(rng: Random, phases: tuple[Phase, ...]) -> Iterator[int]:
    """Yield the place of each campaign fault; the first answer has place 1."""
    begin = 0
    for phase in phases:
        place, end = begin, begin + phase.answers
        while phase.fault_rate > 0:
            place += _gap(rng, phase.fault_rate)
            if place > end:
                break
            yield place
        begin = end


def _gap(rng: Random, rate: float) -> int:
    """How many answers there are up to the next fault, which is included."""
    if rate >= 1:
        return 1
    return int(math.log(1.0 - rng.random()) / math.log(1.0 - rate)) + 1


def stops_after(rng: Random, *phases: Phase) -> int | None:
    """Return the number of answers after which one campaign stops; None: it never does."""
    statistic = last = 0
    for place in faults(rng, phases):
        statistic = add_fault(add_others(statistic, place - last - 1))
        if must_stop(statistic):
            return place
        last = place
    return None


def false_stops(rate: float, *, campaigns: int, answers: int, seed: int = 17) -> int:
    """Count the campaigns with this share of faults that are stopped."""
    rng = Random(f"false {seed} {rate}")
    return sum(stops_after(rng, Phase(answers, rate)) is not None for _ in range(campaigns))


def false_stops_by_customers(*, campaigns: int, answers: int, seed: int = 17) -> int:
    """Count stopped campaigns that begin with `INELIGIBLE` refused customers in a row.

    Refusals that are the customer's fault are other answers, so the row has no fault at all.
    """
    rng = Random(f"customers {seed}")
    return sum(
        stops_after(rng, Phase(INELIGIBLE, 0), Phase(answers - INELIGIBLE, BACKGROUND_RATE))
        is not None
        for _ in range(campaigns)
    )


def delays(fault_rate: float, *, campaigns: int, alive: int = 0, seed: int = 17) -> list[int]:
    """Return, sorted, after how many answers a reward that fails at this rate is stopped.

    Args:
        fault_rate: the share of faults once it fails; the rest are refused for other reasons.
        campaigns: how many to simulate.
        alive: the answers before that, with the background's share of faults.
        seed: of the random numbers.
    """
    rng = Random(f"delays {seed} {fault_rate} {alive}")
    before = (Phase(alive, BACKGROUND_RATE),) if alive else ()
    found = [stops_after(rng, *before, Phase(ANSWERS, fault_rate)) for _ in range(campaigns)]
    return sorted(place - alive for place in found if place is not None)


def main() -> None:
    """Simulate, print the page and write it."""
    parser = argparse.ArgumentParser(prog="make stop-loss", description=__doc__)
    parser.add_argument("--campaigns", type=int, default=CAMPAIGNS)
    arguments = parser.parse_args()
    page = make_page(arguments.campaigns)
    print(page)
    if arguments.campaigns == CAMPAIGNS:
        PAGE.write_text(page, encoding="utf-8")


def make_page(campaigns: int) -> str:
    """Run every simulation and return the page."""
    return _PAGE.format(
        campaigns=campaigns,
        answers=ANSWERS,
        p0=BACKGROUND_RATE,
        p1=DEAD_RATE,
        row=FAULTS_IN_A_ROW,
        fault=FAULT_STEP / 1000,
        other=OTHER_STEP / 1000,
        even=OTHER_STEP / (FAULT_STEP + OTHER_STEP),
        false="\n".join(_false_row(rate, campaigns) for rate in BACKGROUND_RATES),
        ineligible=INELIGIBLE,
        customers=false_stops_by_customers(campaigns=campaigns, answers=ANSWERS),
        dead="\n".join(_dead_row(share, campaigns) for share in CUSTOMER_SHARES),
        partly="\n".join(_partly_row(rate, campaigns) for rate in FAULT_RATES),
    )


def _false_row(rate: float, campaigns: int) -> str:
    count = false_stops(rate, campaigns=campaigns, answers=ANSWERS)
    return f"| {rate:.1%} | {count} | {count / campaigns:.2%} |"


def _dead_row(share: float, campaigns: int) -> str:
    cells = [f"{share:.0%}"]
    for alive in (0, ANSWERS // 2):
        found = delays(1 - share, campaigns=campaigns, alive=alive)
        within = sum(place <= 25 for place in found) / campaigns  # noqa: PLR2004  # the goal
        cells += [f"{median(found):.0f}", f"{found[-1]}", f"{within:.2%}"]
    return f"| {' | '.join(cells)} |"


def _partly_row(rate: float, campaigns: int) -> str:
    found = delays(rate, campaigns=campaigns // 10)
    return f"| {rate:.0%} | {median(found):.0f} | {found[int(len(found) * 0.99)]} |"


_PAGE = """\
# The stop-loss, simulated

`make stop-loss` writes this page. It simulates campaigns with the product's own arithmetic
(`issuance/stop_loss/cusum.py`) and fixed seeds. [The stop-loss](../explanation/stop-loss.md)
describes the test, and whose fault each code is.

Parameters: a share of {p0:.0%} of campaign faults is normal, {p1:.0%} is not. A fault adds
{fault:.3f}, any other answer subtracts {other:.3f}, the statistic never falls below 0, and {row}
faults in a row from zero stop the reward. Below a share of {even:.1%} the statistic falls in the
long run.

## False stops

{campaigns:,} campaigns of {answers:,} answers each, with independent campaign faults:

| share of faults | stopped | of all |
| --- | ---: | ---: |
{false}

{ineligible:,} customers in a row who may not have the reward (their own fault), then {p0:.0%} of
campaign faults, {answers:,} answers: {customers} of {campaigns:,} campaigns are stopped.

Faults that come together count more than these independent ones: {row} rows in a row with a wrong
field stop a reward.

## A reward that is dead

Every customer gets a campaign fault, except a share that is refused for a reason of its own. How
many answers it takes to stop the reward, in {campaigns:,} campaigns each: dead from the start, and
dead after {half:,} answers with {p0:.0%} of faults.

| other refusals | from the start: median | most | up to 25 | half-way: median | most | up to 25 |
| --- | ---: | ---: | ---: | ---: | ---: | ---: |
{dead}

## A reward that fails for some

| share of faults | answers until it stops: median | 99 % within |
| --- | ---: | ---: |
{partly}
""".replace("{half:,}", f"{ANSWERS // 2:,}")

if __name__ == "__main__":
    main()
