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

_LAST_WORDS_BYTES = 4_096
_SHOWN_CHARACTERS = 300
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class ProcessSpec:
    """A process to keep running."""

    name: str
    command: list[str]
    grace_seconds: float = 5.0
    """How long it may take to end after SIGTERM, before SIGKILL."""
    essential: bool = True
    """Whether the system is of no use without it."""


@dataclass(frozen=True)
class Patience:
    """How long a process that dies is started again: by default for about a minute, then waiting has not helped."""

    first_seconds: float = 0.5
    """Before the first new start; each further one waits twice as long."""
    most_seconds: float = 5.0
    stable_seconds: float = 30.0
    """A death later than this after the start counts as the first."""
    deaths: int = 12


class KeepsDying(Exception):  # noqa: N818  # named for what is wrong
    """An essential process has died again and again. The message says why and where its log is."""


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
        patience: with what dies.
    """

    logs: Path
    environment: Mapping[str, str]
    patience: Patience = Patience()
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
        """Start again what has died, later each time; call it about once a second.

        What dies again and again soon after its start is given up: it would do so for ever.

        Raises:
            KeepsDying: it was an essential process.
        """
        now = time.monotonic()
        for kept in list(self._kept):
            if kept.process.poll() is None:
                continue
            if kept.restart_at is None:
                self._mourn(kept, now)
            elif now >= kept.restart_at:
                kept.process = self._spawn(kept.spec)
                kept.started_at, kept.restart_at, kept.restarts = now, None, kept.restarts + 1

    def _mourn(self, kept: _Kept, now: float) -> None:
        """Decide when a process that has just died is started again, if ever."""
        name, patience = kept.spec.name, self.patience
        if now - kept.started_at > patience.stable_seconds:
            kept.restarts = 0
        if kept.restarts + 1 < patience.deaths:
            delay = min(patience.most_seconds, patience.first_seconds * 2**kept.restarts)
            log.warning(
                "process died",
                process=name,
                how=_end_of(kept.process.returncode),
                restart_seconds=delay,
            )
            kept.restart_at = now + delay
            return
        if kept.spec.essential:
            raise KeepsDying(
                f"{name} has died {patience.deaths} times in a row: {self.last_words(name)}"
            )
        log.warning(
            "process given up", process=name, deaths=patience.deaths, said=self.last_words(name)
        )
        self._kept.remove(kept)

    def died(self) -> str | None:
        """Name an essential process that is not running now; None when all are."""
        return next(
            (
                kept.spec.name
                for kept in self._kept
                if kept.spec.essential and kept.process.poll() is not None
            ),
            None,
        )

    def last_words(self, name: str) -> str:
        """What a process wrote last, cut short, and where the rest is."""
        path = self.logs / f"{name}.log"
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LAST_WORDS_BYTES))
            lines = [
                line for line in file.read().decode(errors="replace").splitlines() if line.strip()
            ]
        said = lines[-1].strip() if lines else "it said nothing"
        return f"{said[:_SHOWN_CHARACTERS]} (see {path})"

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


def _end_of(status: int) -> str:
    return f"status {status}" if status >= 0 else signal.Signals(-status).name


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
