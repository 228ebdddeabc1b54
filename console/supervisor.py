"""A small supervisor for `issuance up`: starts processes, starts them again when they die, stops them in order."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger("issuance.up")

_RESTART_FIRST_SECONDS = 0.5
_RESTART_MOST_SECONDS = 15.0
_STABLE_SECONDS = 30.0
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ProcessSpec:
    """A process to keep running."""

    name: str
    command: list[str]
    grace_seconds: float = 5.0
    """How long it may take to end after SIGTERM, before SIGKILL."""


@dataclass
class _Kept:
    spec: ProcessSpec
    process: subprocess.Popen[bytes]
    started_at: float
    restarts: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Keeps processes running until `stop`.

    Args:
        logs: a folder; each process writes to `<name>.log` in it.
        environment: of every process.
    """

    logs: Path
    environment: Mapping[str, str]
    _kept: list[_Kept] = field(default_factory=list)

    def start(self, spec: ProcessSpec) -> None:
        """Start a process and keep it running."""
        self._kept.append(_Kept(spec, self._spawn(spec), time.monotonic()))

    def _spawn(self, spec: ProcessSpec) -> subprocess.Popen[bytes]:
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{spec.name}.log").open("ab") as log_file:
            return subprocess.Popen(  # noqa: S603  # our own commands
                spec.command,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for the supervisor, which ends the others in order.
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509  # no threads here
            )

    def check(self) -> None:
        """Start again what has died; call it about once a second."""
        now = time.monotonic()
        for kept in self._kept:
            if kept.process.poll() is None:
                continue
            if kept.restart_at is None:
                if now - kept.started_at > _STABLE_SECONDS:
                    kept.restarts = 0
                delay = min(_RESTART_MOST_SECONDS, _RESTART_FIRST_SECONDS * 2**kept.restarts)
                log.warning(
                    "process died", process=kept.spec.name, status=kept.process.returncode, restart_seconds=delay
                )
                kept.restart_at = now + delay
            elif now >= kept.restart_at:
                kept.process = self._spawn(kept.spec)
                kept.started_at, kept.restart_at, kept.restarts = now, None, kept.restarts + 1

    def died(self) -> str | None:
        """Name a process that is not running now; None when all are."""
        return next((kept.spec.name for kept in self._kept if kept.process.poll() is not None), None)

    def stop(self) -> None:
        """End all processes, the newest first; each gets its grace, then SIGKILL."""
        while self._kept:
            _end(self._kept.pop())

    def stop_group(self, names: list[str]) -> None:
        """End the named processes at the same time."""
        chosen = [kept for kept in self._kept if kept.spec.name in names]
        self._kept = [kept for kept in self._kept if kept.spec.name not in names]
        for kept in chosen:
            _signal(kept, signal.SIGTERM)
        for kept in chosen:
            _await_end(kept)


def _end(kept: _Kept) -> None:
    _signal(kept, signal.SIGTERM)
    _await_end(kept)


def _await_end(kept: _Kept) -> None:
    try:
        kept.process.wait(kept.spec.grace_seconds)
    except subprocess.TimeoutExpired:
        log.warning("killed", process=kept.spec.name, grace_seconds=kept.spec.grace_seconds)
    # Whatever the process has left of its own group ends with it.
    with suppress(ProcessLookupError):
        os.killpg(kept.process.pid, signal.SIGKILL)
    kept.process.wait()


def _signal(kept: _Kept, number: signal.Signals) -> None:
    if kept.process.poll() is None:
        kept.process.send_signal(number)


def _die_with_parent() -> None:
    """Have the kernel end this process when the supervisor is killed, so that nothing is left behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
