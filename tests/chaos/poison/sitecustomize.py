"""On the path of the systems under test: makes certain customers deadly for the worker that calls for them.

Python imports a module of this name at its start. It changes nothing but the blast worker, and there only what
happens to customers with these endings, which no other test uses.
"""

import ctypes
import importlib.util
import os
import signal
import sys
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
        if name != "worker.sending":
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

    async def send_or_die(self: Any, job: Any) -> Any:
        if (die := _DEADLY.get(job.customer.value[-4:])) is not None:
            die()
        return await send(self, job)

    module.Sender.send = send_or_die


if sys.orig_argv[-2:] == ["run", "worker"]:
    sys.meta_path.insert(0, _Poisoner())
