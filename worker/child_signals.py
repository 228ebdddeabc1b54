"""Keeps a worker's children at work when a supervisor sends SIGTERM to all processes at once.

systemd (by default), honcho and `stopasgroup` signal the children together with their worker. A
child would end in the middle of its calls, while the worker waits for it to finish them. So a child
obeys only its worker, which ends it at a time limit, a revocation or a cold stop.
"""

import os
import signal
import threading

_GUARDED = frozenset({signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT})


def obey_only_parent() -> None:
    """Ignore termination signals of other senders than the parent, in all threads made from now on.

    Call it in the main thread of a new child. Without `sigwaitinfo` (macOS) it does nothing.
    """
    if not hasattr(signal, "sigwaitinfo"):
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, _GUARDED)
    threading.Thread(
        target=_take_signals, args=(os.getppid(),), name="issuance-signals", daemon=True
    ).start()


def _take_signals(parent: int) -> None:
    while True:
        found = signal.sigwaitinfo(_GUARDED)
        if found.si_pid == parent:
            number = signal.Signals(found.si_signo)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            signal.pthread_kill(threading.get_ident(), number)
