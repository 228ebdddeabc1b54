"""A lock that a process passes on to the process that it starts."""

from collections.abc import Callable
from multiprocessing.reduction import DupFd
from typing import Any


class PassedLock:
    """The descriptor of a locked file; in the new process it is that process's own.

    Args:
        descriptor: it is open in this process, at least until the other one has started.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __reduce__(self) -> tuple[Callable[..., "PassedLock"], tuple[Any, ...]]:
        return _inherit, (DupFd(self.descriptor),)


def _inherit(inherited: Any) -> PassedLock:
    return PassedLock(inherited.detach())
