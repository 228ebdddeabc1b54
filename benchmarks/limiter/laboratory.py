"""Runs scenarios with each controller and each seed, on all cores."""

import logging
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from random import Random
from statistics import median

import structlog

from benchmarks.limiter.controllers import Controller, Ours, SdkAdaptive, SreThrottling
from benchmarks.limiter.fleet import Child, Record, Supply
from benchmarks.limiter.scenarios import CHILDREN, SCENARIOS, Scenario
from benchmarks.limiter.simulation import Simulation

OURS, OFF, SDK, SRE = "ours", "off", "AWS SDK", "SRE"
CONTROLLERS = (OURS, OFF, SDK, SRE)
COMPARED_SHARE = 4
"""The other controllers run with one seed in this many: they only serve as a comparison."""
SAMPLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of one scenario, by controller and measure."""

    scenario: Scenario
    medians: dict[str, dict[str, float]]

    def unmet(self) -> list[str]:
        """The goals that our limiter does not meet."""
        ours, off = self.medians[OURS], self.medians[OFF]
        return [
            str(goal)
            for goal in self.scenario.goals
            if not goal.is_met(ours[goal.measure], off[goal.measure])
        ]


def make_controller(name: str, simulation: Simulation, rng: Random, rate: int) -> Controller:
    """Create a controller by its name."""
    if name == SDK:
        return SdkAdaptive(simulation, rate)
    if name == SRE:
        return SreThrottling(simulation, rate, rng)
    return Ours(simulation, rng, rate, adapts=name == OURS)


def run(scenario: Scenario, name: str, seed: int, *, sampled: bool = False) -> Record:
    """Run a scenario once; `sampled` records the limit twice a second."""
    simulation = Simulation()
    api = scenario.api(Random(f"api {seed}"))
    controller = make_controller(name, simulation, Random(f"controller {seed}"), scenario.rate)
    sizes = dict(enumerate(scenario.jobs, start=1))
    supply = Supply(simulation, sizes, Random(f"supply {seed}"))
    for child in range(CHILDREN):
        Child(simulation, api, controller, supply, Random(f"child {seed} {child}"))
    if sampled:
        _sample(simulation, controller, supply.record)
    simulation.run(scenario.seconds)
    return supply.record


def _sample(simulation: Simulation, controller: Controller, record: Record) -> None:
    record.limits.append((simulation.now, controller.limit()))
    simulation.at(simulation.now + SAMPLE_SECONDS, _sample, simulation, controller, record)


def _measure(task: tuple[int, str, int]) -> tuple[int, str, dict[str, float]]:
    place, name, seed = task
    scenario = SCENARIOS[place]
    return place, name, scenario.measure(run(scenario, name, seed))


def seeds_of(name: str, seeds: int) -> int:
    """How many seeds a controller runs with when ours runs with `seeds`."""
    return seeds if name == OURS else max(1, seeds // COMPARED_SHARE)


def run_all(seeds: int, processes: int, places: Sequence[int]) -> list[Result]:
    """Run scenarios with all controllers and seeds; returns medians in the scenarios' order."""
    tasks = [
        (place, name, seed)
        for place in places
        for name in CONTROLLERS
        for seed in range(seeds_of(name, seeds))
    ]
    found: dict[tuple[int, str], list[dict[str, float]]] = {}
    with ProcessPoolExecutor(processes, initializer=silence) as pool:
        for place, name, measures in pool.map(_measure, tasks, chunksize=4):
            found.setdefault((place, name), []).append(measures)
    return [
        Result(SCENARIOS[place], {name: _medians(found[place, name]) for name in CONTROLLERS})
        for place in places
    ]


def silence() -> None:
    """Turn logs off: the limiter logs thousands of suspensions here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {measure: median(each[measure] for each in runs) for measure in runs[0]}
