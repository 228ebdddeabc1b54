"""Shows a worker's children that it is stopping, so that they start no further calls."""

import mmap
from typing import Any

from celery.signals import worker_shutting_down

# One shared byte, mapped before the fork: the parent writes it, the children read it before calls.
_flag = mmap.mmap(-1, 1)


def is_stopping() -> bool:
    """Return whether this worker has received SIGTERM."""
    return _flag[0] == 1


def _stop(**_: Any) -> None:
    _flag[0] = 1


worker_shutting_down.connect(_stop, weak=False, dispatch_uid="issuance.stopping")
