"""The laboratory's plot: calls, accepted calls and the limit over time."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl

from benchmarks.limiter.fleet import Record
from benchmarks.limiter.laboratory import OURS, run, silence
from benchmarks.limiter.scenarios import SCENARIOS, Scenario

mpl.use("Agg")
from matplotlib import pyplot as plt  # the drawing back end is chosen before

_PANELS = (
    ("faults of the measured run, endless", 40),
    ("hard limit falls", 90),
    ("capacity C", 60),
    ("latency alone", 60),
)
_SEED = 1


def draw(path: Path) -> None:
    """Draw some scenarios with one seed each."""
    silence()
    figure, panels = plt.subplots(len(_PANELS), 1, figsize=(8, 2.2 * len(_PANELS)))
    for panel, (name, seconds) in zip(panels, _PANELS, strict=True):
        scenario = next(each for each in SCENARIOS if each.name.startswith(name))
        _draw_one(panel, replace(scenario, seconds=seconds))
    panels[-1].set_xlabel("virtual seconds")
    panels[0].legend(fontsize=8, loc="lower right", ncols=3)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _draw_one(panel: plt.Axes, scenario: Scenario) -> None:
    record = run(scenario, OURS, _SEED, sampled=True)
    seconds = range(int(scenario.seconds))
    calls, accepted = _by_second(record, scenario.seconds)
    limits = [(at, limit / 60) for at, limit in record.limits if limit]
    panel.plot(seconds, calls, color="#b8b8b8", label="calls/s")
    panel.plot(seconds, accepted, color="#2a6f97", label="accepted/s")
    panel.step(
        *zip(*limits, strict=True), color="#c8553d", linewidth=0.9, where="post", label="allowed/s"
    )
    panel.set_ylim(0, 1.25 * max(*accepted[1:], 1))
    panel.set_title(scenario.name, fontsize=9, loc="left")
    panel.tick_params(labelsize=8)


def _by_second(record: Record, seconds: float) -> tuple[Sequence[int], Sequence[int]]:
    calls, accepted = [0] * int(seconds), [0] * int(seconds)
    for at, refused in record.calls:
        if at < seconds:
            calls[int(at)] += 1
            accepted[int(at)] += not refused
    return calls, accepted
