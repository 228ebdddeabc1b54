"""Records `/metrics` of real runs with faults: `python -m tests.monitoring.record [NAME ...]`.

Each run takes six to nine minutes; three run at a time. The alerts' tests read the result.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy.engine import make_url

from tests.e2e.system import System, plain_rows, scrubbed_environment
from tests.monitoring.recording import (
    BOARDS,
    INTERVAL_SECONDS,
    MAIN,
    REACHABILITY,
    Recording,
    used_names,
)
from tests.postgres import postgres_database, postgres_server
from tests.silent_proxy import SilentProxy

_FAULT_AFTER_SECONDS = 60
_AT_ONCE = 3
_THROTTLED_FROM = 2
"""Calls in a second from which the throttling API answers 429."""


@dataclass
class Run:
    """One system under one fault."""

    title: str
    fault: Callable[[System], object] | None = None
    seconds: int = 360
    rows: int = 1_800
    settings: dict[str, str] = field(default_factory=dict)
    behind_proxy: bool = False
    """Whether the ledger is a PostgreSQL behind a proxy, which falls silent as the fault."""
    for_boards: bool = False
    """Whether the metrics of the dashboards are kept too."""
    refused_every: int = 0
    """Each row of this number asks for a reward that is switched off; 0: none."""


def _refuse_all(system: System) -> None:
    system.plan_faults({"rates": {"503": 1.0}})


def _stop_children(system: System) -> None:
    for child in system.processes.children("worker"):
        child.send_signal(signal.SIGSTOP)


def _stop(name: str) -> Callable[[System], None]:
    return lambda system: system.processes.find(name).send_signal(signal.SIGSTOP)


def _stop_machine(system: System) -> None:
    """Stop the worker as a lost machine does: its supervisor does not start it again."""
    worker = system.processes.find("worker")
    for process in (worker, *worker.children()):
        process.send_signal(signal.SIGSTOP)


def _sicken(system: System) -> None:
    """Let every call of one campaign fail while another's succeed."""
    sick = plain_rows(200, area=71)
    system.plan_faults({"customers": {row["mobile"]: ["521"] * 60 for row in sick}})
    system.accept("sick", sick)


def _leave_in_doubt(system: System) -> None:
    """Issue with answers that are lost, while nothing can be read."""
    doubtful = [{"mobile": "919800739109", "rewardId": 1001, "quantity": 1}]
    system.accept("doubtful", doubtful)


def _throttle(system: System) -> None:
    """Answer 429 beyond some calls in each second, from now to the end of the process."""
    threading.Thread(target=_throttle_calls, args=(system,), daemon=True).start()


def _throttle_calls(system: System) -> None:
    with suppress(httpx.HTTPError), httpx.Client(base_url=system.running.api_url) as controls:
        while True:
            controls.delete("/_faults")
            before = controls.get("/_truth/summary").json()["calls"]
            until = time.monotonic() + 1
            refuses = False
            while time.monotonic() < until:
                calls = controls.get("/_truth/summary").json()["calls"]
                if not refuses and calls - before >= _THROTTLED_FROM:
                    refuses = True
                    controls.post("/_faults", json={"rates": {"429": 1.0}})
                time.sleep(0.05)


def _trouble(system: System) -> None:
    """Begin a second campaign, and let the API answer 503 for a minute."""
    system.accept("second", plain_rows(500, area=72))
    system.plan_faults({"rates": {"503": 1.0}})
    timer = threading.Timer(60, lambda: system.simulator.delete("/_faults"))
    timer.daemon = True
    timer.start()


def _pause(system: System) -> None:
    assert system.command("campaign", "pause", "blast").returncode == 0


def _wrong_reward(system: System) -> None:
    """Blast with a reward that does not exist: the stop-loss stops it."""
    rows = plain_rows(200, area=72, reward=9999)
    path = system.write_file("wrong", rows)
    assert system.command("blast", str(path), "--campaign", "wrong").returncode == 0


RUNS = {
    "normal": Run("a blast at 300 a minute, and a restart of nothing", seconds=540, rows=2_500),
    "api_down": Run("the API answers 503 to everything", _refuse_all),
    "workers_hang": Run("the worker's children hang", _stop_children, seconds=480),
    "campaign_sick": Run("one campaign's reward fails, the other's does not", _sicken, seconds=420),
    "refused_rows": Run("every second line's reward is switched off", seconds=300, refused_every=2),
    "throttled": Run("the API answers 429 from two calls a second", _throttle, seconds=540),
    "in_doubt": Run(
        "answers are lost, and reads find nothing",
        _leave_in_doubt,
        seconds=240,
        settings={
            "SIMULATOR_READ_LAG_SECONDS": "1000000",
            "ISSUANCE_RETRY_MAX_ATTEMPTS": "3",
            "ISSUANCE_RETRY_BASE_SECONDS": "0.2",
            "ISSUANCE_RECONCILE_DELAYS_SECONDS": "0.3,0.5",
        },
    ),
    "paused": Run("an operator pauses the campaign", _pause, seconds=180),
    "stopped": Run("a campaign with a reward that does not exist", _wrong_reward, seconds=180),
    "slow_backlog": Run(
        "3,000 lines at six a minute",
        seconds=600,
        rows=3_000,
        settings={"ISSUANCE_API_RATE_PER_MINUTE": "6"},
    ),
    "release_stopped": Run("the release hangs", _stop("release"), seconds=240),
    "beat_stopped": Run("beat hangs", _stop("beat"), seconds=240),
    "worker_gone": Run("the worker's machine is gone", _stop_machine, seconds=420),
    "broker_away": Run(
        "the broker, which has the limits too, stops answering", _stop("broker"), seconds=240
    ),
    "ledger_away": Run("the ledger stops answering", seconds=300, behind_proxy=True),
    "boards": Run(
        "a second campaign, and an API that is away for a minute",
        _trouble,
        seconds=480,
        rows=1_200,
        refused_every=9,
        for_boards=True,
    ),
    "health_gone": Run("the health process hangs", _stop("health"), seconds=240),
}


def record(name: str) -> Path:
    """Make a run of `RUNS`; returns the recording's file."""
    run = RUNS[name]
    settings = {
        "ISSUANCE_API_RATE_PER_MINUTE": "300",
        "ISSUANCE_FLOWER_PORT": "0",
        "ISSUANCE_FLOWER_BASIC_AUTH": "test:flower12",
        "ISSUANCE_HEALTH_PORT": "0",
    }
    found = Recording(
        run.title,
        fault_at=_FAULT_AFTER_SECONDS // INTERVAL_SECONDS,
        names=used_names(*BOARDS) if run.for_boards else used_names(),
    )
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="issuance-recording-"))
        if run.behind_proxy:
            server = stack.enter_context(postgres_server())
            url = make_url(stack.enter_context(postgres_database(server)))
            host = url.host or str(url.query["host"])
            proxy = stack.enter_context(SilentProxy(host, url.port or 5432))
            run.fault = lambda _: proxy.silence()
            reached = url.set(host="127.0.0.1", port=proxy.port, query={})
            settings["ISSUANCE_LEDGER_URL"] = reached.render_as_string(hide_password=False)
        environment = scrubbed_environment() | settings | run.settings | {"ISSUANCE_HOME": folder}
        system = System(Path(folder), environment, "--simulator", "--no-flower", "--no-web")
        with suppress(_Done), system:
            rows = plain_rows(run.rows, area=70)
            for number, row in enumerate(rows):
                if run.refused_every and number % run.refused_every == 0:
                    row["rewardId"] = 1005
            system.accept("blast", rows)
            _watch(system, run, found)
            raise _Done  # ended by force: a process may be stopped
    return found.write(name)


class _Done(Exception):  # noqa: N818  # no error
    pass


def _watch(system: System, run: Run, found: Recording) -> None:
    pages = {
        MAIN: f"{system.running.health_url.rsplit('/', 1)[0]}/metrics",
        REACHABILITY: f"{system.running.health_url.rsplit('/', 1)[0]}/metrics?only=reachability",
    }
    begun = time.monotonic()
    while found.scrapes * INTERVAL_SECONDS < run.seconds:
        time.sleep(max(0.0, begun + found.scrapes * INTERVAL_SECONDS - time.monotonic()))
        if found.scrapes == found.fault_at and run.fault is not None:
            run.fault(system)
        found.add({job: _scrape(url) for job, url in pages.items()})


def _scrape(url: str) -> str | None:
    try:
        return httpx.get(url, timeout=INTERVAL_SECONDS / 2).raise_for_status().text
    except httpx.HTTPError:
        return None


def main(names: list[str]) -> None:
    """Record these runs, or all."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for path in pool.map(record, names or list(RUNS)):
            print(path.name, path.stat().st_size)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
