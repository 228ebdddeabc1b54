"""On the path of the systems under test: deadly customers, and clocks that go wrong.

Python imports a module of this name at its start. It makes certain customers deadly for the blast
worker that calls for them, whose endings no other test uses; and it sets the clock of a process
that is given ISSUANCE_TEST_CLOCK_HOURS.
"""

import ctypes
import importlib.util
import os
import signal
import sys
import time
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_DEADLY = {
    "8998": lambda: ctypes.string_at(0),  # as a bug in C code: a segmentation fault
    "8999": lambda: os.kill(os.getpid(), signal.SIGKILL),  # as the kernel, when memory runs out
}


class _Poisoner(MetaPathFinder):
    def find_spec(self, name: str, _path: Any, _target: Any = None) -> ModuleSpec | None:
        if name != "worker.chunk.sender":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.loader is not None
        load = spec.loader.exec_module

        def load_poisoned(module: ModuleType) -> None:
            load(module)
            _poison(module)

        spec.loader.exec_module = load_poisoned  # type: ignore[method-assign]
        return spec


def _poison(module: ModuleType) -> None:
    send = module.Sender.send

    async def send_or_die(self: Any, job: Any, **options: Any) -> Any:
        if (die := _DEADLY.get(job.customer.value[-4:])) is not None:
            die()
        return await send(self, job, **options)

    module.Sender.send = send_or_die


if sys.orig_argv[-2:] == ["run", "worker"]:
    sys.meta_path.insert(0, _Poisoner())


def _set_clock(hours: float) -> None:
    read, read_ns, seconds = time.time, time.time_ns, hours * 3_600
    time.time = lambda: read() + seconds
    time.time_ns = lambda: read_ns() + round(seconds * 1_000_000_000)


if hours := os.environ.get("ISSUANCE_TEST_CLOCK_HOURS"):
    _set_clock(float(hours))
