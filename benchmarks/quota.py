"""A part of each core for a process, so that two cores can be measured where there are no more than two.

Worker, stub, broker and database share the machine: given whole cores, two would leave none to the
others. Linux's control groups hold a process and all that it starts to a share of the clock.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_MICROSECONDS = 10_000
"""Short beside an answer of 50 ms, so that a core's share is spread evenly."""

_LOOK_SECONDS = 0.05
_ENDING_LOOKS = 100


class NoQuotaError(Exception):
    """Control groups cannot be made here: they need root, and their `cpu` controller."""


@contextmanager
def cpu_quota(cores: float) -> Iterator[Path]:
    """Make a group whose processes together get so much of the CPU: 0.6 is as much as three fifths of a core.

    Gives the file that a process writes 0 to, in order to enter.

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
    """Remove a group as soon as the last of its processes has quite ended."""
    for _ in range(_ENDING_LOOKS):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(_LOOK_SECONDS)


def enter(group: Path | None) -> None:
    """Put this process, and all that it will start, into a group; None: leave it where it is."""
    if group is not None:
        descriptor = os.open(group, os.O_WRONLY)
        os.write(descriptor, b"0")
        os.close(descriptor)
