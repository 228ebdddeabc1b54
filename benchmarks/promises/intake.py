"""A large file: the first reward is issued while it is read, and the broker holds little data."""

import subprocess
import time

from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Samples, System, wait_until

RATE = 6_000
"""Calls a minute: most of the file is waiting when it has been read."""
_REWARD = 1001
_FULL_WINDOW_SECONDS = 3.0
_SAMPLES = 20


def measure_intake(system: System, length: Length) -> Samples:
    """Read a file with `issuance blast`, then measure the broker while most of it is waiting.

    The broker's memory is that of its data: connections cost the same without a campaign.
    """
    file = system.write_file("large", length.file_rows, reward_id=_REWARD)
    time.sleep(1.0)
    idle = _memory(system)
    began = time.monotonic()
    with system.begin("blast", str(file), "--campaign", "large") as command:
        wait_until(lambda: system.stub.stats()["arrived"] > 0, seconds=60, what="the first call")
        command.wait()
        ended = time.monotonic()
        if command.returncode:
            raise subprocess.CalledProcessError(command.returncode, "issuance blast")
    first = system.stub.arrivals().at[0]
    time.sleep(_FULL_WINDOW_SECONDS)
    most = [0.0, 0.0]
    for _ in range(_SAMPLES):
        most = [
            max(old, now - before)
            for old, now, before in zip(most, _memory(system), idle, strict=True)
        ]
        time.sleep(_FULL_WINDOW_SECONDS / _SAMPLES)
    return {
        "intake/first": [first - began],
        "intake/read": [ended - began],
        "intake/share": [(first - began) / (ended - began)],
        "broker/data": [most[0] / 1e6],
        "broker/used": [most[1] / 1e6],
    }


def _memory(system: System) -> tuple[float, float]:
    """Bytes of the broker's data, and all that it uses."""
    found = system.broker.info("memory")
    return float(found["used_memory_dataset"]), float(found["used_memory"])
