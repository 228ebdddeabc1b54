"""A share of each core for a process, to compare two cores with one on a machine of two.

Worker, stub, broker and database share the machine: with two whole cores, the worker would leave
none for the others. A Linux control group limits a process and its children to a share of the CPU
time.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_MICROSECONDS = 10_000
"""Short compared with an answer of 50 ms, so that a core's share is spread evenly."""

_POLL_SECONDS = 0.05
_REMOVAL_TRIES = 100


class NoQuotaError(Exception):
    """Control groups cannot be created: they need root and the `cpu` controller."""


@contextmanager
def cpu_quota(cores: float) -> Iterator[Path]:
    """Create a group whose processes together may use this much CPU (0.6: three fifths of a core).

    Yields the file to which a process writes 0 to join.

    Raises:
        NoQuotaError: this machine does not allow it.
    """
    quota = int(cores * _PERIOD_MICROSECONDS)
    is_v1 = (_ROOT / "cpu" / "cgroup.procs").exists()
    group = (_ROOT / "cpu" if is_v1 else _ROOT) / f"bench-{uuid4().hex[:8]}"
    limits = (
        {"cpu.cfs_period_us": str(_PERIOD_MICROSECONDS), "cpu.cfs_quota_us": str(quota)}
        if is_v1
        else {"cpu.max": f"{quota} {_PERIOD_MICROSECONDS}"}
    )
    try:
        group.mkdir()
        for name, value in limits.items():
            (group / name).write_text(value, encoding="ascii")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        raise NoQuotaError(f"No control group can be made here: {error.strerror}") from error
    try:
        yield group / "cgroup.procs"
    finally:
        _remove(group)


def _remove(group: Path) -> None:
    """Remove a group once its last process has ended."""
    for _ in range(_REMOVAL_TRIES):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(_POLL_SECONDS)


def enter(group: Path | None) -> None:
    """Move this process and its future children into a group; None changes nothing."""
    if group is not None:
        descriptor = os.open(group, os.O_WRONLY)
        os.write(descriptor, b"0")
        os.close(descriptor)
