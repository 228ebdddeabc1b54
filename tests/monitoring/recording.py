"""Recorded series: what `/metrics` said during a run, in the form that promtool reads."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules" / "issuance-alerts.yml"
BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RECORDED = Path(__file__).parent / "recorded"
INTERVAL_SECONDS = 10
MAIN, REACHABILITY = "issuance", "issuance-reachability"
"""The jobs of deploy/prometheus/prometheus.yml."""

_NAMES = re.compile(r"\b(?:issuance_\w+|up)\b")
_AGE = "_seconds"


def used_names(*files: Path) -> frozenset[str]:
    """Return the names of the metrics that the rules read, and those in further files."""
    texts = (file.read_text(encoding="utf-8") for file in (RULES, *files))
    return frozenset(name for text in texts for name in _NAMES.findall(text))


@dataclass
class Recording:
    """The series of one run; each has one value for each scrape, or None."""

    title: str
    """What was done to the system."""
    fault_at: int
    """The number of the first scrape after the fault."""
    scrapes: int = 0
    series: dict[str, list[float | None]] = field(default_factory=dict)
    names: frozenset[str] = field(default_factory=used_names)
    """The metrics that are kept."""

    def add(self, answers: Mapping[str, str | None]) -> None:
        """Add a scrape.

        Args:
            answers: the page of each job; None: it could not be scraped.
        """
        for job, page in answers.items():
            self._put(f'up{{job="{job}"}}', float(page is not None))
            for name, labels, value in _samples(page or ""):
                if name in self.names:
                    shown = ",".join(f'{key}="{labels[key]}"' for key in sorted(labels))
                    comma = "," if shown else ""
                    self._put(f'{name}{{job="{job}"{comma}{shown}}}', value)
        self.scrapes += 1
        for values in self.series.values():
            values.extend([None] * (self.scrapes - len(values)))

    def _put(self, name: str, value: float) -> None:
        values = self.series.setdefault(name, [])
        values.extend([None] * (self.scrapes - len(values)))
        values.append(value)

    def write(self, name: str) -> Path:
        """Write it under `recorded/`; returns the path."""
        RECORDED.mkdir(exist_ok=True)
        path = RECORDED / f"{name}.json"
        content = {
            "title": self.title,
            "fault_at": self.fault_at,
            "scrapes": self.scrapes,
            "series": {key: _short(self.series[key]) for key in sorted(self.series)},
        }
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return path

    @classmethod
    def read(cls, name: str) -> Self:
        """Read a recording by its name."""
        content = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
        series = {key: _long(values) for key, values in content["series"].items()}
        return cls(content["title"], content["fault_at"], content["scrapes"], series)

    def input_series(self, *, hold_seconds: int = 0) -> list[dict[str, str]]:
        """Return the series for promtool.

        Args:
            hold_seconds: the state in which the run ended lasts for this long: ages grow by a
                second a second, all else keeps its last value.
        """
        held = hold_seconds // INTERVAL_SECONDS
        return [
            {"series": name, "values": f"{_text(values)}{_held(name, values, held)}"}
            for name, values in self.series.items()
        ]


def _samples(page: str) -> Iterable[tuple[str, Mapping[str, str], float]]:
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value


def _text(values: Iterable[float | None]) -> str:
    return " ".join("_" if value is None else f"{value:g}" for value in values)


def _held(name: str, values: list[float | None], count: int) -> str:
    last = values[-1]
    if last is None or not count:
        return ""
    age = name.partition("{")[0].endswith(_AGE) and last > 0
    return f" {last:g}+{INTERVAL_SECONDS if age else 0}x{count}"


def _short(values: list[float | None]) -> str:
    """Write values as text: `3x5` is 3, five times more."""
    parts: list[str] = []
    last, count = "", 0
    for text in [*_text(values).split(), ""]:
        if text == last:
            count += 1
            continue
        if parts and count:
            parts[-1] += f"x{count}"
        parts.append(text)
        last, count = text, 0
    return " ".join(parts[:-1])


def _long(text: str) -> list[float | None]:
    values: list[float | None] = []
    for part in text.split():
        value, _, count = part.partition("x")
        values.extend([None if value == "_" else float(value)] * (int(count or 0) + 1))
    return values


def as_yaml(content: Mapping[str, Any]) -> str:
    """Write a test file for promtool; JSON is YAML."""
    return json.dumps(content)
