"""Cores and processes: the measured worker has its own core, everything else shares the others."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from benchmarks.quota import enter

_END_SECONDS = 15.0
_PR_SET_PDEATHSIG = 1

_ALLOWED = sorted(os.sched_getaffinity(0))
WORKER_CORES = _ALLOWED[:1]
"""For the measured worker."""
OTHER_CORES = _ALLOWED[1:] or _ALLOWED
"""For the stub, broker, database, producers and this command."""


@contextmanager
def running(
    command: Sequence[str],
    *,
    cores: Sequence[int],
    environment: Mapping[str, str],
    log: Path,
    group: Path | None = None,
) -> Iterator[psutil.Process]:
    """Run a process on these cores in a group of `cpu_quota`; kill its tree at the end."""

    def settle() -> None:
        enter(group)
        os.sched_setaffinity(0, cores)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # killed if this command dies

    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=settle,  # noqa: PLW1509  # no threads here
            start_new_session=True,
        )
    try:
        yield psutil.Process(process.pid)
    finally:
        _end(process)


def run_to_end(
    command: Sequence[str], *, cores: Sequence[int], environment: Mapping[str, str]
) -> str:
    """Run a command on these cores until it ends; returns its output.

    Raises:
        RuntimeError: it failed; the message holds its standard error.
    """
    done = subprocess.run(
        ["taskset", "-c", ",".join(map(str, cores)), *command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module with this interpreter."""
    return [sys.executable, "-m", module, *arguments]


def program(name: str, *arguments: str) -> list[str]:
    """The command that runs a program installed with this interpreter."""
    return [str(Path(sys.executable).with_name(name)), *arguments]


def cpu_seconds(process: psutil.Process) -> float:
    """CPU seconds that a process and its descendants have used."""
    return sum(sum(one.cpu_times()[:2]) for one in _tree(process))


def rss_bytes(process: psutil.Process) -> int:
    """Resident memory of a process and its descendants; shared pages count in each."""
    return sum(one.memory_info().rss for one in _tree(process))


def _tree(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(psutil.NoSuchProcess):
        tree = _tree(psutil.Process(process.pid))
        for one in tree:
            with suppress(psutil.NoSuchProcess):
                one.kill()
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(_END_SECONDS)
