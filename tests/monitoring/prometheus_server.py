"""A Prometheus that has a recording's series, to evaluate the dashboards' expressions with."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import yaml

from console.local.addresses import free_port
from tests.monitoring.recording import INTERVAL_SECONDS, RULES, Recording

_START_SECONDS = 60.0
_AGO_SECONDS = 3 * 3_600
"""How old the recording is made: Prometheus takes in only complete blocks of two hours."""
_VARIABLE = re.compile(r"\$\w+")

Labels = tuple[tuple[str, str], ...]
Line = tuple[Labels, list[tuple[int, float]]]
"""A series: its labels, and pairs of seconds since the recording's begin and value."""


@dataclass(frozen=True, slots=True)
class Series:
    """A recording's series in a Prometheus."""

    url: str
    begin: int
    """Seconds since 1970 of the first scrape."""
    scrapes: int
    rules: Mapping[str, str] = field(default_factory=dict)
    """The expressions of the recording rules, by name."""

    def evaluate(self, expression: str) -> list[Line]:
        """Evaluate an expression at each scrape, as Grafana does for a panel.

        Raises:
            ValueError: Prometheus refuses it.
        """
        last = self.begin + (self.scrapes - 1) * INTERVAL_SECONDS
        asked = {
            "query": self._plain(expression),
            "start": self.begin,
            "end": last,
            "step": INTERVAL_SECONDS,
        }
        answer = httpx.get(f"{self.url}/api/v1/query_range", params=asked, trust_env=False).json()
        if answer["status"] != "success":
            raise ValueError(f"{expression}: {answer.get('error')}")
        return [
            (
                tuple(sorted(each["metric"].items())),
                [(int(at) - self.begin, float(value)) for at, value in each["values"]],
            )
            for each in answer["data"]["result"]
        ]

    def _plain(self, expression: str) -> str:
        """Choose everything for a board's variables, and write recording rules out."""
        for name, meant in self.rules.items():
            if name in expression:
                whole = f"({self._plain(meant)})"
                # A range of an expression is a subquery.
                ranged = re.compile(rf"{re.escape(name)}\[(\w+)\]")
                for found in ranged.findall(expression):
                    subquery = f"{whole}[{found}:{INTERVAL_SECONDS}s]"
                    expression = expression.replace(f"{name}[{found}]", subquery)
                expression = expression.replace(name, whole)
        return _VARIABLE.sub(".*", expression)


def find_programs() -> tuple[str, str] | None:
    """Return the paths of prometheus and promtool; None: they are not installed."""
    server, tool = shutil.which("prometheus"), shutil.which("promtool")
    return None if server is None or tool is None else (server, tool)


@contextmanager
def prometheus_with(recording: Recording, programs: tuple[str, str]) -> Iterator[Series]:
    """Start a Prometheus with the series of a recording; in Debian it is the package prometheus."""
    server, tool = programs
    begin = (int(time.time()) - _AGO_SECONDS) // INTERVAL_SECONDS * INTERVAL_SECONDS
    with TemporaryDirectory(prefix="issuance-prometheus-") as name:
        folder = Path(name)
        (folder / "series.txt").write_text(_openmetrics(recording, begin), encoding="utf-8")
        fill = [tool, "tsdb", "create-blocks-from", "openmetrics", "series.txt", "data"]
        subprocess.run(fill, cwd=folder, check=True, capture_output=True)
        (folder / "empty.yml").write_text("scrape_configs: []\n", encoding="utf-8")
        port = free_port()
        command = [
            server,
            "--config.file=empty.yml",
            "--storage.tsdb.path=data",
            f"--web.listen-address=127.0.0.1:{port}",
            f"--query.lookback-delta={2 * INTERVAL_SECONDS + 5}s",
        ]
        with (folder / "log").open("w", encoding="utf-8") as log:
            running = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log)
            try:
                url = f"http://127.0.0.1:{port}"
                _await(f"{url}/-/ready")
                yield Series(url, begin, recording.scrapes, _rules())
            finally:
                running.terminate()
                running.wait()


def _openmetrics(recording: Recording, begin: int) -> str:
    lines = [
        f"{name} {value} {begin + number * INTERVAL_SECONDS}"
        for name, values in sorted(recording.series.items())
        for number, value in enumerate(values)
        if value is not None
    ]
    return "\n".join([*lines, "# EOF", ""])


def _rules() -> dict[str, str]:
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {
        rule["record"]: rule["expr"]
        for group in groups
        for rule in group["rules"]
        if "record" in rule
    }


def _await(url: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            if httpx.get(url, trust_env=False).is_success:
                return
        time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer")
