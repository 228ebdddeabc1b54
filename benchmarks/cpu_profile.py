"""`make profile`: samples a worker at full speed with py-spy and shows where its CPU time goes.

Each sample counts for the innermost frame on its stack that belongs to a part in `PARTS`; samples
without one count as event loop.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from benchmarks import this_system
from benchmarks.cores import OTHER_CORES, WORKER_CORES, program
from benchmarks.load import IN_FLIGHT, Task
from benchmarks.machine import commit, describe_machine
from benchmarks.servers import broker, stub_api, url_of
from config.logs import configure_logs
from config.settings import Settings
from issuance.endpoint import Variant

PARTS = {
    "log events": ("structlog/", "config/logs", "config/log_writer", "worker/chunk/log_events"),
    "ledger: claim and record": ("sqlalchemy/", "ledger/", "sqlite3", "psycopg"),
    "limits and locks (Redis)": ("redis/", "limiter"),
    "HTTP": ("aiohttp/", "httpx", "yarl/", "multidict/", "rewards_api"),
    "classify and decide": ("issuance/",),
    "Celery": ("celery/", "kombu/", "billiard/"),
    "issuing: the project's own steps": ("worker/",),
}
"""Part → what its files' paths contain; the first match counts."""
LOOP = "event loop, sockets, standard library"
_LATENCY_MS = 50
_SAMPLES_PER_SECOND = 200
_WAITS = (
    "Connection._recv",
    "_epoll.poll",
    "EpollSelector.select",
    "gather_groups",
    "Condition.wait",
    "_take_signals",
)
"""Innermost frames of waiting threads, which py-spy may take for work on a busy machine."""
_STARTING = (
    "WorkerServices.prepare",
    "cached_property.__get__",
    "collect_rarely",
    "AsynPool._create_worker_process",
)
"""Start-up of a child: its share would depend on the length of the run."""


def share_out(stacks: Iterable[str]) -> dict[str, float]:
    """Sum up samples: part → its share of all, largest first.

    Args:
        stacks: py-spy's raw lines: frames from outermost to innermost, separated by `;`, and a
            count.
    """
    counts: Counter[str] = Counter()
    for stack in stacks:
        frames, _, count = stack.rpartition(" ")
        if not (_is_start(frames) or frames.rpartition(";")[2].startswith(_WAITS)):
            counts[_part_of(frames.split(";"))] += int(count)
    whole = counts.total() or 1
    return {name: count / whole for name, count in counts.most_common()}


def _is_start(frames: str) -> bool:
    *_, below = frames.partition("Worker.__call__")
    return any(
        name in (below if name.startswith("cached") else frames) for name in _STARTING[:-1]
    ) or (_STARTING[-1] in frames and not below)


def _part_of(frames: list[str]) -> str:
    for frame in reversed(frames):
        for part, paths in PARTS.items():
            if any(path in frame for path in paths):
                return part
    return LOOP


@contextmanager
def _sampled(worker: psutil.Process, raw: Path, seconds: float) -> Iterator[None]:
    command = program(
        "py-spy", "record", "--subprocesses", "--function", "--format", "raw", "--output", str(raw)
    )
    options = [
        "--rate",
        str(_SAMPLES_PER_SECOND),
        "--duration",
        str(int(seconds)),
        "--pid",
        str(worker.pid),
    ]
    spy = subprocess.Popen(
        [*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    yield
    _, said = spy.communicate(timeout=seconds + 60)
    if spy.returncode:
        sys.exit(f"py-spy failed; it may need root here: {said.strip()}")


def _profile(seconds: float) -> dict[str, float]:
    """Microseconds of the worker's CPU per issuance, by part."""
    os.sched_setaffinity(0, OTHER_CORES)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="issuance-profile-")))
        stub = stack.enter_context(stub_api(folder))
        server = stack.enter_context(broker(folder))
        task = Task(stub.url, url_of(server), IN_FLIGHT[_LATENCY_MS], Variant.BULK)
        options = {"ledger_url": "", "children": 2, "worker_cores": WORKER_CORES}
        stub.reset(_LATENCY_MS)
        run = this_system.run(folder, stub, task, int(3_000 * seconds), **options)  # type: ignore[arg-type]  # as named
        stub.reset(_LATENCY_MS)
        server.flushall()
        raw = folder / "stacks.txt"
        this_system.run(
            folder,
            stub,
            task,
            int(3_000 * seconds),
            **options,  # type: ignore[arg-type]  # as named
            watched=lambda worker: _sampled(worker, raw, seconds),
        )
        shares = share_out(raw.read_text(encoding="utf-8").splitlines())
    return {name: share * run.cpu_us for name, share in shares.items()}


def render(after: dict[str, float], before: dict[str, float] | None, about: str) -> str:
    """The page as Markdown."""
    names = [*after, *(name for name in before or {} if name not in after)]
    lines = [
        "# Where the CPU of an issuance goes\n",
        about,
        "",
        "| part | µs an issuance | share |"
        if before is None
        else "| part | before, µs | now, µs | share now |",
        "| --- | ---: | ---: |" if before is None else "| --- | ---: | ---: | ---: |",
    ]
    whole = sum(after.values())
    for name in names:
        cells = [
            name,
            *([f"{before.get(name, 0):.0f}"] if before is not None else []),
            f"{after.get(name, 0):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} | {after.get(name, 0) / whole:.0%} |")
    all_of_it = [
        "**all**",
        *([f"{sum(before.values()):.0f}"] if before is not None else []),
        f"{whole:.0f}",
    ]
    return "\n".join([*lines, f"| {' | '.join(all_of_it)} | 100% |", ""])


def main() -> None:
    """Profile, print, and write the requested files."""
    parser = argparse.ArgumentParser("make profile", description=__doc__.splitlines()[0])
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="how long to sample (default %(default)s)"
    )
    parser.add_argument("--save", type=Path, help="also write the figures to this JSON file")
    parser.add_argument("--before", type=Path, help="compare with the figures in this JSON file")
    parser.add_argument("--out", type=Path, help="write the page to this Markdown file")
    given = parser.parse_args()
    configure_logs(Settings(_env_file=None, log_level="WARNING"))
    after = _profile(given.seconds)
    if given.save:
        given.save.write_text(json.dumps({"commit": commit(), "us": after}), encoding="utf-8")
    before = json.loads(given.before.read_text(encoding="utf-8")) if given.before else None
    about = (
        f"Written by `{' '.join(['make profile PROFILE=' + repr(' '.join(sys.argv[1:]))])}` on "
        f"{time.strftime('%Y-%m-%d')} at commit {commit()}"
        f"{', before: ' + before['commit'] if before else ''}; {describe_machine()}. An API that "
        f"answers after {_LATENCY_MS} ms, bulk endpoint, SQLite, two children on one core. py-spy "
        "samples which part is on the CPU; the shares are of the CPU per issuance, measured in a "
        "run without it."
    )
    page = render(after, before["us"] if before else None, about)
    print(page)
    if given.out:
        given.out.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
