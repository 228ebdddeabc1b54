"""A large file: its first reward is issued while it is read, and it costs the broker next to nothing."""

import subprocess
import time

from benchmarks.promises.sizes import Length
from benchmarks.promises.system import Samples, System, wait_until

RATE = 6_000
"""Calls a minute: nearly all of the file waits when it has been read."""
_REWARD = 1001
_FULL_WINDOW_SECONDS = 3.0
_LOOKS = 20


def measure_intake(system: System, length: Length) -> Samples:
    """Read a file by `issuance blast`, then see what lies in the broker while nearly all of it waits.

    The broker's memory is that of its data: what connections cost it is the same without any
    campaign.
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
    for _ in range(_LOOKS):
        most = [
            max(old, now - before)
            for old, now, before in zip(most, _memory(system), idle, strict=True)
        ]
        time.sleep(_FULL_WINDOW_SECONDS / _LOOKS)
    return {
        "intake/first": [first - began],
        "intake/read": [ended - began],
        "intake/share": [(first - began) / (ended - began)],
        "broker/data": [most[0] / 1e6],
        "broker/used": [most[1] / 1e6],
    }


def _memory(system: System) -> tuple[float, float]:
    """Bytes of the broker's data, and of all that it uses."""
    found = system.broker.info("memory")
    return float(found["used_memory_dataset"]), float(found["used_memory"])
