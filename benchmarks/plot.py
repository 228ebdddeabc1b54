"""The plot: every contender's speed relative to the bare script, for each race."""

from pathlib import Path
from statistics import median

import matplotlib as mpl

from benchmarks.contenders import BARE, CONTENDERS
from benchmarks.report import ratios
from benchmarks.results import Results

mpl.use("Agg")
from matplotlib import pyplot as plt  # the drawing back end is chosen before

_OURS, _PEER = "#2a6f97", "#b8b8b8"


def draw(results: Results, path: Path) -> None:
    """Draw the races as bars with their spread; the bare script is 1."""
    races = list(dict.fromkeys((row["latency_ms"], row["variant"]) for row in results.of("race/")))
    names = [one.name for one in CONTENDERS if one is not BARE]
    names = [name for name in names if any(name in ratios(results, *race) for race in races)][::-1]
    figure, panels = plt.subplots(
        1, len(races), figsize=(3.2 + 2.6 * len(races), 1.5 + 0.36 * len(names)), sharey=True
    )
    for panel, race in zip([panels] if len(races) == 1 else panels, races, strict=True):
        found = ratios(results, *race)
        for place, name in enumerate(names):
            if name in found:
                middle = median(found[name])
                spread = [[middle - min(found[name])], [max(found[name]) - middle]]
                colour = _OURS if name.startswith("this system") else _PEER
                panel.barh(place, middle, xerr=spread, color=colour, capsize=2)
        panel.axvline(1.0, color="black", linewidth=0.8)
        panel.set_title(f"{race[0]} ms, {race[1]}", fontsize=9)
        panel.set_yticks(range(len(names)), names, fontsize=8)
        panel.tick_params(axis="x", labelsize=8)
    figure.supxlabel("issuances per second relative to a bare httpx script (= 1)", fontsize=9)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
